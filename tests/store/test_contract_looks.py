"""What every store owes those who look at vendors: one look for each connection at a time, whoever takes it."""

from __future__ import annotations

import asyncio

from msgspec import structs
from store.opened import opened
from store.records import HOME, NOW, OTHER, later, sent, task

from gateway.rules.change import Change
from schemas.outcome import Pending


async def followed(store, number, clinic_id=HOME[0], due=NOW):
    """Submitted, its next look due then."""
    await sent(store, task(number, clinic_id=clinic_id), Pending(ids={"id": f"v-{number}"}))
    return await store.change(
        f"tsk_{number:06d}", lambda current: Change(record=structs.replace(current, due_at=due)), NOW
    )


async def taken(store, at=NOW, busy=()):
    return [record.id for record in await store.due_looks(at, 64, busy)]


async def becomes_another(store):
    """As another process sees it."""
    await store.write(lambda tx: tx.execute("UPDATE looks SET owner = 'another'"))


@opened
async def test_of_each_connection_the_longest_due_is_taken(store):
    await followed(store, 1, due=later(seconds=2))
    await followed(store, 2, due=later(seconds=1))
    await followed(store, 3, clinic_id=OTHER[0], due=later(seconds=3))
    await followed(store, 4, clinic_id=OTHER[0], due=later(seconds=9))

    assert await taken(store, later(seconds=5)) == ["tsk_000002", "tsk_000003"]


@opened
async def test_of_many_who_look_at_once_one_gets_each_connection(store):
    connections = [(f"clinic-{number}", HOME[1]) for number in (0, 1)]
    for number in range(1, 9):
        await followed(store, number, clinic_id=f"clinic-{number % 2}")

    every = await asyncio.gather(*(store.due_looks(NOW, 64, connections) for _ in range(10)))

    assert sorted(record.clinic_id for records in every for record in records) == ["clinic-0", "clinic-1"]


@opened
async def test_a_connection_is_free_again_when_its_look_has_ended(store):
    await followed(store, 1)
    await followed(store, 2)
    await taken(store)
    assert await taken(store, later(seconds=1), busy=[HOME]) == []

    assert await taken(store, later(seconds=2)) == ["tsk_000002"]


@opened
async def test_a_look_that_came_to_nothing_is_taken_again_after_two_minutes(store):
    await followed(store, 1)
    await taken(store)

    assert await taken(store, later(seconds=119)) == []
    assert await taken(store, later(seconds=120)) == ["tsk_000001"]


@opened
async def test_a_look_whose_taker_is_gone_is_another_s_after_two_minutes(store):
    await followed(store, 1)
    await followed(store, 2)
    await taken(store)
    await becomes_another(store)

    assert await taken(store, later(seconds=119)) == []
    assert await taken(store, later(seconds=120)) == ["tsk_000002"]


@opened
async def test_a_look_that_takes_long_stays_its_taker_s(store):
    await followed(store, 1)
    await followed(store, 2)
    await taken(store)
    for minute in range(1, 10):
        assert await taken(store, later(minutes=minute), busy=[HOME]) == []
    await becomes_another(store)

    assert await taken(store, later(minutes=10)) == []


@opened
async def test_a_connection_that_is_looked_at_is_nothing_to_wake_up_for(store):
    await followed(store, 1)
    await followed(store, 2, clinic_id=OTHER[0], due=later(seconds=40))
    assert await store.next_look(NOW) == NOW

    await taken(store)

    assert await store.next_look(NOW) == later(seconds=40)


@opened
async def test_at_start_up_every_look_is_free(store):
    await followed(store, 1)
    await taken(store)
    await becomes_another(store)

    await store.pass_time(later(seconds=1), every_lease=True)

    assert await taken(store, later(seconds=1)) == ["tsk_000001"]


@opened
async def test_who_looks_no_more_leaves_what_it_had_taken_to_others_and_theirs_to_them(store):
    await followed(store, 1)
    await taken(store)
    await becomes_another(store)
    await followed(store, 2, clinic_id=OTHER[0])
    await followed(store, 3, clinic_id=OTHER[0], due=later(minutes=10))
    await taken(store, later(seconds=1))

    await store.leave_looks(later(seconds=2))

    assert await taken(store, later(seconds=2)) == ["tsk_000002"]
