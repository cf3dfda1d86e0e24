"""Every statement on the tables that grow finds its rows by an index, and few of them, on both databases."""

from __future__ import annotations

import inspect
from typing import NamedTuple

from running import run
from store.everyday import everyday
from store.filling import ACCOUNTS, BIG, fill
from store.records import LEASE, NOW, Ids

from gateway.store.base import Store
from gateway.store.postgres import PostgresStore
from gateway.store.sqlite import SqliteStore

COUNT, CLINICS = 20_000, 200
MOST = 600
"""So many rows of a big table may be read for one statement: what is open, or a page of a list, never a part of all."""
READS_ALL = {"sealing": "the doctor looks at every value"}


class Told:
    """A store, and the names of what was asked of it."""

    def __init__(self, store):
        self._store = store
        self.asked = set()

    def __getattr__(self, name):
        self.asked.add(name)
        return getattr(self._store, name)


def watched(store, explained):
    """The store, each of whose statements goes by `explained` as well."""

    def through(run_job):
        def run_watched(job, *then):
            def with_plans(tx):
                execute = tx.execute
                tx.execute = lambda statement, parameters=(): explained(execute, statement, parameters)
                return job(tx)

            return run_job(with_plans, *then)

        return run_watched

    store.write, store.read = through(store.write), through(store.read)
    return Told(store)


async def filled(store):
    """Open, and with what two hundred clinics did in a year."""
    await store.open()
    await store.write(lambda tx: fill(tx, range(1, COUNT + 1), COUNT, CLINICS))
    if isinstance(store, PostgresStore):
        await store.write(lambda tx: tx.execute("ANALYZE"))


async def lived(store, explained):
    """Everything is asked of a filled store."""
    try:
        await filled(store)
        told = watched(store, explained)
        await everyday(told)
    finally:
        await store.close()
    methods = {name for name, _ in inspect.getmembers(Store, inspect.iscoroutinefunction) if name[0] != "_"}
    assert methods - told.asked == {"open", "close", "placed", "read", "write", *READS_ALL}


class Way(NamedTuple):
    """How PostgreSQL reads a big table: what it does there, and of how many rows."""

    what: str
    rows: float


def ways(plan):
    """Every reading of a big table."""
    if plan.get("Relation Name") in BIG and plan["Node Type"] != "ModifyTable":
        removed = sum(plan.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck"))
        rows = (plan["Actual Rows"] + removed) * plan["Actual Loops"]
        yield Way(f"{plan['Node Type']} on {plan['Relation Name']}", rows)
    for each in plan.get("Plans", ()):
        yield from ways(each)


def by_postgresql(faults):
    """Notes each statement that reads a big table whole, or too much of it."""

    def explained(execute, statement, parameters):
        execute("SAVEPOINT before")
        (((done,),),) = execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", parameters).fetchall()
        execute("ROLLBACK TO before")
        read = [way for way in ways(done["Plan"]) if way.rows > MOST or way.what.startswith("Seq Scan")]
        faults.update(f"{way.what}: {way.rows:.0f} rows: {statement}" for way in read)
        return execute(statement, parameters)

    return explained


@run
async def test_on_postgresql_every_statement_finds_few_rows_by_an_index(database):
    faults = set()

    await lived(PostgresStore(database, Ids()), by_postgresql(faults))

    assert not faults, "\n".join(sorted(faults))


@run
async def test_who_takes_what_is_due_reads_little_of_a_long_backlog(database):
    faults, store = set(), PostgresStore(database, Ids())
    queued = (
        "UPDATE deliveries SET state = 'queued', attempts = 0, lane = NULL, due_at = created_at"
        " WHERE vendor_id < 'v-1000000005000'"
    )
    try:
        await filled(store)
        await store.write(lambda tx: (tx.execute(queued), tx.execute("ANALYZE deliveries")))
        leased = await watched(store, by_postgresql(faults)).claim(NOW, LEASE, most=8)
    finally:
        await store.close()

    assert len({one.record.clinic_id for one in leased}) == len(leased) == 8 * ACCOUNTS
    assert not faults, "\n".join(sorted(faults))


def is_short(way, ways, statement, partial):
    """Whether SQLite reads a part of a big table: found by an index, all of a small index, or as far as a page goes."""
    words = way.split()
    if words[0] != "SCAN" or words[1] not in BIG:
        return True
    in_order = "LIMIT ?" in statement and not any(each.startswith("USE TEMP B-TREE FOR ORDER") for each in ways)
    return words[-1] in partial or in_order


@run
async def test_on_sqlite_every_statement_finds_its_rows_by_an_index(tmp_path):
    faults, partial = set(), set()

    def explained(execute, statement, parameters):
        if not partial:
            partial.update(*execute("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'"))
        ways = [row[-1] for row in execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        faults.update(f"{way}: {statement}" for way in ways if not is_short(way, ways, statement, partial))
        return execute(statement, parameters)

    await lived(SqliteStore(tmp_path / "gateway.db", Ids()), explained)

    assert not faults, "\n".join(sorted(faults))
