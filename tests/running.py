"""Async tests without a plugin: each runs in an event loop of its own."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Coroutine
from typing import Any


def run(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """An async test as one that pytest can call."""

    @functools.wraps(test)
    def called(**given: Any) -> None:
        asyncio.run(test(**given))

    return called


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    """Waits for `condition`, and fails when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.002)
