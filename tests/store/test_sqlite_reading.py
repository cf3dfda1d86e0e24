"""The embedded store opened for reading only: beside a gateway at work, and without leaving a trace."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager, closing

import pytest
from running import run
from store.opened import opened
from store.records import Ids, accept, task

from gateway.store.base import StoreUnavailable
from gateway.store.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gateway.db"


@pytest.fixture
def store(path):
    return SqliteStore(path, Ids())


@asynccontextmanager
async def reading(path):
    reader = SqliteStore(path, Ids())
    await reader.open(read_only=True)
    try:
        yield reader
    finally:
        await reader.close()


def files(path):
    return {file.name: file.read_bytes() for file in path.parent.iterdir()}


@opened
async def test_what_a_gateway_at_work_has_committed_can_be_read_beside_it(path, store):
    await accept(store, task(1))

    async with reading(path) as reader:
        assert await reader.get("tsk_000001") == await store.get("tsk_000001")


@run
async def test_reading_leaves_a_closed_database_as_it_is(path, store):
    await store.open()
    await accept(store, task(1))
    await store.close()
    before = files(path)

    async with reading(path) as reader:
        assert (await reader.get("tsk_000001")).id == "tsk_000001"

    assert files(path) == before


@opened
async def test_a_store_open_for_reading_writes_nothing(path, store):
    await accept(store, task(1))

    async with reading(path) as reader:
        with pytest.raises(StoreUnavailable, match="for reading only"):
            await accept(reader, task(2))
        with pytest.raises(StoreUnavailable, match="readonly"):
            await reader.read(lambda tx: tx.execute("DELETE FROM deliveries"))


@run
async def test_a_database_that_is_not_there_is_not_made_by_reading_it(path):
    with pytest.raises(StoreUnavailable, match="there is no such file"):
        async with reading(path):
            pass

    assert files(path) == {}


@pytest.mark.parametrize(("version", "told"), [(0, "a start of the gateway updates it"), (99, "newer than this")])
def test_a_schema_of_other_code_is_neither_read_nor_migrated(path, store, version, told):
    @opened
    async def made(store):
        await accept(store, task(1))

    made(store=store)
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {version}")

    @run
    async def read():
        async with reading(path):
            pass

    with pytest.raises(StoreUnavailable, match=told):
        read()
    with closing(sqlite3.connect(path)) as after:
        assert after.execute("PRAGMA user_version").fetchone() == (version,)
