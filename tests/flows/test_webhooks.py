"""A vendor's webhook: proved, stored, answered, and only then read; early, twice, late, forged or about nobody."""

from __future__ import annotations

import asyncio

import pytest
from flows.doubles import call_back, event, receipt, reply
from running import run, until

from gateway.flows.receive import Mailbox
from gateway.store.base import StoreUnavailable

EVERYONE = frozenset({"*"})


async def hooks(house, state):
    return [hook.event_id for hook in await house.store.webhooks(state, EVERYONE, limit=100)]


@run
async def test_a_signed_created_delivers_what_was_submitted_with_the_emr_id(house):
    async with house.open():
        record = await house.submit(call_back())

        await house.push(event("task.created", emr_task_id="emr-1"))

        delivered = await house.now(record)
        assert (delivered.state, delivered.emr_id) == ("delivered", "emr-1")
        assert (await house.events(record))[-1] == "task.delivered"
        assert await hooks(house, "matched") == ["evt-task.created-1"]


@run
async def test_who_waits_for_the_end_is_woken_by_the_webhook_and_does_not_poll(house):
    looks = []

    async def noted(delivery_id):
        looks.append(delivery_id)
        return await get(delivery_id)

    async with house.open():
        record, get = await house.submit(call_back()), house.store.get
        house.store.get = noted
        waiting = asyncio.create_task(house.services.desk.settled(record, final=True, within=60))
        await asyncio.sleep(0.2)
        assert looks == [record.id]

        await house.push(event("task.created", emr_task_id="emr-1"))

        assert (await asyncio.wait_for(waiting, 5)).state == "delivered"
        assert looks == [record.id] * 2


@run
async def test_a_signed_failed_fails_it_with_the_vendors_reason(house):
    async with house.open():
        record = await house.submit(call_back())

        await house.push(event("task.failed", failure_reason="The patient is inactive"))

        failed = await house.now(record)
        assert (failed.state, failed.safe_to_resend) == ("failed", True)
        assert (failed.content.problem.code, failed.content.problem.detail) == (
            "vendor-failed", "The patient is inactive",
        )  # fmt: skip


@run
async def test_a_wrong_signature_is_kept_as_unverified_and_changes_nothing(house):
    async with house.open():
        record = await house.submit(call_back())

        await house.push(event("task.created", emr_task_id="forged"), signed_with="guess")
        await house.rests()

        assert len(await hooks(house, "unverified")) == 1
        assert ((await house.now(record)).state, (await house.now(record)).emr_id) == ("submitted", None)
    assert len(house.road.creates) == 1


@run
async def test_a_forged_copy_first_does_not_keep_the_true_one_out(house):
    async with house.open():
        record = await house.submit(call_back())
        await house.push(event("task.created", emr_task_id="emr-1"), signed_with="guess")

        await house.push(event("task.created", emr_task_id="emr-1"))

        assert (await house.now(record)).state == "delivered"


def test_a_wrong_token_names_no_account(house):
    mailbox = Mailbox(None, _Configured(house.config), _World())

    assert mailbox.account("cobalt-main", "hook-token").name == "cobalt-main"
    for name, token in (("cobalt-main", "x"), ("cobalt-main", ""), ("nobody", "hook-token"), ("solum", ""), ("", "")):
        assert mailbox.account(name, token) is None


class _Configured:
    def __init__(self, config):
        self.config = config


class _World:
    def new_id(self, prefix):
        return f"{prefix}_never"


@run
async def test_an_early_webhook_waits_for_the_answer_to_be_committed(house):
    gate = asyncio.Event()

    async def slow(_request):
        await gate.wait()
        return receipt()

    house.road.answer = slow
    async with house.open():
        submitted = await house.hand_in(call_back())
        await house.comes_to(submitted.record, "sending")

        await house.push(event("task.created", emr_task_id="emr-1"))
        assert (await house.now(submitted.record)).state == "sending"
        gate.set()

        assert (await house.comes_to(submitted.record, "delivered")).emr_id == "emr-1"
        assert (await house.events(submitted.record))[-2:] == ["task.submitted", "task.delivered"]
        assert await hooks(house, "unmatched") == []


@run
async def test_a_webhook_finds_the_unknown_it_echoes(house):
    house.road.answers(reply(500, b""))
    async with house.open():
        record = await house.submit(call_back(7))

        echo = {"description": record.content.values["description"], "patient_mrn": "MRN-7"}
        await house.push(event("task.created", 7, emr_task_id="emr-7", **echo))

        found = await house.now(record)
        assert (found.state, found.vendor_id, found.emr_id) == ("delivered", "v-7", "emr-7")
    assert len(house.road.creates) == 1


@run
async def test_the_same_webhook_again_changes_nothing_and_tells_nobody(house):
    async with house.open():
        record = await house.submit(call_back())
        await house.push(event("task.created", emr_task_id="emr-1"))
        before, told = await house.now(record), await house.events(record)

        for _ in range(3):
            await house.push(event("task.created", emr_task_id="emr-1"))
        await house.push(event("task.created", emr_task_id="emr-1", attempt=2))

        assert await house.now(record) == before
        assert await house.events(record) == told


@run
async def test_a_reference_that_nobody_has_is_parked_and_named(house):
    async with house.open():
        record = await house.submit(call_back())

        stranger = {**event("task.created", emr_task_id="emr-1"), "access_token_reference_id": "user_stranger"}
        await house.push(stranger)

        (hook,) = await house.store.webhooks("unmatched", EVERYONE, limit=10)
        assert hook.why == "unknown connection user_stranger"
        assert (await house.now(record)).state == "submitted"


@run
async def test_login_required_pauses_the_connection_it_names_and_resume_lets_go(house):
    async with house.open():
        expired = {**event("access_token.login_required"), "data": {"message": "Please re-link the account."}}
        await house.push(expired)
        held = await house.submit(call_back())
        assert (held.state, held.waiting_for) == ("held", "connection")
        assert held.content.problem.detail == "Please re-link the account."
        assert house.road.creates == []

        await house.store.resume("lakeside", "emr", house.clock)

        assert (await house.comes_to(held, "submitted")).content.problem is None
    assert len(house.road.creates) == 1


@run
async def test_a_blocked_answer_pauses_and_the_next_ones_are_held_unsent(house):
    login = {"success": False, "error": "login_required", "message": "Login required."}
    house.road.answers(reply(403, login), receipt(1), receipt(2))
    async with house.open():
        first = await house.submit(call_back(1))
        second = await house.submit(call_back(2))
        assert [first.state, second.state] == ["held", "held"]
        assert len(house.road.creates) == 1

        await house.store.resume("lakeside", "emr", house.clock)

        await house.comes_to(first, "submitted")
        await house.comes_to(second, "submitted")
    assert len(house.road.creates) == 3


@run
async def test_one_of_those_held_tries_a_blocked_connection_after_a_quarter_of_an_hour(house):
    house.road.answers(reply(401, {}), reply(401, {}), receipt(1), receipt(2))
    async with house.open():
        first = await house.submit(call_back(1))
        second = await house.submit(call_back(2))

        house.advance(minutes=15)
        await until(lambda: len(house.road.creates) == 2)
        await house.rests()
        assert [(await house.now(one)).state for one in (first, second)] == ["held", "held"]

        house.advance(minutes=15)
        await house.comes_to(first, "submitted")
        await house.comes_to(second, "submitted")
        assert await house.store.paused() == ()
    assert len(house.road.creates) == 4


@run
@pytest.mark.parametrize("parse", [lambda *_: 1 / 0, lambda *_: None])
async def test_what_an_adapter_cannot_read_is_unreadable(house, monkeypatch, parse):
    adapter = house.config.accounts["cobalt-main"].adapter
    async with house.open():
        monkeypatch.setattr(type(adapter), "parse_webhook", parse)
        await house.push(event("task.created"))

        assert len(await hooks(house, "unreadable")) == 1


@run
async def test_an_adapter_that_answers_nonsense_does_not_keep_the_gateway_from_starting(house, monkeypatch):
    adapter = house.config.accounts["cobalt-main"].adapter
    monkeypatch.setattr(type(adapter), "parse_webhook", lambda *_: [None])
    async with house.open():
        await house.push(event("task.created"))

    async with asyncio.timeout(5), house.open():
        assert (await house.submit(call_back())).state == "submitted"


@run
async def test_a_webhook_whose_reading_the_store_refused_is_read_before_long(house, monkeypatch):
    monkeypatch.setattr("gateway.flows.receive._PAUSE", 0.01)
    async with house.open():
        record = await house.submit(call_back())
        sight, refusals = house.store.sight, iter([True, True])

        async def busy(*arguments):
            if next(refusals, False):
                raise StoreUnavailable("locked")
            return await sight(*arguments)

        monkeypatch.setattr(house.store, "sight", busy)
        await house.push(event("task.created", emr_task_id="emr-1"))

        await house.comes_to(record, "delivered")


@run
async def test_a_webhook_whose_commit_seemed_to_fail_is_read_when_the_vendor_tries_again(house, monkeypatch):
    async with house.open():
        record = await house.submit(call_back())
        keep = house.store.keep_webhook

        async def kept_and_not_told(*arguments):
            await keep(*arguments)
            raise StoreUnavailable("the commit broke half-way")

        with monkeypatch.context() as patched:
            patched.setattr(house.store, "keep_webhook", kept_and_not_told)
            with pytest.raises(StoreUnavailable):
                await house.push(event("task.created", emr_task_id="emr-1"))
        await house.push(event("task.created", emr_task_id="emr-1"))

        await house.comes_to(record, "delivered")


@run
async def test_what_was_stored_and_not_read_before_a_stop_is_read_at_the_start(house, monkeypatch):
    async with house.open():
        record = await house.submit(call_back())

        async def not_now(_self, _hook):
            return True

        with monkeypatch.context() as patched:
            patched.setattr(Mailbox, "_read", not_now)
            await house.push(event("task.created", emr_task_id="emr-1"))
        assert (await house.now(record)).state == "submitted"

    async with house.open():
        assert (await house.now(record)).state == "delivered"


@run
async def test_what_another_process_stored_and_did_not_live_to_read_is_read_before_long(house, monkeypatch):
    monkeypatch.setattr("gateway.flows.receive._LEFT", 0.05)
    async with house.open(alone=False):
        record = await house.submit(call_back())

        async def died(_self, _hook):
            return True

        with monkeypatch.context() as patched:
            patched.setattr(Mailbox, "_read", died)
            await house.push(event("task.created", emr_task_id="emr-1"))
            assert (await house.now(record)).state == "submitted"
        house.advance(seconds=1)

        await house.comes_to(record, "delivered")


@run
async def test_a_webhook_that_breaks_its_reading_is_not_read_again_and_again(house, monkeypatch):
    monkeypatch.setattr("gateway.flows.receive._LEFT", 0.01)
    readings = []
    async with house.open(alone=False):

        async def breaks(_self, hook):
            readings.append(hook.id)
            raise ValueError("a fault of ours")

        monkeypatch.setattr(Mailbox, "_correlate", breaks)
        await house.push(event("task.created"))
        house.advance(seconds=1)
        await asyncio.sleep(0.1)

    assert len(readings) == 1
