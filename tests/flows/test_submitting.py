"""From a command to what became of it: one story for each thing a vendor can answer, or fail to."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from flows.doubles import NOW, call_back, event, receipt, reply
from msgspec import structs
from running import run

from gateway.errors import Refused
from gateway.store.base import StoreUnavailable
from schemas.command import AddNote, CreateClaim

VOB = {"clinic_id": "lakeside", "description": "Verify the benefits", "type": "vob"}


@run
async def test_what_the_vendor_takes_is_submitted_with_its_ids(house):
    async with house.open():
        record = await house.submit(call_back())

        assert (record.state, record.vendor_id, record.job_id, record.attempts) == ("submitted", "v-1", "12345", 1)
        assert await house.events(record) == ["task.queued", "task.sending", "task.submitted"]
    assert len(house.road.creates) == 1


@run
async def test_what_exists_at_once_is_delivered(house):
    house.road.answers(reply(201, {"id": 77, "title": "x", "status": "pending"}))
    async with house.open():
        record = await house.submit(VOB)

        assert (record.state, record.vendor_id, record.work.status) == ("delivered", "77", "pending")


@run
async def test_what_the_vendor_refuses_is_rejected_with_its_reason_and_our_name_of_the_field(house):
    house.road.answers(reply(400, {"success": False, "message": "Missing required field: patient_mrn"}))
    async with house.open():
        record = await house.submit(call_back())

        assert (record.state, record.safe_to_resend) == ("rejected", True)
        assert record.content.problem.detail == "Missing required field: patient_mrn"
        assert record.content.problem.errors[0].field == "patient.mrn"


@pytest.mark.parametrize(
    "answer",
    [
        reply(500, b"<html>oops</html>"),
        reply(408, {}),
        reply(502, {}),
        reply(200, b"\x00 not JSON"),
        reply(200, {"success": True, "message": "no id"}),
        reply(302, {}, {"location": "/elsewhere"}),
        reply(202, b"x" * (1024 * 1024 + 1)),
        ConnectionResetError("gone"),
        TimeoutError(),
    ],
    ids=["500", "408", "502", "no-json", "no-id", "302", "oversized", "reset", "timeout"],
)
@run
async def test_what_may_have_been_created_is_unknown_and_never_sent_again(house, answer):
    house.road.answers(answer)
    async with house.open():
        record = await house.submit(call_back())
        assert (record.state, record.safe_to_resend, record.doubt) == ("unknown", False, True)

        for _ in range(4):
            house.advance(hours=8)
            await house.rests()

        assert (await house.now(record)).state == "unknown"
    assert len(house.road.creates) == 1


@pytest.mark.parametrize(
    "answer", [reply(401, {}), reply(403, {}), reply(404, b"nginx"), reply(405, b""), reply(308, b"")]
)
@run
async def test_what_a_door_refuses_is_held_and_the_connection_paused(house, answer):
    house.road.answers(answer)
    async with house.open():
        record = await house.submit(call_back())

        assert (record.state, record.waiting_for) == ("held", "connection")
        assert [(gone.clinic_id, gone.connection) for gone in await house.store.paused()] == [("lakeside", "emr")]


@run
async def test_a_rate_limit_queues_it_until_the_vendors_time_and_then_sends_it_once_more(house):
    house.road.answers(reply(429, {}, {"retry-after": "90"}), receipt)
    async with house.open():
        record = await house.submit(call_back())
        assert record.state == "queued"
        assert record.due_at == NOW + timedelta(seconds=90.5)

        house.advance(seconds=89)
        await house.rests()
        assert len(house.road.creates) == 1

        house.advance(seconds=2)
        await house.comes_to(record, "submitted")
    assert len(house.road.creates) == 2


@run
async def test_a_retry_after_of_years_is_an_hour(house):
    house.road.answers(reply(429, {}, {"retry-after": "999999999"}))
    async with house.open():
        record = await house.submit(call_back())

        assert record.due_at == NOW + timedelta(seconds=3600.5)


@run
async def test_a_refused_connection_leaves_no_mark_and_is_tried_again(house):
    async def refused():
        raise ConnectionRefusedError

    house.road.connect = refused
    async with house.open():
        record = await house.submit(call_back())
        assert (record.state, record.attempted, record.doubt) == ("queued", False, False)
        assert record.due_at > NOW
        assert "task.sending" not in await house.events(record)
        assert house.road.creates == []

        house.road.connect = None
        house.advance(seconds=5)
        await house.comes_to(record, "submitted")
    assert len(house.road.creates) == 1


@run
async def test_a_deadline_before_the_mark_is_not_sent_and_after_it_unknown(house):
    house._timeouts = structs.replace(house._timeouts, send=0.1)

    async def never():
        await asyncio.sleep(30)

    house.road.connect = never
    async with house.open():
        before = await house.submit(call_back(1))
        house.road.connect = None

        async def silent(_request):
            await asyncio.sleep(30)

        house.road.answer = silent
        after = await house.submit(call_back(2))

        assert (before.state, after.state) == ("queued", "unknown")
        assert not before.attempted


@run
async def test_what_cannot_be_sent_for_a_day_is_given_up(house):
    async def refused():
        raise ConnectionRefusedError

    house.road.connect = refused
    async with house.open():
        record = await house.submit(call_back())
        house.advance(hours=25)

        ended = await house.comes_to(record, "failed")
        assert (ended.content.problem.code, ended.safe_to_resend) == ("gave-up", True)
    assert house.road.creates == []


@run
async def test_it_is_durable_before_it_is_answered_and_marked_before_it_is_sent(house):
    seen = []

    async def look(_request):
        with closing(sqlite3.connect(house.path)) as other:
            seen.append(other.execute("SELECT state, marked FROM deliveries").fetchone())
            seen.append(other.execute("SELECT marked_at IS NOT NULL FROM attempts").fetchone())
        return receipt()

    house.road.answer = look
    async with house.open():
        submitted = await house.hand_in(call_back())
        with closing(sqlite3.connect(house.path)) as other:
            assert other.execute("SELECT id FROM deliveries").fetchall() == [(submitted.record.id,)]
        await house.comes_to(submitted.record, "submitted")

    assert seen == [("sending", 1), (1,)]


@run
async def test_a_submission_is_answered_without_waiting_for_the_vendor(house):
    gate = asyncio.Event()

    async def slow(_request):
        await gate.wait()
        return receipt()

    house.road.answer = slow
    async with house.open():
        submitted = await house.hand_in(call_back())
        await house.comes_to(submitted.record, "sending")
        waited = await house.services.desk.settled(submitted.record, final=False, within=0.05)
        assert waited.state == "sending"

        gate.set()
        assert (await house.services.desk.settled(submitted.record, final=False, within=5)).state == "submitted"


@run
async def test_who_waits_looks_by_himself_too_since_a_bell_may_be_lost_with_the_process_that_rings(house, monkeypatch):
    monkeypatch.setattr("gateway.flows.rounds.LONGEST_SLEEP", 0.05)
    async with house.open():
        record = await house.submit(call_back())
        monkeypatch.setattr(house.store.bell, "ring", lambda _name: None)
        waiting = asyncio.create_task(house.services.desk.settled(record, final=True, within=1000))
        await asyncio.sleep(0.01)
        await house.push(event("task.created", emr_task_id="emr-1"))

        assert (await asyncio.wait_for(waiting, 10)).state == "delivered"


@run
async def test_waiting_for_the_end_ends_with_the_webhook(house):
    async with house.open():
        submitted = await house.hand_in(call_back())
        waiting = asyncio.create_task(house.services.desk.settled(submitted.record, final=True, within=5))
        await house.comes_to(submitted.record, "submitted")
        assert not waiting.done()

        await house.push(event("task.created", emr_task_id="emr-1"))

        assert (await waiting).state == "delivered"


@run
async def test_the_same_key_gets_the_delivery_as_it_is_now(house):
    async with house.open():
        first = await house.submit(call_back(), key="k")
        await house.push(event("task.created", emr_task_id="emr-1"))

        again = await house.hand_in(call_back(), key="k")

        assert again.replayed
        assert (again.record.id, again.record.state) == (first.id, "delivered")
    assert len(house.road.creates) == 1


@run
async def test_the_same_key_with_another_body_is_refused(house):
    async with house.open():
        await house.submit(call_back(1), key="k")

        with pytest.raises(Refused) as refused:
            await house.hand_in(call_back(2), key="k")

        assert refused.value.problem.code == "idempotency-key-reused"


@run
async def test_a_hundred_submissions_at_once_with_one_key_are_one_task_at_the_vendor(house):
    async with house.open():
        every = await asyncio.gather(*(house.hand_in(call_back(), key="k") for _ in range(100)))
        await house.rests()

        assert len({submitted.record.id for submitted in every}) == 1
        assert [submitted.replayed for submitted in every].count(False) == 1
    assert len(house.road.creates) == 1


@run
async def test_a_refusal_before_storing_leaves_the_key_unused(house):
    async with house.open():
        with pytest.raises(Refused):
            await house.hand_in({"clinic_id": "lakeside", "description": "no patient"}, key="k")

        assert (await house.submit(call_back(), key="k")).state == "submitted"


@run
async def test_a_caller_that_hangs_up_at_any_moment_leaves_no_delivery_unsent_and_none_sent_twice(house):
    moments = range(0, 40, 2)
    async with house.open():
        for ticks in moments:
            going = asyncio.create_task(house.hand_in(call_back(), key=f"k{ticks}"))
            for _ in range(ticks):
                await asyncio.sleep(0)
            going.cancel()
            await asyncio.gather(going, return_exceptions=True)
        await house.rests()

        found = [(await house.hand_in(call_back(), key=f"k{ticks}")).record for ticks in moments]
        await house.rests()
        assert {(await house.store.get(each.id)).state for each in found} == {"submitted"}
    assert len(house.road.creates) == len(moments)


@run
async def test_a_store_that_cannot_take_it_stores_nothing_and_sends_nothing(house):
    async with house.open():
        await house.store.write(lambda tx: tx.execute("PRAGMA query_only = ON"))
        with pytest.raises(StoreUnavailable):
            await house.hand_in(call_back(), key="k")
        house.store._writer.execute("PRAGMA query_only = OFF")
        await house.rests()
        assert house.road.touched == 0

        assert (await house.submit(call_back(), key="k")).state == "submitted"


@run
async def test_a_second_claim_for_an_appointment_is_refused_with_the_firsts_id(house):
    claim = {"clinic_id": "lakeside", "appointment_id": "appt-1"}
    house.road.answers(reply(202, {"success": True, "claim_id": "c-1", "job_id": 1}))
    async with house.open():
        first = await house.submit(claim, CreateClaim)

        with pytest.raises(Refused) as refused:
            await house.hand_in(claim, CreateClaim)

        assert refused.value.problem.code == "duplicate"
        assert refused.value.problem.delivery == {"id": first.id}


@run
async def test_a_builder_that_raises_blocks_with_config_and_sends_nothing(house, monkeypatch):
    adapter = house.config.accounts["cobalt-main"].adapter

    def broken(*_arguments):
        raise KeyError("canary")

    async with house.open():
        monkeypatch.setattr(type(adapter), "build_request", broken, raising=False)
        record = await house.submit(call_back())

        assert (record.state, record.waiting_for) == ("held", "connection")
        assert "canary" not in record.content.problem.detail
    assert house.road.touched == 0


@run
async def test_a_request_that_cannot_be_written_blocks_and_sends_nothing(house, monkeypatch):
    adapter = house.config.accounts["cobalt-main"].adapter

    async with house.open():
        monkeypatch.setattr(type(adapter), "headers", lambda *_: {"access_token": "two\r\nlines"})
        record = await house.submit(call_back())

        assert (record.state, record.waiting_for) == ("held", "connection")
    assert house.road.touched == 0


# Notes.


def note(task, number=1):
    return {"task_id": task.id, "text": f"Note number {number}"}


@run
async def test_notes_wait_for_the_emr_id_and_then_go_one_after_the_other(house):
    order = []

    async def answer(request):
        if request.url.path == "/v1/tasks":
            return receipt()
        order.append(request.content)
        await asyncio.sleep(0.01)
        return reply(202, {"success": True, "task_note_id": f"n-{len(order)}", "job_id": 100 + len(order)})

    house.road.answer = answer
    async with house.open():
        task = await house.submit(call_back())
        notes = [(await house.hand_in(note(task, number), AddNote)).record for number in (1, 2, 3)]
        assert {one.state for one in notes} == {"held"}
        await house.rests()
        assert order == []

        await house.push(event("task.created", emr_task_id="emr-1"))

        for one in notes:
            assert (await house.comes_to(one, "submitted")).emr_task_id == "emr-1"
    assert house.road.most_in_flight == 1
    assert [number for number in (1, 2, 3) if f"Note number {number}".encode() in order[number - 1]] == [1, 2, 3]
    assert all(b'"emr_task_id":"emr-1"' in body for body in order)


@run
async def test_notes_end_with_their_task_and_a_later_one_is_refused(house):
    async with house.open():
        task = await house.submit(call_back())
        waiting = (await house.hand_in(note(task), AddNote)).record

        await house.push(event("task.failed", failure_reason="The patient is inactive"))

        ended = await house.now(waiting)
        assert (ended.state, ended.content.problem.code) == ("failed", "parent-failed")
        assert ended.content.problem.detail == "The patient is inactive"
        with pytest.raises(Refused) as refused:
            await house.hand_in(note(task, 2), AddNote)
        assert refused.value.problem.code == "parent-not-created"
    assert len(house.road.creates) == 1


# Explain.


@run
async def test_explain_opens_no_socket_and_writes_nothing(house):
    async with house.open():
        await house.rests()

        def counts(tx):
            return [
                tx.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own names
                for table in ("deliveries", "events", "attempts", "idempotency_keys", "webhooks", "sightings")
            ]

        before = await house.store.read(counts)
        said = await house.services.desk.explain(house.submission(call_back(), key="k"))
        refused = await house.services.desk.explain(house.submission({"clinic_id": "lakeside"}))

        assert said.would == "send"
        assert said.request["json"]["patient_mrn"] == "MRN-1"
        assert not any(f"{name}-secret" in str(said.request) for name in ("ci", "cs", "at"))
        assert refused.would == "refuse"
        assert {problem.field for problem in refused.problems} >= {"description"}
        assert await house.store.read(counts) == before
    assert house.road.touched == 0
