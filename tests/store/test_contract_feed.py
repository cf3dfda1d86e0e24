"""What every store owes those who read the feed: every event of their clinics, in one order, none passed over."""

from __future__ import annotations

import asyncio
import random

import pytest
from store.opened import opened
from store.records import EVERYONE, HOME, NOW, accept, later, sent, task, told

from gateway.rules import wishes
from gateway.store.feed import START
from schemas.outcome import Applied

NORTH, SOUTH = frozenset({"north"}), frozenset({"south"})


async def read(store, after=0, limit=100, clinics=EVERYONE):
    page = await store.feed(after, limit, clinics)
    return [entry.event for entry in page.entries]


@opened
async def test_the_feed_tells_what_the_timelines_tell_in_the_order_it_happened(store):
    await sent(store, task(1), Applied(ids={"id": "v-1"}))
    await accept(store, task(2))

    events = await read(store)

    assert [event.id for event in events] == [
        each.facts["id"] for record in ("tsk_000001", "tsk_000002") for each in await told(store, record)
    ]
    assert [event.data["id"] for event in events] == ["tsk_000001"] * 3 + ["tsk_000002"]
    assert events[-1].type == "task.queued"
    assert (events[-1].at, events[-1].clinic_id) == (NOW, HOME[0])


@opened
async def test_a_page_says_how_far_it_has_come_and_whether_there_is_more(store):
    for number in range(1, 6):
        await accept(store, task(number))
    whole = await store.feed(0, 5, EVERYONE)
    part = await store.feed(0, 3, EVERYONE)
    rest = await store.feed(part.seq, 3, EVERYONE)

    assert (len(part.entries), part.more) == (3, True)
    assert [*part.entries, *rest.entries] == whole.entries
    assert (rest.more, rest.seq) == (False, whole.seq)


@opened
async def test_the_places_of_other_clinics_events_are_passed_without_showing_them(store):
    await accept(store, task(1, clinic_id="north"))
    await accept(store, task(2, clinic_id="south"))
    await accept(store, task(3, clinic_id="south"))

    page = await store.feed(0, 10, NORTH)

    assert [entry.event.clinic_id for entry in page.entries] == ["north"]
    assert page.seq == (await store.feed(0, 10, EVERYONE)).seq
    assert await read(store, page.seq, clinics=NORTH) == []


@opened
async def test_an_event_has_a_place_for_those_alone_who_may_see_it(store):
    await accept(store, task(1, clinic_id="north"))
    (event,) = await read(store)

    assert await store.place(event.id, NORTH) == await store.place(event.id, EVERYONE) == 1
    assert await store.place(event.id, SOUTH) is await store.place("evt_nobody", SOUTH) is None
    assert await store.event(event.id, SOUTH) is None
    assert await store.place(START, SOUTH) == 0


@opened
async def test_who_begins_at_the_end_has_an_id_to_come_back_to(store):
    assert await store.newest(NORTH) == (0, START)
    await accept(store, task(1, clinic_id="north"))
    await accept(store, task(2, clinic_id="south"))
    (northern, _) = await read(store)

    place, event_id = await store.newest(NORTH)

    assert event_id == northern.id
    assert await read(store, place, clinics=NORTH) == []
    await accept(store, task(3, clinic_id="north"))
    assert await read(store, place, clinics=NORTH) == await read(
        store, await store.place(event_id, NORTH), clinics=NORTH
    )


class Reader:
    """Follows the feed by the last id it has seen, forgets everything else now and then, and notes what it saw."""

    def __init__(self, store, chance):
        self.seen = []
        self._store = store
        self._chance = chance

    async def follow(self, is_over):
        after = 0
        while True:
            over = is_over()
            if self._chance.random() < 0.2:  # it was restarted
                after = await self._store.place(self.seen[-1], EVERYONE) if self.seen else 0
            page = await self._store.feed(after, self._chance.randint(1, 7), EVERYONE)
            self.seen.extend(entry.event.id for entry in page.entries)
            after = page.seq
            if over and not page.entries:
                return
            await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(5))
@opened
async def test_beside_twenty_writers_no_event_is_passed_over_and_none_comes_twice(store, seed):
    chance, writing = random.Random(seed), 20  # noqa: S311 - no secret

    async def writer(number):
        nonlocal writing
        for turn in range(10):
            made = task(number * 100 + turn)
            job = asyncio.create_task(accept(store, made))
            await asyncio.sleep(chance.random() / 200)
            if chance.random() < 0.2:
                job.cancel()  # the caller is gone; what it asked for may have happened
            await asyncio.gather(job, return_exceptions=True)
            if await store.get(made.id) is not None:
                await store.change(made.id, lambda current: wishes.cancel(current, later(seconds=1)), later(seconds=1))
        writing -= 1

    readers = [Reader(store, chance) for _ in range(3)]
    await asyncio.gather(
        *(writer(number) for number in range(20)), *(each.follow(lambda: not writing) for each in readers)
    )

    everything = await store.read(
        lambda tx: [id_ for (id_,) in tx.execute("SELECT id FROM events ORDER BY seq").fetchall()]
    )
    assert len(everything) >= 200  # of 400: the more, the fewer were cancelled before they began
    for reader in readers:
        assert reader.seen == everything
