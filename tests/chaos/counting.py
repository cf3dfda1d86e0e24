"""What an account's caps come to at the vendor: how many creates are there at once, and how many come in a minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web


class Counted:
    """The creates that come to a vendor. It counts before anything else sees them."""

    def __init__(self, app: web.Application, minute: float) -> None:
        self._minute = minute
        self._here: dict[int, web.Request] = {}
        self._came: list[float] = []
        self.most_at_once = 0
        app.middlewares.append(self._count)

    @property
    def most_in_a_minute(self) -> int:
        """Over all of the time."""
        first, most = 0, 0
        for last, came in enumerate(self._came):
            while came - self._came[first] >= self._minute:
                first += 1
            most = max(most, last - first + 1)
        return most

    @property
    def _count(self) -> Any:
        @web.middleware
        async def count(request: web.Request, handler: Callable[[web.Request], Awaitable[Any]]) -> Any:
            if request.method != "POST" or request.path.startswith("/_sandbox/"):
                return await handler(request)
            self._came.append(time.monotonic())
            self._here[id(request)] = request
            try:
                await asyncio.sleep(0)  # who hung up while this process was kept from its work is gone by then
                await asyncio.sleep(0)
                self.most_at_once = max(self.most_at_once, sum(_is_waited_for(each) for each in self._here.values()))
                return await handler(request)
            finally:
                del self._here[id(request)]

        return count


def _is_waited_for(request: web.Request) -> bool:
    """Whether its client is still there: one that gave up, or was killed, has no call under way."""
    return request.transport is not None and not request.transport.is_closing()
