"""Several processes on one database, as each of them sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.store.postgres import PostgresStore
from gateway.world import World


@asynccontextmanager
async def another(url: str, *, read_only: bool = False) -> AsyncIterator[PostgresStore]:
    """The store of a process of its own, open."""
    store = PostgresStore(url, World().new_id)
    await store.open(read_only=read_only)
    try:
        yield store
    finally:
        await store.close()
