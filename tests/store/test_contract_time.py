"""What every store owes its workers: one lease for each delivery, and what time alone does."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec import structs
from store.opened import opened
from store.records import (
    HOME,
    LEASE,
    NOW,
    accept,
    events,
    later,
    mark,
    note,
    now,
    sent,
    settle,
    states,
    take,
    task,
)

from gateway.rules import wishes
from gateway.rules.change import change
from gateway.rules.verdict import NOT_MARKED
from schemas.outcome import Applied, Blocked, NotApplied, Pending, Refused, Unknown

HALF = timedelta(seconds=60)


async def queued(store, record, due):
    """Tried once, not applied for a reason that says nothing of the vendor, due again then."""
    attempt = await mark(store, await accept(store, record))
    return await settle(store, attempt, NotApplied(code=NOT_MARKED), retry_at=due)


@opened
async def test_only_what_is_due_is_claimed_and_the_longest_due_first(store):
    await queued(store, task(1), later(seconds=20))
    await queued(store, task(2), later(seconds=10))
    await queued(store, task(3), later(seconds=31))

    leased = await take(store, later(seconds=30))

    assert [one.record.id for one in leased] == ["tsk_000002", "tsk_000001"]
    assert [one.attempt.fence for one in leased] == [2, 2]
    assert all(one.record.lease_until == later(seconds=30) + LEASE for one in leased)


@opened
async def test_no_more_are_claimed_than_asked_for(store):
    for number in range(1, 6):
        await store.accept(task(number), None, None)

    assert [len(await take(store, NOW, 2)) for _ in range(4)] == [2, 2, 1, 0]


@opened
async def test_what_is_leased_is_claimed_by_nobody_else(store):
    for number in range(1, 21):
        await store.accept(task(number), None, None)

    every = await asyncio.gather(*(take(store, NOW, 3) for _ in range(20)))

    ids = [one.record.id for leased in every for one in leased]
    assert len(ids) == len(set(ids)) == 20


@opened
async def test_what_its_acceptor_sends_is_claimed_by_nobody_else(store):
    await accept(store, task(1))

    assert await take(store, later(seconds=1)) == []


@pytest.mark.parametrize(
    "outcome",
    [Applied(ids={"id": "1"}), Pending(ids={"id": "1"}), Refused(code="x"), Unknown(code="x"), Blocked(code="x")],
    ids=lambda outcome: type(outcome).__name__,
)
@opened
async def test_what_is_not_queued_is_not_claimed(store, outcome):
    await sent(store, task(1), outcome)

    assert await take(store, later(hours=1)) == []


@opened
async def test_a_lane_keeps_its_order_even_when_an_earlier_note_has_to_wait(store):
    await sent(store, task(1), Applied(ids={"id": "v-1", "emr_id": "emr-1"}))
    await queued(store, note(2), later(seconds=50))
    await accept(store, note(3))
    await accept(store, note(4))

    assert await take(store, later(seconds=40)) == []
    (first,) = await take(store, later(seconds=50))
    assert first.record.id == "note_000002"
    assert await take(store, later(seconds=51)) == []
    attempt = await mark(store, first)
    assert await take(store, later(seconds=52)) == []
    await settle(store, attempt, Refused(code="refused"))
    (second,) = await take(store, later(seconds=53))
    assert second.record.id == "note_000003"


@opened
async def test_an_unknown_note_does_not_block_the_next(store):
    await sent(store, task(1), Applied(ids={"id": "v-1", "emr_id": "emr-1"}))
    await sent(store, note(2), Unknown(code="deadline"))

    accepted = await accept(store, note(3))

    assert accepted.attempt is not None


@opened
async def test_notes_of_two_tasks_do_not_wait_for_each_other(store):
    await sent(store, task(1), Applied(ids={"id": "v-1", "emr_id": "emr-1"}))
    await sent(store, task(2), Applied(ids={"id": "v-2", "emr_id": "emr-2"}))
    await accept(store, note(3, of="tsk_000001"))

    assert (await accept(store, note(4, of="tsk_000002"))).attempt is not None


# Time alone.


@opened
async def test_a_lease_that_ends_before_the_mark_gives_the_delivery_back(store):
    await accept(store, task(1))

    assert await store.pass_time(later(seconds=119)) == 0
    assert await store.pass_time(later(seconds=120)) == 1

    again = await now(store, "tsk_000001")
    assert (again.state, again.attempts, again.lease_until) == ("queued", 0, None)
    assert await events(store, "tsk_000001") == ["task.queued"]
    assert len(await take(store, later(seconds=120))) == 1


@opened
async def test_a_worker_whose_lease_has_ended_cannot_mark_any_more(store):
    accepted = await accept(store, task(1))
    await store.pass_time(later(seconds=120))

    await mark(store, accepted)

    assert await states(store, "tsk_000001") == ["queued"]


@opened
async def test_a_lease_that_ends_after_the_mark_leaves_an_unknown_that_nobody_sends_again(store):
    await mark(store, await accept(store, task(1)))

    await store.pass_time(later(seconds=120))

    unknown = await now(store, "tsk_000001")
    assert (unknown.state, unknown.doubt, unknown.attempts) == ("unknown", True, 1)
    assert await take(store, later(days=2)) == []
    assert await store.pass_time(later(days=2)) == 0


@opened
async def test_at_start_up_every_lease_ends(store):
    await accept(store, task(1))
    await mark(store, await accept(store, task(2)))

    assert await store.pass_time(later(seconds=1), every_lease=True) == 2

    assert await states(store, "tsk_000001", "tsk_000002") == ["queued", "unknown"]


@opened
async def test_what_could_not_be_sent_in_time_is_given_up(store):
    await queued(store, task(1, give_up_after=3600.0), later(hours=2))
    await store.pass_time(later(minutes=59))
    assert await states(store, "tsk_000001") == ["queued"]

    await store.pass_time(later(hours=1))

    ended = await now(store, "tsk_000001")
    assert (ended.state, ended.content.problem.code, ended.safe_to_resend) == ("failed", "gave-up", True)


@opened
async def test_what_is_held_too_long_is_given_up(store):
    await sent(store, task(1, hold_for=3600.0), Blocked(code="credentials"))

    await store.pass_time(later(hours=1))

    assert await states(store, "tsk_000001") == ["failed"]


@opened
async def test_a_leased_delivery_is_not_given_up_under_its_worker(store):
    await accept(store, task(1, give_up_after=10.0))

    await store.pass_time(later(seconds=11))

    assert await states(store, "tsk_000001") == ["queued"]


@opened
async def test_a_result_that_does_not_come_is_overdue_once_and_stays_submitted(store):
    await sent(store, task(1, settles_within=900), Pending(ids={"id": "v-1"}))

    assert await store.pass_time(later(seconds=899)) == 0
    assert await store.pass_time(later(seconds=900)) == 1
    assert await store.pass_time(later(seconds=901)) == 0

    late = await now(store, "tsk_000001")
    assert (late.state, late.overdue) == ("submitted", True)
    assert (await events(store, "tsk_000001"))[-1] == "task.overdue"


@opened
async def test_next_due_tells_the_nearest_of_all_that_time_will_do(store):
    assert await store.next_due(NOW) is None

    await sent(store, task(1, settles_within=9000), Pending(ids={"id": "v-1"}))
    assert await store.next_due(NOW) == later(seconds=9000)

    await queued(store, task(2, give_up_after=8000.0), later(seconds=8500))
    assert await store.next_due(NOW) == later(seconds=8000)

    await queued(store, task(3), later(seconds=700))
    assert await store.next_due(NOW) == later(seconds=700)

    await accept(store, task(4))
    assert await store.next_due(NOW) == NOW + LEASE


@opened
async def test_a_note_that_waits_for_an_earlier_one_is_nothing_to_wake_up_for(store):
    await sent(store, task(1), Applied(ids={"id": "v-1", "emr_id": "emr-1"}))
    await queued(store, note(2), later(minutes=50))
    await accept(store, note(3))

    assert await store.next_due(NOW) == later(minutes=50)


@opened
async def test_what_waits_for_its_time_for_room_or_for_another_is_queued_and_what_somebody_has_is_not(store):
    assert not await store.is_anything_queued()

    leased = await accept(store, task(1))
    assert not await store.is_anything_queued()

    await accept(store, note(2))  # behind the task
    assert not await store.is_anything_queued()  # it is held
    await settle(store, await mark(store, leased), Applied(ids={"id": "v-1", "emr_id": "emr-1"}))
    assert await store.is_anything_queued()

    (released,) = await take(store)
    assert not await store.is_anything_queued()
    await settle(store, released.attempt, NotApplied(code="later", retry_after=3600.0))
    assert await store.is_anything_queued()


@opened
async def test_a_leased_delivery_past_its_end_is_nothing_to_wake_up_for_before_the_lease_ends(store):
    await accept(store, task(1, give_up_after=10.0))

    assert await store.next_due(NOW) == NOW + LEASE


@opened
async def test_a_retry_of_what_waits_makes_it_due_now(store):
    await queued(store, task(1), later(hours=1))

    await store.change("tsk_000001", lambda current: wishes.retry(current, NOW), NOW)

    assert len(await take(store, NOW)) == 1


@opened
async def test_connections_with_the_same_name_in_two_clinics_are_two(store):
    await sent(store, task(1), Blocked(code="credentials"))
    other = await accept(store, task(2, clinic_id="riverbend"))

    assert (await store.paused())[0].clinic_id == HOME[0]
    assert other.attempt is not None
    assert not await store.resume("riverbend", HOME[1], NOW)
    assert await states(store, "tsk_000001") == ["held"]


@opened
async def test_thousands_of_changes_from_many_at_once_end_in_one_version_each(store):
    for number in range(1, 11):
        await accept(store, task(number))

    def bump(current):
        return change(current, structs.replace(current, version=current.version + 1))

    await asyncio.gather(*(store.change(f"tsk_{number:06d}", bump, NOW) for _ in range(100) for number in range(1, 11)))

    assert [(await now(store, f"tsk_{number:06d}")).version for number in range(1, 11)] == [101] * 10
