"""Tests of an open store."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any

from running import run

from gateway.store.base import Store


def opened(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The async test with its `store` open before it and closed after it."""

    @functools.wraps(test)
    async def whole(store: Store, **given: Any) -> None:
        await store.open()
        try:
            await test(store=store, **given)
        finally:
            await store.close()

    return run(whole)
