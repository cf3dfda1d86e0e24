"""The embedded store: batches, one process, a full or locked disk, and what a closed or reopened file holds."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing

import pytest
from running import run
from store.opened import opened
from store.records import Ids, accept, key, mark, now, states, task

from gateway.store import sqlite
from gateway.store.base import StoreUnavailable
from gateway.store.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gateway.db"


@pytest.fixture
def store(path):
    return SqliteStore(path, Ids())


def break_it(tx):
    tx.execute("INSERT INTO meta (name, value) VALUES ('half', 'done')")
    raise ValueError("broken")


# Batches.


@opened
async def test_a_job_that_fails_takes_no_other_of_its_batch_with_it(store):
    jobs = [store.write(break_it) if number % 3 == 0 else accept(store, task(number)) for number in range(1, 31)]

    results = await asyncio.gather(*jobs, return_exceptions=True)

    failed = [result for result in results if isinstance(result, Exception)]
    assert [type(result) for result in failed] == [ValueError] * 10
    for number in range(1, 31):
        there = await store.get(f"tsk_{number:06d}") is not None
        assert there == (number % 3 != 0)
    rows = await store.read(lambda tx: tx.execute("SELECT * FROM meta WHERE name = 'half'").fetchall())
    assert rows == []


@opened
async def test_a_statement_that_fails_takes_no_other_of_its_batch_with_it(store):
    same = task(1)

    results = await asyncio.gather(
        accept(store, same), accept(store, same), accept(store, task(2)), return_exceptions=True
    )

    assert [getattr(result, "what", type(result)) for result in results] == ["new", sqlite3.IntegrityError, "new"]


@opened
async def test_what_arrives_during_a_commit_shares_the_next_one(store, monkeypatch):
    batches = []
    commit = store._commit

    def counted(batch):
        batches.append(len(batch))
        return commit(batch)

    monkeypatch.setattr(store, "_commit", counted)
    await asyncio.gather(*(accept(store, task(number)) for number in range(1, 101)))

    assert sum(batches) == 100
    assert len(batches) <= 3


@opened
async def test_the_job_of_a_cancelled_caller_runs_all_the_same(store):
    first = asyncio.create_task(accept(store, task(1)))
    second = asyncio.create_task(accept(store, task(2)))
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)

    await accept(store, task(3))

    assert await states(store, "tsk_000001", "tsk_000002", "tsk_000003") == ["queued"] * 3


@opened
async def test_a_write_that_returned_is_seen_by_every_read_after_it(store):
    for number in range(1, 101):
        await accept(store, task(number))
        found = await asyncio.gather(*(store.get(f"tsk_{number:06d}") for _ in range(4)))
        assert None not in found


@opened
async def test_readers_cannot_write(store):
    with pytest.raises(StoreUnavailable):
        await store.read(lambda tx: tx.execute("DELETE FROM deliveries"))


# Opening and closing.


@run
async def test_a_file_that_is_open_is_refused_to_a_second_store(path, store):
    await store.open()
    with pytest.raises(StoreUnavailable, match="in use by another process"):
        await SqliteStore(path, Ids()).open()
    await store.close()

    again = SqliteStore(path, Ids())
    await again.open()
    await again.close()


@run
async def test_a_reopened_file_holds_everything(path, store):
    await store.open()
    await accept(store, task(1), key())
    before = await now(store, "tsk_000001")
    timeline = await store.timeline(before)
    salt = await store.salt("grain")
    await store.close()

    again = SqliteStore(path, Ids())
    await again.open()
    assert await now(again, "tsk_000001") == before
    assert await again.timeline(before) == timeline
    assert await again.salt("other") == salt
    assert (await accept(again, task(2), key())).what == "replay"
    await again.close()


@run
async def test_closing_lets_every_write_under_way_end(store):
    await store.open()
    writes = [asyncio.create_task(accept(store, task(number))) for number in range(1, 21)]
    await asyncio.sleep(0)  # the first is with the writer, the others wait for the next batch
    writes.extend(asyncio.create_task(accept(store, task(number))) for number in range(21, 41))
    for _ in range(5):
        await asyncio.sleep(0)

    async with asyncio.timeout(10):
        await store.close()
        assert {accepted.what for accepted in await asyncio.gather(*writes)} == {"new"}


@run
async def test_a_closed_store_is_unavailable_and_says_so(store):
    await store.open()
    await store.close()

    async with asyncio.timeout(5):
        with pytest.raises(StoreUnavailable):
            await accept(store, task(1))
        with pytest.raises(StoreUnavailable):
            await store.writable()


@run
async def test_a_file_of_newer_code_is_refused_and_let_go_of(path, store):
    await store.open()
    await store.close()
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")

    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="newer than this program"):
            await SqliteStore(path, Ids()).open()

    with closing(sqlite3.connect(path)) as older:
        older.execute("PRAGMA user_version = 1")
    again = SqliteStore(path, Ids())
    await again.open()
    await again.close()


@run
async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(path):
    text = b"id,name\n1,not a database\n" * 100
    path.write_bytes(text)

    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="not a database"):
            await SqliteStore(path, Ids()).open()

    assert path.read_bytes() == text


@run
async def test_a_place_where_no_file_can_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StoreUnavailable):
        await SqliteStore(tmp_path / "file" / "gateway.db", Ids()).open()


@run
async def test_a_migration_that_fails_leaves_nothing_half_done(path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE webhooks (id TEXT)")  # stands in the migration's way, after other tables

    with pytest.raises(StoreUnavailable, match="already exists"):
        await SqliteStore(path, Ids()).open()

    with closing(sqlite3.connect(path)) as looked:
        tables = looked.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        assert tables == [("webhooks",)]


# When the database cannot.


@run
async def test_a_database_that_another_holds_locked_is_unavailable_and_works_again_after(path, store, monkeypatch):
    monkeypatch.setattr(sqlite, "_BUSY_SECONDS", 0.1)
    await store.open()
    await accept(store, task(1))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        several = [accept(store, task(number), key(f"k-{number}")) for number in (2, 3)]
        failed = await asyncio.gather(*several, return_exceptions=True)
        assert [type(error) for error in failed] == [StoreUnavailable] * 2
        assert (await now(store, "tsk_000001")).state == "queued"
        other.execute("ROLLBACK")

    assert await store.get("tsk_000002") is None
    assert (await accept(store, task(4), key("k-2"))).what == "new"
    await store.close()


@opened
async def test_a_full_database_is_unavailable_loses_nothing_and_works_again_after(store):
    accepted = [1]
    await accept(store, task(1))
    await store.write(lambda tx: tx.execute("PRAGMA max_page_count = 60").fetchone())
    with pytest.raises(StoreUnavailable, match="disk is full"):  # noqa: PT012 - the loop is the point
        for number in range(2, 500):
            await accept(store, task(number))
            accepted.append(number)
    refused = accepted[-1] + 1

    assert await states(store, *(f"tsk_{number:06d}" for number in accepted)) == ["queued"] * len(accepted)
    assert await store.get(f"tsk_{refused:06d}") is None

    await store.write(lambda tx: tx.execute("PRAGMA max_page_count = 1000000").fetchone())
    assert (await accept(store, task(refused))).what == "new"


@opened
async def test_a_read_only_database_is_unavailable(store):
    await accept(store, task(1))
    await store.write(lambda tx: tx.execute("PRAGMA query_only = ON"))

    with pytest.raises(StoreUnavailable):
        await accept(store, task(2))

    assert await states(store, "tsk_000001") == ["queued"]
    with pytest.raises(StoreUnavailable):
        await store.writable()


@opened
async def test_a_job_that_breaks_the_transaction_itself_harms_only_its_batch(store):
    def wreck(tx):
        tx.execute("ROLLBACK")
        raise ValueError("wrecked")

    results = await asyncio.wait_for(
        asyncio.gather(store.write(wreck), accept(store, task(1)), return_exceptions=True), 5
    )

    assert isinstance(results[0], Exception)
    assert (await store.get("tsk_000001") is not None) == (not isinstance(results[1], Exception))
    assert (await asyncio.wait_for(accept(store, task(2)), 5)).what == "new"


@opened
async def test_the_last_of_the_disk_is_kept_for_results(store, monkeypatch):
    accepted = await accept(store, task(1))
    monkeypatch.setattr(sqlite, "RESERVE", 2**62)

    with pytest.raises(StoreUnavailable):
        await accept(store, task(2))
    with pytest.raises(StoreUnavailable):
        await store.writable()
    await mark(store, accepted)

    assert await states(store, "tsk_000001") == ["sending"]


@run
async def test_what_it_makes_is_its_owners_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        store = SqliteStore(tmp_path / "var" / "gateway.db", Ids())
        await store.open()
        await accept(store, task(1))
        modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "var", *(tmp_path / "var").iterdir())}
        await store.close()
    finally:
        os.umask(before)

    names = ("gateway.db", "gateway.db-wal", "gateway.db-shm", "gateway.db.lock")
    assert modes == {"var": 0o700} | dict.fromkeys(names, 0o600)
