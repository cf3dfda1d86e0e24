"""Everything that can happen to a command, a webhook or a configuration, with canaries in each."""

from __future__ import annotations

import hmac
import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import httpx
from canaries.mirror import WAYS
from canaries.mistakes import MISTAKES
from canaries.world import ENCRYPTION_KEY, SECOND_KEY, SECRETS, word
from journeys import world
from journeys.test_storage import locked
from journeys.world import COBALT, TASK_API, Gateway, Vendors

CLUMSY_WAYS = (
    "build", "unsendable", "nowhere", "unknown", "refused", "missing", "blocked", "not-applied", "pending", "worked",
    "nonsense", "status-400",
)  # fmt: skip
HOOK = f"/v1/webhooks/mirror-cobalt/{SECRETS['hooktoken']}"
CLUMSY_HOOK = f"/v1/webhooks/clumsy/{SECRETS['clumsytoken']}"


def told(clinic: str, way: str = "well", **fields: Any) -> dict[str, Any]:
    """A task with a word in every place that a patient's may stand in."""
    ids = {name: word(f"{name.replace('_', '')}id") for name in ("cobalt", "task_api", "maxcare")}
    return {
        "clinic_id": clinic, "title": f"way-{way} {word('title')}", "description": f"Call back. {word('description')}",
        "patient": {"mrn": word("mrn"), "ids": ids}, "source": {"call_id": word("call"), "fax_id": word("fax")},
        "metadata": {"who": word("metadata")}, "tags": [word("tag")], "type": word("type"),
        "encounter_note_id": "nte_1", **fields,
    }  # fmt: skip


def well_told(clinic: str, **fields: Any) -> dict[str, Any]:
    """A task that the journeys' clinics take."""
    return told(clinic, assignees=["dr-wilson"], due_at="2027-01-15T09:30:00-06:00", **fields)


class Story:
    """The gateway in the story, and every answer it gave."""

    def __init__(self, gateway: Gateway, vendors: Vendors, config: Path) -> None:
        self.gateway = gateway
        self.vendors = vendors
        self.config = config
        self.answers: list[httpx.Response] = []
        self.second: list[httpx.Response] = []
        """What the other app was answered."""
        self.typed: list[bytes] = []
        """What was typed, and what was printed then."""

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """One answer more."""
        answer = self.gateway.http.post(path, json=body, headers=headers)
        self.answers.append(answer)
        return answer

    def raw(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """One answer more, to anything."""
        answer = self.gateway.http.request(method, path, **kwargs)
        self.answers.append(answer)
        return answer

    def task(self, clinic: str, way: str = "well", **fields: Any) -> Any:
        """A task sent at once, whatever the vendor's recent luck."""
        answer = self.post("/v1/tasks", told(clinic, way, **fields)).json()
        delivery = answer.get("delivery", answer)
        if delivery.get("state") == "queued":
            self.post(f"/v1/tasks/{delivery['id']}/retry", {"reason": word("retry")})
        return delivery


def tell(story: Story) -> None:
    """All of it."""
    for part in (
        well, refused, mirrored, clumsy, webhooks, locked_out, people, reloads, strangers, onlooker, command_line,
    ):  # fmt: skip
        part(story)


def well(story: Story) -> None:
    """What goes well, and what ends badly as it may."""
    for clinic in ("lakeside", "riverbend", "hilltop", "harbor"):
        story.post("/v1/tasks/explain", well_told(clinic))
        story.post("/v1/tasks", well_told(clinic), Prefer="wait=5")
    parent = story.post("/v1/tasks", well_told("lakeside"), Prefer="wait=5").json()
    story.post("/v1/notes", {"task_id": parent["id"], "text": word("note")}, Prefer="wait=5")
    story.vendors.fault(COBALT, on="create_task", kind="result_failed", body=word("failure"), times=1)
    story.post("/v1/tasks", well_told("lakeside"), Prefer="wait=5")
    story.post("/v1/claims", {"clinic_id": "lakeside", "appointment_id": "apt-1"})
    extra = {"task_api": {"hint": word("extra")}}
    story.post("/v1/tasks", well_told("hilltop", vendor_fields=extra))


def refused(story: Story) -> None:
    """What is refused before anything is stored."""
    good = json.dumps(told("lakeside"))
    wrong = word("refused")
    bodies = [
        good[:-1], good + "x", f'["{wrong}"]', f'{{"Ms. {wrong}": 1, "clinic_id": "lakeside"}}', wrong, "\xff" + wrong,
        f'{{"clinic_id": "{wrong}\\u0000"}}', f'{{"clinic_id": "{wrong}", "clinic_id": "{wrong}"}}', "[" * 500 + wrong,
        *(json.dumps({**told("lakeside"), field: wrong}) for field in (
            "clinic_id", "priority", "due_at", "created_by", "connection", "status", "patient", "assignees", "source",
        )),
        json.dumps(told("lakeside", vendor_fields={"cobalt": {f"Ms. {wrong}": wrong}})),
        json.dumps({**told("lakeside"), "metadata": {f"Ms. {wrong}": 7}}),
    ]  # fmt: skip
    for body, path in product(bodies, ("tasks", "notes", "claims", "tasks/explain")):
        story.raw("POST", f"/v1/{path}", content=body.encode("latin-1"), headers={"Content-Type": "application/json"})
    for name in ("Prefer", "Idempotency-Key", "Content-Type", "If-Match"):
        headers = {"Content-Type": "application/json", name: f"wait={wrong * 20}"}
        story.raw("POST", "/v1/tasks", content=good, headers=headers)


def mirrored(story: Story) -> None:
    """Vendors that answer with what they were told, in every way."""
    for clinic, way in product(("mirror-cobalt", "mirror-task", "mirror-max"), WAYS):
        story.task(clinic, way)
        story.post(f"/v1/connections/{clinic}/{clinic}/resume", {"reason": word("resume")})


def clumsy(story: Story) -> None:
    """An adapter that breaks."""
    for way in CLUMSY_WAYS:
        story.task("clumsy", way)
        story.post("/v1/connections/clumsy/clumsy/resume", {"reason": word("resume")})
        story.post("/v1/tasks/explain", told("clumsy", way))
    story.task("tokens")


def webhooks(story: Story) -> None:
    """What vendors push: sound, strange, broken and forged."""
    words = {name: word(f"hook{name}") for name in ("subject", "note_text", "patient_mrn", "failure_reason", "other")}
    link = {"access_token_reference_id": "user_mirror-cobalt"}
    sound = {"id": "evt-1", "job_id": 77, **link, "data": {"task_id": "t-1", **words}}
    for body in (
        {**sound, "type": "task.created"}, {**sound, "type": "task.failed", "id": "evt-2"},
        {**sound, "type": "appointment.updated", "id": "evt-3"},
        {**sound, "type": "task.created", "id": "evt-4", "access_token_reference_id": "user_nobody"},
        {**sound, "type": "task.created", "id": "evt-6", "access_token_reference_id": f"Ms. {word('hookname')}"},
        {"type": "access_token.login_required", "id": "evt-7", "access_token_reference_id": f"Ms. {word('hooklink')}"},
        {**sound, "type": ["broken"], "id": "evt-5"}, [words], words,
    ):  # fmt: skip
        raw = json.dumps(body).encode()
        _push(story, HOOK, raw, hmac.new(SECRETS["hooksecret"].encode(), raw, "sha256").hexdigest())
        _push(story, HOOK, raw + b" ", "0" * 64)
    for raw in (b"\xff" + word("hookraw").encode(), f'{{"x": "{word("hookraw")}'.encode()):
        _push(story, HOOK, raw, hmac.new(SECRETS["hooksecret"].encode(), raw, "sha256").hexdigest())
        _push(story, CLUMSY_HOOK, raw, "")
        _push(story, CLUMSY_HOOK, b"unproved" + raw, "")
    story.raw("POST", f"/v1/webhooks/mirror-cobalt/{word('hooktoken')}", content=b"{}")
    story.raw("POST", f"/v1/webhooks/{word('hookaccount')}/x", content=b"{}")


def _push(story: Story, path: str, raw: bytes, signature: str) -> None:
    headers = {"cobalt-verification": signature, "content-type": "application/json", "user-agent": word("hookagent")}
    story.raw("POST", path, content=raw, headers=headers)


def locked_out(story: Story) -> None:
    """A database that cannot be written, before a command and after its answer."""
    with locked(story.gateway):
        story.post("/v1/tasks", well_told("hilltop"))
        _push(story, HOOK, json.dumps({"data": word("hooklocked")}).encode(), "0" * 64)
    story.vendors.fault(TASK_API, on="create_task", kind="latency", seconds=0.5, times=1)
    before = len(story.vendors.creates(TASK_API))
    story.post("/v1/tasks", well_told("hilltop"), Prefer="respond-async")
    world.until(lambda: len(story.vendors.creates(TASK_API)) > before)
    with locked(story.gateway):
        story.raw("GET", "/metrics")
        world.until(lambda: "attempt.not_saved" in story.gateway.log())


def people(story: Story) -> None:
    """What operators do, and why."""
    unknown = story.raw("GET", "/v1/deliveries?state=unknown&limit=200").json()["items"]
    assert len(unknown) > 5
    for number, each in enumerate(unknown):
        outcome = {"outcome": "created", "id": f"v{number}"} if number % 2 else {"outcome": "not_created"}
        story.post(f"/v1/tasks/{each['id']}/resolve", {**outcome, "reason": word("resolve")})
    story.post("/v1/connections/clumsy/clumsy/pause", {"reason": "under repair"})  # who may read sees why
    held = story.task("clumsy")
    story.raw("POST", f"/v1/tasks/{held['id']}/cancel")
    story.post(f"/v1/tasks/{held['id']}/retry", {"reason": word("retry")})


def reloads(story: Story) -> None:
    """Configurations with mistakes, each of which has a secret or a person's name in it."""
    file = story.config / "gateway.yaml"
    sound = file.read_text()
    for old, new in MISTAKES:
        assert old in sound
        file.write_text(sound.replace(old, new))
        assert story.raw("POST", "/v1/admin/reload").status_code == 422, new
    before = story.gateway.log().count("reload.mistake")
    story.gateway.process.send_signal(signal.SIGHUP)
    world.until(lambda: story.gateway.log().count("reload.mistake") > before)
    file.write_text(sound)
    assert story.raw("POST", "/v1/admin/reload").status_code == 200


def strangers(story: Story) -> None:
    """Requests that no route takes, or nobody knows."""
    wrong = word("stranger")
    for method, path in (("GET", f"/{wrong}"), ("GET", f"/v1/tasks/{wrong}"), ("GET", f"/v1/tasks?state={wrong}"),
                         ("GET", f"/v1/tasks?reference={wrong}"), ("GET", f"/v1/clinics/{wrong}/capabilities"),
                         ("DELETE", f"/v1/tasks/{wrong}"), (wrong.upper(), "/v1/tasks"), ("GET", f"/problems/{wrong}"),
                         ("GET", f"/v1/events?after={wrong}"), ("POST", f"/v1/events/{wrong}/redeliver")):  # fmt: skip
        story.raw(method, path)
    for name in ("Authorization", "Cookie", "User-Agent", "Traceparent", "Tracestate", "Baggage", "X-Request-Id"):
        story.raw("GET", "/v1/me", headers={name: wrong})
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for carried in ({"tracestate": f"a={word('tracestate')}"}, {"baggage": f"a={word('baggage')}"}):
        story.post("/v1/tasks", told("mirror-cobalt", "traced"), traceparent=trace, **carried)


def command_line(story: Story) -> None:
    """What people type, and all that it prints: by several who read, since each is a program to start."""
    ended = story.raw("GET", "/v1/deliveries?state=rejected&limit=200").json()["items"]
    mine = [each["id"] for each in ended if each["clinic_id"].startswith("mirror")]
    directory = story.gateway.directory
    many = (told(clinic, "status-422") for clinic in ("mirror-cobalt", "mirror-task", "nowhere"))
    (directory / "many.jsonl").write_text("\n".join(map(json.dumps, many)))
    here = ("--config", str(story.config))
    typed = (
        ("deliveries", "--limit", "200"), ("deliveries", "--limit", "200", "--json"), ("deliveries", mine[0], "--json"),
        ("events", "--json"), ("capabilities", "suggest"), ("check", *here, "--diff", str(story.config)),
        ("doctor", *here), ("send", "many.jsonl"), ("send", "many.jsonl", "--json", "--run", "2"),
        ("backup", *here, "backup.db"),
    )  # fmt: skip
    environ = {
        "CANARIES_KEY": ENCRYPTION_KEY, "TASK_GATEWAY_URL": str(story.gateway.http.base_url),
        "TASK_GATEWAY_KEY": world.KEY, "TASK_GATEWAY_LOG_LEVEL": "DEBUG",
    }  # fmt: skip

    def run(arguments: tuple[str, ...]) -> bytes:
        done = world.run(*arguments, directory=directory, environ=environ)
        assert "Traceback" not in done.stderr, done.stderr
        return f"{' '.join(arguments)}\n{done.stdout}{done.stderr}".encode()

    with ThreadPoolExecutor(2) as people:
        story.typed = list(people.map(run, typed))


def onlooker(story: Story) -> None:
    """Another app, which may read all clinics, looks at everything that shows no commands."""
    headers = {"Authorization": f"Bearer {SECOND_KEY}"}
    for path in _looked_at(story):
        story.second.append(story.gateway.http.get(path, headers=headers))
    for path in ("admin/reload", "connections/clumsy/clumsy/pause"):
        story.second.append(story.gateway.http.post(f"/v1/{path}", headers=headers, json={"reason": word("other")}))


def _looked_at(story: Story) -> Iterator[str]:
    yield from ("/metrics", "/v1/connections", "/v1/capabilities/drift", "/v1/me", "/v1/clinics", "/health/ready")
    after = "evt_0"
    while after:
        page = story.gateway.http.get(f"/v1/events?after={after}&limit=200").json()
        yield f"/v1/events?after={after}&limit=200"
        after = page["items"][-1]["id"] if page["items"] else ""
