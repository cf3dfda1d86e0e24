"""What every store owes those who change deliveries: all of a change or nothing, and all that follows from it."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs
from store.opened import opened
from store.records import (
    BY_OPERATOR,
    HOME,
    LEASE,
    NOW,
    OTHER,
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
    told,
)

from gateway.rules import attempts, wishes
from gateway.rules.change import change
from gateway.rules.evidence import see
from gateway.store.audit import Act
from gateway.store.bell import QUEUED
from schemas.outcome import Applied, Blocked, NotApplied, Pending, Refused, Sighting, Unknown
from schemas.problem import problem

BLOCKED = Blocked(code="login_required", message="The link has expired")


def asked(what="cancel"):
    return Act(app="operator", key_id="o1", action=what, about="tsk_000001", reason="the patient called")


@opened
async def test_a_change_of_nothing_writes_nothing(store):
    before = (await accept(store, task(1))).record

    assert await store.change(before.id, lambda _: None, later(seconds=5)) == before
    assert await now(store, before.id) == before
    assert await events(store, before.id) == ["task.queued"]


@opened
async def test_a_change_of_what_is_not_there_is_not_asked_for(store):
    def decide(record):
        raise AssertionError(record)

    assert await store.change("tsk_404", decide, NOW, asked()) is None


@opened
async def test_a_decision_that_raises_is_raised_and_nothing_is_written(store):
    before = (await accept(store, task(1))).record

    def decide(_record):
        raise wishes.Refusal("too-late")

    with pytest.raises(wishes.Refusal):
        await store.change(before.id, decide, NOW, asked())

    assert await now(store, before.id) == before
    assert await told(store, before.id, "asked") == []


@opened
async def test_a_change_whose_event_cannot_be_written_did_not_happen(store, ids):
    accepted = await accept(store, task(1))
    ids.broken = True
    with pytest.raises(OSError, match="entropy"):
        await mark(store, accepted)
    ids.broken = False

    assert await now(store, "tsk_000001") == accepted.record
    (attempt,) = await told(store, "tsk_000001", "attempt")
    assert attempt.facts["first_byte_at"] is None
    assert await events(store, "tsk_000001") == ["task.queued"]


@opened
async def test_record_attempt_event_and_what_was_asked_are_written_together(store):
    accepted = await accept(store, task(1))
    attempt = await mark(store, accepted)

    await settle(store, attempt, Applied(ids={"id": "v-1"}), later(seconds=2), status=201)

    assert (await now(store, "tsk_000001")).vendor_id == "v-1"
    (shown,) = await told(store, "tsk_000001", "attempt")
    assert shown.facts["verdict"] == "applied"
    assert shown.facts["status"] == 201
    assert shown.facts["milliseconds"] == 2000
    assert await events(store, "tsk_000001") == ["task.queued", "task.sending", "task.delivered"]


@opened
async def test_what_a_person_asked_stays_in_the_timeline_with_its_reason(store):
    await accept(store, task(1))

    await store.change("tsk_000001", lambda current: wishes.cancel(current, NOW), NOW, asked())

    (line,) = await told(store, "tsk_000001", "asked")
    assert line.facts == {"what": "cancel", "app": "operator", "reason": "the patient called"}


@opened
async def test_two_hundred_changes_at_once_lose_none(store):
    await accept(store, task(1))

    def once_more(current):
        return change(current, structs.replace(current, attempts=current.attempts + 1))

    await asyncio.gather(*(store.change("tsk_000001", once_more, NOW) for _ in range(200)))

    assert (await now(store, "tsk_000001")).attempts == 200


@opened
async def test_a_timeline_is_in_order_whatever_wrote_its_lines(store):
    accepted = await accept(store, task(1))
    first = await mark(store, accepted, later(seconds=1))
    await settle(store, first, NotApplied(code="http-429"), later(seconds=2), retry_at=later(seconds=3))
    (leased,) = await take(store, later(seconds=4))
    await settle(store, await mark(store, leased, later(seconds=5)), Unknown(code="deadline"), later(seconds=35))
    await store.change("tsk_000001", lambda current: _created(current, later(seconds=60)), later(seconds=60), asked())

    timeline = await store.timeline(await now(store, "tsk_000001"))

    assert [line.at for line in timeline] == sorted(line.at for line in timeline)
    assert timeline[0].what == "accepted"
    assert timeline[-1].facts["type"] == "task.delivered"
    assert [line.facts["verdict"] for line in timeline if line.what == "attempt"] == ["not_applied", "unknown"]


def _created(record, at):
    return wishes.resolve(record, at, created=True, ids={"id": "v-9"})


# What follows from a change.


@opened
async def test_notes_are_let_go_one_by_one_in_the_order_they_came_when_the_task_has_its_emr_id(store):
    parent = await mark(store, await accept(store, task(1)))
    for number in (2, 3, 4):
        await accept(store, note(number))

    await settle(store, parent, Applied(ids={"id": "v-1", "emr_id": "emr-1"}), later(seconds=10))

    went = []
    while leased := await take(store, later(seconds=20)):
        assert len(leased) == 1
        assert leased[0].record.values["emr_task_id"] == "emr-1"
        went.append(leased[0].record.id)
        await settle(store, await mark(store, leased[0]), Applied(ids={"id": went[-1]}))
    assert went == ["note_000002", "note_000003", "note_000004"]


@opened
async def test_notes_keep_waiting_while_the_task_has_no_emr_id(store):
    parent = await mark(store, await accept(store, task(1)))
    await accept(store, note(2))

    await settle(store, parent, Pending(ids={"id": "v-1", "job_id": "12345"}))

    assert await states(store, "note_000002") == ["held"]


@opened
async def test_notes_end_with_a_task_that_ends_badly_and_carry_its_reason(store):
    parent = await mark(store, await accept(store, task(1)))
    await accept(store, note(2))
    await accept(store, note(3))

    await settle(store, parent, Refused(code="refused", message="No such patient"))

    assert await states(store, "note_000002", "note_000003") == ["failed", "failed"]
    ended = (await now(store, "note_000002")).content.problem
    assert ended.code == "parent-failed"
    assert ended.detail == "No such patient"
    assert await events(store, "note_000002") == ["note.held", "note.failed"]


@opened
async def test_notes_end_with_a_task_that_was_cancelled(store):
    await accept(store, task(1))
    await accept(store, note(2))

    await store.change("tsk_000001", lambda current: wishes.cancel(current, NOW), NOW)

    assert await states(store, "note_000002") == ["failed"]


@opened
async def test_a_blocked_delivery_pauses_its_connection_and_holds_what_is_queued_for_it(store):
    first = await mark(store, await accept(store, task(1)))
    queued = await accept(store, task(2))
    await settle(store, queued.attempt, NotApplied(code="ConnectionRefusedError"), retry_at=later(seconds=9))
    await accept(store, task(3, clinic_id=OTHER[0]))

    await settle(store, first, BLOCKED)

    (paused,) = await store.paused()
    assert (paused.clinic_id, paused.connection) == HOME
    assert paused.detail == "cobalt: login_required; its own words stand at tsk_000001"
    assert await states(store, "tsk_000001", "tsk_000002", "tsk_000003") == ["held", "held", "queued"]
    assert (await now(store, "tsk_000002")).content.problem.detail == paused.detail


@opened
async def test_a_resumed_connection_lets_go_what_it_held_and_a_second_resume_finds_nothing(store):
    await sent(store, task(1), BLOCKED)
    await accept(store, task(2))

    assert await store.resume(*HOME, later(seconds=60))

    assert await states(store, "tsk_000001", "tsk_000002") == ["queued", "queued"]
    assert (await now(store, "tsk_000001")).content.problem is None
    assert await store.paused() == ()
    assert len(await take(store, later(seconds=60))) == 2
    assert not await store.resume(*HOME, later(seconds=61))


@opened
async def test_a_second_pause_changes_nothing(store):
    await store.pause(*HOME, problem("connection-blocked", "first"), NOW)
    await store.pause(*HOME, problem("connection-blocked", "second"), later(seconds=1))

    (paused,) = await store.paused()
    assert (paused.since, paused.detail) == (NOW, "first")


@opened
async def test_a_resume_leaves_a_note_that_still_waits_for_its_task(store):
    parent = await mark(store, await accept(store, task(1)))
    await settle(store, parent, Pending(ids={"id": "v-1"}))
    await accept(store, note(2))
    await store.pause(*HOME, problem("connection-blocked"), NOW)
    assert (await now(store, "note_000002")).awaits_connection

    await store.resume(*HOME, NOW)

    assert (await now(store, "note_000002")).waiting_for == "parent"


@opened
async def test_what_comes_back_unsent_to_a_paused_connection_is_held(store):
    accepted = await accept(store, task(1))
    leftover = await accept(store, task(2))
    await store.pause(*HOME, problem("connection-blocked", "expired"), NOW)

    await settle(store, await mark(store, accepted), NotApplied(code="http-429"), retry_at=NOW)
    await store.pass_time(later(seconds=121))

    assert leftover.record.lease_until == NOW + LEASE
    assert await states(store, "tsk_000001", "tsk_000002") == ["held", "held"]
    assert await take(store, later(seconds=300)) == []
    await store.resume(*HOME, later(seconds=300))
    assert len(await take(store, later(seconds=300))) == 2


@opened
async def test_a_released_note_of_a_paused_connection_stays_held(store):
    parent = await mark(store, await accept(store, task(1)))
    await accept(store, note(2))
    await store.pause(*HOME, problem("connection-blocked", "expired"), NOW, BY_OPERATOR)

    await settle(store, parent, Applied(ids={"id": "v-1", "emr_id": "emr-1"}))

    assert (await now(store, "note_000002")).waiting_for == "connection"


# Whom a change wakes.


@opened
async def test_a_change_wakes_those_who_wait_for_its_delivery_and_nobody_else(store):
    accepted = await accept(store, task(1))
    with store.bell.listen("tsk_000001") as rung, store.bell.listen("tsk_000002") as other:
        await mark(store, accepted)

        assert rung.is_set()
        assert not other.is_set()


@opened
async def test_the_dispatcher_is_woken_by_what_is_queued_again(store):
    await sent(store, task(1), BLOCKED)
    with store.bell.listen(QUEUED) as rung:
        await store.pass_time(later(seconds=1))
        assert not rung.is_set()

        await store.resume(*HOME, NOW)

        assert rung.is_set()


@opened
async def test_those_who_wait_are_woken_even_if_the_one_who_changed_it_went_away(store):
    accepted = await accept(store, task(1))
    with store.bell.listen("tsk_000001") as rung:
        going = asyncio.create_task(mark(store, accepted))
        await asyncio.sleep(0)
        going.cancel()
        await asyncio.wait_for(rung.wait(), 5)

    assert await states(store, "tsk_000001") == ["sending"]


@opened
async def test_a_late_answer_of_a_worker_that_lost_its_lease_settles_the_unknown(store):
    attempt = await mark(store, await accept(store, task(1)))
    await store.pass_time(later(seconds=121))
    assert await states(store, "tsk_000001") == ["unknown"]

    settled = await settle(store, attempt, Applied(ids={"id": "v-1"}), later(seconds=130))

    assert settled.state == "delivered"
    assert (await told(store, "tsk_000001", "attempt"))[0].facts["verdict"] == "applied"


@opened
async def test_a_cancelled_delivery_cannot_be_marked(store):
    accepted = await accept(store, task(1))
    await store.change("tsk_000001", lambda current: wishes.cancel(current, NOW), NOW)

    marked = await store.change(
        "tsk_000001", lambda current: attempts.mark(current, accepted.attempt, NOW, later(seconds=30)), NOW
    )

    assert marked.state == "cancelled"
    assert marked.attempts == 0


@opened
async def test_a_note_on_a_task_in_conflict_waits_for_the_person_who_settles_it(store):
    parent = await sent(store, task(1), Pending(ids={"id": "v-1"}))
    failed = Sighting(says="failed", operation="create_task", ids={"id": "v-1"})
    created = Sighting(says="created", operation="create_task", ids={"id": "v-1", "emr_id": "e-1"})
    await store.change(parent.id, lambda now: see(now, failed, NOW), NOW)
    await store.change(parent.id, lambda now: see(now, created, NOW), NOW)
    await accept(store, note(2))
    assert await states(store, "note_000002") == ["held"]

    await store.change(parent.id, lambda now: wishes.resolve(now, NOW, created=True, ids={}), NOW)

    found = await now(store, "note_000002")
    assert (found.state, found.emr_task_id) == ("queued", "e-1")
