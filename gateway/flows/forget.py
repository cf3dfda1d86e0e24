"""Forgetting: once an hour, words that the configuration's retention no longer wants are taken out."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from gateway.flows.configured import Configured
from gateway.flows.rounds import Rounds
from gateway.store.base import Store
from gateway.world import World

_EVERY = timedelta(hours=1)
_AT_ONCE = 200

log = structlog.get_logger("forget")


class Forgetter(Rounds):
    """Takes a little at a time, so that nothing else waits for it."""

    bell = "forget"

    def __init__(self, store: Store, configured: Configured, world: World) -> None:
        super().__init__(store, world)
        self._configured = configured
        self._next = world.now()

    async def stop(self) -> None:
        """Forget no more."""
        await self._end(0)

    async def round(self) -> datetime | None:
        """Some of what is due; at once again while there is more."""
        now = self._world.now()
        if now < self._next:
            return self._next
        forgotten = await self._store.forget(now, self._configured.config.retention, _AT_ONCE)
        if forgotten:
            log.info("forget.done", count=forgotten)
        if forgotten < _AT_ONCE:
            self._next = now + _EVERY
        return self._next
