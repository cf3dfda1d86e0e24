"""What every store owes those who hand in deliveries: stored once, whole, and given out to one worker."""

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
    OTHER,
    accept,
    claim,
    events,
    key,
    later,
    mark,
    note,
    now,
    sent,
    settle,
    sight,
    task,
    told,
)

from gateway.rules import wishes
from schemas.outcome import Applied, Blocked, Pending, Refused, Sighting, Unknown
from schemas.problem import problem

DUPLICATE = Refused(code="duplicate", message="A claim for this appointment is already pending or completed")


@opened
async def test_a_new_delivery_is_there_with_its_event_and_its_attempt(store):
    accepted = await accept(store, task(reference="call-8812"))

    assert accepted.what == "new"
    assert await store.get(accepted.record.id) == accepted.record
    assert accepted.record.lease_until == NOW + LEASE
    assert accepted.attempt.fence == accepted.record.fence == 1
    assert await events(store, accepted.record.id) == ["task.queued"]
    assert len(await told(store, accepted.record.id, "attempt")) == 1


@opened
async def test_every_field_of_a_record_comes_back_as_it_went_in(store):
    full = task(
        retry_of=None, reference="r", one_per="x", lane="l", emr=None, give_up_after=0.000001,
        created_at=NOW + timedelta(microseconds=123_457), text="Zoë \U0001f489 line\u2028two\ttab 'quote' \"double\"",
    )  # fmt: skip

    accepted = await accept(store, full)

    told_anew = structs.replace(
        full, lease_until=full.created_at + LEASE, fence=1, due_at=full.created_at,
        give_up_at=full.created_at + timedelta(microseconds=1),
    )  # fmt: skip
    assert accepted.record == told_anew
    assert await store.get(full.id) == told_anew


@opened
async def test_a_used_key_gets_the_delivery_as_it_is_now_and_stores_nothing(store):
    first = await accept(store, task(1), key())
    await settle(store, await mark(store, first), Applied(ids={"id": "v-1"}))

    again = await accept(store, task(2), key())

    assert again.what == "replay"
    assert again.record.state == "delivered"
    assert again.record.vendor_id == "v-1"
    assert again.attempt is None
    assert await store.get("tsk_000002") is None


@opened
async def test_a_key_with_another_fingerprint_is_told_apart_and_stores_nothing(store):
    await accept(store, task(1), key(fingerprint="f-1"))

    again = await accept(store, task(2), key(fingerprint="f-2"))

    assert again.what == "key_reused"
    assert again.record.id == "tsk_000001"
    assert await store.get("tsk_000002") is None


@opened
async def test_one_key_belongs_to_each_app_by_itself(store):
    await accept(store, task(1), key())

    other = await accept(store, task(2, app="fax"), key())

    assert other.what == "new"
    assert (await store.by_key("fax", key())).record.id == "tsk_000002"
    assert (await store.by_key("intake", key())).record.id == "tsk_000001"
    assert await store.by_key("n8n", key()) is None


@opened
async def test_a_hundred_accepts_at_once_with_one_key_make_one_delivery(store):
    every = await asyncio.gather(*(accept(store, task(number), key()) for number in range(1, 101)))

    new = [accepted for accepted in every if accepted.what == "new"]
    assert len(new) == 1
    assert {accepted.record.id for accepted in every} == {new[0].record.id}
    assert {accepted.what for accepted in every if accepted is not new[0]} == {"replay"}


@opened
async def test_a_hundred_accepts_at_once_without_a_key_are_a_hundred_deliveries(store):
    every = await asyncio.gather(*(accept(store, task(number)) for number in range(1, 101)))

    assert {accepted.what for accepted in every} == {"new"}
    assert len({accepted.record.id for accepted in every}) == 100


@opened
async def test_an_accept_that_breaks_half_way_leaves_its_key_unused(store, ids):
    ids.broken = True
    with pytest.raises(OSError, match="entropy"):
        await accept(store, task(1), key())
    ids.broken = False

    assert await store.get("tsk_000001") is None
    assert (await accept(store, task(2), key())).what == "new"


@opened
async def test_an_open_claim_stands_in_the_way_of_a_second_one_for_its_appointment(store):
    await accept(store, claim(1))

    second = await accept(store, claim(2), key())

    assert second.what == "duplicate"
    assert second.record.id == "clm_000001"
    assert await store.get("clm_000002") is None
    assert await store.by_key("intake", key()) is None


@pytest.mark.parametrize("outcome", [Applied(ids={"id": "c-1"}), Pending(ids={"id": "c-1"}), Unknown(code="deadline")])
@opened
async def test_a_claim_that_exists_or_may_exist_stands_in_the_way(store, outcome):
    await sent(store, claim(1), outcome)

    assert (await accept(store, claim(2))).what == "duplicate"


@opened
async def test_after_a_refusal_the_appointment_is_free_again(store):
    await sent(store, claim(1), DUPLICATE)

    assert (await accept(store, claim(2))).what == "new"


@opened
async def test_a_refused_claim_that_was_seen_created_stands_in_the_way(store):
    first = await sent(store, claim(1), Pending(ids={"id": "c-1"}))
    await sight(store, Sighting(says="failed", operation="create_claim", ids={"id": "c-1"}), 1)
    await sight(store, Sighting(says="created", operation="create_claim", ids={"id": "c-1"}), 2)
    assert (await now(store, first.id)).conflict

    assert (await accept(store, claim(2))).what == "duplicate"


@pytest.mark.parametrize(
    "other",
    [
        claim(2, appointment="appt-2"),
        claim(2, clinic_id=OTHER[0]),
        claim(2, connection="second"),
        task(2, one_per="appt-1"),
    ],
    ids=["appointment", "clinic", "connection", "kind"],
)
@opened
async def test_a_claim_of_another_appointment_clinic_connection_or_kind_is_in_nobodys_way(store, other):
    await accept(store, claim(1))

    assert (await accept(store, other)).what == "new"


@opened
async def test_fifty_claims_at_once_for_one_appointment_make_one_delivery(store):
    every = await asyncio.gather(*(accept(store, claim(number)) for number in range(1, 51)))

    assert sorted(accepted.what for accepted in every) == ["duplicate"] * 49 + ["new"]


@opened
async def test_a_note_waits_for_a_task_that_is_under_way(store):
    await sent(store, task(1), Pending(ids={"id": "v-1"}))

    held = await accept(store, note(2))

    assert held.record.state == "held"
    assert held.record.waiting_for == "parent"
    assert held.attempt is None
    assert held.record.due_at is None


@opened
async def test_a_note_waits_for_a_task_of_which_nobody_knows(store):
    await sent(store, task(1), Unknown(code="deadline"))

    assert (await accept(store, note(2))).record.waiting_for == "parent"


@opened
async def test_a_note_goes_at_once_with_the_emr_id_of_a_task_that_has_one(store):
    await sent(store, task(1), Applied(ids={"id": "v-1", "emr_id": "emr-1"}))

    accepted = await accept(store, note(2))

    assert accepted.record.state == "queued"
    assert accepted.attempt is not None
    assert accepted.record.emr_task_id == "emr-1"
    assert accepted.record.values["emr_task_id"] == "emr-1"


@opened
async def test_a_note_on_a_rejected_task_is_not_stored(store):
    await sent(store, task(1), Refused(code="refused", message="No such patient"))

    refused = await accept(store, note(2), key())

    assert refused.what == "parent_not_created"
    assert refused.record.id == "tsk_000001"
    assert await store.get("note_000002") is None
    assert await store.by_key("intake", key()) is None


@opened
async def test_a_note_on_a_cancelled_task_is_not_stored(store):
    await accept(store, task(1))
    await store.change("tsk_000001", lambda current: wishes.cancel(current, NOW), NOW)

    assert (await accept(store, note(2))).what == "parent_not_created"


@opened
async def test_a_delivery_for_a_paused_connection_is_held_and_says_why(store):
    await store.pause(*HOME, problem("connection-blocked", "login_required"), NOW)

    held = await accept(store, task(1))
    elsewhere = await accept(store, task(2, clinic_id=OTHER[0]))

    assert held.record.state == "held"
    assert held.record.waiting_for == "connection"
    assert held.record.content.problem.detail == "login_required"
    assert held.attempt is None
    assert await events(store, "tsk_000001") == ["task.held"]
    assert elsewhere.record.state == "queued"


@opened
async def test_a_note_may_wait_for_its_task_and_its_connection_at_once(store):
    blocked = await sent(store, task(1), Blocked(code="credentials", message="who are you"))
    assert blocked.state == "held"

    held = (await accept(store, note(2))).record

    assert held.awaits_parent
    assert held.awaits_connection
    assert held.waiting_for == "parent"


@opened
async def test_a_retry_is_linked_to_what_it_repeats(store):
    await sent(store, task(1), Refused(code="refused"))

    again = await accept(store, task(2, retry_of="tsk_000001"))

    assert again.record.retry_of == "tsk_000001"
    assert (await now(store, "tsk_000001")).retried_as == "tsk_000002"


@opened
async def test_of_many_retries_at_once_only_one_is_stored(store):
    await sent(store, task(1), Refused(code="refused"))

    every = await asyncio.gather(
        *(accept(store, task(number, retry_of="tsk_000001", created_at=later(seconds=1))) for number in range(2, 22))
    )

    new = [accepted.record.id for accepted in every if accepted.what == "new"]
    assert len(new) == 1
    assert (await now(store, "tsk_000001")).retried_as == new[0]
    assert {accepted.what for accepted in every} == {"new", "not_resendable"}


@opened
async def test_a_retry_is_not_stored_once_the_first_was_seen_created_after_all(store):
    await sent(store, task(1), Pending(ids={"id": "v-1"}))
    await sight(store, Sighting(says="failed", operation="create_task", ids={"id": "v-1"}), 1)
    await sight(store, Sighting(says="created", operation="create_task", ids={"id": "v-1"}), 2)

    again = await accept(store, task(2, retry_of="tsk_000001"))

    assert again.what == "not_resendable"
    assert await store.get("tsk_000002") is None


@opened
async def test_the_salt_of_a_database_is_the_first_one_it_was_given(store):
    assert await store.salt("first") == "first"
    assert await store.salt("second") == "first"
