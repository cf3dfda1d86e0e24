"""Streams of events: woken by what happens, heard in silence, and ended in good order."""

from __future__ import annotations

import asyncio

import pytest
from running import run, until
from store.records import EVERYONE, Ids, accept, task

from gateway.flows.feed import Streams
from gateway.store.sqlite import SqliteStore

NORTH = frozenset({"north"})


def reads_of(store):
    """The places that the feed was read from, one for each reading that has ended."""
    places, read = [], store.feed

    async def noted(after, *given):
        page = await read(after, *given)
        places.append(after)
        return page

    store.feed = noted
    return places


class Reader:
    """Follows a stream until it ends; None stands for a heartbeat."""

    def __init__(self, streams, after=0, clinics=EVERYONE, may_read=lambda: True):
        self.told, self.ended = [], asyncio.create_task(self._follow(streams.events(after, clinics, may_read)))

    async def _follow(self, events):
        async for event in events:
            self.told.append(event and event.data["id"])

    def heard(self, *told):
        return until(lambda: self.told == list(told))


@pytest.fixture
def store(tmp_path):
    return SqliteStore(tmp_path / "gateway.db", Ids())


def opened(test):
    async def whole(store):
        await store.open()
        try:
            await test(store)
        finally:
            await store.close()

    whole.__name__ = test.__name__
    return run(whole)


@opened
async def test_a_stream_tells_what_was_there_and_then_what_happens(store):
    await accept(store, task(1))
    reader = Reader(Streams(store))
    await reader.heard("tsk_000001")

    await accept(store, task(2))

    await reader.heard("tsk_000001", "tsk_000002")
    reader.ended.cancel()


@opened
async def test_a_stream_is_woken_by_what_happens_and_does_not_poll(store):
    places = reads_of(store)
    reader = Reader(Streams(store, heartbeat=60, longest=60))
    await until(lambda: places == [0])
    await asyncio.sleep(0.2)
    assert places == [0]

    await accept(store, task(1))

    await reader.heard("tsk_000001")
    await asyncio.sleep(0.2)
    assert places == [0, 0]
    reader.ended.cancel()


@opened
async def test_streams_that_are_woken_together_share_one_reading(store):
    places = reads_of(store)
    streams = Streams(store, heartbeat=60, longest=60)
    readers = [Reader(streams) for _ in range(50)]
    await until(lambda: places == [0])

    await accept(store, task(1))

    for reader in readers:
        await reader.heard("tsk_000001")
    assert places == [0, 0]
    for reader in readers:
        reader.ended.cancel()


@opened
async def test_a_stream_whose_reader_leaves_takes_no_reading_from_others(store):
    streams = Streams(store, heartbeat=60, longest=60)
    leaver, stayer = Reader(streams), Reader(streams)
    await asyncio.sleep(0)  # both have asked
    leaver.ended.cancel()
    await accept(store, task(1))

    await stayer.heard("tsk_000001")
    stayer.ended.cancel()


@opened
async def test_what_others_heard_is_not_looked_through_again(store):
    places = reads_of(store)
    reader = Reader(Streams(store, heartbeat=60, longest=60), clinics=NORTH)
    for number in range(1, 4):
        await until(lambda number=number: len(places) == number)
        await accept(store, task(number))

    await until(lambda: len(places) == 4)
    assert places == [0, 0, 1, 2]
    reader.ended.cancel()


@opened
async def test_more_than_a_page_is_told_without_waiting(store):
    for number in range(1, 251):
        await accept(store, task(number))
    reader = Reader(Streams(store, heartbeat=60, longest=60))

    await until(lambda: len(reader.told) == 250)
    reader.ended.cancel()


@opened
async def test_a_stream_that_has_nothing_to_tell_says_that_it_is_there(store):
    reader = Reader(Streams(store, heartbeat=0.02))

    await until(lambda: len(reader.told) >= 3)
    assert set(reader.told) == {None}
    reader.ended.cancel()


@opened
async def test_it_says_so_also_while_others_hear_a_lot(store):
    reader = Reader(Streams(store, heartbeat=0.02), clinics=NORTH)
    for number in range(1, 40):
        await accept(store, task(number))

    await until(lambda: reader.told)
    assert set(reader.told) == {None}
    reader.ended.cancel()


@opened
async def test_a_stream_ends_when_its_time_is_over(store):
    reader = Reader(Streams(store, heartbeat=60, longest=0.05))

    await asyncio.wait_for(reader.ended, 5)


@opened
async def test_a_stream_that_may_not_read_any_more_ends_and_is_told_nothing_of_what_comes(store):
    allowed, streams = True, Streams(store, heartbeat=60, longest=60)
    revoked, other = Reader(streams, may_read=lambda: allowed), Reader(streams)
    await accept(store, task(1))
    await asyncio.gather(revoked.heard("tsk_000001"), other.heard("tsk_000001"))

    allowed = False
    await accept(store, task(2))
    await asyncio.wait_for(revoked.ended, 5)

    await other.heard("tsk_000001", "tsk_000002")
    assert revoked.told == ["tsk_000001"]
    other.ended.cancel()


@opened
async def test_it_ends_in_the_middle_of_what_it_was_reading_too(store):
    for number in range(1, 6):
        await accept(store, task(number))
    answers = iter([True, True, True, False])  # before the page, then before each event
    reader = Reader(Streams(store), may_read=lambda: next(answers))

    await asyncio.wait_for(reader.ended, 5)
    assert reader.told == ["tsk_000001", "tsk_000002"]


@opened
async def test_every_stream_ends_at_once_when_the_gateway_stops(store):
    streams = Streams(store, heartbeat=60, longest=60)
    readers = [Reader(streams) for _ in range(5)]
    await accept(store, task(1))
    await asyncio.gather(*(reader.heard("tsk_000001") for reader in readers))

    streams.cease()

    await asyncio.wait_for(asyncio.gather(*(reader.ended for reader in readers)), 5)


@opened
async def test_a_stream_of_a_store_that_is_gone_ends_in_good_order(store):
    await store.close()

    await asyncio.wait_for(Reader(Streams(store)).ended, 5)
