"""A round after the other, until it is stopped, whatever comes at the same moment."""

from __future__ import annotations

import asyncio

import pytest
from running import run, until
from store.records import Ids

from gateway.flows.rounds import Rounds
from gateway.store.sqlite import SqliteStore
from gateway.world import World


class Idle(Rounds):
    """Has nothing to do."""

    bell = "idle"
    rounds = 0

    async def round(self):
        self.rounds += 1


@pytest.mark.parametrize("order", ["woken, then cancelled", "cancelled, then woken"])
@run
async def test_who_is_woken_and_cancelled_at_once_ends(tmp_path, order):
    idle = Idle(SqliteStore(tmp_path / "gateway.db", Ids()), World())
    running = asyncio.create_task(idle.run())
    await until(lambda: idle.rounds == 1)

    for what in order.split(", then "):
        idle.wake() if what == "woken" else running.cancel()

    done, _ = await asyncio.wait([running], timeout=5)
    assert done
    assert running.cancelled()
