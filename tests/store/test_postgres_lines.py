"""Connections to PostgreSQL that break: what is said to be stored is, and what is said not to be is not."""

from __future__ import annotations

import asyncio
import gc
import re
import signal
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from postgres import Server
from running import run, until
from store.opened import opened
from store.records import accept, key, now, states, task
from store.replicas import another
from store.tap import tap

from gateway.store import postgres_session
from gateway.store.base import StoreUnavailable, Undecided
from gateway.store.postgres import PostgresStore
from gateway.world import World


@pytest.fixture
def store(database):
    return PostgresStore(database, World().new_id)


@pytest.fixture
def line(database, tmp_path):
    """A tap on the line to the database, and the URL behind it."""
    server = re.search(r"host=(.*)", database)[1]
    with tap(Path(server), tmp_path) as tapped:
        yield tapped, database.replace(server, str(tmp_path))


@run
async def test_a_commit_whose_answer_is_lost_is_known_to_have_happened(line):
    tapped, url = line
    async with another(url) as store:
        tapped.cut = "answer"
        accepted = await accept(store, task(1), key())

        assert (accepted.what, tapped.cut) == ("new", None)
        assert (await now(store, "tsk_000001")).lease_until is not None


@run
async def test_a_commit_that_never_came_through_is_known_not_to_have_happened(line):
    tapped, url = line
    async with another(url) as store:
        tapped.cut = "before"
        with pytest.raises(StoreUnavailable) as refused:
            await accept(store, task(1), key())

        assert refused.type is StoreUnavailable
        assert await store.get("tsk_000001") is None
        assert (await accept(store, task(1), key())).what == "new"


@pytest.mark.parametrize(("cut", "then"), [("before", "new"), ("answer", "replay")])
@run
async def test_a_commit_that_cannot_be_asked_after_is_undecided(line, monkeypatch, cut, then):
    monkeypatch.setattr(postgres_session, "_PATIENCE", 0.3)
    tapped, url = line
    async with another(url) as store:
        tapped.cut, tapped.closes_at_cut = cut, True
        with pytest.raises(Undecided):
            await accept(store, task(1), key())
        tapped.closed = False

        assert (await accept(store, task(1), key())).what == then


@run
async def test_after_a_crash_another_s_transaction_of_the_same_number_is_not_taken_for_one_s_own(line, postgres):
    """A number of which nothing reached the disk is given again."""
    tapped, url = line
    async with another(url) as store:
        await store.writable()
        tapped.cut, tapped.closes_at_cut = "before", True
        accepting = asyncio.create_task(accept(store, task(1), key()))
        await until(lambda: tapped.cut is None)
        postgres.stop(signal.SIGQUIT)
        postgres.start()
        async with another(url.replace(str(tapped.here), str(tapped.server))) as other:
            for number in range(2, 22):
                await accept(other, task(number))
        tapped.closed = False

        with pytest.raises(StoreUnavailable):
            await accepting
        assert (await accept(store, task(1), key())).what == "new"


@opened
async def test_connections_that_broke_while_nobody_used_them_are_replaced_unnoticed(store, postgres):
    await asyncio.gather(*(accept(store, task(number)) for number in range(1, 30)))
    await asyncio.gather(*(store.get("tsk_000001") for _ in range(20)))

    postgres.command("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'task-gateway'")

    assert (await now(store, "tsk_000001")).state == "queued"
    assert (await accept(store, task(30))).what == "new"


@run
async def test_while_the_database_is_gone_it_is_unavailable_and_works_again_after(line):
    tapped, url = line
    async with another(url) as store:
        await accept(store, task(1))
        tapped.closed = True
        tapped.hang_up()
        for call in (store.writable(), store.get("tsk_000001"), accept(store, task(2))):
            with pytest.raises(StoreUnavailable):
                await call
        tapped.closed = False

        await store.writable()
        assert await states(store, "tsk_000001") == ["queued"]
        assert await store.get("tsk_000002") is None


def takes_writes(postgres: Server, *, yes: bool) -> None:
    """As before a database is moved, for every session there is and comes."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {'off' if yes else 'on'}".encode())
        connection.execute("SELECT pg_reload_conf()")


@opened
async def test_a_database_that_takes_no_writes_for_a_while_is_unavailable_and_works_again_after(store, postgres):
    async def is_writable():
        with suppress(StoreUnavailable):
            await store.writable()
            return True
        return False

    async def becomes_writable(*, is_so: bool):
        async with asyncio.timeout(10):
            while await is_writable() != is_so:
                pass

    try:
        takes_writes(postgres, yes=False)
        await becomes_writable(is_so=False)
    finally:
        takes_writes(postgres, yes=True)

    await becomes_writable(is_so=True)


@run
async def test_a_connection_that_breaks_in_the_middle_of_a_job_undoes_it(line):
    tapped, url = line

    def half(tx):
        tx.execute("INSERT INTO meta (name, value) VALUES ('half', 'done')")
        tapped.hang_up()
        tx.execute("INSERT INTO meta (name, value) VALUES ('other half', 'done')")

    async with another(url) as store:
        with pytest.raises(StoreUnavailable):
            await store.write(half)

        rows = await store.read(lambda tx: tx.execute("SELECT name FROM meta WHERE value = 'done'").fetchall())
        assert rows == []


@pytest.mark.parametrize("url", ["postgresql://nobody@/nothing?host=/nowhere", "postgres://nobody@127.0.0.1:1/nothing"])
@run
async def test_a_database_that_is_not_there_is_unavailable(url):
    with pytest.raises(StoreUnavailable):
        await PostgresStore(url, World().new_id).open()


@opened
async def test_a_closed_store_is_unavailable_and_says_so(store):
    await store.close()

    with pytest.raises(StoreUnavailable):
        await accept(store, task(1))
    with pytest.raises(StoreUnavailable):
        await store.writable()


def test_a_connection_that_cannot_be_prepared_is_closed(database, monkeypatch):
    monkeypatch.setattr(postgres_session, "_MANNERS", "SET nothing_of_this_name = 1")

    with pytest.raises(StoreUnavailable):
        postgres_session.connect(database)

    gc.collect()  # one left open is an error when it is collected
