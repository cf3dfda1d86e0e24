"""When the gateway itself is broken: a 5xx that says so and no more, and nothing half done."""

import pytest
from web.world import task

from gateway.store.base import StoreUnavailable

CANARY = "PHI-CANARY"


@pytest.fixture
def breaking(gateway, monkeypatch):
    """Makes a method of the store raise."""

    def breaks(method, error):
        async def broken(*_args, **_kwargs):
            raise error

        monkeypatch.setattr(gateway.app.state.services.store, method, broken)

    return breaks


@pytest.mark.parametrize("methods", [("accept",), ("accept", "by_key")])
def test_a_database_that_cannot_store_is_a_503_that_may_be_tried_again(gateway, breaking, methods):
    for method in methods:
        breaking(method, StoreUnavailable(CANARY))
    answer = gateway.post("/v1/tasks", task(), headers={"Idempotency-Key": "k-1"})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["retryable"]) == (503, "unavailable", True)
    assert int(answer.headers["retry-after"]) > 0
    assert CANARY not in answer.text
    assert gateway.vendors.requests == []
    assert gateway.rows()["deliveries"] == 0


def test_what_was_taken_before_is_answered_as_it_is_where_nothing_new_can_be_stored(gateway, breaking):
    first = gateway.post("/v1/tasks", task(), headers={"Idempotency-Key": "k-1"})
    breaking("accept", StoreUnavailable(CANARY))

    again = gateway.post("/v1/tasks", task(), headers={"Idempotency-Key": "k-1"})

    assert (again.json()["id"], again.headers["idempotent-replayed"]) == (first.json()["id"], "true")
    assert len(gateway.vendors.requests) == 1


def test_a_database_that_cannot_be_read_is_not_ready(gateway, breaking):
    breaking("writable", StoreUnavailable(CANARY))
    answer = gateway.get("/health/ready", by=None)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert gateway.get("/health/live", by=None).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("listed", "/v1/tasks"), ("get", "/v1/tasks/x"), ("paused", "/v1/connections")]
)
@pytest.mark.parametrize(
    "error", [RuntimeError(CANARY), KeyError(CANARY), RecursionError(CANARY), TimeoutError(CANARY)]
)
def test_a_fault_of_ours_is_a_500_without_its_text(gateway, breaking, method, path, error):
    breaking(method, error)
    answer = gateway.get(path)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["retryable"]) == (500, "internal-error", True)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert CANARY not in answer.text


def test_a_webhook_that_cannot_be_stored_is_not_acknowledged(gateway, breaking):
    breaking("keep_webhook", StoreUnavailable(CANARY))
    assert gateway.push({"id": "evt_1"}).status_code == 503
