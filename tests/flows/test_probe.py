"""Probing: one harmless question for each connection."""

from __future__ import annotations

import asyncio

import pytest
from flows.doubles import HOUSE, NOW, Road, reply
from msgspec import structs
from running import run

from gateway.clinics import load
from gateway.flows.probe import probe
from gateway.rules.clinic import Timeouts
from gateway.transport import Wire
from gateway.world import World

CONFIG = load(HOUSE, {})
EMPTY = {"success": True, "webhook_events": [], "pagination": {"current_page": 1, "total_pages": 0}}
ABSENT = {"detail": {"type": "e", "code": "not_found", "message": "Task not found"}}
WHOLE = {
    ("POST", "harbour.test"): (200, {"access_token": "granted", "expires_in": 3600}),
    ("GET", "cobalt.test"): (200, EMPTY),
    ("GET", "solum.test"): (404, ABSENT),
}
"""What the three vendors of the house answer when all is well, by method and host."""


@pytest.fixture
def road():
    return Road()


def answering(road, answers):
    async def answer(request):
        return reply(*answers[request.method, request.url.host])

    road.answer = answer


async def asked(road, config=CONFIG, told=lambda: None):
    """Status by connection."""
    found = await probe(config, Wire(road, road, Timeouts(send=1)), World(now=lambda: NOW), told)
    return {each.connection: each.status for each in found}


@run
async def test_every_connection_is_asked_once_and_creates_nothing(road):
    answering(road, WHOLE)
    steps = []

    assert await asked(road, told=lambda: steps.append(1)) == {
        "emr": "works",
        "front-desk": "works",
        "harbour": "works",
    }
    assert sorted((each.method, each.url.host, each.url.path) for each in road.sent) == [
        ("GET", "cobalt.test", "/v1/webhook-events"),
        ("GET", "solum.test", "/v1/tasks/00000000-0000-4000-8000-000000000000"),
        ("POST", "harbour.test", "/token"),
    ]
    assert len(steps) == 3


@run
async def test_a_token_that_is_not_granted_is_a_refusal(road):
    answering(road, {**WHOLE, ("POST", "harbour.test"): (401, {"error": "invalid_client"})})

    assert (await asked(road))["harbour"] == "refused"


@run
async def test_a_token_call_that_breaks_refuses_nothing(road):
    answering(road, {**WHOLE, ("POST", "harbour.test"): (503, {})})

    assert (await asked(road))["harbour"] == "unclear"


@run
async def test_a_vendor_without_any_read_is_not_asked(road, monkeypatch):
    adapter = CONFIG.accounts["harbour-main"].adapter
    monkeypatch.setattr(type(adapter), "build_token", lambda _adapter, _link: None)
    answering(road, WHOLE)

    assert (await asked(road))["harbour"] == "no-read"
    assert "harbour.test" not in {request.url.host for request in road.sent}


@run
async def test_a_vendor_that_cannot_be_reached_refuses_nothing(road):
    async def connect():
        raise ConnectionRefusedError

    road.connect = connect

    assert await asked(road) == {"emr": "unreachable", "front-desk": "unreachable", "harbour": "unreachable"}


@run
async def test_a_vendor_that_never_answers_is_unreachable_after_the_deadline(road):
    async def answer(_request):
        await asyncio.Event().wait()

    road.answer = answer
    wire = Wire(road, road, Timeouts(send=0.05))
    found = await probe(CONFIG, wire, World(now=lambda: NOW), lambda: None)

    assert {each.connection: (each.status, each.detail) for each in found}["emr"] == (
        "unreachable", "no answer (deadline)",
    )  # fmt: skip


@pytest.mark.parametrize(("limit", "most"), [(None, 4), (2, 2), (16, 4)])
def test_an_account_is_asked_a_few_at_a_time_and_no_more_than_its_cap(road, limit, most):
    @run
    async def ask():
        account = CONFIG.accounts["solum"]
        account = structs.replace(account, limits=structs.replace(account.limits, concurrency=limit))
        desk = structs.replace(CONFIG.clinics["lakeside"].connections["front-desk"], account=account)
        many = {f"desk-{number}": structs.replace(desk, name=f"desk-{number}") for number in range(12)}
        clinic = structs.replace(CONFIG.clinics["lakeside"], connections=many)
        config = structs.replace(CONFIG, accounts={"solum": account}, clinics={"lakeside": clinic})

        async def connect():
            await asyncio.sleep(0)

        road.connect = connect
        answering(road, WHOLE)
        assert set((await asked(road, config)).values()) == {"works"}

    ask()
    assert road.most_in_flight == most
