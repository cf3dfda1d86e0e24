"""What every store owes those who tell it of deliveries: kept, matched to one delivery at most, never forgotten."""

from __future__ import annotations

import asyncio

import pytest
from store.opened import opened
from store.records import (
    EVERYONE,
    HOME,
    NOW,
    OTHER,
    accept,
    claim,
    events,
    later,
    mark,
    note,
    now,
    seen,
    sent,
    settle,
    sight,
    states,
    task,
    told,
    webhook,
)

from gateway.rules import wishes
from gateway.store.webhooks import Reading
from schemas.outcome import Applied, Pending, Refused, Sighting, Unknown

CREATED = Sighting(says="created", operation="create_task", ids={"id": "v-1", "emr_id": "emr-1"})
FAILED = Sighting(says="failed", operation="create_task", ids={"id": "v-1"}, reason="The patient is inactive")


def echo(number, **ids):
    """A sighting that the vendor's id cannot place, with the text it echoes."""
    text = f"Call the pharmacy about refill number {number}"
    return Sighting(says="created", operation="create_task", ids=ids, values={"description": text})


async def listed(store, state, clinics=EVERYONE, **more):
    return [hook.id for hook in await store.webhooks(state, clinics, **{"limit": 100, **more})]


@opened
async def test_a_webhook_is_stored_once_for_the_same_body_of_an_account(store):
    assert await store.keep_webhook(webhook(1), "digest") == webhook(1)
    await store.read_webhook("whk_000001", Reading(state="ignored"))
    assert await store.keep_webhook(webhook(2), "digest") is None
    assert await store.keep_webhook(webhook(3, account="second"), "digest")
    assert await store.keep_webhook(webhook(4, state="unverified"), "digest")
    assert await store.keep_webhook(webhook(5, state="unverified"), "digest") is None


@opened
async def test_a_webhook_that_was_stored_and_never_read_is_read_when_it_comes_again(store):
    await store.keep_webhook(webhook(1), "digest")

    assert await store.keep_webhook(webhook(2, body=webhook(1).body), "digest") == webhook(1)


@opened
async def test_a_forged_copy_does_not_keep_the_true_webhook_out(store):
    await store.keep_webhook(webhook(1, state="unverified"), "digest")

    assert await store.keep_webhook(webhook(2), "digest")


@opened
async def test_fifty_deliveries_of_one_webhook_at_once_are_one(store):
    kept = await asyncio.gather(*(store.keep_webhook(webhook(number), "digest") for number in range(50)))

    (first,) = {hook.id for hook in kept}
    assert await listed(store, "new") == [first]


@opened
async def test_a_webhook_that_several_read_at_once_is_applied_once(store):
    await sent(store, task(1), Pending(ids={"id": "v-1"}))
    await store.keep_webhook(webhook(1), "digest")
    told_of = Sighting(says="created", operation="create_task", ids={"id": "v-1"})

    await asyncio.gather(
        *(store.sight("whk_000001", None, [seen(told_of, number)], later(minutes=1)) for number in range(1, 9))
    )

    assert len(await told(store, "tsk_000001", "sighting")) == 1


@opened
async def test_a_webhook_comes_back_byte_for_byte(store):
    body = b'\x00\xff{"data": "Zo\xc3\xab"}\r\n'
    await store.keep_webhook(webhook(1, body=body), "digest")

    (hook,) = await store.webhooks("new", EVERYONE, limit=10)

    assert hook == webhook(1, body=body)


@opened
async def test_webhooks_are_listed_newest_first_page_by_page_and_by_clinic(store):
    for number in range(1, 8):
        await store.keep_webhook(webhook(number), f"digest-{number}")
        clinic = None if number == 7 else HOME[0] if number % 2 else OTHER[0]
        await store.read_webhook(f"whk_{number:06d}", Reading(state="ignored", clinic_id=clinic))

    assert await listed(store, "ignored", limit=3) == ["whk_000007", "whk_000006", "whk_000005"]
    assert await listed(store, "ignored", limit=3, before="whk_000005") == ["whk_000004", "whk_000003", "whk_000002"]
    assert await listed(store, "ignored", frozenset({HOME[0]})) == ["whk_000005", "whk_000003", "whk_000001"]
    assert await listed(store, "ignored", frozenset({"nobody"})) == []
    assert await listed(store, "new") == []


@opened
async def test_a_sighting_moves_its_delivery_and_its_webhook_is_matched(store):
    await sent(store, task(1), Pending(ids={"id": "v-1", "job_id": "12345"}))

    assert await sight(store, CREATED) == "matched"

    delivered = await now(store, "tsk_000001")
    assert (delivered.state, delivered.emr_id) == ("delivered", "emr-1")
    assert await events(store, "tsk_000001") == ["task.queued", "task.sending", "task.submitted", "task.delivered"]
    (line,) = await told(store, "tsk_000001", "sighting")
    assert line.facts["webhook_id"] == "whk_000001"
    assert line.facts["why"] == "matched by vendor id"
    assert await listed(store, "matched") == ["whk_000001"]


@opened
async def test_the_vendors_reason_is_the_problem_of_what_it_failed_to_do(store):
    await sent(store, task(1), Pending(ids={"id": "v-1"}))

    await sight(store, FAILED)

    failed = await now(store, "tsk_000001")
    assert (failed.state, failed.content.problem.code) == ("failed", "vendor-failed")
    assert failed.content.problem.detail == "The patient is inactive"


@opened
async def test_the_same_sighting_again_is_matched_and_changes_nothing(store):
    await sent(store, task(1), Pending(ids={"id": "v-1"}))
    await sight(store, CREATED, 1)
    before = await now(store, "tsk_000001")

    assert await sight(store, CREATED, 2) == "matched"

    assert await now(store, "tsk_000001") == before


@opened
async def test_a_sighting_against_a_final_state_is_a_conflict_and_moves_nothing(store):
    await sent(store, task(1), Pending(ids={"id": "v-1"}))
    await sight(store, CREATED, 1)

    await sight(store, FAILED, 2)

    delivered = await now(store, "tsk_000001")
    assert (delivered.state, delivered.conflict) == ("delivered", True)
    assert (await events(store, "tsk_000001"))[-1] == "task.conflict"


@opened
async def test_what_fits_nothing_is_parked_and_its_webhook_unmatched(store):
    assert await sight(store, CREATED) == "unmatched"

    (hook,) = await store.webhooks("unmatched", EVERYONE, limit=10)
    assert hook.why == "no delivery has these ids"
    assert hook.event_id == "evt-1"


@opened
async def test_a_connection_that_nobody_has_matches_nothing_even_by_id(store):
    await sent(store, task(1), Pending(ids={"id": "v-1"}))

    state = await sight(store, CREATED, connection=None, account_connections=frozenset(), why_nowhere="unknown: x")

    assert state == "unmatched"
    assert await states(store, "tsk_000001") == ["submitted"]


@opened
async def test_a_sighting_of_another_clinics_delivery_is_quarantined_and_touches_neither(store):
    await sent(store, task(1), Pending(ids={"id": "v-1"}))
    await sent(store, task(2, clinic_id=OTHER[0]), Pending(ids={"id": "v-2"}))

    assert await sight(store, CREATED, connection=OTHER) == "quarantined"

    assert await states(store, "tsk_000001", "tsk_000002") == ["submitted", "submitted"]
    assert await listed(store, "quarantined", frozenset({OTHER[0]})) == ["whk_000001"]


@opened
async def test_what_was_quarantined_is_not_applied_later(store):
    await sent(store, task(1), Pending(ids={"id": "v-1"}))
    await sight(store, CREATED, connection=OTHER)

    await sent(store, task(2, clinic_id=OTHER[0]), Pending(ids={"id": "v-2"}))

    assert await states(store, "tsk_000002") == ["submitted"]


@opened
async def test_without_a_named_connection_ids_match_and_text_does_not(store):
    await sent(store, task(1), Pending(ids={"id": "v-1"}))
    await sent(store, task(2), Unknown(code="deadline"))

    assert await sight(store, CREATED, 1, connection=None) == "matched"
    assert await sight(store, echo(2, id="v-2"), 2, connection=None) == "unmatched"

    assert await states(store, "tsk_000001", "tsk_000002") == ["delivered", "unknown"]


@pytest.mark.parametrize("connection", [HOME, None])
@opened
async def test_our_mark_on_what_is_another_connections_says_nothing(store, connection):
    await sent(store, task(1), Unknown(code="deadline"))
    await sent(store, task(2, clinic_id=OTHER[0]), Applied(ids={"id": "v-2"}))
    copied = Sighting(says="created", operation="create_task", ref="tsk_000001", ids={"id": "v-2"})

    shown = await store.recognise(seen(copied, connection=connection), later(minutes=1))

    assert shown is None if connection else shown == await now(store, "tsk_000002")


@opened
async def test_ids_of_another_accounts_connections_are_not_this_accounts(store):
    await sent(store, task(1), Pending(ids={"id": "v-1"}))

    state = await sight(store, CREATED, connection=None, account_connections=frozenset({OTHER}))

    assert state == "unmatched"


@opened
async def test_an_unknown_is_found_by_the_text_it_was_sent_with(store):
    await sent(store, task(1), Unknown(code="deadline"))
    await sent(store, task(2), Unknown(code="deadline"))

    assert await sight(store, echo(2, id="v-2", emr_id="emr-2")) == "matched"

    assert await states(store, "tsk_000001", "tsk_000002") == ["unknown", "delivered"]
    assert (await now(store, "tsk_000002")).vendor_id == "v-2"


@opened
async def test_two_deliveries_with_the_same_text_match_neither(store):
    await sent(store, task(1, text="Call the pharmacy please"), Unknown(code="deadline"))
    await sent(store, task(2, text="Call the pharmacy please"), Unknown(code="deadline"))
    same = Sighting(says="created", operation="create_task", values={"description": "Call the pharmacy please"})

    assert await sight(store, same) == "unmatched"

    assert await states(store, "tsk_000001", "tsk_000002") == ["unknown", "unknown"]


@opened
async def test_a_delivery_that_was_never_sent_is_not_found_by_its_text(store):
    await accept(store, task(1))

    assert await sight(store, echo(1, id="v-1")) == "unmatched"


@opened
async def test_an_early_webhook_waits_for_the_answer_and_is_applied_after_it(store):
    attempt = await mark(store, await accept(store, task(1)))

    assert await sight(store, CREATED) == "unmatched"
    assert await states(store, "tsk_000001") == ["sending"]
    settled = await settle(store, attempt, Pending(ids={"id": "v-1", "job_id": "12345"}), later(minutes=2))

    assert (settled.state, settled.emr_id) == ("delivered", "emr-1")
    assert await listed(store, "unmatched") == []
    assert await listed(store, "matched") == ["whk_000001"]
    assert (await events(store, "tsk_000001"))[-2:] == ["task.submitted", "task.delivered"]


@opened
async def test_an_early_webhook_with_the_text_alone_is_kept_while_the_attempt_is_in_flight(store):
    attempt = await mark(store, await accept(store, task(1)))
    await sight(store, echo(1, id="v-1", emr_id="emr-1"))

    settled = await settle(store, attempt, Unknown(code="deadline"), later(minutes=2))

    assert (settled.state, settled.vendor_id) == ("delivered", "v-1")


@opened
async def test_an_early_failure_is_applied_after_the_answer(store):
    attempt = await mark(store, await accept(store, task(1)))
    await sight(store, FAILED)

    settled = await settle(store, attempt, Pending(ids={"id": "v-1"}), later(minutes=2))

    assert (settled.state, settled.content.problem.detail) == ("failed", "The patient is inactive")


@opened
async def test_an_early_webhook_is_applied_even_if_the_worker_dies(store):
    await mark(store, await accept(store, task(1)))
    await sight(store, echo(1, id="v-1"))

    await store.pass_time(later(minutes=3))

    assert await states(store, "tsk_000001") == ["delivered"]


@opened
async def test_an_early_webhook_against_the_answer_is_a_conflict(store):
    attempt = await mark(store, await accept(store, task(1)))
    await sight(store, Sighting(says="created", operation="create_task", ref="tsk_000001", ids={"id": "v-1"}))

    settled = await settle(store, attempt, Refused(code="refused"), later(minutes=2))

    assert (settled.state, settled.conflict, settled.safe_to_resend) == ("rejected", True, False)


@opened
async def test_what_is_parked_for_one_connection_is_not_applied_to_another(store):
    await sight(store, CREATED, connection=HOME)

    await sent(store, task(1, clinic_id=OTHER[0]), Pending(ids={"id": "v-1"}))

    assert await states(store, "tsk_000001") == ["submitted"]
    assert await listed(store, "unmatched") == ["whk_000001"]


@opened
async def test_an_early_webhook_lets_the_notes_go(store):
    attempt = await mark(store, await accept(store, task(1)))
    await accept(store, note(2))
    await sight(store, CREATED)

    await settle(store, attempt, Pending(ids={"id": "v-1"}), later(minutes=2))

    assert await states(store, "tsk_000001", "note_000002") == ["delivered", "queued"]
    assert (await now(store, "note_000002")).emr_task_id == "emr-1"


@pytest.mark.parametrize("first", [CREATED, Sighting(says="created", operation="create_task", ids={"id": "nobody"})])
@opened
async def test_a_webhook_is_as_grave_as_its_gravest_sighting(store, first):
    await sent(store, task(1), Pending(ids={"id": "v-1"}))
    await store.keep_webhook(webhook(1), "digest")
    lost = Sighting(says="created", operation="create_task", ids={"id": "nobody"})

    state = await store.sight("whk_000001", None, [seen(first, 1), seen(lost, 2)], later(minutes=1))

    assert state == "unmatched"


@opened
async def test_a_sighting_and_all_it_changes_are_written_together(store, ids):
    await sent(store, task(1), Pending(ids={"id": "v-1"}))
    await store.keep_webhook(webhook(1), "digest-1")
    ids.broken = True
    with pytest.raises(OSError, match="entropy"):
        await store.sight("whk_000001", None, [seen(CREATED)], later(minutes=1))
    ids.broken = False

    assert await states(store, "tsk_000001") == ["submitted"]
    assert await told(store, "tsk_000001", "sighting") == []
    assert await listed(store, "new") == ["whk_000001"]


@opened
async def test_ids_that_are_known_are_kept_when_a_sighting_tells_others(store):
    await sent(store, task(1), Applied(ids={"id": "v-1", "emr_id": "emr-1"}))

    await sight(store, Sighting(says="created", operation="create_task", ids={"id": "v-1", "emr_id": "emr-2"}))

    record = await now(store, "tsk_000001")
    assert (record.emr_id, record.conflict) == ("emr-1", True)


@opened
async def test_one_job_number_in_two_clinics_matches_the_named_one(store):
    await sent(store, task(1), Pending(ids={"job_id": "12345"}))
    await sent(store, task(2, clinic_id=OTHER[0]), Pending(ids={"job_id": "12345"}))
    told_of = Sighting(says="created", operation="create_task", ids={"job_id": "12345", "emr_id": "emr-2"})

    assert await sight(store, told_of, 1, connection=OTHER) == "matched"

    assert await states(store, "tsk_000001", "tsk_000002") == ["submitted", "delivered"]


@pytest.mark.parametrize("told_of", [{"job_id": "12345"}, {"emr_id": "77"}])
@opened
async def test_what_means_one_thing_in_each_connection_tells_nothing_without_one(store, told_of):
    """Neither at once, nor when something else of the connection ends."""
    await sent(store, task(1), Pending(ids=told_of))
    await sent(store, task(2, clinic_id=OTHER[0]), Unknown(code="deadline"))

    came_to = await sight(store, Sighting(says="failed", operation="create_task", ids=told_of), connection=None)
    await sent(store, task(3), Pending(ids={"id": "v-3"}))

    assert came_to == "unmatched"
    assert await states(store, "tsk_000001", "tsk_000002") == ["submitted", "unknown"]


@opened
async def test_what_the_vendor_created_after_a_person_said_it_was_not_is_a_conflict(store):
    record = await sent(store, task(1), Unknown(code="deadline"))
    await store.change(record.id, lambda now: wishes.resolve(now, NOW, created=False, ids={}), NOW)

    told_later = Sighting(says="created", operation="create_task", ids={"id": "v-1"}, values=record.values)
    assert await sight(store, told_later) == "matched"

    found = await now(store, record.id)
    assert (found.state, found.conflict, found.safe_to_resend, found.vendor_id) == ("failed", True, False, "v-1")


@opened
async def test_a_parked_sighting_is_tried_again_when_a_person_has_settled_its_twin(store):
    text = "Call the pharmacy about the refill"
    first, second = [await sent(store, task(number, text=text), Unknown(code="deadline")) for number in (1, 2)]
    created = Sighting(says="created", operation="create_task", ids={"id": "v-1"}, values=first.values)
    assert await sight(store, created) == "unmatched"

    await store.change(first.id, lambda now: wishes.resolve(now, NOW, created=False, ids={}), NOW)

    found = await now(store, second.id)
    assert (found.state, found.vendor_id) == ("delivered", "v-1")


@opened
async def test_an_answer_with_an_id_that_another_delivery_has_leaves_the_outcome_unknown(store):
    await sent(store, task(1), Pending(ids={"id": "v-1"}))

    second = await sent(store, task(2), Applied(ids={"id": "v-1"}))

    assert (second.state, second.vendor_id, second.doubt, second.due_at) == ("unknown", None, True, NOW)
    (attempt,) = await told(store, second.id, "attempt")
    assert (attempt.facts["verdict"], attempt.facts["code"]) == ("unknown", "id-taken")
    assert await states(store, "tsk_000001") == ["submitted"]


@opened
async def test_the_same_id_at_another_account_is_another_vendors(store):
    await sent(store, task(1), Pending(ids={"id": "v-1"}))

    assert (await sent(store, task(2, account="second"), Pending(ids={"id": "v-1"}))).state == "submitted"


@opened
async def test_a_repeat_of_what_a_person_found_missing_remembers_that_it_may_be_there(store):
    record = await sent(store, claim(1), Unknown(code="deadline"))
    await store.change(record.id, lambda now: wishes.resolve(now, NOW, created=False, ids={}), NOW)

    again = await accept(store, claim(2, retry_of=record.id))

    assert again.record.doubt


@opened
async def test_a_repeat_of_what_the_vendor_refused_is_in_no_doubt(store):
    record = await sent(store, task(1), Refused(code="refused"))

    assert not (await accept(store, task(2, retry_of=record.id))).record.doubt
