"""How a gateway comes back that was killed with 100,000 deliveries queued. RECOVERY_DELIVERIES=n: fewer."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
from msgspec import structs

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench import contenders, machine, page  # noqa: E402 - the path is set above

from gateway.clinics import load  # noqa: E402
from gateway.rules.record import Record  # noqa: E402
from gateway.store.rows import INSERT, Tx, row_of  # noqa: E402
from gateway.store.saving import find  # noqa: E402
from gateway.store.sqlite import SqliteStore  # noqa: E402
from gateway.store.vault import Vault  # noqa: E402
from gateway.world import World  # noqa: E402

COUNT = int(os.environ.get("RECOVERY_DELIVERIES", "100_000"))
AT_ONCE = 5000


async def multiplied(config: Path, database: Path, delivery_id: str) -> None:
    """As many queued deliveries as are wanted, after the pattern of one."""
    world = World()
    store = SqliteStore(database, world.new_id, Vault(load(config, {}).encryption))
    await store.open()

    def insert(tx: Tx, pattern: Record, first: int) -> None:
        for number in range(first, min(first + AT_ONCE, COUNT)):
            clinic = f"clinic-{number % contenders.CLINICS}"
            made = structs.replace(pattern, id=world.new_id("tsk"), clinic_id=clinic, vendor_id=None)
            tx.execute(INSERT, row_of(tx, made))

    try:
        pattern = await store.read(lambda tx: find(tx, delivery_id))
        assert pattern is not None
        queued = structs.replace(
            pattern, state="queued", attempts=0, due_at=pattern.created_at, lease_until=None, open_attempt=False,
            sent_by=None, work=None, give_up_at=world.now().replace(year=world.now().year + 1),
        )  # fmt: skip
        for first in range(0, COUNT, AT_ONCE):
            await store.write(lambda tx, first=first: insert(tx, queued, first))
    finally:
        await store.close()


def main() -> None:
    """One is sent for the pattern; then many are queued, and a gateway is started on them."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        directory = Path(place)
        vendor = stack.enter_context(contenders.vendor(directory / "vendor")).url.removesuffix("/v1/tasks")
        config = contenders.write_config(directory / "config", vendor, reuse=True)
        database = directory / "gateway.db"
        with contenders.serving(config, f"sqlite:///{database}") as at:
            headers = {"Authorization": f"Bearer {contenders.KEY}", "Idempotency-Key": "pattern"}
            made = httpx.post(at.url, json=contenders.TASK, headers=headers, trust_env=False)
            assert made.status_code == httpx.codes.CREATED, made.text
        machine.told(f"queueing {COUNT:,} deliveries")
        asyncio.run(multiplied(config, database, made.json()["id"]))
        begun = time.perf_counter()
        with contenders.serving(config, f"sqlite:///{database}") as at:
            ready = time.perf_counter() - begun
            while contenders.delivered(at) == 1:
                time.sleep(0.01)
            first = time.perf_counter() - begun
            while left := contenders.undelivered(at):
                machine.told(f"  {left:,} left after {time.perf_counter() - begun:.0f} s")
                time.sleep(1 if left > 1000 else 0.05)
            last = time.perf_counter() - begun
            cpu = machine.cpu(at.pid) * 1e6 / COUNT
    rows = [("/health/ready answers", f"{ready:.1f} s"), ("the first is delivered", f"{first:.1f} s")]
    rows += [("the last is delivered", f"{last:.0f} s, {COUNT / (last - first):,.0f} a second")]
    rows += [("CPU for each", f"{cpu:.0f} us")]
    text = f"{page.table(('after the start', ''), rows)}\n{COUNT:,} were queued; kept connections, SQLite, one core."
    page.write("recovery", "Coming back to a full queue", text)


if __name__ == "__main__":
    main()
