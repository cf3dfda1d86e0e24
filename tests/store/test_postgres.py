"""PostgreSQL alone: its words, its schema, and who may open it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import psycopg
import pytest
from postgres import Server
from running import run
from store.opened import opened
from store.records import Ids, accept, states, task
from store.replicas import another

from gateway.store.base import StoreUnavailable
from gateway.store.migrations import missing
from gateway.store.postgres import PostgresStore
from gateway.store.postgres_session import numbered
from gateway.world import World


@pytest.fixture
def store(database):
    return PostgresStore(database, World().new_id)


# Words.


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("SELECT 1", "SELECT 1"),
        ("a = ? AND b = ?", "a = $1 AND b = $2"),
        ("a = 'why?' AND b = ?", "a = 'why?' AND b = $1"),
        ("a = 'it''s ?' AND b IN (?, ?)", "a = 'it''s ?' AND b IN ($1, $2)"),
        ("a LIKE '5%' AND b % 2 = ?", "a LIKE '5%' AND b % 2 = $1"),
    ],
)
def test_a_question_mark_is_a_parameter_outside_of_quotes(ours, theirs):
    assert numbered(ours) == theirs


@opened
async def test_both_databases_have_the_same_tables_columns_and_indexes(store):
    with closing(sqlite3.connect(":memory:")) as file:
        for script in missing(0):
            file.executescript(script)
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        ours = {name: [row[1] for row in file.execute(f"PRAGMA table_info({name})")] for name in tables}
        indexes = {name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE INDEX%'")}

    rows = await store.read(
        lambda tx: tx.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " ORDER BY table_name, ordinal_position"
        ).fetchall()
    )
    found = await store.read(lambda tx: tx.execute("SELECT indexname FROM pg_indexes").fetchall())

    theirs: dict[str, list[str]] = {}
    for table, column in rows:
        theirs.setdefault(table, []).append(column)
    assert theirs.pop("schema_version") == ["version"]
    assert theirs.pop("commits") == ["writer", "number", "begun_at"]
    theirs["events"].remove("written")
    assert theirs == {name: columns for name, columns in ours.items() if name != "sqlite_sequence"}
    assert indexes <= {name for (name,) in found}


# The schema.


@run
async def test_processes_that_start_together_migrate_once(postgres: Server):
    with postgres.database() as url:
        stores = [PostgresStore(url, Ids()) for _ in range(5)]
        await asyncio.gather(*(store.open() for store in stores))
        for store in stores:
            assert await store.get("tsk_000001") is None
            await store.close()


@pytest.mark.parametrize(("version", "told"), [(99, "newer than this program"), (0, "older than this program")])
@run
async def test_a_schema_of_other_code_is_not_read(postgres: Server, version, told):
    with postgres.database() as url:
        async with another(url):
            pass
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE schema_version SET version = %s", (version,))

        with pytest.raises(StoreUnavailable, match=told):
            async with another(url, read_only=True):
                pass
        if version:
            with pytest.raises(StoreUnavailable, match=told):
                async with another(url):
                    pass


@run
async def test_a_migration_that_fails_leaves_nothing_half_done(postgres: Server):
    with postgres.database() as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE webhooks (id TEXT)")  # stands in the migration's way, after other tables

        with pytest.raises(StoreUnavailable, match="already exists"):
            async with another(url):
                pass

        with psycopg.connect(url) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            assert tables == [("webhooks",)]


@opened
async def test_a_store_open_for_reading_writes_nothing(store, database):
    await accept(store, task(1))

    async with another(database, read_only=True) as reader:
        assert await states(reader, "tsk_000001") == ["queued"]
        with pytest.raises(StoreUnavailable):
            await accept(reader, task(2))
        with pytest.raises(StoreUnavailable):
            await reader.read(lambda tx: tx.execute("DELETE FROM deliveries"))


@pytest.mark.parametrize(
    "url", ["postgresql://nobody@/nothing?host=/nowhere", "postgresql://nobody@127.0.0.1:1/nothing"]
)
@run
async def test_a_database_that_is_not_there_is_unavailable(url):
    with pytest.raises(StoreUnavailable):
        await PostgresStore(url, Ids()).open()


@opened
async def test_a_closed_store_is_unavailable_and_says_so(store):
    await store.close()

    with pytest.raises(StoreUnavailable):
        await accept(store, task(1))
    with pytest.raises(StoreUnavailable):
        await store.writable()
