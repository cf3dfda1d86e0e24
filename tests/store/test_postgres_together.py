"""Several processes on one PostgreSQL: they take turns, share a bell and a clock, and wait for nobody for ever."""

from __future__ import annotations

import asyncio
import gc
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from msgspec import structs
from running import run, until
from store.opened import opened
from store.records import EVERYONE, LEASE, NOW, OTHER, accept, later, mark, now, sent, settle, task
from store.replicas import another

from gateway.rules.change import change
from gateway.rules.clinic import Limits
from gateway.store import postgres_session
from gateway.store.base import StoreUnavailable
from gateway.store.bell import RELOADED
from gateway.store.clock import Clock
from gateway.store.postgres import PostgresStore
from gateway.store.postgres_bell import SharedBell
from gateway.store.rows import stamp
from gateway.world import World
from schemas.outcome import NotApplied, Unknown


@pytest.fixture
def store(database):
    return PostgresStore(database, World().new_id)


def bumped(current):
    return change(current, structs.replace(current, version=current.version + 1))


# Turns.


@opened
async def test_changes_of_one_delivery_by_several_processes_lose_none(store, database):
    await accept(store, task(1))

    async with another(database) as other:
        await asyncio.gather(*(each.change("tsk_000001", bumped, NOW) for each in (store, other) for _ in range(50)))

        assert (await now(other, "tsk_000001")).version == 101


@opened
async def test_what_another_leased_between_reading_and_writing_is_read_again(store, database):
    await store.accept(task(1), None, None)
    read = []

    async with another(database) as other:
        loop = asyncio.get_running_loop()

        def decide(current):
            read.append(current.fence)
            if len(read) == 1:
                asyncio.run_coroutine_threadsafe(other.claim(NOW, LEASE), loop).result()
            return bumped(current)

        after = await store.change("tsk_000001", decide, NOW)

    assert (read, after.version, after.lease_until) == ([0, 1], 2, NOW + LEASE)


@opened
async def test_what_another_is_changing_is_left_for_the_next_claim(store, database):
    for number in (1, 2):
        await store.accept(task(number), None, None)
    claimed = []

    async with another(database) as other:
        loop = asyncio.get_running_loop()

        def job(tx):
            tx.execute("UPDATE deliveries SET version = version + 1 WHERE id = 'tsk_000001'")
            claimed.extend(asyncio.run_coroutine_threadsafe(other.claim(NOW, LEASE), loop).result())

        await store.write(job)

        assert [one.record.id for one in claimed] == ["tsk_000002"]
        assert [one.record.id for one in await other.claim(NOW, LEASE)] == ["tsk_000001"]


@opened
async def test_an_account_s_cap_holds_over_all_processes(store, database):
    limits = Limits(concurrency=3)
    async with another(database) as other:
        accepted = await asyncio.gather(
            *(
                each.accept(task(number, clinic_id=f"clinic-{number}"), None, LEASE, limits)
                for number, each in enumerate([store, other] * 20, start=1)
            )
        )
        assert sum(one.attempt is not None for one in accepted) == 3

        every = await asyncio.gather(*(each.claim(NOW, LEASE, {"main": limits}) for each in (store, other)))
        assert [list(leased) for leased in every] == [[], []]


@opened
async def test_an_account_s_rate_holds_over_all_processes(store, database):
    limits = Limits(per_minute=3)
    async with another(database) as other:
        accepted = await asyncio.gather(
            *(each.accept(task(number), None, LEASE, limits) for number, each in enumerate([store, other] * 5, start=1))
        )
        for one in [one for one in accepted if one.attempt is not None]:
            await settle(other, await mark(store, one), NotApplied(code="http-421"), retry_at=later(hours=1))

        async def claimed(at):
            return [one for each in (store, other) for one in await each.claim(at, LEASE, {"main": limits})]

        assert await claimed(later(seconds=30)) == []
        assert len(await claimed(later(seconds=64))) == 3


@opened
async def test_clinics_take_turns_over_all_processes(store, database):
    for number in range(1, 5):
        await store.accept(task(number), None, None)
    await store.accept(task(5, clinic_id=OTHER[0], created_at=later(seconds=1)), None, None)

    async with another(database) as other:
        turns = [await each.claim(later(seconds=n), LEASE, most=1) for n, each in enumerate([store, other, store], 1)]

    assert [one.record.id for leased in turns for one in leased] == ["tsk_000001", "tsk_000005", "tsk_000002"]


@opened
async def test_a_vendor_s_trouble_at_one_process_is_heeded_by_all_and_one_probe_goes_for_all(store, database):
    for number in range(1, 6):
        await sent(store, task(number), Unknown(code="http-502"))

    async with another(database) as other:
        waiting = [await each.accept(task(number), None, LEASE) for number, each in ((6, other), (7, store))]
        probes = await asyncio.gather(*(each.claim(later(seconds=8), LEASE) for each in (store, other) * 3))

    assert [one.attempt for one in waiting] == [None, None]
    assert sum(map(len, probes)) == 1


@opened
async def test_two_jobs_that_wait_for_each_other_both_come_through(store, database):
    await store.write(lambda tx: tx.execute("INSERT INTO meta (name, value) VALUES ('a', ''), ('b', '')"))
    both = asyncio.Barrier(2)
    loop = asyncio.get_running_loop()

    def job(first, second):
        waited = []

        def run(tx):
            tx.execute("UPDATE meta SET value = value || 'x' WHERE name = ?", (first,))
            if not waited:
                waited.append(True)
                asyncio.run_coroutine_threadsafe(both.wait(), loop).result()
            tx.execute("UPDATE meta SET value = value || 'x' WHERE name = ?", (second,))

        return run

    async with another(database) as other:
        await asyncio.gather(store.write(job("a", "b")), other.write(job("b", "a")))

    rows = await store.read(lambda tx: tx.execute("SELECT value FROM meta WHERE name IN ('a', 'b')").fetchall())
    assert rows == [("xx",), ("xx",)]


@run
async def test_a_process_that_stands_still_in_a_transaction_loses_it_and_holds_nobody_up(database, monkeypatch):
    impatient = postgres_session._MANNERS.replace("'5s'", "'200ms'")
    monkeypatch.setattr(postgres_session, "_MANNERS", impatient)
    async with another(database) as sleepy, another(database) as awake:
        await accept(sleepy, task(1))

        def sleep(current):
            time.sleep(0.6)
            return bumped(current)

        asleep = asyncio.create_task(sleepy.change("tsk_000001", sleep, NOW))
        await asyncio.sleep(0.1)
        assert (await awake.change("tsk_000001", bumped, NOW)).version == 2

        with pytest.raises(StoreUnavailable):
            await asleep
        assert (await now(awake, "tsk_000001")).version == 2


@opened
async def test_leases_of_a_living_process_outlive_the_start_of_another(store, database):
    assert not store.is_alone
    await accept(store, task(1))

    async with another(database) as other:
        assert await other.pass_time(NOW, every_lease=other.is_alone) == 0


# The feed.


@opened
async def test_an_event_that_is_committed_late_is_not_passed_over_by_who_read_on(store, database):
    async with another(database) as other:
        loop = asyncio.get_running_loop()
        seen = []

        def slow(tx):
            tx.execute(
                "INSERT INTO events (id, type, at, clinic_id, app, data) VALUES ('evt_slow', 'x', 1, 'c', '', '{}')"
            )

            async def meanwhile():
                await accept(other, task(1))
                return await other.feed(0, 10, EVERYONE)

            seen.append(asyncio.run_coroutine_threadsafe(meanwhile(), loop).result())

        await store.write(slow)
        (first,) = seen
        rest = await other.feed(first.seq, 10, EVERYONE)

    assert [entry.delivery_id for entry in first.entries] == ["tsk_000001"]
    assert [entry.event.id for entry in rest.entries] == ["evt_slow"]


# The bell.


@opened
async def test_what_one_process_changes_wakes_who_waits_for_it_in_another(store, database):
    await accept(store, task(1))
    async with another(database) as other:
        with store.bell.listen("tsk_000001") as rung, store.bell.listen("tsk_000002") as silent:
            await other.change("tsk_000001", bumped, NOW)
            await asyncio.wait_for(rung.wait(), 10)

            assert not silent.is_set()


@opened
async def test_what_is_told_is_heard_by_others_alone(store, database):
    async with another(database) as other:
        with store.bell.listen(RELOADED) as here, other.bell.listen(RELOADED) as there:
            store.bell.tell(RELOADED)
            await asyncio.wait_for(there.wait(), 10)

            assert not here.is_set()


@opened
async def test_thousands_of_rings_at_once_all_come_through(store, database):
    async with another(database) as other:
        names = [f"tsk_{number:06d}" for number in range(2000)]
        heard = {}
        for one in names:
            heard[one] = other.bell.listen(one)
        rung = {one: heard[one].__enter__() for one in names}
        for one in names:
            store.bell.ring(one)

        await until(lambda: all(event.is_set() for event in rung.values()), 20)


@opened
async def test_after_its_connection_was_lost_everything_rings_since_something_may_have_been_missed(store, postgres):
    with store.bell.listen("tsk_000001") as rung:
        postgres.command("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")

        await asyncio.wait_for(rung.wait(), 10)


@opened
async def test_a_message_that_is_none_of_ours_does_not_make_it_deaf(store, database):
    async with another(database) as other:
        with psycopg.connect(database, autocommit=True) as stranger:
            stranger.execute("NOTIFY task_gateway, 'ding dong'")
        with other.bell.listen("tsk_000001") as rung:
            store.bell.ring("tsk_000001")
            await asyncio.wait_for(rung.wait(), 10)


@run
async def test_a_bell_that_is_stopped_while_it_begins_leaves_no_connection_open(database):
    for step in range(80):
        bell = SharedBell(database, str)
        beginning = asyncio.create_task(bell.begin())
        await asyncio.sleep(step * 0.0003)
        beginning.cancel()
        await asyncio.gather(beginning, return_exceptions=True)
        await bell.end()
    del bell, beginning
    gc.collect()  # one left open is an error when it is collected


# The clock.


@opened
async def test_the_time_is_the_database_s(store, database):
    with psycopg.connect(database) as connection:
        (before,) = connection.execute("SELECT clock_timestamp()").fetchone()
        await store.writable()
        told = store.clock()
        (after,) = connection.execute("SELECT clock_timestamp()").fetchone()

    assert before <= told <= after


def test_the_database_s_time_goes_on_between_readings_whatever_the_own_clock_says():
    clock = Clock()
    there = datetime(2031, 1, 1, tzinfo=UTC)

    clock.read(stamp(there), time.monotonic())

    assert there <= clock.now() < there + timedelta(seconds=10)


def test_the_time_does_not_go_back_by_the_little_that_two_readings_differ_but_by_more_it_does():
    clock = Clock()
    there = datetime(2031, 1, 1, tzinfo=UTC)
    clock.read(stamp(there), time.monotonic())
    first = clock.now()

    clock.read(stamp(there - timedelta(milliseconds=500)), time.monotonic())
    assert clock.now() >= first

    clock.read(stamp(there - timedelta(hours=1)), time.monotonic())
    assert clock.now() < there


def test_a_reading_during_which_the_process_stood_still_says_nothing_where_there_is_a_better_one():
    clock = Clock()
    there = datetime(2031, 1, 1, tzinfo=UTC)
    clock.read(stamp(there), time.monotonic())

    clock.read(stamp(there - timedelta(minutes=10)), time.monotonic() - 600)

    assert clock.now() >= there
