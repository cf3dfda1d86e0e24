"""What every store owes the people who run it: sessions, what waits for them, and finding by whatever they have."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import structs
from store.opened import opened
from store.records import (
    BY_OPERATOR,
    EVERYONE,
    HOME,
    NOW,
    OTHER,
    accept,
    encryption_key,
    later,
    mark,
    seen,
    sent,
    settle,
    task,
    webhook,
)  # fmt: skip

from gateway.rules.record import Content
from gateway.store.deliveries import Key
from gateway.store.listing import Wanted
from gateway.store.searching import Search
from gateway.store.sessions import Session
from schemas.outcome import Applied, Blocked, Pending, Refused, Sighting, Unknown
from schemas.problem import problem

IDLE, LONGEST = timedelta(minutes=15), timedelta(hours=8)
K1, K2 = encryption_key("k1"), encryption_key("k2")


def session(number=1, at=NOW):
    return Session(
        digest=f"digest-{number}", app="operator", key_id="o1", key_sha256="ab" * 32, begun_at=at, seen_at=at
    )


async def found(store, clinics=EVERYONE, **search):
    listed = await store.listed(Wanted(clinics=clinics, search=Search(**search)))
    return [record.id for record in listed.records]


async def of_patient(store, reference, **more):
    return await found(store, patient=await store.patient_hashes(reference), **more)


def of(patient, number=1, **more):
    content = Content(command={"description": "x", "patient": patient}, values={}, mapping=())
    return task(number, content=content, **more)


@opened
async def test_a_session_is_found_by_its_digest_until_it_ends(store):
    await store.sign_in(session(), BY_OPERATOR, IDLE, LONGEST)
    assert await store.session("digest-1") == session()

    await store.sign_out("digest-1")
    assert await store.session("digest-1") is None


@opened
async def test_using_it_is_noted(store):
    await store.sign_in(session(), BY_OPERATOR, IDLE, LONGEST)
    await store.session_seen("digest-1", later(minutes=5))
    assert await store.session("digest-1") == structs.replace(session(), seen_at=later(minutes=5))


@opened
async def test_signing_in_is_in_the_audit_trail(store):
    await store.sign_in(session(), BY_OPERATOR, IDLE, LONGEST)
    (entry,) = await store.audit(EVERYONE, before=None, limit=5)
    assert (entry.app, entry.key_id, entry.at) == ("operator", "o1", NOW)


@opened
async def test_the_next_sign_in_sweeps_away_what_nobody_uses_and_what_has_lasted_too_long(store):
    for number in (1, 2, 3):
        await store.sign_in(session(number), BY_OPERATOR, IDLE, LONGEST)
    await store.session_seen("digest-2", later(hours=7, minutes=59))
    await store.session_seen("digest-3", later(hours=7, minutes=30))
    await store.sign_in(session(4, later(hours=7, minutes=59)), BY_OPERATOR, IDLE, LONGEST)
    left = [number for number in range(1, 5) if await store.session(f"digest-{number}")]
    assert left == [2, 4]

    await store.sign_in(session(5, later(hours=8)), BY_OPERATOR, IDLE, LONGEST)
    left = [number for number in range(1, 6) if await store.session(f"digest-{number}")]
    assert left == [4, 5]


@opened
async def test_what_a_person_must_settle_is_counted_apart_from_what_waits_for_its_connection(store):
    await sent(store, task(1), Unknown(code="deadline"))
    await sent(store, task(2), Pending(ids={"job_id": "1"}))
    await store.pass_time(later(days=1))  # the second is overdue
    await sent(store, task(3, clinic_id=OTHER[0]), Blocked(code="credentials"))

    asked = await store.asked_of_people(EVERYONE)
    assert (asked.to_settle, asked.paused, asked.webhooks) == (2, 1, {})
    listed = await store.listed(Wanted(clinics=EVERYONE, to_settle=True))
    assert {record.id for record in listed.records} == {"tsk_000001", "tsk_000002"}


@opened
async def test_one_clinics_people_are_asked_nothing_of_another_clinic(store):
    await sent(store, task(1), Unknown(code="deadline"))
    await store.pause(*HOME, problem("connection-blocked", "why"), NOW)
    await store.keep_webhook(webhook(1), "digest")
    await store.sight("whk_000001", None, [seen(Sighting(says="created", ids={"id": "nobody's"}))], NOW)

    home, other = [await store.asked_of_people(frozenset({clinic})) for clinic, _ in (HOME, OTHER)]
    assert (home.to_settle, home.paused) == (1, 1)
    assert (other.to_settle, other.paused, other.webhooks) == (0, 0, {})
    assert (await store.asked_of_people(EVERYONE)).webhooks == {"unmatched": 1}


@opened
async def test_open_work_is_counted_for_each_connection(store):
    await accept(store, task(1))
    await accept(store, task(2))
    await sent(store, task(3), Pending(ids={"job_id": "1"}))
    await sent(store, task(4), Unknown(code="deadline"))
    await sent(store, task(5), Applied(ids={"id": "v-1"}))
    await accept(store, task(6, clinic_id=OTHER[0]))

    work = await store.open_work(EVERYONE)
    assert set(work) == {HOME, OTHER}
    here = work[HOME]
    assert (here.waiting, here.followed, here.unknown) == (2, 1, 1)
    assert set(await store.open_work(frozenset({OTHER[0]}))) == {OTHER}


@pytest.mark.parametrize("text", ["tsk_000001", "v-1", "emr-1", "77", "call-1", "key-1"])
@opened
async def test_a_delivery_is_found_by_any_of_its_ids(store, text):
    accepted = await accept(store, task(1, reference="call-1"), Key(key="key-1", fingerprint="f"))
    ids = {"id": "v-1", "emr_id": "emr-1", "job_id": "77"}
    await settle(store, await mark(store, accepted), Applied(ids=ids))
    await accept(store, task(2))
    apps = ("intake", "others")

    assert await found(store, text=text, apps=apps) == ["tsk_000001"]
    assert await found(store, frozenset({OTHER[0]}), text=text, apps=apps) == []
    assert await found(store, text=f"{text}0", apps=apps) == []


@opened
async def test_an_idempotency_key_is_looked_for_among_the_given_apps_alone(store):
    await accept(store, task(1), Key(key="key-1", fingerprint="f"))
    assert await found(store, text="key-1", apps=("another",)) == []
    assert await found(store, text="key-1") == []


@opened
async def test_lists_can_be_of_what_was_accepted_between_two_times(store):
    for number in (1, 2, 3):
        await accept(store, task(number, created_at=later(hours=number)))

    async def ids(**between):
        return [record.id for record in (await store.listed(Wanted(clinics=EVERYONE, **between))).records]

    assert await ids(since=later(hours=2)) == ["tsk_000003", "tsk_000002"]
    assert await ids(until=later(hours=2)) == ["tsk_000001"]


@pytest.mark.parametrize("reference", ["MRN-12 34", " mrn-1234 ", "MRN-\uff11\uff12\uff13\uff14", "sol-9", "SOL-9"])
@opened
async def test_a_delivery_is_found_by_any_reference_to_its_patient_however_it_is_written(store, reference):
    await accept(store, of({"mrn": "MRN-1234", "ids": {"task_api": "sol-9", "cobalt": ""}}))
    await accept(store, of({"mrn": "MRN-12345"}, 2))
    await accept(store, task(3))

    assert await of_patient(store, reference) == ["tsk_000001"]
    assert await of_patient(store, reference, clinics=frozenset({OTHER[0]})) == []


@opened
async def test_what_stands_there_cannot_be_made_of_the_reference_alone(store):
    await accept(store, of({"mrn": "1234"}))
    stored = await store.read(lambda tx: tx.execute("SELECT hash FROM patients").fetchall())
    store.vault.use([K2])
    assert stored[0][0] not in await store.patient_hashes("1234")


@opened
async def test_patients_are_found_while_keys_change_and_after_sealing_anew_without_the_older_key(store):
    store.vault.use([])
    await accept(store, of({"mrn": "1"}))
    store.vault.use([K1])
    await accept(store, of({"mrn": "1"}, 2))
    store.vault.use([K2, K1])
    await accept(store, of({"mrn": "1"}, 3))
    everyone = ["tsk_000003", "tsk_000002", "tsk_000001"]
    assert await of_patient(store, "1") == everyone

    cursor = (await store.reseal(None, 2)).next_cursor
    while cursor:
        cursor = (await store.reseal(cursor, 2)).next_cursor
    store.vault.use([K2])
    assert await of_patient(store, "1") == everyone
    only_k2 = (await store.patient_hashes("1"))[:1]
    assert await found(store, patient=only_k2) == everyone


@opened
async def test_a_patient_is_forgotten_with_the_words(store):
    await sent(store, of({"mrn": "1"}), Refused(code="refused"))
    await store.forget(later(days=100), timedelta(days=30), 10)
    assert (await store.get("tsk_000001")).purged
    assert await of_patient(store, "1") == []


@opened
async def test_a_restored_database_lets_nobody_in(store):
    await store.sign_in(session(), BY_OPERATOR, IDLE, LONGEST)
    await store.begin_epoch(NOW, BY_OPERATOR)
    assert await store.session("digest-1") is None
