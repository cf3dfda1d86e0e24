"""Submitting and claiming beside a million stored deliveries and beside next to none, on both databases.

STORED_DELIVERIES=n: fewer. `make capacity` asks more, of ten million on PostgreSQL.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench import machine, page  # noqa: E402 - the path is set above
from bench.capacity import AT_ONCE, NOBODY_WAITS, SETTINGS, Place, fill_up, marks, taken, timed  # noqa: E402
from postgres import server  # noqa: E402
from store.filling import fill  # noqa: E402

from gateway.store.sqlite import SqliteStore  # noqa: E402

COUNT = int(os.environ.get("STORED_DELIVERIES", "1_000_000"))
FEW = 2000
ROUNDS = 500


async def fill_sqlite(at: Place) -> None:
    """Load all rows, a commit for many of them."""
    for first in range(1, at.count + 1, AT_ONCE):
        some = range(first, min(first + AT_ONCE, at.count + 1))
        await at.store.write(lambda tx, some=some: fill(tx, some, at.count, at.clinics))
    await at.store.write(lambda tx: tx.execute(NOBODY_WAITS))
    await at.store.write(lambda tx: tx.execute("ANALYZE"))


async def asked(places: Sequence[Place]) -> None:
    """Each is asked in turns, so that what else the machine does is shared."""
    for number in range(ROUNDS + 20):
        for at in places:
            await (timed(at, "submit", Place.submit) if number >= 20 else at.submit())
    for _ in range(ROUNDS):
        for at in places:
            await at.submit(waits=True)
            await timed(at, "claim", taken)


async def measured(name: str, places: Sequence[Place]) -> list[tuple[str, ...]]:
    """Fill, ask, and the rows of the table."""
    rows = []
    try:
        for at in places:
            await at.store.open()
            machine.told(f"{name}: loading {at.count:,} deliveries")
            await (fill_up(at) if at.url else fill_sqlite(at))
        await asked(places)
    finally:
        for at in places:
            await at.store.close()
    few, many = places
    for what in ("submit", "claim"):
        (low, high), (low_many, high_many) = marks(few.times[what]), marks(many.times[what])
        times = (f"{low:.2f} / {high:.2f}", f"{low_many:.2f} / {high_many:.2f}")
        rows.append((f"{what}, {name}", *times, f"{low_many / low:.2f}", f"{high_many / high:.2f}"))
    return rows


def on_sqlite(directory: Path, count: int) -> Place:
    """A place on a file."""
    at = Place("", count, 100)
    at.store = SqliteStore(directory / f"{count}.db", at.world.new_id)
    return at


async def main() -> None:
    """Both databases, one after the other."""
    with tempfile.TemporaryDirectory() as place:
        files = on_sqlite(Path(place), FEW), on_sqlite(Path(place), COUNT)
        rows = await measured("SQLite", files)
    with server(safe=True, settings=SETTINGS) as running, running.database() as few, running.database() as many:
        rows += await measured("PostgreSQL", (Place(few, FEW, 100), Place(many, COUNT, 1000)))
    head = ("p50 / p99 ms", f"beside {FEW:,}", f"beside {COUNT:,}", "ratio of p50", "of p99")
    text = (
        f"{page.table(head, rows)}\n{ROUNDS} of each, the two databases asked in turns; the store alone, without HTTP."
    )
    page.write("stored", "A million stored deliveries", text)


if __name__ == "__main__":
    asyncio.run(main())
