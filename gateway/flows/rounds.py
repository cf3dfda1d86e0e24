"""Work in rounds: woken when the store rings, or when time alone brings something."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

import structlog

from gateway.store.base import Store, StoreUnavailable
from gateway.world import World

T = TypeVar("T")

LONGEST_SLEEP = 5.0
"""Seconds; the store's bell is an optimisation, and this the promise."""

_SHORTEST_SLEEP = 0.01

log = structlog.get_logger("rounds")


class Rounds(ABC):
    """A loop that does a round of work, sleeps until the next is due or the bell rings, and never ends by a fault."""

    bell: str
    """What it listens for."""

    def __init__(self, store: Store, world: World) -> None:
        self._store = store
        self._world = world
        self._woken = asyncio.Event()
        self.stopping = False
        self._ceased_at = 0.0
        self._tasks: set[asyncio.Task[Any]] = set()

    @abstractmethod
    async def round(self) -> datetime | None:
        """Do what is due; when the next round is, as far as known."""

    def wake(self) -> None:
        """Something may be due: look now."""
        self._woken.set()

    async def run(self) -> None:
        """Round after round, until it is stopped."""
        with self._store.bell.listen(self.bell) as self._woken:
            while not self.stopping:
                self._woken.clear()
                pause = await self._one()
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._woken.wait()

    async def _one(self) -> float:
        try:
            due = await self.round()
        except StoreUnavailable:
            log.warning("round.store_unavailable", kind=self.bell)
            return LONGEST_SLEEP
        except Exception:
            log.exception("round.broke", kind=self.bell)
            return LONGEST_SLEEP
        until = LONGEST_SLEEP if due is None else (due - self._world.now()).total_seconds()
        return min(max(until, _SHORTEST_SLEEP), LONGEST_SLEEP)

    def _in_background(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cease(self) -> None:
        """No more rounds; work under way goes on, and the time it has begins to count."""
        self.stopping = True
        self._ceased_at = self._ceased_at or asyncio.get_running_loop().time()
        self.wake()

    async def _end(self, within: float) -> None:
        """No more rounds; work under way has `within` seconds from when they ceased."""
        self.cease()
        if self._tasks:
            left = self._ceased_at + within - asyncio.get_running_loop().time()
            _, late = await asyncio.wait(self._tasks, timeout=max(left, 0))
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
