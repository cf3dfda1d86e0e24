"""Streaming the feed: each event as soon as it is there, woken by the store's bell."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TypeVar

import structlog

from gateway.store.base import Store, StoreUnavailable
from gateway.store.bell import EVENTS
from gateway.store.feed import Page
from schemas.event import Event

HEARTBEAT = 15.0
"""Seconds of silence after which a stream says that it is still there."""
LONGEST = 900.0
"""Seconds that a stream lasts; then its reader comes back to where it was, with a key that is looked at again."""
MOST = 64
"""Streams that one app may have open: each holds a connection, and those are for everybody."""
_AT_ONCE = 100

T = TypeVar("T")

log = structlog.get_logger("feed")


class Readers:
    """How many streams each app has open."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._open: Counter[str] = Counter()

    def has_room(self, app: str) -> bool:
        """Whether the app may open one more."""
        return self._open[app] < self.most

    async def counted(self, app: str, told: AsyncIterator[T]) -> AsyncGenerator[T, None]:
        """A stream of the app's, counted while it is read; of too many that were opened together some end at once."""
        if not self.has_room(app):
            return
        self._open[app] += 1
        try:
            async for each in told:
                yield each
        finally:
            self._open[app] -= 1


class Streams:
    """Streams of some clinics' events, until the gateway stops."""

    def __init__(self, store: Store, *, heartbeat: float = HEARTBEAT, longest: float = LONGEST) -> None:
        self._store = store
        self._heartbeat = heartbeat
        self._longest = longest
        self._ceased = False
        self._asked: dict[tuple[int, frozenset[str]], asyncio.Task[Page]] = {}

    async def events(
        self, after: int, clinics: frozenset[str], may_read: Callable[[], bool] = lambda: True
    ) -> AsyncIterator[Event | None]:
        """Every event of these clinics ("*": all) after a place; None after a silence. Ends in good order.

        `may_read` is asked before each event: a key that is revoked while its stream lasts is told nothing more.
        """
        loop = asyncio.get_running_loop()
        ends, silent_until = loop.time() + self._longest, loop.time() + self._heartbeat
        with self._store.bell.listen(EVENTS) as rung:
            while not self._ceased and may_read() and loop.time() < ends:
                rung.clear()
                try:
                    page = await self._page(after, clinics)
                except StoreUnavailable:
                    log.warning("stream.store_unavailable")
                    return
                for entry in page.entries:
                    if not may_read():
                        return
                    yield entry.event
                    silent_until = loop.time() + self._heartbeat
                after = page.seq
                if not page.more:
                    await _rung(rung, min(ends, silent_until) - loop.time())
                if loop.time() >= silent_until:
                    yield None
                    silent_until = loop.time() + self._heartbeat

    async def _page(self, after: int, clinics: frozenset[str]) -> Page:
        """The next page, read once for all who ask before the reading begins: a ring wakes every stream."""
        asked = after, clinics
        if asked not in self._asked:
            self._asked[asked] = asyncio.create_task(self._read(*asked))
            self._asked[asked].add_done_callback(_heard)
        return await asyncio.shield(self._asked[asked])

    async def _read(self, after: int, clinics: frozenset[str]) -> Page:
        del self._asked[after, clinics]  # who asks from now on may have been woken by what this reading will not see
        return await self._store.feed(after, _AT_ONCE, clinics)

    def look_again(self) -> None:
        """Keys may have changed: every stream asks now whether it may go on."""
        self._store.bell.ring(EVENTS)

    def cease(self) -> None:
        """The gateway stops: every stream ends now."""
        self._ceased = True
        self.look_again()


def _heard(reading: asyncio.Task[Page]) -> None:
    """An error of a reading that nobody waits for any more is nobody's."""
    if not reading.cancelled():
        reading.exception()


async def _rung(bell: asyncio.Event, within: float) -> None:
    """Once it rings, or the time is over."""
    try:
        async with asyncio.timeout(within):
            await bell.wait()
    except TimeoutError:
        return
