"""What every store owes those who keep the capability table: each observation once, each trial counted."""

from __future__ import annotations

import pytest
from msgspec import structs
from store.opened import opened
from store.records import EVERYONE, HOME, NOW, OTHER, accept, events, later, mark, now, sent, sight, task

from gateway.rules import attempts
from gateway.rules.attempts import Result
from gateway.rules.drift import Observed
from gateway.store.drift import Drift, Observation, Trial
from schemas.delivery import Mapped
from schemas.outcome import Applied, Pending, Refused, Sighting

WANTED = Observed(field="title", vendor_name="subject", code="missing-field", status=400)
NAMELESS = Observed(field=None, vendor_name="department_id", code="missing-field", status=422)


async def refused(store, record, observed=WANTED, at=NOW):
    """Sent, and refused for want of a field."""
    attempt = await mark(store, await accept(store, record), at)
    outcome = Refused(code="missing-field", field=observed.vendor_name, ours=observed.field)
    result = Result(outcome=outcome, status=observed.status, at=at, retry_at=at, observed=observed)
    await store.change(record.id, lambda current: attempts.settle(current, attempt, result), at)
    return attempt, result


async def observations(store, clinics=EVERYONE):
    return (await store.drift(clinics)).observations


@opened
async def test_a_store_that_has_seen_nothing_has_learnt_nothing(store):
    assert await store.drift(EVERYONE) == Drift(observations=(), trials=())


@opened
async def test_an_observation_is_kept_with_its_refusal_and_says_where_it_was_made(store):
    await refused(store, task(1), at=later(seconds=5))

    assert (await now(store, "tsk_000001")).state == "rejected"
    assert await observations(store) == (
        Observation(
            vendor="cobalt", emr="eclinicalworks", clinic_id=HOME[0], connection=HOME[1], operation="create_task",
            vendor_name="subject", field="title", code="missing-field", status=400, first_at=later(seconds=5),
            last_at=later(seconds=5), count=1, delivery_id="tsk_000001",
        ),
    )  # fmt: skip


@opened
async def test_a_repetition_is_counted_and_the_last_delivery_stands_as_its_example(store):
    await refused(store, task(1))
    await refused(store, task(2), structs.replace(WANTED, status=422), at=later(hours=1))

    (seen,) = await observations(store)

    assert (seen.count, seen.first_at, seen.last_at) == (2, NOW, later(hours=1))
    assert (seen.status, seen.delivery_id) == (422, "tsk_000002")


# fmt: off
APART = {
    "another clinic": task(2, clinic_id=OTHER[0]),
    "another connection": task(2, connection="second"),
    "another EMR": task(2, emr="athenahealth"),
    "no EMR": task(2, emr=None),
    "another vendor": task(2, adapter="maxcare"),
}
# fmt: on


@pytest.mark.parametrize("other", APART.values(), ids=APART)
@opened
async def test_observations_of_different_places_are_kept_apart(store, other):
    await refused(store, task(1))
    await refused(store, other)

    seen = await observations(store)

    assert [one.count for one in seen] == [1, 1]
    assert {(one.vendor, one.emr, one.clinic_id, one.connection) for one in seen} == {
        (record.adapter, record.emr, record.clinic_id, record.connection) for record in (task(1), other)
    }


@opened
async def test_a_name_that_maps_to_no_place_is_kept_too(store):
    await refused(store, task(1), NAMELESS)

    (seen,) = await observations(store)

    assert (seen.field, seen.vendor_name, seen.status) == (None, "department_id", 422)


@opened
async def test_a_new_observation_is_told_by_one_event_and_a_repeated_one_by_none(store):
    for number in (1, 2, 3):
        await refused(store, task(number))
    await refused(store, task(4), NAMELESS)

    told = await store.read(lambda tx: tx.execute("SELECT data FROM events WHERE type = 'capability.drift'").fetchall())

    assert len(told) == 2
    assert ['"vendor_name":"subject"' in told[0][0], '"vendor_name":"department_id"' in told[1][0]] == [True, True]
    assert await events(store, "tsk_000001") == ["task.queued", "task.sending", "task.rejected"]


@opened
async def test_a_refusal_that_is_written_twice_is_observed_once(store):
    attempt, result = await refused(store, task(1))
    await store.change("tsk_000001", lambda current: attempts.settle(current, attempt, result), NOW)

    assert [seen.count for seen in await observations(store)] == [1]


@opened
async def test_a_refusal_that_cannot_be_written_teaches_nothing(store, ids):
    attempt = await mark(store, await accept(store, task(1)))
    refusal = Refused(code="missing-field", field="subject", ours="title")
    result = Result(outcome=refusal, status=400, at=NOW, retry_at=NOW, observed=WANTED)
    ids.broken = True
    with pytest.raises(OSError, match="no entropy"):
        await store.change("tsk_000001", lambda current: attempts.settle(current, attempt, result), NOW)

    assert (await now(store, "tsk_000001")).state == "sending"
    assert await observations(store) == ()


@opened
async def test_what_was_learnt_is_shown_for_the_clinics_in_scope_alone(store):
    await refused(store, on_trial(1))
    await refused(store, on_trial(2, clinic_id=OTHER[0]), at=later(seconds=1))

    for clinics, found in ((EVERYONE, [OTHER[0], HOME[0]]), (frozenset({HOME[0]}), [HOME[0]]), (frozenset(), [])):
        learnt = await store.drift(clinics)
        assert [seen.clinic_id for seen in learnt.observations] == found
        assert [trial.clinic_id for trial in learnt.trials] == found


# Rules on trial


def on_trial(number, *fields, **changes):
    """A task that lacks fields which rules on trial want."""
    record = task(number, **changes)
    mapping = [Mapped(field=field, fate="missing") for field in fields or ("notify",)]
    return structs.replace(record, content=structs.replace(record.content, mapping=mapping))


@opened
async def test_what_is_sent_without_a_field_on_trial_is_counted_by_what_became_of_it(store):
    await sent(store, on_trial(1), Applied(ids={"id": "v-1"}))
    await sent(store, on_trial(2), Applied(ids={"id": "v-2"}), later(minutes=1))
    await sent(store, on_trial(3), Refused(code="refused"), later(minutes=2))
    await sent(store, on_trial(4), Refused(code="refused"), later(minutes=3))
    await sent(store, task(5), Applied(ids={"id": "v-5"}), later(minutes=4))

    assert (await store.drift(EVERYONE)).trials == (
        Trial(
            vendor="cobalt", emr="eclinicalworks", clinic_id=HOME[0], connection=HOME[1], operation="create_task",
            field="notify", accepted=2, refused=2, first_at=NOW, last_at=later(minutes=3),
        ),
    )  # fmt: skip


@opened
async def test_a_trial_of_what_the_vendor_only_took_ends_with_its_result(store):
    await sent(store, on_trial(1), Pending(ids={"id": "v-1", "job_id": "7"}))
    assert (await store.drift(EVERYONE)).trials == ()

    await sight(store, Sighting(says="created", operation="create_task", ids={"id": "v-1", "emr_id": "e-1"}))

    (trial,) = (await store.drift(EVERYONE)).trials
    assert (trial.accepted, trial.refused) == (1, 0)


@opened
async def test_each_field_on_trial_has_a_count_of_its_own(store):
    await sent(store, on_trial(1, "notify", "priority"), Applied(ids={"id": "v-1"}))
    await sent(store, on_trial(2, "priority"), Applied(ids={"id": "v-2"}))

    trials = (await store.drift(EVERYONE)).trials

    assert {trial.field: trial.accepted for trial in trials} == {"notify": 1, "priority": 2}
