"""Taking samples of how much waits at each connection, as long as the gateway runs."""

from __future__ import annotations

import asyncio

from gateway.store.base import Store, StoreUnavailable
from gateway.telemetry.recent import EVERY
from gateway.world import World

_EVERYWHERE = frozenset({"*"})


async def take_samples(store: Store, world: World) -> None:
    """Sample until cancelled; while the database is gone, the sample at hand goes on."""
    while True:
        await asyncio.sleep(EVERY.total_seconds())
        try:
            work = await store.open_work(_EVERYWHERE)
        except StoreUnavailable:
            continue
        world.meters.recent.sample({at: each.waiting for at, each in work.items()}, world.now())
