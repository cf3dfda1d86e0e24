"""The engine around single attempts: tokens, limits, a worker that is gone, a restart."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from flows.doubles import call_back, event, receipt, reply
from msgspec import structs
from running import run, until
from store.records import BY_OPERATOR

from gateway.store import sqlite
from gateway.store.base import StoreUnavailable, Undecided
from schemas.problem import problem

VOB = {"clinic_id": "lakeside", "description": "Verify the benefits", "type": "vob"}
HARBOUR = {"clinic_id": "lakeside", "description": "Check the tide", "type": "harbour"}


class Harbour:
    """The vendor with tokens: `good` are those it takes, and how it answers a token call can be set."""

    def __init__(self, road):
        self.granted = 0
        self.good = set()
        self.grant = True
        self.refusal = None
        self.seen = []
        road.answer = self.answer

    async def answer(self, request):
        if request.url.path == "/token":
            if self.refusal is not None:
                return reply(self.refusal, {"error": "no"})
            self.granted += 1
            token = f"token-{self.granted}"
            if self.grant:
                self.good.add(token)
            return reply(200, {"access_token": token, "expires_in": 3600})
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.seen.append(token)
        return reply(201, {"id": f"h-{len(self.seen)}"}) if token in self.good else reply(401, {})


@run
async def test_a_token_is_asked_for_once_and_kept_until_a_minute_before_its_end(house):
    vendor = Harbour(house.road)
    async with house.open():
        for _ in range(3):
            assert (await house.submit(HARBOUR)).state == "delivered"
        house.advance(minutes=58)
        await house.submit(HARBOUR)
        assert vendor.granted == 1

        house.advance(minutes=2)
        await house.submit(HARBOUR)

    assert vendor.granted == 2
    assert vendor.seen == ["token-1"] * 4 + ["token-2"]


@run
async def test_a_kept_token_that_is_refused_is_dropped_and_the_task_sent_once_more_under_one_mark(house):
    vendor = Harbour(house.road)
    async with house.open():
        await house.submit(HARBOUR)
        vendor.good.clear()

        record = await house.submit(HARBOUR)

        assert (record.state, record.attempts) == ("delivered", 1)
        assert (await house.events(record)).count("task.sending") == 1
    assert vendor.seen == ["token-1", "token-1", "token-2"]


@run
async def test_a_second_refusal_of_a_token_blocks(house):
    vendor = Harbour(house.road)
    async with house.open():
        await house.submit(HARBOUR)
        vendor.good.clear()
        vendor.grant = False

        record = await house.submit(HARBOUR)

        assert (record.state, record.waiting_for) == ("held", "connection")
    assert len(vendor.seen) == 3


@run
async def test_a_vendor_that_gives_no_token_blocks_and_nothing_is_sent(house):
    vendor = Harbour(house.road)
    vendor.refusal = 401
    async with house.open():
        record = await house.submit(HARBOUR)

        assert (record.state, record.attempted) == ("held", False)
    assert vendor.seen == []


@run
async def test_a_token_call_that_fails_for_now_is_tried_again(house):
    vendor = Harbour(house.road)
    vendor.refusal = 503
    async with house.open():
        record = await house.submit(HARBOUR)
        assert (record.state, record.attempted) == ("queued", False)

        vendor.refusal = None
        house.advance(seconds=30)

        assert (await house.comes_to(record, "delivered")).attempts >= 1
    assert len(vendor.seen) == 1


@run
async def test_no_more_are_in_flight_than_the_account_allows(house):
    turn, full = iter(range(1000)), asyncio.Event()

    async def slow(_request):
        if house.road.in_flight == 3:
            full.set()
        await full.wait()
        await asyncio.sleep(0.005)
        return reply(201, {"id": f"s-{next(turn)}"})

    house.road.answer = slow
    async with house.open():
        records = [(await house.hand_in(VOB)).record for _ in range(20)]
        for record in records:
            await house.comes_to(record, "delivered")

    assert house.road.most_in_flight == 3
    assert len(house.road.creates) == 20


@run
async def test_where_nothing_waits_the_end_of_a_send_is_no_reason_to_look(house):
    house.road.answers(*(receipt(number) for number in range(11)))
    looks = []

    async with house.open():
        await house.submit(call_back())
        claim = house.store.claim

        async def noted(*given):
            looks.append(given)
            return await claim(*given)

        house.store.claim = noted
        for _ in range(10):
            await house.submit(call_back())

    assert looks == []


@run
async def test_an_account_that_is_full_does_not_keep_another_waiting(house):
    gate = asyncio.Event()

    async def answer(request):
        if request.url.host == "solum.test":
            await gate.wait()
            return reply(201, {"id": "s"})
        return receipt()

    house.road.answer = answer
    async with house.open():
        for _ in range(10):
            await house.hand_in(VOB)

        assert (await house.submit(call_back())).state == "submitted"
        gate.set()
        await house.rests()


@run
async def test_a_worker_slower_than_its_lease_is_late_and_its_answer_counts(house):
    gate = asyncio.Event()

    async def slow(_request):
        await gate.wait()
        return receipt()

    house.road.answer = slow
    async with house.open():
        submitted = await house.hand_in(call_back())
        await until(lambda: house.road.creates)
        house.advance(seconds=121)
        await house.comes_to(submitted.record, "unknown")
        gate.set()

        assert (await house.comes_to(submitted.record, "submitted")).vendor_id == "v-1"
    assert len(house.road.creates) == 1


@run
async def test_an_answer_that_the_database_refuses_at_first_is_written_later(house, monkeypatch):
    async with house.open():
        change, refusals = house.store.change, iter([False, True, True])

        async def busy(*arguments):
            if next(refusals, False):
                raise StoreUnavailable("locked")
            return await change(*arguments)

        monkeypatch.setattr(house.store, "change", busy)
        submitted = await house.hand_in(call_back())

        assert (await house.comes_to(submitted.record, "submitted")).vendor_id == "v-1"
    assert len(house.road.creates) == 1


@run
async def test_without_a_mark_in_the_database_nothing_is_sent(house, monkeypatch):
    async with house.open():

        async def locked(*_arguments):
            raise StoreUnavailable("locked")

        with monkeypatch.context() as patched:
            patched.setattr(house.store, "change", locked)
            submitted = await house.hand_in(call_back())
            await until(lambda: house.road.touched)
            await house.rests()
        assert house.road.creates == []

        house.advance(seconds=121)
        await house.comes_to(submitted.record, "submitted")
    assert len(house.road.creates) == 1


@run
async def test_a_mark_that_another_process_overtook_before_its_commit_is_none(house, monkeypatch):
    async with house.open():
        change = house.store.change

        async def overtaken(delivery_id, decide, now):
            """The job runs twice; before the second time the lease has ended, and another has it."""

            def decide_twice(current):
                decide(current)
                return decide(structs.replace(current, fence=current.fence + 1))

            return await change(delivery_id, decide_twice, now)

        monkeypatch.setattr(house.store, "change", overtaken)
        await house.hand_in(call_back())
        await until(lambda: house.road.touched)
        await house.rests()

    assert house.road.creates == []


@run
async def test_a_mark_that_took_long_is_not_used_since_the_lease_may_be_another_s_by_now(house, monkeypatch):
    async with house.open():
        change, delays = house.store.change, iter([3])

        async def slow(*arguments):
            changed = await change(*arguments)
            house.clock += timedelta(seconds=next(delays, 0))
            return changed

        monkeypatch.setattr(house.store, "change", slow)
        record = await house.submit(call_back())
        assert (record.state, house.road.creates) == ("queued", [])

        house.advance(seconds=30)
        assert (await house.comes_to(record, "submitted")).doubt is False
    assert len(house.road.creates) == 1


@run
async def test_what_was_not_sent_is_not_unknown_although_its_mark_may_stand_in_the_database(house, monkeypatch):
    async with house.open():
        change, faults = house.store.change, iter([Undecided("gone"), StoreUnavailable("gone")])

        async def broken(*arguments):
            fault = next(faults, None)
            changed = await change(*arguments) if type(fault) is not StoreUnavailable else None
            if fault:
                raise fault
            return changed

        monkeypatch.setattr(house.store, "change", broken)
        record = await house.submit(call_back())
        await house.comes_to(record, "queued")
        assert house.road.creates == []

        house.advance(seconds=30)
        await house.comes_to(record, "submitted")
    assert len(house.road.creates) == 1


@pytest.mark.parametrize("error", [StoreUnavailable("locked"), ValueError("a fault of ours")])
@run
async def test_the_dispatcher_lives_on_after_a_round_that_failed(house, monkeypatch, error):
    monkeypatch.setattr("gateway.flows.rounds.LONGEST_SLEEP", 0.05)
    async with house.open():
        await house.rests()
        claim, failures = house.store.claim, iter([error, error])

        async def sometimes(*arguments):
            failure = next(failures, None)
            if failure:
                raise failure
            return await claim(*arguments)

        async def refused():
            raise ConnectionRefusedError

        house.road.connect = refused
        record = await house.submit(call_back())
        monkeypatch.setattr(house.store, "claim", sometimes)
        house.road.connect = None
        house.advance(seconds=30)

        await house.comes_to(record, "submitted")


# A restart.


@run
async def test_a_restart_sends_what_was_queued_and_never_again_what_was_being_sent(house):
    async def refused():
        raise ConnectionRefusedError

    async def lost(_request):
        await asyncio.sleep(60)

    async with house.open():
        house.road.connect = refused
        queued = await house.submit(call_back(1))
        house.road.connect, house.road.answer = None, lost
        sending = (await house.hand_in(call_back(2))).record
        await until(lambda: house.road.creates)
        for send in house.services.dispatcher._tasks:
            send.cancel()  # as if the process had died here
        house.services.dispatcher.stopping = True
    assert len(house.road.creates) == 1

    house.road.answer = None
    async with house.open():
        assert (await house.now(sending)).state == "unknown"
        house.advance(seconds=30)
        await house.comes_to(queued, "submitted")
        for _ in range(3):
            house.advance(hours=6)
            await house.rests()
        assert (await house.now(sending)).state == "unknown"

    assert len(house.road.creates) == 2
    assert [b"MRN-2" in request.content for request in house.road.creates] == [True, False]


@run
async def test_a_restart_keeps_keys_pauses_and_notes_that_wait(house):
    async with house.open():
        task = await house.submit(call_back(), key="k")
        await house.store.pause("lakeside", "emr", problem("connection-blocked"), house.clock, BY_OPERATOR)
        held = await house.submit(call_back(2))

    async with house.open():
        again = await house.hand_in(call_back(), key="k")
        assert (again.replayed, again.record.id) == (True, task.id)
        assert (await house.now(held)).state == "held"
        await house.store.resume("lakeside", "emr", house.clock)
        await house.comes_to(held, "submitted")


@run
async def test_a_restart_tries_a_connection_that_the_vendor_blocked(house):
    async with house.open():
        await house.push(event("access_token.login_required"))
        held = await house.submit(call_back())
        assert held.state == "held"

    async with house.open():
        await house.comes_to(held, "submitted")
        assert await house.store.paused() == ()


@run
async def test_a_stop_lets_a_send_under_way_end(house):
    gate = asyncio.Event()

    async def slow(_request):
        gate.set()
        await asyncio.sleep(0.05)
        return receipt()

    house.road.answer = slow
    async with house.open():
        record = (await house.hand_in(call_back())).record
        await gate.wait()

    house.road.answer = None
    async with house.open():
        assert (await house.now(record)).state == "submitted"
    assert len(house.road.creates) == 1


@run
async def test_what_a_stop_cuts_off_after_its_first_byte_is_unknown_and_not_sent_again(house):
    house.road.answer = lambda _request: asyncio.sleep(60)
    async with house.open():
        record = (await house.hand_in(call_back())).record
        await until(lambda: house.road.creates)
        await house.services.dispatcher.stop(0)

    house.road.answers()
    async with house.open():
        assert (await house.now(record)).state == "unknown"
        house.advance(days=2)
        await house.rests()
    assert len(house.road.creates) == 1


@run
async def test_nothing_is_sent_while_the_last_of_the_disk_is_kept_for_results(house, monkeypatch):
    house.road.answers(reply(429, {}, {"retry-after": "10"}), receipt)
    async with house.open():
        record = await house.submit(call_back())
        await house.rests()

        with monkeypatch.context() as full:
            full.setattr(sqlite, "RESERVE", 2**62)
            house.advance(seconds=20)
            await house.rests()
            assert len(house.road.creates) == 1

        house.advance(seconds=1)
        await house.comes_to(record, "submitted")


@run
async def test_what_is_claimed_while_it_stops_is_left_for_the_next_start(house, monkeypatch):
    house.road.answers(reply(429, {}, {"retry-after": "10"}), receipt)
    async with house.open():
        record = await house.submit(call_back())
        await house.rests()
        claim, claiming, gate = house.store.claim, asyncio.Event(), asyncio.Event()

        async def slow(*arguments):
            claiming.set()
            await gate.wait()
            return await claim(*arguments)

        monkeypatch.setattr(house.store, "claim", slow)
        house.advance(seconds=20)
        await claiming.wait()
        await house.services.dispatcher.stop(1)
        gate.set()
    assert len(house.road.creates) == 1

    async with house.open():
        assert (await house.comes_to(record, "submitted")).attempts == 2
    assert len(house.road.creates) == 2
