"""A lost answer is looked up: what is there is delivered, what is proved absent is sent once more."""

import pytest
from journeys import world
from journeys.world import COBALT, MAXCARE, TASK_API, task

QUICK = """
timeouts: {connect: 0.5, send: 0.5}
follow: {unknown: [0.2], submitted: [0.2], submitted_without_webhook: [0.2], absence_gap: 0.2}
"""
CLINICS = {COBALT: "lakeside", TASK_API: "hilltop", MAXCARE: "harbor"}
NAMES = {COBALT: "cobalt", TASK_API: "task_api", MAXCARE: "maxcare"}.get


@pytest.fixture(scope="module")
def looking(tmp_path_factory):
    """A gateway that looks again at once, and hears of nothing by itself."""
    directory = tmp_path_factory.mktemp("looking")
    with world.sandbox(directory, "http://127.0.0.1:9/nobody") as vendors:
        config = world.write_config(directory / "config", vendors.port_base, more=QUICK)
        with world.gateway(config) as gateway:
            yield gateway, vendors


@pytest.fixture
def gateway(looking):
    looking[1].reset()
    return looking[0]


@pytest.fixture
def vendors(looking):
    return looking[1]


def test_a_result_that_is_not_pushed_is_asked_for(gateway):
    answer = gateway.post("/v1/tasks", task(title="Asked for"))
    assert answer.json()["state"] == "submitted"
    found = gateway.settled(answer)
    assert (found["state"], bool(found["vendor"]["emr_id"])) == ("delivered", True)


@pytest.mark.parametrize("vendor", CLINICS, ids=NAMES)
def test_what_was_created_though_its_answer_was_lost_is_found(gateway, vendors, vendor):
    vendors.fault(vendor, on="create_task", kind="drop_after_read", times=1)
    answer = gateway.post("/v1/tasks", task(CLINICS[vendor], title="Lost and found"))
    assert gateway.settled(answer)["state"] == "delivered"
    assert len(vendors.created(vendor)) == len(vendors.creates(vendor)) == 1


@pytest.mark.parametrize("vendor", [TASK_API, MAXCARE], ids=NAMES)
def test_what_is_proved_absent_is_sent_once_more(gateway, vendors, vendor):
    vendors.fault(vendor, on="create_task", kind="drop_before", times=1)
    answer = gateway.post("/v1/tasks", task(CLINICS[vendor], title="Never came"))
    found = gateway.settled(answer)
    assert (found["state"], found["attempts"]) == ("delivered", 2)
    assert (len(vendors.created(vendor)), len(vendors.creates(vendor))) == (1, 2)


@pytest.mark.parametrize("vendor", [TASK_API, MAXCARE], ids=NAMES)
def test_what_is_absent_a_second_time_waits_for_a_person(gateway, vendors, vendor):
    vendors.fault(vendor, on="create_task", kind="drop_before", times=2)
    answer = gateway.post("/v1/tasks", task(CLINICS[vendor], title="Never came twice"))

    def looks():
        items = gateway.http.get(f"{answer.headers['location']}/timeline").json()["items"]
        return sum(item["what"] == "attempt" for item in items) == 2

    world.until(looks)
    gateway.settled(answer, "unknown")
    inbox = gateway.http.get("/v1/deliveries?needs_person=true").json()["items"]
    assert answer.json()["id"] in {each["id"] for each in inbox}
    assert len(vendors.creates(vendor)) == 2
    finding = {"outcome": "not_created", "resend": True, "reason": "looked"}
    new = gateway.http.post(f"{answer.headers['location']}/resolve", json=finding)
    assert new.status_code == 201
    assert gateway.settled(new)["state"] == "delivered"
    assert len(vendors.created(vendor)) == 1
