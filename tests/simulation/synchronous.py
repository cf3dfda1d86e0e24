"""The real transactions on SQLite in memory, without threads; slow and broken as the weather says."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import nullcontext
from importlib import resources
from typing import Any, Protocol, TypeVar

from gateway.store.base import Store, StoreUnavailable
from gateway.store.rows import Tx
from gateway.store.saving import NewId
from gateway.store.transactions import nothing

T = TypeVar("T")


def database() -> sqlite3.Connection:
    """An empty database in memory, its schema up to date."""
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
    scripts = resources.files("gateway.store.migrations").iterdir()
    for script in sorted((each for each in scripts if each.name.endswith(".sql")), key=lambda each: each.name):
        connection.executescript(script.read_text())
    return connection


class Troubles(Protocol):
    """What can befall a transaction."""

    full: bool

    def pause(self) -> float: ...

    def store_fault(self) -> str | None: ...


class NoTroubles:
    """Nothing does."""

    full = False

    def pause(self) -> float:
        return 0.0

    def store_fault(self) -> None:
        return None


def nobody() -> None:
    """Watches nothing."""


class SimStore(Store):
    """The store of one life; when that has ended, nothing of it reaches the database any more.

    `in_turn`: one transaction after the other, as SQLite's one writer has it; else whichever is ready first.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        new_id: NewId,
        troubles: Troubles | None = None,
        *,
        in_turn: bool = True,
        committed: Callable[[], None] = nobody,
    ) -> None:
        super().__init__(new_id)
        self._connection = connection
        self._troubles = troubles or NoTroubles()
        self._turn = asyncio.Lock() if in_turn else None
        self._committed = committed
        self.ended = False

    async def open(self) -> None:
        """It is."""

    async def close(self) -> None:
        """It stays, for the next life."""

    def has_reserve(self) -> bool:
        return not self._troubles.full

    async def write(self, job: Callable[[Tx], T], then: Callable[[], None] = nothing) -> T:
        return await asyncio.shield(asyncio.ensure_future(self._write_in_turn(job, then)))

    async def _write_in_turn(self, job: Callable[[Tx], T], then: Callable[[], None]) -> T:
        async with self._turn or nullcontext():
            result = await self._write(job)
        then()
        return result

    async def _write(self, job: Callable[[Tx], T]) -> T:
        fault = self._troubles.store_fault()
        await self._wait()
        if fault == "before":
            raise StoreUnavailable("before it happened")
        result = self.transact(job)
        await self._wait()
        if fault == "after":
            raise StoreUnavailable("after it happened")
        return result

    def transact(self, job: Callable[[Tx], T]) -> T:
        """Run `job` as one transaction, now."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = job(Tx(self._connection.execute, self.vault))
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        self._committed()
        return result

    async def read(self, job: Callable[[Tx], T]) -> T:
        await self._wait()
        return job(Tx(self._connection.execute, self.vault))

    async def _wait(self) -> None:
        if pause := self._troubles.pause():
            await asyncio.sleep(pause)
        if self.ended:
            raise asyncio.CancelledError

    def all(self, statement: str, *parameters: Any) -> list[Any]:
        """The rows of a query."""
        return self._connection.execute(statement, parameters).fetchall()
