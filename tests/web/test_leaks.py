"""Canaries for patient text and secrets, at log level DEBUG: none comes out where it does not belong."""

import json

import pytest
from journeys import world
from journeys.world import COBALT, TASK_API

PATIENT = "PHI-CANARY"
SECRETS = (
    "ci_sandbox", "cs_sandbox", "at_lakeside", "at_riverbend", "sk_sandbox", "max_dev_ak_sandbox", "org_harbor",
    "whsec_cobalt_sandbox", world.KEY, world.TOKEN,
)  # fmt: skip


def canary(place):
    return f"{PATIENT}-{place}"


def told(clinic, **fields):
    """A task with a canary in every free text."""
    return world.task(
        clinic, title=canary("title"), description=canary("description"), patient={"mrn": canary("mrn")},
        source={"call_id": canary("call")}, reference=canary("reference"), metadata={"who": canary("metadata")},
        tags=[canary("tag")], type=canary("type"), **fields,
    )  # fmt: skip


def broken_bodies():
    """Bodies that are refused, each with canaries."""
    good = json.dumps(told("lakeside"))
    return [
        good[:-1], good + "x", f'["{PATIENT}"]', f'{{"{PATIENT} {PATIENT}": 1, "clinic_id": "lakeside"}}',
        json.dumps(told("lakeside", priority=PATIENT)), json.dumps(told("lakeside", due_at=PATIENT)),
        json.dumps(told("lakeside", created_by=PATIENT)), json.dumps(told(PATIENT)),
        json.dumps(told("lakeside", connection=PATIENT)), json.dumps(told("lakeside", status=PATIENT)),
        json.dumps(told("lakeside", vendor_fields={"cobalt": {"x": PATIENT}})),
        json.dumps({**told("lakeside"), "metadata": {PATIENT: 7}}), f'{{"clinic_id": "{PATIENT}\\u0000"}}',
    ]  # fmt: skip


def without_commands(text):
    """An answer without the command that it echoes to its own app, and without the caller's own reference."""

    def strip(part):
        if isinstance(part, dict):
            return {key: strip(each) for key, each in part.items() if key not in {"command", "reference"}}
        return [strip(each) for each in part] if isinstance(part, list) else part

    return json.dumps(strip(json.loads(text)))


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """Everything that can happen, happened once; every answer, and all that the programs said."""
    directory = tmp_path_factory.mktemp("leaks")
    port = world.free_port()
    hook = f"http://127.0.0.1:{port}/v1/webhooks/cobalt-main/{world.TOKEN}"
    answers = []
    settings = "timeouts: {connect: 0.5, send: 0.5}\nfollow: {unknown: [0.2], submitted_without_webhook: [0.2]}\n"
    with world.sandbox(directory, hook) as vendors:
        config = world.write_config(directory / "config", vendors.port_base, more=settings)
        with world.gateway(config, port, {"TASK_GATEWAY_LOG_LEVEL": "DEBUG"}) as gateway:
            _go_well(gateway, answers)
            _go_wrong(gateway, vendors, answers)
            made = gateway.http.get("/v1/deliveries?limit=200").json()["items"]
            answers.extend(gateway.http.get(f"/v1/{each['kind']}s/{each['id']}/timeline") for each in made)
            assert gateway.stop() == 0
            log = gateway.log()
    return log, answers


def _go_well(gateway, answers):
    for clinic in ("lakeside", "riverbend", "hilltop", "harbor"):
        answers.append(gateway.post("/v1/tasks/explain", told(clinic)))
        answers.append(gateway.post("/v1/tasks", told(clinic), prefer="wait=10", key=canary("key") + clinic))
    parent = answers[1].json()
    answers.append(gateway.post("/v1/notes", {"task_id": parent["id"], "text": canary("note")}, prefer="wait=10"))
    answers.append(gateway.post("/v1/claims", {"clinic_id": "lakeside", "appointment_id": "apt-1"}, prefer="wait=10"))
    for path in ("tasks", "notes", "claims", "deliveries", "clinics", "connections", "webhooks", "me",
                 "clinics/lakeside/capabilities", f"tasks?reference={PATIENT}", f"tasks?state={PATIENT}",
                 f"tasks/{PATIENT}", f"{PATIENT}"):  # fmt: skip
        answers.append(gateway.http.get(f"/v1/{path}"))


def _go_wrong(gateway, vendors, answers):
    for body in broken_bodies():
        answers.append(gateway.http.post("/v1/tasks", content=body, headers={"Content-Type": "application/json"}))
    answers.append(gateway.post("/v1/tasks", told("lakeside"), prefer=f"wait={PATIENT}"))
    answers.append(gateway.http.get("/v1/me", headers={"Authorization": f"Bearer tgk_x_{PATIENT}"}))
    for vendor, clinic in ((COBALT, "lakeside"), (TASK_API, "hilltop")):
        for fault in (
            {"kind": "status", "status": 500, "body": PATIENT}, {"kind": "malformed", "body": f'{{"x": "{PATIENT}'},
            {"kind": "drop_after_read"}, {"kind": "latency", "seconds": 2},
            {"kind": "status", "status": 429, "body": PATIENT, "headers": {"Retry-After": PATIENT}},
        ):  # fmt: skip
            vendors.fault(vendor, on="create_task", times=1, **fault)
            answers.append(gateway.post("/v1/tasks", told(clinic)))
            vendors.call(vendor, "DELETE", "faults")
    url = f"/v1/webhooks/cobalt-main/{world.TOKEN}"
    answers.append(gateway.http.post(url, content=f'{{"data": "{PATIENT}"'))
    answers.append(gateway.http.post(url, content=b"\xff" + PATIENT.encode()))
    answers.append(gateway.http.post(f"/v1/webhooks/cobalt-main/{PATIENT}", content=b"{}"))


def test_the_story_has_success_failure_and_refusal_in_it(story):
    _, answers = story
    assert {200, 201, 202, 400, 401, 404, 422} <= {answer.status_code for answer in answers}
    assert all(answer.status_code < 500 for answer in answers)


def test_the_log_has_lines_and_no_patient_in_them(story):
    log, _ = story
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert len(lines) > 50
    assert {line["level"] for line in lines} >= {"info"}
    assert PATIENT not in log


def test_the_log_has_no_secret_in_it(story):
    log, _ = story
    assert [secret for secret in SECRETS if secret in log] == []


def test_no_answer_has_a_secret_in_it(story):
    _, answers = story
    for answer in answers:
        assert [secret for secret in SECRETS if secret in answer.text or secret in str(answer.headers)] == []


def test_a_refusal_repeats_nothing_of_what_was_sent(story):
    _, answers = story
    refused = [each for each in answers if each.status_code >= 400 and "delivery" not in each.json()]
    assert len(refused) > 15
    for answer in refused:
        assert PATIENT not in answer.text
        assert PATIENT not in str(answer.headers)


def test_a_delivery_shows_patient_text_in_its_command_and_nowhere_else(story):
    _, answers = story
    shown = [each for each in answers if each.headers.get("content-type", "").startswith("application/json")]
    assert any(PATIENT in answer.text for answer in shown)
    for answer in shown:
        if not answer.request.url.path.endswith("/explain"):
            assert PATIENT not in without_commands(answer.text), answer.request.url.path
