"""What goes wrong between us and a vendor: the state is right, and never is anything created twice."""

import pytest
from journeys.world import COBALT, MAXCARE, TASK_API, task

CLINICS = {COBALT: "lakeside", TASK_API: "hilltop", MAXCARE: "harbor"}
SENT = {
    "dropped after reading": {"kind": "drop_after_read"},
    "answered with 500": {"kind": "status", "status": 500},
    "answered with 503 and Retry-After": {"kind": "status", "status": 503, "headers": {"Retry-After": "0"}},
    "answered with half a body": {"kind": "malformed"},
    "answered with HTML": {"kind": "malformed", "body": "<html>OK</html>"},
    "answered with null": {"kind": "malformed", "body": "null"},
    "dropped before reading on": {"kind": "drop_before"},
    "answered after the deadline": {"kind": "latency", "seconds": 3},
    "begun after the deadline": {"kind": "stall", "seconds": 3},
}
CREATED = {"dropped after reading", "answered with half a body", "answered with HTML", "answered with null",
           "answered after the deadline"}  # fmt: skip
"""Those of which the vendor made something all the same."""


@pytest.fixture(autouse=True)
def _good_luck(gateway, vendors):
    """Each vendor has just taken a task, so that its breaker forgets the failures of the test before."""
    for clinic in CLINICS.values():
        assert gateway.post("/v1/tasks", task(clinic, title="Before")).json()["state"] in {"submitted", "delivered"}
    vendors.reset()


@pytest.mark.parametrize("what", SENT)
@pytest.mark.parametrize("vendor", CLINICS, ids={1: "cobalt", 2: "task_api", 3: "maxcare"}.get)
def test_what_was_sent_and_not_confirmed_is_unknown_and_is_not_sent_again(gateway, vendors, vendor, what):
    vendors.silent_fault(vendor, on="create_task", times=1, **SENT[what])
    answer = gateway.post("/v1/tasks", task(CLINICS[vendor], title=what), key=f"fault-{vendor}-{what}")
    found = answer.json()
    assert (answer.status_code, found["state"], found["safe_to_resend"]) == (202, "unknown", False)
    again = gateway.post("/v1/tasks", task(CLINICS[vendor], title=what), key=f"fault-{vendor}-{what}")
    assert again.json()["id"] == found["id"]
    assert gateway.http.post(f"/v1/tasks/{found['id']}/retry", json={"reason": "x"}).json()["code"] == "outcome-unknown"
    assert gateway.http.post(f"/v1/tasks/{found['id']}/cancel").json()["code"] == "too-late"
    assert len(vendors.creates(vendor)) == 1
    if what in CREATED - {"answered after the deadline"}:
        assert len(vendors.created(vendor)) == 1


def test_an_event_settles_what_was_unknown(gateway, vendors):
    vendors.fault(COBALT, on="create_task", kind="drop_after_read", times=1)
    answer = gateway.post("/v1/tasks", task(description="Found again by its own text alone."))
    assert answer.json()["state"] in {"unknown", "delivered"}
    assert gateway.settled(answer)["state"] == "delivered"
    assert len(vendors.created(COBALT)) == 1


def test_a_result_that_comes_before_the_answer_counts(gateway, vendors):
    vendors.fault(COBALT, on="create_task", kind="early_webhook", times=1)
    answer = gateway.post("/v1/tasks", task(description="The webhook was faster."))
    assert gateway.settled(answer)["state"] == "delivered"


def test_a_result_that_comes_twice_counts_once(gateway, vendors):
    vendors.fault(COBALT, on="create_task", kind="duplicate_webhook", times=1)
    answer = gateway.post("/v1/tasks", task(description="Told twice."))
    assert gateway.settled(answer)["conflict"] is False


@pytest.mark.parametrize("vendor", CLINICS, ids={1: "cobalt", 2: "task_api", 3: "maxcare"}.get)
def test_a_429_waits_as_long_as_it_says_and_is_then_delivered_once(gateway, vendors, vendor):
    vendors.fault(vendor, on="create_task", kind="status", status=429, headers={"Retry-After": "1"}, times=1)
    answer = gateway.post("/v1/tasks", task(CLINICS[vendor], title="Too many"))
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert gateway.settled(answer)["attempts"] == 2
    assert len(vendors.created(vendor)) == 1


def test_a_401_holds_the_connection_and_loses_nothing(gateway, vendors):
    vendors.fault(MAXCARE, on="create_task", kind="status", status=401, times=1)
    answer = gateway.post("/v1/tasks", task("harbor"))
    assert (answer.json()["state"], answer.json()["waiting_for"]) == ("held", "connection")
    after = gateway.post("/v1/tasks", task("harbor", title="second"))
    assert after.json()["state"] == "held"
    assert len(vendors.creates(MAXCARE)) == 1
    gateway.http.post("/v1/connections/harbor/max/resume")
    assert [gateway.settled(each)["state"] for each in (answer, after)] == ["delivered"] * 2
    assert len(vendors.created(MAXCARE)) == 2
