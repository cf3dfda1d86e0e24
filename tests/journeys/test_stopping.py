"""Kills, restarts and stops: an accepted command is never lost and never created twice."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from journeys import world
from journeys.world import COBALT, TASK_API, task, until
from ports import free_port


@pytest.fixture
def place(tmp_path):
    """A sandbox, and a configuration against it that waits long for an answer."""
    port = free_port()
    hook = f"http://127.0.0.1:{port}/v1/webhooks/cobalt-main/{world.TOKEN}"
    with world.sandbox(tmp_path, hook) as vendors:
        yield port, world.write_config(tmp_path / "config", vendors.port_base), vendors


def test_after_a_kill_what_was_being_sent_is_unknown_and_what_was_not_is_sent(place):
    port, config, vendors = place
    vendors.fault(COBALT, on="create_task", kind="stall", seconds=20)
    vendors.fault(TASK_API, on="create_task", kind="status", status=429, headers={"Retry-After": "2"}, times=1)
    with world.gateway(config, port) as first:
        queued = first.post("/v1/tasks", task("hilltop"), key="queued")
        sending = first.post("/v1/tasks", task(), key="sending", prefer="respond-async")
        until(lambda: vendors.creates(COBALT))
        assert queued.json()["state"] == "queued"
        assert first.delivery(sending)["state"] == "sending"
        first.kill()
    vendors.call(COBALT, "DELETE", "faults")
    with world.gateway(config, port) as second:
        assert second.delivery(sending)["state"] == "unknown"
        assert second.settled(queued)["state"] == "delivered"
        again = second.post("/v1/tasks", task(), key="sending")
        assert (again.json()["id"], again.headers["idempotent-replayed"]) == (sending.json()["id"], "true")
        assert second.delivery(sending)["state"] == "unknown"
        assert len(vendors.creates(COBALT)) == 1
        assert len(vendors.created(TASK_API)) == 1


def test_after_a_kill_every_command_that_was_answered_is_there(place):
    port, config, vendors = place
    with world.gateway(config, port) as first:
        ids = [first.post("/v1/tasks", task("hilltop", title=f"t{n}"), key=f"k{n}").json()["id"] for n in range(10)]
        first.kill()
    with world.gateway(config, port) as second:
        found = second.http.get("/v1/tasks").json()["items"]
        assert {each["id"] for each in found} == set(ids)
        assert {each["state"] for each in found} == {"delivered"}
        assert len(vendors.created(TASK_API)) == 10


def test_a_stop_lets_what_is_being_sent_end_and_exits_with_0(place):
    port, config, vendors = place
    vendors.fault(TASK_API, on="create_task", kind="latency", seconds=1)
    with world.gateway(config, port) as first:
        sending = first.post("/v1/tasks", task("hilltop"), prefer="respond-async")
        until(lambda: vendors.creates(TASK_API))
        assert first.stop() == 0
        with pytest.raises(httpx.ConnectError):
            first.http.get("/health/live")
    with world.gateway(config, port) as second:
        assert second.delivery(sending)["state"] == "delivered"
        assert len(vendors.creates(TASK_API)) == 1


def test_a_stop_lets_a_caller_who_waits_have_the_answer(place):
    port, config, vendors = place
    vendors.fault(TASK_API, on="create_task", kind="latency", seconds=1)
    with world.gateway(config, port) as first, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(first.post, "/v1/tasks", task("hilltop"))
        until(lambda: vendors.creates(TASK_API))
        assert first.stop() == 0
        assert (waiting.result().status_code, waiting.result().json()["state"]) == (201, "delivered")


def test_a_stop_does_not_wait_for_a_result_that_a_vendor_owes(place):
    port, config, vendors = place
    vendors.fault(COBALT, on="create_task", kind="no_result")
    with world.gateway(config, port) as first, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(first.post, "/v1/tasks", task(), prefer="wait=25")
        until(lambda: vendors.creates(COBALT))
        assert first.stop(within=20) == 0  # sooner than the caller's 25 seconds
        assert (waiting.result().status_code, waiting.result().json()["state"]) == (202, "submitted")


def test_an_idle_gateway_stops_with_0_and_without_a_word_of_error(place):
    port, config, _ = place
    with world.gateway(config, port) as gateway:
        assert gateway.stop() == 0
    assert "Traceback" not in gateway.log()
    assert '"level": "error"' not in gateway.log()
