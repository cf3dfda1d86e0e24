"""What simulated stories have found, each told again in its shortest form."""

from __future__ import annotations

from running import run
from simulation.synchronous import SimStore, database
from store.records import Ids, accept, events, mark, settle, task

from gateway.rules.attempts import lease_ended
from schemas.outcome import Blocked


def opened() -> SimStore:
    """An empty store."""
    return SimStore(database(), Ids())


@run
async def test_a_blocked_connection_holds_each_of_its_deliveries_once():
    store = opened()
    first = await accept(store, task(1))
    for number in (2, 3, 4):
        await accept(store, task(number))
    for number in (2, 3, 4):
        await store.change(f"tsk_{number:06d}", _unleased, task().created_at)

    await settle(store, await mark(store, first), Blocked(code="credentials"))

    assert [(await events(store, f"tsk_{number:06d}")).count("task.held") for number in (2, 3, 4)] == [1, 1, 1]


def _unleased(record):
    return lease_ended(record, record.created_at)
