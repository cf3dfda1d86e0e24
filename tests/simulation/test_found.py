"""What simulated stories have found, each told again in its shortest form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from running import run
from simulation.synchronous import SimStore, database
from store.records import (
    HOME,
    NOW,
    Ids,
    accept,
    events,
    later,
    mark,
    note,
    now,
    seen,
    sent,
    settle,
    sight,
    take,
    task,
)  # fmt: skip

from gateway.rules.attempts import lease_ended
from gateway.rules.wishes import cancel, retry
from gateway.store.following import Looked
from gateway.store.listing import Wanted
from schemas.outcome import Applied, Blocked, NotApplied, Pending, Sighting, Unknown
from schemas.problem import problem

TEXT = "Call the patient back about the lab results."
NOTE = {"text": "The patient called again.", "emr_task_id": "e1"}


@pytest.fixture
def store() -> Iterator[SimStore]:
    """An empty one."""
    with closing(database()) as connection:
        yield SimStore(connection, Ids())


@run
async def test_a_blocked_connection_holds_each_of_its_deliveries_once(store):
    first = await accept(store, task(1))
    for number in (2, 3, 4):
        await accept(store, task(number))
        await store.change(f"tsk_{number:06d}", lambda record: lease_ended(record, NOW), NOW)

    await settle(store, await mark(store, first), Blocked(code="credentials"))

    assert [(await events(store, f"tsk_{number:06d}")).count("task.held") for number in (2, 3, 4)] == [1, 1, 1]


@run
async def test_what_bears_another_delivery_s_mark_is_no_content_s_match(store):
    elsewhere = task(1, text=TEXT, connection="front-desk", state="queued")
    await sent(store, elsewhere, Unknown(code="http-502"))
    here = await sent(store, task(2, text=TEXT), Unknown(code="http-502"))
    told = Sighting(
        says="created", operation="create_task", ref=elsewhere.id, ids={"id": "t1"}, values={"description": TEXT}
    )

    await _look(store, here.id, 2, told)

    assert (await now(store, here.id)).state == "unknown"


@run
async def test_what_is_another_connection_s_by_its_id_is_no_content_s_match(store):
    await sent(store, task(1, text=TEXT, connection="front-desk"), Pending(ids={"id": "t1"}))
    here = await sent(store, task(2, text=TEXT), Unknown(code="http-502"))
    told = Sighting(says="created", operation="create_task", ids={"id": "t1"}, values={"description": TEXT})

    await _look(store, here.id, 2, told)

    assert (await now(store, here.id)).state == "unknown"


@run
async def test_a_job_number_of_another_operation_does_not_keep_content_from_matching(store):
    await sent(store, task(1), Pending(ids={"id": "c1", "job_id": "4"}))
    lost = await sent(store, note(2, of="tsk_000009"), Unknown(code="http-502"))
    told = Sighting(
        says="created",
        operation="add_note",
        ids={"id": "n1", "job_id": "4"},
        values={"text": lost.content.values["text"]},
    )

    await sight(store, told)

    assert (await now(store, lost.id)).state == "delivered"


async def _look(store: SimStore, delivery_id: str, minutes: float, *told: Sighting) -> None:
    listed = [seen(one, number) for number, one in enumerate(told, start=1)]
    at = later(minutes=minutes)
    taken = Looked(delivery_id=delivery_id, began=at, sightings=listed, complete=True, schedule=(60,), gap=300)
    await store.look(taken, at)


@run
async def test_an_attempt_that_was_settled_before_its_mark_came_through_marks_nothing(store):
    accepted = await accept(store, task(1))
    assert accepted.attempt is not None
    await settle(store, accepted.attempt, NotApplied(code="deadline"), retry_at=later(minutes=1))

    await mark(store, accepted)

    assert (await now(store, "tsk_000001")).state == "queued"


@run
async def test_absence_seen_before_an_attempt_proves_nothing_of_it(store):
    late = await mark(store, await accept(store, task(1)))
    await store.pass_time(later(minutes=3))
    await _look(store, "tsk_000001", 4)
    await settle(store, late, NotApplied(code="http-429"), later(minutes=5))
    (again,) = await take(store, later(minutes=5))
    await settle(store, await mark(store, again, later(minutes=6)), Unknown(code="http-502"), later(minutes=6))

    await _look(store, "tsk_000001", 20)

    assert (await now(store, "tsk_000001")).state == "unknown"


@run
async def test_the_one_that_tries_a_blocked_connection_is_not_held_again_by_a_wish_to_retry_it(store):
    first, second = await accept(store, task(1)), await accept(store, task(2))
    await settle(store, await mark(store, first), Blocked(code="credentials"))
    await store.change(second.record.id, lambda record: lease_ended(record, NOW), NOW)
    await store.pass_time(later(minutes=16))

    await store.change("tsk_000001", lambda record: retry(record, later(minutes=16)), later(minutes=16))

    assert (await now(store, "tsk_000001")).state == "queued"


@run
async def test_what_was_held_and_is_over_needs_no_person(store):
    await store.pause(*HOME, problem("connection-blocked"), NOW)
    await accept(store, task(1))
    await store.change("tsk_000001", lambda record: cancel(record, NOW), NOW)

    listed = await store.listed(Wanted(clinics=frozenset({"*"}), needs_person=True))

    assert listed.records == ()


COPIES = {
    "its own mark is copied over": ("tsk_000001",),
    "another's mark is put before its own": ("tsk_000001", "tsk_000002"),
    "another's mark is put behind its own": ("tsk_000002", "tsk_000001"),
}


@pytest.mark.parametrize("marks", COPIES.values(), ids=COPIES)
@run
async def test_a_copied_mark_neither_takes_a_thing_from_its_delivery_nor_has_it_sent_again(store, marks):
    await sent(store, task(1, text="Send the referral letter to Dr. Ames."), Unknown(code="http-502"))
    lost = await sent(store, task(2, text=TEXT), Unknown(code="http-502"))
    first = _listed("t1", "Send the referral letter to Dr. Ames.", "tsk_000001")
    second = _listed("t2", f"{TEXT} Called, no answer.", *marks)

    for minutes in (2, 10):
        await _look(store, lost.id, minutes, second, first)

    assert (await now(store, "tsk_000001")).vendor_id == "t1"
    assert (await now(store, lost.id)).state == "unknown"


@pytest.mark.parametrize("connection", ["emr", "front-desk"])
@run
async def test_a_mark_copied_over_another_s_is_not_believed_where_the_list_breaks_off_before_its_own(store, connection):
    await sent(store, task(1, text="Send the referral letter.", connection=connection), Unknown(code="http-502"))
    lost = await sent(store, task(2, text=TEXT), Unknown(code="http-502"))

    for minutes in (2, 10):
        await _look(store, lost.id, minutes, _listed("t2", TEXT, "tsk_000001"))

    assert (await now(store, "tsk_000001")).vendor_id is None
    assert (await now(store, lost.id)).state == "unknown"


@run
async def test_nor_is_it_believed_where_a_webhook_brings_it(store):
    await sent(store, task(1, text="Send the referral letter."), Unknown(code="http-502"))
    await sent(store, task(2, text=TEXT), Unknown(code="http-502"))

    assert await sight(store, _listed("t2", TEXT, "tsk_000001")) == "unmatched"

    assert (await now(store, "tsk_000001")).vendor_id is None


@run
async def test_the_mark_of_a_delivery_whose_own_is_known_is_no_proof_that_a_thing_is_not_another_s(store):
    await sent(store, task(1), Applied(ids={"id": "t1"}))
    lost = await sent(store, task(2, text=TEXT), Unknown(code="http-502"))

    for minutes in (2, 10):
        await _look(store, lost.id, minutes, _listed("t2", TEXT, "tsk_000001"))

    assert (await now(store, lost.id)).state == "unknown"


@pytest.mark.parametrize("marks", [("tsk_000002",), ("tsk_000001", "tsk_000002")])
@run
async def test_a_mark_on_another_s_thing_tells_that_its_delivery_was_made(store, marks):
    await sent(store, task(1, text="Send the referral letter to Dr. Ames."), Applied(ids={"id": "t1"}))
    lost = await sent(store, task(2, text=TEXT), Unknown(code="http-502"))

    for minutes in (2, 10):
        await _look(store, lost.id, minutes, _listed("t1", "Send the referral letter to Dr. Ames.", *marks))

    assert (await now(store, lost.id)).state == "unknown"


def _listed(vendor_id: str, text: str, *marks: str) -> Sighting:
    alone = {"ref": marks[0]} if len(marks) == 1 else {"refs": marks}
    return Sighting(
        says="created", operation="create_task", ids={"id": vendor_id}, values={"description": text}, **alone
    )
