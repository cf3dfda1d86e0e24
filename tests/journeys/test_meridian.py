"""A vendor that was added from the guide alone: its file is dropped in, and everything the gateway promises holds."""

import shutil
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from fourth import stand_in
from journeys import world

import adapters
import gateway as program
import schemas

FOURTH = Path(stand_in.__file__).parent
TOKEN = "token-of-meridian-1234567890"
ACCOUNT = """
  meridian-main:
    adapter: meridian
    base_url: {origin}
    credentials: {{client_id: mpc_4f1, client_secret: mps_9c27}}
    webhook: {{token: "{token}", secrets: ["{secret}"]}}
"""
CLINIC = """
id: brookside
name: Brookside
timezone: America/Chicago
connections:
  practice:
    account: meridian-main
    reference_id: "20417"
    credentials: {practice_id: "20417"}
people:
  dr-wilson: {name: "Dr. Wilson", ids: {practice: "118"}}
"""
LOOKS = """
timeouts: {connect: 2, send: 2}
follow: {unknown: [0.2], submitted: [3600], absence_gap: 0.2}
"""
"""What is unknown is looked for at once; what is submitted waits for its webhook."""


def ours():
    """Every file of the product's packages, by its digest."""
    packages = [Path(package.__file__).parent for package in (adapters, program, schemas)]
    files = sorted(file for package in packages for file in package.rglob("*.*") if file.suffix != ".pyc")
    return {file: sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def before():
    return ours()


@pytest.fixture(scope="module")
def dropped_in(before, tmp_path_factory):  # noqa: ARG001 - what there was is noted before anything is done
    """The vendor's file and its samples, where `adapter new` put a beginning of them."""
    directory = tmp_path_factory.mktemp("vendors")
    assert world.run("adapter", "new", "meridian", "--into", ".", directory=directory).returncode == 0
    shutil.rmtree(directory / "samples")
    shutil.copytree(FOURTH / "adapters", directory, dirs_exist_ok=True)
    return directory


@pytest.fixture(scope="module")
def both(dropped_in, tmp_path_factory):
    directory = tmp_path_factory.mktemp("meridian")
    port = world.free_port()
    vendor = stand_in.Meridian(f"http://127.0.0.1:{port}/v1/webhooks/meridian-main/{TOKEN}")
    with stand_in.serving(vendor) as origin:
        account = ACCOUNT.format(origin=origin, token=TOKEN, secret=stand_in.SECRET)
        paths = f"adapter_paths: ['{dropped_in}']\n"
        config = world.write_config(directory / "config", 9100, accounts=account, more=LOOKS + paths)
        (config / "clinics" / "brookside.yaml").write_text(CLINIC)
        with world.gateway(config, port) as gateway:
            yield gateway, vendor


@pytest.fixture
def gateway(both):
    return both[0]


@pytest.fixture
def vendor(both):
    """The vendor, before a practice without tasks."""
    both[1].forget()
    return both[1]


def test_the_vendors_file_passes_the_kit(dropped_in):
    ended = world.run("adapter", "test", "meridian.py", directory=dropped_in)
    assert (ended.returncode, ended.stdout.splitlines()[-1][-18:]) == (0, "conformance passed"), ended.stdout


def test_a_task_is_delivered_by_token_job_and_webhook_with_no_other_file_touched(gateway, vendor, before):
    vendor.works = False
    answer = gateway.post("/v1/tasks", world.task("brookside", notify=["dr-wilson"]))
    assert (answer.status_code, answer.json()["state"]) == (202, "submitted")
    vendor.works = True
    found = gateway.settled(answer)
    assert found["state"] == "delivered"
    [row] = vendor.rows
    assert (found["vendor"]["id"], found["vendor"]["job_id"]) == (str(row["id"]), str(row["job_id"]))
    assert (row["subject"], row["body"]) == ("Follow-up appointment needed", "Schedule a follow-up appointment.")
    assert (row["assignee"], row["watchers"], row["priority"]) == ({"user_id": 118}, [118], "HIGH")
    assert "GET" not in "".join(vendor.asked)
    assert not any(secret in gateway.log() for secret in ("mps_9c27", stand_in.SECRET, *vendor.tokens))
    assert ours() == before


def test_a_note_is_added_to_the_task(gateway, vendor):
    answer = gateway.post("/v1/tasks", world.task("brookside"))
    gateway.settled(answer)
    note = gateway.post(f"/v1/tasks/{answer.json()['id']}/notes", {"text": "Called twice."})
    assert (note.status_code, note.json()["state"]) == (201, "delivered")
    assert vendor.notes == [{"task_id": vendor.rows[0]["id"], "text": "Called twice."}]


def test_what_was_taken_though_its_answer_was_lost_is_found_on_the_last_page_and_not_sent_again(gateway, vendor):
    vendor.fill(450)
    vendor.next, vendor.works = ["lose"], False
    answer = gateway.post("/v1/tasks", world.task("brookside", title="Lost and found"))
    found = gateway.settled(answer, "submitted")
    assert found["vendor"]["job_id"] == str(vendor.rows[-1]["job_id"])
    assert "page=3" in "".join(vendor.asked)
    vendor.works = True
    assert gateway.settled(answer)["state"] == "delivered"
    assert [row["subject"] for row in vendor.rows].count("Lost and found") == len(vendor.posted("/v3/tasks")) == 1


def test_a_token_that_is_no_longer_good_is_fetched_anew(gateway, vendor):
    gateway.settled(gateway.post("/v1/tasks", world.task("brookside")))
    vendor.tokens.clear()
    answer = gateway.post("/v1/tasks", world.task("brookside"))
    assert gateway.settled(answer)["state"] == "delivered"
    assert vendor.posted("/v3/tasks") == ["202", "401", "202"]
    assert len(vendor.rows) == 2


def test_a_vendor_that_asks_for_time_gets_it(gateway, vendor):
    vendor.next = ["slow_down"]
    answer = gateway.post("/v1/tasks", world.task("brookside"))
    assert gateway.settled(answer)["state"] == "delivered"
    assert vendor.posted("/v3/tasks") == ["429", "202"]


def test_a_refusal_names_our_field(gateway, vendor):
    answer = gateway.post("/v1/tasks", world.task("brookside", assignees=["id:999"]))
    assert (answer.status_code, answer.json()["code"]) == (422, "vendor-rejected")
    assert answer.json()["errors"][0]["field"] == "assignees"
    assert vendor.rows == []


def test_a_forged_webhook_is_a_reason_to_look_and_no_more(gateway, vendor):
    vendor.works = False
    answer = gateway.post("/v1/tasks", world.task("brookside"))
    [row] = vendor.rows
    failed = {"job_id": row["job_id"], "external_ref": row["external_ref"], "failure": {"code": "x", "message": "x"}}
    body = stand_in.event("task.create_failed", failed, event_id="evt_forged")
    for headers in (stand_in.signed(body, "whsec_of_another"), {"Content-Type": "application/json"}):
        httpx.post(vendor.hook, content=body, headers=headers, trust_env=False)
    world.until(lambda: f"GET /v3/jobs/{row['job_id']} 200" in vendor.asked)
    assert gateway.delivery(answer)["state"] == "submitted"
    vendor.works = True
    assert gateway.settled(answer)["state"] == "delivered"
