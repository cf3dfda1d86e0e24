"""A SQLite database copied to PostgreSQL: all of it or nothing, and the work goes on there."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import psycopg
import pytest
from msgspec import structs
from running import run
from store.records import (
    BY_OPERATOR,
    EVERYONE,
    HOME,
    LEASE,
    NOW,
    OTHER,
    Ids,
    accept,
    encryption_key,
    key,
    later,
    mark,
    note,
    now,
    seen,
    sent,
    settle,
    states,
    task,
    webhook,
)

from gateway.rules.record import Content
from gateway.store.base import StoreUnavailable
from gateway.store.listing import Wanted
from gateway.store.migrations import missing
from gateway.store.postgres import PostgresStore
from gateway.store.postgres_copy import copy
from gateway.store.postgres_schema import bring_up_to_date
from gateway.store.postgres_session import connect
from gateway.store.searching import Search
from gateway.store.sqlite import SqliteStore
from gateway.store.vault import Vault
from schemas.outcome import Applied, Pending, Sighting, Unknown
from schemas.problem import problem

CANARY = "Zebedee Canary, born 1931"
ODD = {"TEXT": "a\tb\\N\n'\"é\U0001f600", "BLOB": bytes(range(256)), "INTEGER": -1, "BIGINT": 2**62, "REAL": 0.1}
"""What a careless copy changes."""

CHANGING = """
CREATE FUNCTION odd() RETURNS trigger AS $$ BEGIN NEW.value = 'changed'; RETURN NEW; END $$ LANGUAGE plpgsql;
CREATE TRIGGER odd BEFORE INSERT ON meta FOR EACH ROW EXECUTE FUNCTION odd()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gateway.db"


@pytest.fixture
def target(postgres):
    """A new database, without even a schema."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def prepared(target):
    """One in which the schema stands already."""
    with closing(connect(target)) as connection:
        bring_up_to_date(connection)
    return target


def made(path, version=None):
    """A database that no gateway has worked on, with two rows in each table: odd values, and as little as may be."""
    with closing(sqlite3.connect(path)) as file, file:
        file.executescript("\n".join(missing(0)))
        file.execute(f"PRAGMA user_version = {len(missing(0)) if version is None else version}")
        for table in tables(file):
            columns = file.execute(f"PRAGMA table_info({table})").fetchall()
            odd = [ODD[kind] for _, _, kind, *_ in columns]
            bare = [
                None if not needed and not is_key else {"TEXT": "", "BLOB": b""}.get(kind, 1)
                for _, _, kind, needed, _, is_key in columns
            ]
            marks = ", ".join("?" * len(columns))
            file.executemany(f"INSERT INTO {table} VALUES ({marks})", [odd, bare])  # noqa: S608 - our own names
    return path


def tables(file):
    """Those of the schema."""
    found = file.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    return [name for (name,) in found]


def query(url, statement):
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_every_value_of_every_table_arrives_as_it_was(path, target):
    made(path)
    before = path.read_bytes()
    steps = []

    copied = copy(path, target, lambda done, of: steps.append((done, of)))

    with closing(sqlite3.connect(path)) as file:
        assert {each.table: each.rows for each in copied} == dict.fromkeys(tables(file), 2)
        for table in tables(file):
            columns = ", ".join(row[1] for row in file.execute(f"PRAGMA table_info({table})"))
            every = f"SELECT {columns} FROM {table}"  # noqa: S608 - our own names
            assert sorted(map(repr, query(target, every))) == sorted(map(repr, file.execute(every)))
    assert steps[-1] == (4 * len(copied), 4 * len(copied))
    assert path.read_bytes() == before


@run
async def test_the_work_goes_on_where_it_was(path, target):
    ids = Ids()
    vault = Vault([encryption_key("k1")])
    old = SqliteStore(path, ids, vault)
    await old.open()
    await old.salt("salt")
    words = Content(command={"patient": {"mrn": "MRN-1"}}, values={"description": CANARY}, mapping=[])
    first = await accept(old, task(1, content=words), key())
    await settle(old, await mark(old, first), Pending(ids={"id": "v-1"}))
    await accept(old, note(2))
    await sent(old, task(3, clinic_id=OTHER[0]), Unknown(code="deadline"))
    await accept(old, task(4, clinic_id=OTHER[0]))
    await old.keep_webhook(webhook(1, body=CANARY.encode()), "digest")
    await old.pause(*HOME, problem("connection-blocked", CANARY), NOW, structs.replace(BY_OPERATOR, reason=CANARY))
    before = [await old.get(f"tsk_{number:06d}") for number in (1, 3, 4)]
    timelines = [await old.timeline(record) for record in before]
    await old.close()

    copy(path, target)

    new = PostgresStore(target, ids, vault)
    await new.open()
    try:
        assert [await new.get(record.id) for record in before] == before
        assert [await new.timeline(record) for record in before] == timelines
        assert (await accept(new, task(9), key())).record.id == "tsk_000001"
        assert (await new.verify_audit()).faults == ()
        (hook,) = await new.webhooks("new", EVERYONE, limit=5)
        assert hook.body == CANARY.encode()
        found = await new.listed(Wanted(clinics=EVERYONE, search=Search(patient=await new.patient_hashes("mrn-1"))))
        assert [record.id for record in found.records] == ["tsk_000001"]

        read = await new.feed(0, 100, EVERYONE)
        assert await new.feed(read.seq, 100, EVERYONE) == structs.replace(read, entries=[])
        told = Sighting(says="created", operation="create_task", ids={"id": "v-1", "emr_id": "e-1"})
        assert await new.sight("whk_000001", None, [seen(told)], later(hours=2)) == "matched"
        await new.resume(*HOME, later(hours=2), BY_OPERATOR)
        await new.pass_time(later(hours=2))
        assert await states(new, "tsk_000001", "note_000002", "tsk_000003") == ["delivered", "queued", "unknown"]
        after = await new.feed(read.seq, 100, EVERYONE)
        assert ([entry.seq for entry in after.entries][:1], after.more) == ([read.seq + 1], False)
        leased = await new.claim(later(hours=2), LEASE)
        assert sorted(one.record.id for one in leased) == ["note_000002", "tsk_000004"]
        for one in leased:
            await settle(new, await mark(new, one, later(hours=2)), Applied(ids={}), later(hours=2))
        assert (await now(new, "tsk_000004")).state == "delivered"
    finally:
        await new.close()


@pytest.mark.parametrize(
    ("version", "told"), [(0, "a start of the gateway updates it"), (99, "newer than this program's")]
)
def test_a_source_of_another_schema_is_refused(path, version, told):
    with pytest.raises(StoreUnavailable, match=told):
        copy(made(path, version), "postgresql://nobody-is-asked")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ("INSERT INTO meta (name, value) VALUES ('salt', 's')", "not empty .meta."),
        ("UPDATE schema_version SET version = 99", "the target: .* newer than this program's"),
        ("DROP TABLE schema_version", "the target: relation .* already exists"),
        (
            CHANGING,
            "meta: 2 rows .* were read, 2 rows .* arrived; nothing was copied",
        ),
    ],
)  # fmt: skip
def test_a_target_that_holds_anything_or_changes_anything_stays_as_it_was(path, prepared, spoil, told):
    with psycopg.connect(prepared) as connection:
        connection.execute(spoil.encode())
        connection.commit()
        with pytest.raises(StoreUnavailable, match=told):
            copy(made(path), prepared)
        assert connection.execute("SELECT count(*) FROM deliveries").fetchone() == (0,)


@run
async def test_no_gateway_works_on_a_source_while_it_is_copied(path, target):
    store = SqliteStore(path, Ids())
    await store.open()
    with pytest.raises(StoreUnavailable, match="is in use by another process"):
        copy(path, target)
    await accept(store, task(1))
    await store.close()
    refused = []

    def start(_done, _of):
        with closing(sqlite3.connect(path)), pytest.raises(StoreUnavailable, match="is in use"):
            run(SqliteStore(path, Ids()).open)()
        refused.append(1)

    await asyncio.to_thread(copy, path, target, start)
    assert refused


def test_a_source_that_is_not_there_is_not_made(path):
    with pytest.raises(StoreUnavailable, match="there is no such file"):
        copy(path, "postgresql://nobody-is-asked")
    assert list(path.parent.iterdir()) == []
