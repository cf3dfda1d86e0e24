"""What is tried again: held deliveries a person asks about, looks that failed, hints that come twice."""

from __future__ import annotations

import asyncio

import pytest
from flows.doubles import call_back, receipt, reply
from running import run, until

from gateway.rules.reading import read
from gateway.store.base import StoreUnavailable
from schemas.command import CreateTask

LOGIN = {"success": False, "error": "login_required", "message": "Login required."}


def hook(number=1):
    """The task API's word that a task changed, the very same each time."""
    return f'{{"event_type": "task_updated", "task_id": "t-{number}"}}'.encode()


async def push(house, body):
    """A webhook of the task API, unsigned."""
    account = house.services.configured.config.accounts["solum"]
    await house.services.mailbox.receive(account, {}, body)
    await until(lambda: not house.services.mailbox._readings)


class Desk:
    """The task API: one task, whose status a test sets; its look-ups counted, and failing where told."""

    def __init__(self, house):
        self.status, self.looks, self.failing = "pending", 0, 0
        house.road.answer = self.answer

    async def answer(self, request):
        if request.method == "POST":
            return reply(201, {"id": "t-1", "status": "pending"})
        self.looks += 1
        if self.failing:
            self.failing -= 1
            return reply(503)
        return reply(200, {"id": "t-1", "status": self.status})


async def work(house, record):
    found = (await house.now(record)).work
    return found and found.status


@run
async def test_a_change_told_once_is_learnt_though_the_first_look_fails(house):
    desk = Desk(house)
    async with house.open():
        record = await house.submit(call_back(type="vob"))
        desk.status, desk.failing = "completed", 1

        await push(house, hook())
        await house.rests()
        assert await work(house, record) == "pending"
        house.advance(minutes=5)
        await until(lambda: desk.looks == 2)
        await house.rests()

        assert await work(house, record) == "completed"
        house.advance(days=1)
        await house.rests()
    assert desk.looks == 2


@run
async def test_a_vendor_that_cannot_be_asked_for_long_is_left_alone_about_a_hint(house):
    desk = Desk(house)
    desk.failing = 1000
    async with house.open():
        await house.submit(call_back(type="vob"))
        await push(house, hook())
        for _ in range(30):
            house.advance(hours=7)
            await house.rests()
    assert 2 <= desk.looks <= 12


@run
async def test_the_very_same_hint_again_tells_of_another_change(house):
    desk = Desk(house)
    async with house.open():
        record = await house.submit(call_back(type="vob"))
        for status in ("in_progress", "completed"):
            desk.status = status
            await push(house, hook())
            await house.rests()
            assert await work(house, record) == status


@run
async def test_a_retry_of_what_a_blocked_connection_holds_tries_the_connection_now(house):
    house.road.answers(reply(403, LOGIN), receipt(1))
    async with house.open():
        held = await house.submit(call_back())
        assert held.waiting_for == "connection"

        await house.services.asking.retry(held, house.operator, "they are back")

        await house.comes_to(held, "submitted")
        assert await house.store.paused() == ()


def looks():
    """Those under way."""
    return [task for task in asyncio.all_tasks() if "Follower._look" in repr(task.get_coro())]


@run
async def test_looks_at_one_connection_never_overtake_each_other_and_never_pile_up(house):
    asked, gate = 0, asyncio.Event()

    async def hangs(request):
        nonlocal asked
        if request.method == "POST":
            raise ConnectionResetError
        asked += 1
        await gate.wait()
        return reply(503)

    house.road.answer = hangs
    async with house.open():
        for number in range(4):
            assert (await house.submit(call_back(number, type="vob"))).state == "unknown"
        for _ in range(6):
            house.advance(minutes=3)
            await asyncio.sleep(0.02)

        assert (asked, len(looks())) == (1, 1)
        gate.set()


@run
async def test_a_mark_that_the_store_refused_waits_for_no_lease_to_end(house, monkeypatch):
    async with house.open():
        change, refusals = house.store.change, iter([True])

        async def busy(*arguments):
            if next(refusals, False):
                raise StoreUnavailable("locked")
            return await change(*arguments)

        monkeypatch.setattr(house.store, "change", busy)
        submitted = await house.hand_in(call_back())
        await house.rests()
        assert (await house.now(submitted.record)).lease_until is None

        house.advance(seconds=60)
        await house.comes_to(submitted.record, "submitted")
    assert len(house.road.creates) == 1


@run
async def test_new_commands_go_behind_those_that_wait_for_the_same_account(house):
    gates = [asyncio.Event() for _ in range(9)]
    order = []

    async def one_by_one(request):
        number = len(order)
        order.append(request)
        await gates[number].wait()
        return reply(201, {"id": f"t-{number}", "status": "pending"})

    house.road.answer = one_by_one
    async with house.open():
        handed_in = [await house.hand_in(call_back(number, type="vob")) for number in range(5)]
        await until(lambda: len(order) == 3)
        gates[0].set()
        late = await house.hand_in(call_back(7, type="vob"))
        await until(lambda: len(order) == 4)
        for gate in gates:
            gate.set()
        await house.comes_to(late.record, "delivered")
        for one in handed_in:
            await house.comes_to(one.record, "delivered")

    texts = [request.content.decode() for request in order]
    assert "number 7" in texts[-1]
    assert "number 3" in texts[3]


@pytest.mark.parametrize("tag", ["gw:tsk_1", " gw:x"])
def test_a_callers_tag_cannot_pose_as_the_gateways_mark(tag):
    (error,) = read(call_back(tags=["billing", tag]), CreateTask).errors
    assert (error.code, error.pointer) == ("invalid-value", "/tags/1")
