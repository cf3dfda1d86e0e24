"""What ten million deliveries of ten thousand clinics cost on PostgreSQL, beside next to none: `make capacity`.

Two databases on one server are asked the same in turns, so that what else the machine does is shared by both: one with
a year's work, and one that is as good as empty (so that a list's page is full in both). CAPACITY_DELIVERIES and
CAPACITY_CLINICS are other sizes. Everything is put below TMPDIR, and is gone afterwards.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

import psycopg
import rich_click as click
from msgspec import structs

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from postgres import server  # noqa: E402 - the path is set above
from store.filling import APP, BIG, fill  # noqa: E402
from store.records import EVERYONE, LEASE, mark, settle, task  # noqa: E402

from gateway.rules.record import Record  # noqa: E402
from gateway.store.deliveries import Accepted, Key  # noqa: E402
from gateway.store.listing import Wanted  # noqa: E402
from gateway.store.postgres import PostgresStore  # noqa: E402
from gateway.store.searching import Search  # noqa: E402
from gateway.world import World  # noqa: E402
from schemas.outcome import Applied  # noqa: E402

COUNT = int(os.environ.get("CAPACITY_DELIVERIES", "10_000_000"))
CLINICS = int(os.environ.get("CAPACITY_CLINICS", "10_000"))
FEW, FEW_CLINICS = 20_000, 100
ROUNDS = 500
BYTES = 6000
"""Of the disk for each delivery: with all that belongs to it, its indexes, and the log while they are written."""
AT_ONCE = 20_000
SETTINGS = (
    "shared_buffers=4GB", "effective_cache_size=12GB", "random_page_cost=1.1", "work_mem=16MB", "max_wal_size=8GB",
    "maintenance_work_mem=1GB", "wal_level=minimal", "max_wal_senders=0",
)  # fmt: skip
NOBODY_WAITS = (
    "UPDATE deliveries SET state = 'delivered', due_at = NULL, give_up_at = NULL, lease_until = NULL"
    " WHERE state = 'queued'"
)
ONE_OF_A_HUNDRED_WAITS = (
    "UPDATE deliveries SET state = 'queued', attempts = 0, lane = NULL, due_at = created_at, lease_until = NULL"
    " WHERE right(id, 2) = '47'"
)


class Place:
    """A store that is asked, and how long each answer took."""

    def __init__(self, url: str, count: int, clinics: int) -> None:
        self.url = url
        self.count = count
        self.clinics = clinics
        self.world = World()
        self.store = PostgresStore(url, self.world.new_id)
        self.times: dict[str, list[float]] = {}
        self._chance = Random(7)  # noqa: S311 - an order, no secret

    def clinic(self) -> str:
        """Any clinic's id."""
        return f"clinic-{self._chance.randrange(self.clinics)}"

    def number(self) -> int:
        """The number of any task of the year."""
        return 1_000_000_000_007 + 20 * self._chance.randrange(self.count // 20)

    def record(self) -> Record:
        """A new task, of now."""
        clinic, now = self.clinic(), self.world.now()
        account = f"account-{int(clinic.partition('-')[2]) % 3}"
        made = task(clinic_id=clinic, account=account, created_at=now, updated_at=now)
        return structs.replace(made, id=self.world.new_id("tsk"), reference=self.world.new_id("ref"))

    async def submit(self, *, waits: bool = False) -> Accepted:
        """Take a new task in."""
        record = self.record()
        return await self.store.accept(record, Key(key=record.id, fingerprint="f"), None if waits else LEASE)

    async def deliver(self) -> None:
        """Take one in, mark it, and settle it: what each delivery costs the database."""
        taken = await self.submit()
        ids = {"id": f"v-{taken.record.id}", "emr_id": f"e-{taken.record.id}"}
        attempt = await mark(self.store, taken, taken.record.created_at)
        await settle(self.store, attempt, Applied(ids=ids), taken.record.created_at)

    async def timeline(self) -> None:
        """A delivery with all that happened to it."""
        record = await self.store.get(f"tsk_{self.number()}")
        assert record is not None
        await self.store.timeline(record)

    async def feed(self, clinics: frozenset[str]) -> None:
        """A hundred events, from somewhere in the first half of the year on."""
        after = self._chance.randrange(self.count)
        assert (await self.store.feed(after, 100, clinics)).entries


Ask = Callable[[Place], Awaitable[object]]


def listing(clinics: Callable[[Place], frozenset[str]], **wanted: Callable[[Place], Any]) -> Ask:
    """A page of a list."""
    return lambda at: at.store.listed(Wanted(clinics=clinics(at), **{name: of(at) for name, of in wanted.items()}))


def every(_at: Place) -> frozenset[str]:
    return EVERYONE


def one(at: Place) -> frozenset[str]:
    return frozenset({at.clinic()})


def ten(at: Place) -> frozenset[str]:
    return frozenset(at.clinic() for _ in range(10))


def equal(**columns: str) -> Callable[[Place], dict[str, str]]:
    """Columns to be equal to; `#` stands for a number."""
    return lambda at: {name: text.replace("#", str(at.number())) for name, text in columns.items()}


ASKED: Mapping[str, Ask] = {
    "submit": Place.submit,
    "submit, mark, settle": Place.deliver,
    "get": lambda at: at.store.get(f"tsk_{at.number()}"),
    "timeline": Place.timeline,
    "list of all clinics": listing(every),
    "list of one kind": listing(every, equal=equal(kind="claim")),
    "list of one clinic": listing(one),
    "list of ten clinics": listing(ten, equal=equal(kind="task")),
    "list in a rare state": listing(every, equal=equal(state="failed")),
    "list in the common state": listing(one, equal=equal(state="delivered", kind="task")),
    "list that needs a person": listing(every, needs_person=lambda _at: True),
    "list by reference": listing(every, equal=equal(kind="task", reference="ref-#")),
    "list by idempotency key": listing(every, idempotency_key=lambda at: (APP, f"key-{at.number()}")),
    "search by any id": listing(every, search=lambda at: Search(text=f"e-{at.number()}", apps=(APP,))),
    "search by patient": listing(every, search=lambda at: Search(patient=(f"patient-{at.number() % 4999}",))),
    "feed of all clinics": lambda at: at.feed(EVERYONE),
    "feed of one clinic": lambda at: at.feed(one(at)),
    "end of the feed": lambda at: at.store.newest(one(at)),
    "round: what is ripe": lambda at: at.store.pass_time(at.world.now().replace(year=2025)),
    "round: what is due next": lambda at: at.store.next_due(at.world.now()),
    "round: next look": lambda at: at.store.next_look(at.world.now()),
}


async def taken(at: Place) -> None:
    """A claim that finds something."""
    assert await at.store.claim(at.world.now(), LEASE, most=1)


async def timed(at: Place, name: str, ask: Ask) -> None:
    begun = time.perf_counter()
    await ask(at)
    at.times.setdefault(name, []).append((time.perf_counter() - begun) * 1000)


async def look_around(at: Place) -> None:
    """Every clinic looks at its newest once, so that the last weeks are in memory, as where people work."""
    for number in range(at.clinics):
        await at.store.listed(Wanted(clinics=frozenset({f"clinic-{number}"})))


async def measured(places: tuple[Place, Place]) -> None:
    """Ask both the same, in turns."""
    for name, ask in ASKED.items():
        for number in range(ROUNDS + 20):
            for at in places:
                await (timed(at, name, ask) if number >= 20 else ask(at))  # the first are not counted: plans are made
    for at in places:
        command(at.url, NOBODY_WAITS, "VACUUM ANALYZE deliveries")
    for _ in range(ROUNDS):
        for at in places:
            await at.submit(waits=True)
            await timed(at, "claim", taken)
    for at in places:
        command(at.url, ONE_OF_A_HUNDRED_WAITS, "VACUUM ANALYZE deliveries")
    for _ in range(20):
        for at in places:
            await timed(at, "claim 64 where one of a hundred waits", lambda at: at.store.claim(at.world.now(), LEASE))
            await timed(at, "gauges where one of a hundred waits", lambda at: at.store.standing())


def command(url: str, *statements: str) -> None:
    """Do something that may take long."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


async def fill_up(at: Place) -> None:
    """Load all rows first, then make the indexes: many times faster than both at once."""
    with psycopg.connect(at.url) as connection:
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY (%s)"
            " AND indexdef NOT LIKE 'CREATE UNIQUE%%'",
            ([*BIG, "callbacks"],),
        ).fetchall()
    command(at.url, *(f"DROP INDEX {name}" for name, _ in indexes))
    begun = time.monotonic()
    for first in range(1, at.count + 1, 2 * AT_ONCE):
        halves = (range(start, min(start + AT_ONCE, at.count + 1)) for start in (first, first + AT_ONCE))
        await asyncio.gather(
            *(at.store.write(lambda tx, some=some: fill(tx, some, at.count, at.clinics)) for some in halves if some)
        )
        if first // 1_000_000 != (first + 2 * AT_ONCE) // 1_000_000:
            click.echo(f"  {first + 2 * AT_ONCE - 1:,} rows after {time.monotonic() - begun:.0f} s", err=True)
    command(at.url, *(definition for _, definition in indexes), NOBODY_WAITS, "VACUUM ANALYZE")


def show(few: Place, many: Place) -> None:
    """Milliseconds, and what many cost of what few do."""
    click.echo(f"\n{'milliseconds':40}{'few p50':>9}{'p99':>9}{'many p50':>10}{'p99':>9}{'ratio p50':>11}{'p99':>7}")
    for name in many.times:
        (low, high), (low_many, high_many) = (marks(at.times[name]) for at in (few, many))
        ratios = f"{low_many / low:>11.2f}{high_many / high:>7.2f}"
        click.echo(f"{name:40}{low:>9.2f}{high:>9.2f}{low_many:>10.2f}{high_many:>9.2f}{ratios}")


def marks(times: list[float]) -> tuple[float, float]:
    cuts = quantiles(times, n=100, method="inclusive")
    return cuts[49], cuts[98]


def sizes(at: Place) -> str:
    with psycopg.connect(at.url) as connection:
        rows = connection.execute(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relname = ANY (%s)", (list(BIG),)
        ).fetchall()
    total = sum(size for _, size in rows)
    each = ", ".join(f"{name} {size / 1e9:.1f}" for name, size in sorted(rows, key=lambda row: -row[1]))
    return f"{total / 1e9:.1f} GB ({total / at.count:.0f} bytes a delivery): {each}"


async def main() -> None:
    """Load, measure, show."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < COUNT * BYTES:
        sys.exit(f"{free / 1e9:.0f} GB are free and {COUNT * BYTES / 1e9:.0f} wanted: a smaller CAPACITY_DELIVERIES")
    with server(safe=True, settings=SETTINGS) as running, running.database() as few, running.database() as many:
        places = Place(few, FEW, FEW_CLINICS), Place(many, COUNT, CLINICS)
        try:
            for at in places:
                await at.store.open()
                click.echo(f"loading {at.count:,} deliveries of {at.clinics:,} clinics", err=True)
                await fill_up(at)
                click.echo(sizes(at))
            for at in places:
                await look_around(at)
            await measured(places)
        finally:
            for at in places:
                await at.store.close()
        show(*places)


if __name__ == "__main__":
    asyncio.run(main())
