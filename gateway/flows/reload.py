"""Reloading: the configuration is read and validated whole, then swapped whole; with one mistake the old one stays.

What is left to do then is the store's: to try what was blocked, to open new endpoints. If it is away, it is told later.

A delivery keeps what was decided when it was accepted: its values, its report, its rule and its configuration version.
Only its way out is today's: credentials, address, limits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import structlog
from msgspec import Struct

from gateway.errors import ConfigErrors
from gateway.flows.configured import Configured
from gateway.rules.clinic import Config
from gateway.store.base import StoreUnavailable
from gateway.store.bell import RELOADED, Bell
from gateway.world import World

_AGAIN = 1.0
"""Seconds until the store is told again what it could not be told."""

log = structlog.get_logger("reload")


class Reloaded(Struct, frozen=True, kw_only=True):
    """What a reload changed: clinics by id, and settings that wait for a restart."""

    added: Sequence[str]
    changed: Sequence[str]
    removed: Sequence[str]
    restart_needed: Sequence[str]
    warnings: Sequence[str]


class Attempt(Struct, frozen=True, kw_only=True):
    """A reload that was asked for: what it changed, or the mistakes that it found.

    `by` is an app, "SIGHUP" or "another replica".
    """

    at: datetime
    by: str
    done: Reloaded | None = None
    mistakes: Sequence[str] = ()


class Reloader:
    """Swaps the configuration in force, one reload at a time.

    `read` reads the files; `adopt` tells everything that kept something of the old configuration, which cannot fail,
    and returns how to tell the store, which may have to be done again.
    """

    def __init__(
        self,
        read: Callable[[], Config],
        configured: Configured,
        adopt: Callable[[Config], Callable[[], Awaitable[None]]],
        world: World,
        bell: Bell,
    ) -> None:
        self._read = read
        self._configured = configured
        self._adopt = adopt
        self._world = world
        self._bell = bell
        self._one_at_a_time = asyncio.Lock()
        self._untold: Callable[[], Awaitable[None]] | None = None
        """How to tell the store, while it does not know."""
        self._owing = asyncio.Event()
        self.last: Attempt | None = None
        """The last one of this process."""

    async def reload(self, by: str) -> Reloaded:
        """Read the files and put them in force. Raises ConfigErrors with every mistake, and then nothing changed.

        Other processes do the same then, each with the files that it sees.
        """
        done = await self._reload(by)
        self._bell.tell(RELOADED)
        return done

    async def follow(self) -> None:
        """Reload after other processes have, until cancelled."""
        with self._bell.listen(RELOADED) as told:
            while await told.wait():
                told.clear()
                try:
                    await self._reload("another replica")
                except ConfigErrors:
                    continue  # they are in the log
                except Exception:
                    log.exception("reload.broke")

    async def insist(self) -> None:
        """Tell the store what it could not be told when that was put in force, until cancelled."""
        while await self._owing.wait():
            await asyncio.sleep(_AGAIN)
            try:
                async with self._one_at_a_time:
                    await self._tell_store()
            except Exception:
                log.exception("reload.broke")

    async def _reload(self, by: str) -> Reloaded:
        async with self._one_at_a_time:
            try:
                fresh = await asyncio.to_thread(self._read)
            except ConfigErrors as errors:
                for line in errors.lines:
                    log.warning("reload.mistake", mistake=line)
                self._world.meters.reloaded(done=False)
                self.last = Attempt(at=self._world.now(), by=by, mistakes=errors.lines)
                raise
            before, self._configured.config = self._configured.config, fresh
            self._untold = self._adopt(fresh)
            await self._tell_store()
            self._world.meters.reloaded(done=True)
            log.info("reload.done", count=len(fresh.clinics))
            done = _difference(before, fresh)
            self.last = Attempt(at=self._world.now(), by=by, done=done)
            return done

    async def _tell_store(self) -> None:
        """Tell the store what it does not know; it may be away just now."""
        try:
            if self._untold is not None:
                await self._untold()
        except StoreUnavailable:
            log.warning("reload.store_unavailable")
            self._owing.set()
        else:
            self._untold = None
            self._owing.clear()


def _difference(before: Config, after: Config) -> Reloaded:
    old, new = before.clinics, after.clinics
    return Reloaded(
        added=sorted(new.keys() - old.keys()),
        changed=sorted(id_ for id_ in new.keys() & old.keys() if new[id_].version != old[id_].version),
        removed=sorted(old.keys() - new.keys()),
        restart_needed=["database"] if before.database != after.database else [],
        warnings=after.warnings,
    )
