"""Two replicas on one PostgreSQL, behind no load balancer: what happens at one is known at the other."""

import json
from contextlib import contextmanager

import pytest
from journeys import world
from journeys.test_reloading import knows
from journeys.test_streaming import stream
from journeys.world import CLINICS, COBALT, TASK_API, TOKEN, task, until
from ports import free_port
from postgres import server

NEVER_ASKED = "follow: {submitted: [3600]}\n"
"""Nobody looks at Cobalt: what became of a task is told by its webhook alone."""


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """PostgreSQL, vendors that push to the second replica alone, and both replicas on one directory of files."""
    directory = tmp_path_factory.mktemp("replicas")
    port = free_port()
    hook = f"http://127.0.0.1:{port}/v1/webhooks/cobalt-main/{TOKEN}"
    with server() as postgres, postgres.database() as url, world.sandbox(directory, hook) as vendors:
        config = world.write_config(directory / "config", vendors.port_base, more=NEVER_ASKED)

        def replica(port=None):
            return world.gateway(config, port, {"TASK_GATEWAY_DATABASE": url})

        with replica() as first, replica(port) as second:
            yield postgres, vendors, replica, first, second


@pytest.fixture
def replicas(town):
    town[1].reset()
    return town[3:]


@pytest.fixture
def vendors(town):
    return town[1]


def test_who_waits_at_one_replica_has_the_answer_that_a_webhook_brought_to_another(replicas):
    here, _ = replicas

    answer = here.post("/v1/tasks", task(), prefer="wait=25")

    assert (answer.status_code, answer.json()["state"]) == (201, "delivered")
    assert answer.json()["vendor"]["emr_id"]


def test_who_waits_at_one_replica_hears_of_what_another_has_sent(replicas, vendors):
    here, there = replicas
    vendors.fault(TASK_API, on="create_task", kind="latency", seconds=1, times=1)
    sending = there.post("/v1/tasks", task("hilltop"), key="one for both", prefer="respond-async")

    again = here.post("/v1/tasks", task("hilltop"), key="one for both", prefer="wait=25")

    assert (sending.json()["state"], again.status_code) == ("queued", 201)
    assert (again.json()["id"], again.headers["idempotent-replayed"]) == (sending.json()["id"], "true")
    assert len(vendors.creates(TASK_API)) == 1


def test_a_stream_at_one_replica_tells_what_another_does(replicas):
    here, there = replicas
    with stream(here) as told:
        next(told)
        made = there.post("/v1/tasks", task("hilltop")).json()
        events = [json.loads(next(told)["data"]) for _ in range(3)]

    assert [each["type"] for each in events] == ["task.queued", "task.sending", "task.delivered"]
    assert {each["data"]["id"] for each in events} == {made["id"]}


def test_a_reload_at_one_replica_is_followed_by_the_other(replicas):
    here, there = replicas
    added = CLINICS["lakeside"].replace("lakeside", "meadow").replace("Lakeside", "Meadow")
    (here.directory / "config" / "clinics" / "meadow.yaml").write_text(added)
    assert not knows(there, "meadow")

    assert here.post("/v1/admin/reload", None).json()["added"] == ["meadow"]

    until(lambda: knows(there, "meadow"))


def test_a_replica_that_is_stopped_finishes_what_it_sends_and_leaves_the_rest_to_others(town, vendors, replicas):
    here, _ = replicas
    vendors.fault(TASK_API, on="create_task", kind="status", status=429, headers={"Retry-After": "2"}, times=1)
    vendors.fault(COBALT, on="create_task", kind="latency", seconds=1)
    with town[2]() as third:
        waits = third.post("/v1/tasks", task("hilltop"), prefer="wait=1")
        sending = [third.post("/v1/tasks", task(title=f"t{number}"), prefer="respond-async") for number in range(5)]
        until(lambda: vendors.creates(COBALT))
        assert third.stop() == 0

    assert waits.json()["state"] == "queued"
    for answer in (waits, *sending):
        assert here.settled(answer)["state"] == "delivered"
    assert (len(vendors.created(TASK_API)), len(vendors.created(COBALT))) == (1, 5)


@contextmanager
def stopped(postgres):
    postgres.stop()
    try:
        yield
    finally:
        postgres.start()


def test_while_postgresql_is_gone_commands_get_503_and_nothing_is_lost_and_all_goes_on_when_it_is_back(
    town, vendors, replicas
):
    vendors.fault(TASK_API, on="create_task", kind="latency", seconds=1, times=1)
    going = replicas[0].post("/v1/tasks", task("hilltop"), prefer="respond-async")
    until(lambda: vendors.creates(TASK_API))

    with stopped(town[0]):
        for each in replicas:
            refused = each.post("/v1/tasks", task("hilltop"), key="while it is gone")
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert (refused.json()["retryable"], "retry-after" in refused.headers) == (True, True)
            assert each.http.get("/health/ready").status_code == 503
            assert each.http.get("/health/live").status_code == 200
        until(lambda: vendors.created(TASK_API))

    for each in replicas:
        until(lambda each=each: each.http.get("/health/ready").status_code == 200)
    assert replicas[1].settled(going)["state"] == "delivered"
    with stream(replicas[0]) as told:
        next(told)
        taken = replicas[1].post("/v1/tasks", task("hilltop"), key="while it is gone")
        assert taken.status_code == 201
        assert json.loads(next(told)["data"])["data"]["id"] == taken.json()["id"]
    assert len(vendors.creates(TASK_API)) == 2
