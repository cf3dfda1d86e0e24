"""What people ask of a delivery, and what they get: cancelled unsent, repeated as a new one, settled by their word."""

from __future__ import annotations

import asyncio

import pytest
from flows.doubles import call_back, event, receipt, reply
from running import run, until

from gateway.errors import Refused
from gateway.flows.ask import Finding
from schemas.command import AddNote


def refusal():
    return reply(400, {"success": False, "message": "User not found"})


async def refused_code(wish):
    with pytest.raises(Refused) as refused:
        await wish
    return refused.value.problem.code


def finding(outcome, **more):
    return Finding(outcome=outcome, reason="looked in the chart", **more)


async def unknown(house, number=1):
    """A delivery of which nobody knows."""
    house.road.answers(reply(500, b""), receipt, receipt)
    record = await house.submit(call_back(number))
    assert record.state == "unknown"
    return record


@run
async def test_a_cancel_while_the_worker_connects_keeps_every_byte_back(house):
    gate = asyncio.Event()
    house.road.connect = gate.wait
    async with house.open():
        submitted = await house.hand_in(call_back())
        await until(lambda: house.road.in_flight)

        cancelled = await house.services.asking.cancel(submitted.record, house.operator)
        gate.set()
        await house.rests()
        house.advance(minutes=10)
        await house.rests()

        assert cancelled.state == "cancelled"
        assert (await house.now(submitted.record)).state == "cancelled"
    assert house.road.creates == []


@run
async def test_a_cancel_is_too_late_once_it_may_have_been_sent(house):
    gate = asyncio.Event()

    async def slow(_request):
        await gate.wait()
        return receipt()

    house.road.answer = slow
    async with house.open():
        submitted = await house.hand_in(call_back())
        sending = await house.comes_to(submitted.record, "sending")

        assert await refused_code(house.services.asking.cancel(sending, house.operator)) == "too-late"
        gate.set()
        taken = await house.comes_to(submitted.record, "submitted")
        assert await refused_code(house.services.asking.cancel(taken, house.operator)) == "too-late"


@run
async def test_a_retry_of_a_rejected_one_is_a_new_delivery_linked_both_ways(house):
    house.road.answers(refusal(), receipt)
    async with house.open():
        first = await house.submit(call_back(reference="call-1"))
        assert first.state == "rejected"

        again = await house.services.asking.retry(first, house.operator, "the user exists now")

        assert again.id != first.id
        assert again.retry_of == first.id
        assert (await house.now(first)).retried_as == again.id
        assert (again.app, again.reference, again.content.command) == ("intake", "call-1", first.content.command)
        assert (await house.comes_to(again, "submitted")).attempts == 1
        assert (await house.now(first)).state == "rejected"
        assert await refused_code(house.services.asking.retry(first, house.operator, "again")) == "already-retried"
    assert len(house.road.creates) == 2


@run
async def test_twenty_retries_at_once_are_one_new_delivery(house):
    house.road.answers(refusal(), *[receipt] * 20)
    async with house.open():
        first = await house.submit(call_back())

        every = await asyncio.gather(
            *(house.services.asking.retry(first, house.operator, "click") for _ in range(20)), return_exceptions=True
        )
        await house.rests()

        assert sum(not isinstance(one, Exception) for one in every) == 1
        assert {one.problem.code for one in every if isinstance(one, Exception)} == {"already-retried"}
    assert len(house.road.creates) == 2


@run
async def test_a_retry_of_what_waits_looks_now(house):
    house.road.answers(reply(429, {}, {"retry-after": "600"}), receipt)
    async with house.open():
        record = await house.submit(call_back())
        house.advance(seconds=30)

        again = await house.services.asking.retry(record, house.operator, "they are back")

        assert again.id == record.id
        assert again.due_at == house.clock


@run
async def test_a_retry_of_an_unknown_is_refused(house):
    async with house.open():
        record = await unknown(house)

        assert await refused_code(house.services.asking.retry(record, house.operator, "x")) == "outcome-unknown"
        assert await refused_code(house.services.asking.cancel(record, house.operator)) == "too-late"


@run
async def test_an_unknown_resolved_as_created_is_delivered_with_the_ids_found(house):
    async with house.open():
        record = await unknown(house)

        settled = await house.services.asking.resolve(
            record, house.operator, finding("created", id="v-9", emr_id="e-9")
        )

        assert (settled.state, settled.vendor_id, settled.emr_id) == ("delivered", "v-9", "e-9")
        timeline = await house.store.timeline(settled)
        (asked,) = [line for line in timeline if line.what == "asked"]
        assert asked.facts == {"what": "resolve", "app": "operator", "reason": "created: looked in the chart"}
    assert len(house.road.creates) == 1


@pytest.mark.parametrize("ids", [{"id": "v-1"}, {"emr_id": "emr-1"}])
@run
async def test_what_has_another_delivery_s_id_is_not_resolved_as_created(house, ids):
    async with house.open():
        await house.submit(call_back(1))
        await house.push(event("task.created", 1, emr_task_id="emr-1"))
        record = await unknown(house, 2)

        wish = house.services.asking.resolve(record, house.operator, finding("created", **ids))

        assert await refused_code(wish) == "invalid-value"
        assert (await house.now(record)).state == "unknown"


@run
async def test_an_unknown_resolved_as_not_created_is_failed_and_not_sent_again(house):
    async with house.open():
        record = await unknown(house)

        settled = await house.services.asking.resolve(record, house.operator, finding("not_created"))
        await house.rests()

        assert (settled.state, settled.content.problem.code, settled.safe_to_resend) == ("failed", "not-created", True)
    assert len(house.road.creates) == 1


@run
async def test_a_resend_makes_a_new_delivery_of_what_was_not_created(house):
    async with house.open():
        record = await unknown(house)

        again = await house.services.asking.resolve(record, house.operator, finding("not_created", resend=True))

        assert (again.retry_of, (await house.now(record)).retried_as) == (record.id, again.id)
        await house.comes_to(again, "submitted")
    assert len(house.road.creates) == 2


@run
async def test_what_holds_no_question_is_not_resolved(house):
    async with house.open():
        record = await house.submit(call_back())

        wish = house.services.asking.resolve(record, house.operator, finding("created"))
        assert await refused_code(wish) == "not-resolvable"

        house.advance(hours=1)
        await until_overdue(house, record)
        settled = await house.services.asking.resolve(record, house.operator, finding("created", emr_id="e-1"))
        assert settled.state == "delivered"


@run
async def test_a_note_goes_out_once_a_person_has_told_its_task_s_emr_id(house):
    async with house.open():
        house.road.answers(reply(502))
        lost = await house.submit(call_back())
        note = await house.submit({"task_id": lost.id, "text": "She called again."}, AddNote)
        await house.services.asking.resolve(lost, house.operator, finding("created"))
        assert (await house.now(note)).waiting_for == "parent"
        house.road.answers(receipt(2))

        await house.services.asking.resolve(lost, house.operator, finding("created", emr_id="e-1"))

        assert (await house.comes_to(note, "submitted")).emr_task_id == "e-1"


async def until_overdue(house, record):
    for _ in range(1000):
        if (await house.now(record)).overdue:
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it is not overdue")


@run
async def test_a_conflict_is_settled_by_a_person_and_makes_no_resend_safe_before(house):
    async with house.open():
        record = await house.submit(call_back())
        await house.push(event("task.failed", failure_reason="no"))
        await house.push(event("task.created", emr_task_id="emr-1"))
        contradicted = await house.now(record)
        assert (contradicted.state, contradicted.conflict, contradicted.safe_to_resend) == ("failed", True, False)
        assert await refused_code(house.services.asking.retry(record, house.operator, "x")) == "outcome-unknown"

        settled = await house.services.asking.resolve(record, house.operator, finding("created", emr_id="emr-1"))

        assert (settled.state, settled.conflict) == ("delivered", False)


@run
async def test_a_late_answer_after_a_persons_word_is_a_conflict_and_no_second_word(house):
    gate = asyncio.Event()

    async def slow(_request):
        await gate.wait()
        return receipt()

    house.road.answer = slow
    async with house.open():
        submitted = await house.hand_in(call_back())
        await until(lambda: house.road.creates)
        house.advance(seconds=121)
        record = await house.comes_to(submitted.record, "unknown")
        await house.services.asking.resolve(record, house.operator, finding("not_created"))

        gate.set()
        await house.rests()

        late = await house.now(record)
        assert (late.state, late.conflict, late.safe_to_resend) == ("failed", True, False)
