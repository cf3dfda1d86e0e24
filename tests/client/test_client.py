"""The client, both flavours: the same stories against the fake gateway, and against the real one in the journeys."""

from __future__ import annotations

import asyncio
import inspect
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from gateway.client import (
    AsyncClient,
    BadCallback,
    Client,
    Conflict,
    FakeGateway,
    NotAllowed,
    NotFound,
    ProblemError,
    Refused,
    Rejected,
    TryLater,
    Unreachable,
    flavours,
    verify_webhook,
)  # fmt: skip
from schemas.command import AddNote, CreateClaim, CreateTask
from schemas.problem import CODES

TASK = CreateTask(clinic_id="lakeside", description="Call back.")
SECRET, OTHER = "whsec_" + "A" * 32, "whsec_" + "B" * 32


class Blocking:
    """The plain flavour."""

    def __init__(self, gateway, **settings):
        self.client = Client("http://gateway.test", "tgk_test", transport=gateway, **settings)

    def do(self, name, *given, **named):
        return getattr(self.client, name)(*given, **named)

    def all(self, **named):
        return list(self.client.events(**named))


class Awaited:
    """The awaited flavour, each call in a loop of its own."""

    def __init__(self, gateway, **settings):
        self.gateway, self.settings = gateway, settings

    async def _with(self, call):
        async with AsyncClient("http://gateway.test", "tgk_test", transport=self.gateway, **self.settings) as client:
            return await call(client)

    def do(self, name, *given, **named):
        return asyncio.run(self._with(lambda client: getattr(client, name)(*given, **named)))

    def all(self, **named):
        async def every(client):
            return [event async for event in client.events(**named)]

        return asyncio.run(self._with(every))


@pytest.fixture
def gateway():
    return FakeGateway()


@pytest.fixture(params=[Blocking, Awaited])
def client(request, gateway, monkeypatch):
    pauses, clock = [], flavours.time.monotonic

    async def slept(seconds):
        pauses.append(seconds)

    monkeypatch.setattr(flavours.time, "sleep", pauses.append)
    monkeypatch.setattr(flavours.time, "monotonic", lambda: clock() + sum(pauses))
    monkeypatch.setattr(flavours.asyncio, "sleep", slept)
    flavour = request.param(gateway)
    flavour.pauses = pauses
    return flavour


def test_a_command_of_each_kind_is_taken_as_it_was_given(client, gateway):
    task = client.do("create_task", TASK)
    note = client.do("add_note", AddNote(task_id=task.id, text="Called."))
    claim = client.do("create_claim", CreateClaim(clinic_id="lakeside", appointment_id="a-1"))

    assert [each.kind for each in (task, note, claim)] == ["task", "note", "claim"]
    assert gateway.commands[0] == {"clinic_id": "lakeside", "description": "Call back."}
    assert client.do("get", task.id).id == task.id


@pytest.mark.parametrize(
    "troubles",
    [
        [httpx.ReadError], [httpx.ConnectError], [httpx.ReadTimeout],
        *([code] for code, explained in CODES.items() if explained.retryable),
        [httpx.ReadError, "unavailable", httpx.RemoteProtocolError, httpx.ReadError, "unavailable"],
    ],
)  # fmt: skip
def test_a_submit_whose_answer_is_lost_is_tried_again_and_made_once(client, gateway, troubles):
    gateway.fails(*troubles)

    delivery = client.do("create_task", TASK)

    assert (len(gateway.commands), delivery.state) == (1, "submitted")
    assert len(client.pauses) == len(troubles)


@pytest.mark.parametrize("flavour", [Blocking, Awaited])
def test_a_gateway_that_cannot_be_reached_is_not_tried_again_where_it_is_not_waited_for(flavour, gateway):
    gateway.fails(httpx.ConnectError)
    client = flavour(gateway, waits_for_gateway=False)

    with pytest.raises(Unreachable):
        client.do("create_task", TASK)

    assert client.do("create_task", TASK).state == "submitted"


@pytest.mark.parametrize("status", [502, 504])
def test_a_proxy_that_finds_no_gateway_is_asked_again(client, gateway, monkeypatch, status):
    answers = iter([httpx.Response(status, text="<html>")])
    whole = gateway.handle_request
    monkeypatch.setattr(gateway, "handle_request", lambda request: next(answers, None) or whole(request))

    assert client.do("create_task", TASK).state == "submitted"
    assert client.pauses == [0.5]


@pytest.mark.parametrize(
    ("asked", "pause"),
    [
        ("7", 7), ("0", 0.5), ("99999", 60), ("²", 0.5), ("soon", 0.5),
        (timedelta(seconds=30), 30), (timedelta(seconds=-30), 0.5),
    ],
)  # fmt: skip
def test_it_waits_as_long_as_it_is_asked_to_and_at_most_a_minute(client, gateway, monkeypatch, asked, pause):
    is_date = isinstance(asked, timedelta)
    text = format_datetime(datetime.now(UTC) + asked, usegmt=True) if is_date else asked
    answers = iter([httpx.Response(503, headers=[(b"retry-after", text.encode("latin-1"))])])
    whole = gateway.handle_request
    monkeypatch.setattr(gateway, "handle_request", lambda request: next(answers, None) or whole(request))

    client.do("create_task", TASK)
    assert client.pauses == [pytest.approx(pause, abs=2 if is_date else 0)]


def test_a_gateway_that_stays_away_is_given_up_after_six_tries_later_and_later(client, gateway):
    gateway.fails(*[httpx.ConnectError] * 6)
    with pytest.raises(Unreachable):
        client.do("create_task", TASK)
    assert client.pauses == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_a_gateway_that_says_later_to_the_end_is_told_as_that(client, gateway):
    gateway.fails(*["unavailable"] * 6)
    with pytest.raises(TryLater) as told:
        client.do("create_task", TASK)
    assert told.value.problem.code == "unavailable"


def test_the_same_key_gives_the_same_delivery_and_each_call_without_one_a_new(client):
    first, again = (client.do("create_task", TASK, idempotency_key="k-1") for _ in range(2))
    assert first.id == again.id
    assert client.do("create_task", TASK).id != client.do("create_task", TASK).id


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("unauthenticated", NotAllowed), ("forbidden", NotAllowed), ("not-found", NotFound), ("duplicate", Conflict),
        ("version-changed", Conflict), ("missing-required-fields", Refused), ("malformed-body", Refused),
        ("method-not-allowed", ProblemError),
    ],
)  # fmt: skip
def test_each_problem_is_an_error_of_its_kind_that_carries_it(client, gateway, code, error):
    gateway.fails(code)
    with pytest.raises(error) as told:
        client.do("create_task", TASK)
    assert (type(told.value), told.value.problem.code) == (error, code)
    assert (gateway.commands, client.pauses) == ([], [])


def test_a_command_that_ended_badly_is_told_with_its_delivery(client, gateway):
    gateway.then = "rejected"
    with pytest.raises(Rejected) as told:
        client.do("create_task", TASK)
    assert told.value.problem.delivery["state"] == "rejected"


def test_a_command_of_the_wrong_form_is_refused_with_everything_that_is_wrong(client):
    with pytest.raises(Refused) as told:
        client.do("create_task", CreateTask(clinic_id="c", description="", tags=["gw:x"]))
    assert {error.pointer for error in told.value.problem.errors} == {"/description", "/tags/0"}
    assert client.do("explain", CreateTask(clinic_id="c", description="")).would == "refuse"
    assert client.do("explain", TASK).would == "send"


def test_waiting_ends_with_a_final_state_or_with_patience(client, gateway):
    delivery = client.do("create_task", TASK)
    assert client.do("wait", delivery.id, within=3.0).state == "submitted"
    assert sum(client.pauses) == pytest.approx(3.0, abs=0.5)

    gateway.becomes(delivery.id, "delivered")
    assert client.do("wait", delivery.id).state == "delivered"


@pytest.mark.parametrize(("trouble", "error"), [(httpx.ReadTimeout, Unreachable), ("unavailable", TryLater)])
def test_waiting_for_a_gateway_that_is_away_has_an_end_too(client, gateway, trouble, error):
    delivery = client.do("create_task", TASK)
    gateway.fails(*[trouble] * 50)
    with pytest.raises(error):
        client.do("wait", delivery.id, within=3.0)
    assert sum(client.pauses) < 3.0


def test_events_come_in_order_each_once_from_where_one_left_off(client, gateway):
    for _ in range(150):
        gateway._taken({"clinic_id": "c"}, CreateTask)

    every = client.all()
    rest = client.all(after=every[199].id)

    assert [event.id for event in every] == sorted({event.id for event in every})
    assert len(every) == 450
    assert [event.id for event in rest] == [event.id for event in every[200:]]


def test_what_is_no_gateway_is_told_so(client, gateway, monkeypatch):
    monkeypatch.setattr(gateway, "handle_request", lambda _request: httpx.Response(200, text="<html>"))
    with pytest.raises(Unreachable):
        client.do("get", "tsk_1")


def test_the_two_flavours_have_the_same_calls():
    def calls(flavour):
        return {
            name: str(inspect.signature(call)).replace("Async", "")
            for name, call in vars(flavour).items()
            if not name.startswith("_")
        }

    assert calls(Client) == calls(AsyncClient)


def test_a_key_is_in_no_repr_and_no_error(gateway):
    client = Client("http://gateway.test", "tgk_canary_secret", transport=gateway)
    gateway.fails("unauthenticated")
    with pytest.raises(NotAllowed) as told:
        client.get("tsk_1")
    assert "canary" not in repr(told.value) + repr(client) + repr(vars(client))


def signed(body, secret, at=None):
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign("evt_1", at, body.decode())
    return {"Webhook-Id": "evt_1", "Webhook-Timestamp": str(int(at.timestamp())), "Webhook-Signature": signature}


BODY = (
    b'{"id":"evt_1","type":"task.delivered","at":"2026-11-22T10:00:00Z","clinic_id":"c",'
    b'"data":{"id":"tsk_1","state":"delivered"}}'
)


def test_a_callback_is_read_once_it_is_proved_by_either_secret():
    for secret in (SECRET, OTHER):
        notice = verify_webhook(signed(BODY, secret), BODY, [SECRET, OTHER])
        assert (notice.id, notice.type, notice.data["state"]) == ("evt_1", "task.delivered", "delivered")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, BODY),
        (signed(BODY, OTHER), BODY),
        (signed(BODY, SECRET), BODY.replace(b"tsk_1", b"tsk_2")),
        (signed(BODY, SECRET, datetime(2020, 1, 1, tzinfo=UTC)), BODY),
        ({**signed(BODY, SECRET), "Webhook-Signature": "v1"}, BODY),
        (signed(b"{}", SECRET), b"{}"),
    ],
    ids=["unsigned", "another's", "changed", "old", "garbled", "unreadable"],
)
def test_a_callback_that_is_not_proved_is_refused(headers, body):
    with pytest.raises(BadCallback):
        verify_webhook(headers, body, [SECRET])
