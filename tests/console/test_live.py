"""Telling open pages that something has changed: within reach, at once, and never too often."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from console.seat import Seat, seat
from running import run
from store.opened import opened
from store.records import HOME, NOW, OTHER, accept, task
from web.world import gateway as made
from web.world import key_of

from gateway.store.sqlite import SqliteStore
from gateway.web.console import live
from schemas.event import Event
from schemas.problem import problem


@pytest.fixture
def store(tmp_path, ids):
    return SqliteStore(tmp_path / "gateway.db", ids)


@pytest.fixture
def ids():
    numbers = iter(range(10_000))
    return lambda prefix: f"{prefix}_{next(numbers):06d}"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(live, "AT_MOST_EVERY", 0.05)
    monkeypatch.setattr(live, "_SILENCE", 0.05)


def services(store):
    return SimpleNamespace(store=store, stopping=asyncio.Event())


async def told(changes, within=2.0):
    """What is told next that is something."""
    async with asyncio.timeout(within):
        async for changed in changes:
            if changed:
                return changed
    return None


def event(type_, **data):
    return Event(id="evt_1", type=type_, at=datetime(2026, 1, 1, tzinfo=UTC), clinic_id="north", data=data)


@pytest.mark.parametrize(
    ("happened", "names"),
    [
        (event("task.delivered", id="tsk_1"), {"deliveries", "delivery"}),
        (event("note.failed", id="note_2"), {"deliveries"}),
        (event("connection.blocked", connection="emr"), {"connections"}),
        (event("capability.drift", field="title"), {"table"}),
    ],
)
def test_an_event_names_what_may_show_it(happened, names):
    assert live.names(happened, "tsk_1") == names


@opened
async def test_a_change_is_told_at_once(store, impatient):  # noqa: ARG001 - a fixture
    changes = live.changes(services(store), frozenset({"*"}), "tsk_000001")
    waiting = asyncio.create_task(told(changes))
    await asyncio.sleep(0.02)
    await accept(store, task(1))
    assert await waiting == {"deliveries", "delivery"}


@opened
async def test_much_at_once_is_told_once(store, impatient):  # noqa: ARG001 - likewise
    changes = live.changes(services(store), frozenset({"*"}), None)
    waiting = asyncio.create_task(told(changes))
    await asyncio.sleep(0.02)
    await accept(store, task(1))
    await waiting
    for number in range(2, 30):
        await accept(store, task(number))
    await store.pause(*HOME, problem("connection-blocked", "why"), NOW)
    assert await told(changes) == {"deliveries", "connections"}
    with pytest.raises(TimeoutError):
        await told(changes, within=0.3)


@opened
async def test_of_another_clinic_nothing_is_told(store, impatient):  # noqa: ARG001 - likewise
    changes = live.changes(services(store), frozenset({OTHER[0]}), "tsk_000001")
    waiting = asyncio.create_task(told(changes))
    await asyncio.sleep(0.02)
    await accept(store, task(1))
    await accept(store, task(2, clinic_id=OTHER[0]))
    assert await waiting == {"deliveries"}


@opened
async def test_it_ends_when_the_gateway_stops(store, impatient):  # noqa: ARG001 - likewise
    ending = services(store)
    changes = live.changes(ending, frozenset({"*"}), None)
    waiting = asyncio.create_task(told(changes))
    await asyncio.sleep(0.02)
    ending.stopping.set()
    assert await waiting is None


@run
async def test_a_stream_ends_with_its_session():
    async def changes():
        for _ in range(3):
            yield frozenset({"deliveries"})

    class Store:
        async def session(self, _digest):
            """It is over."""

    nobody = SimpleNamespace(store=Store(), configured=None, world=SimpleNamespace(now=lambda: NOW))
    messages = [message async for message in live._messages(changes(), "token", nobody)]
    assert messages == [b": here\r\nretry: 2000\r\n\r\n"]


def test_a_stream_is_for_who_is_signed_in_and_says_when_to_come_back(tmp_path):
    with made(tmp_path) as gateway:
        accept_ = {"Accept": "text/event-stream"}
        assert Seat(gateway).get("/console/live", headers=accept_).status_code == 401
        somebody = seat(gateway)
        gateway.app.state.services.stopping.set()
        answer = somebody.get("/console/live", headers=accept_)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert b"retry: 2000" in answer.content
    assert key_of("everything") not in answer.text


def test_open_pages_count_among_the_streams_of_their_app(tmp_path):
    with made(tmp_path) as gateway:
        gateway.app.state.services.readers.most = 0
        assert seat(gateway).get("/console/live", headers={"Accept": "text/event-stream"}).status_code == 429
