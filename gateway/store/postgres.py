"""PostgreSQL, for any number of replicas: each job in a transaction of its own, on threads with a connection each.

Nothing is grouped as it is on SQLite: transactions that commit at the same time share the disk's flush by themselves.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import psycopg

from gateway.store import postgres_places, reading
from gateway.store.base import Store, StoreUnavailable
from gateway.store.clock import Clock
from gateway.store.postgres_bell import SharedBell
from gateway.store.postgres_schema import bring_up_to_date, check_up_to_date
from gateway.store.postgres_session import Session, connect
from gateway.store.rows import Tx
from gateway.store.saving import NewId
from gateway.store.transactions import nothing
from gateway.store.vault import Vault
from gateway.telemetry.meters import Meters

T = TypeVar("T")

_WRITERS = 8
_READERS = 4


class PostgresStore(Store):
    """The store in a database that other replicas work on too."""

    def __init__(self, url: str, new_id: NewId, vault: Vault | None = None, meters: Meters | None = None) -> None:
        super().__init__(new_id, vault, meters)
        self._url = url
        self._clock = Clock()
        self._bell = self.bell = SharedBell(url, lambda: self._owner)
        self.clock = self._clock.now
        self.is_alone = False
        self._own = threading.local()
        self._sessions: list[Session] = []
        self._writers = ThreadPoolExecutor(_WRITERS, "store-writer", self._begin_thread)
        self._readers = ThreadPoolExecutor(_READERS, "store-reader", self._begin_thread)
        self._is_open = False
        self._is_read_only = False

    async def open(self, *, read_only: bool = False) -> None:
        """Connect, migrate the database and read its clock; or only see whether it can be read."""
        self._is_open, self._is_read_only = True, read_only
        try:
            if read_only:
                await self.read(check_up_to_date)
            else:
                await asyncio.to_thread(self._prepare)
                await self.write(reading.touch)
                await self._begin_bell()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let what was handed in be written, then disconnect."""
        self._is_open = False
        await self._bell.end()
        for threads in (self._writers, self._readers):
            await asyncio.to_thread(threads.shutdown)
        for session in self._sessions:
            session.close()

    def has_reserve(self) -> bool:
        """How full its disk is, only the database knows."""
        return True

    async def write(self, job: Callable[[Tx], T], then: Callable[[], None] = nothing) -> T:
        """Run `job` on the next free connection; returns after the commit. It runs even if the caller is cancelled."""
        if self._is_read_only:
            raise StoreUnavailable("the database is open for reading only")
        return await self._on(self._writers, lambda: self._written(job), then)

    async def read(self, job: Callable[[Tx], T]) -> T:
        """Run `job` on one of the readers' connections."""
        return await self._on(self._readers, lambda: self._session.read(job))

    async def placed(self) -> None:
        """Give places where they are missing."""
        if await self.read(postgres_places.are_missing):
            await self.write(postgres_places.give)

    async def _on(self, threads: ThreadPoolExecutor, work: Callable[[], T], then: Callable[[], None] = nothing) -> T:
        if not self._is_open:
            raise StoreUnavailable("the database is closed")
        done = asyncio.get_running_loop().run_in_executor(threads, work)

        def heard(done: asyncio.Future[T]) -> None:
            """An error of a job whose caller is gone is nobody's any more."""
            if not done.cancelled() and done.exception() is None:
                then()

        done.add_done_callback(heard)
        return await asyncio.shield(done)

    def _written(self, job: Callable[[Tx], T]) -> T:
        begun = time.perf_counter()
        result = self._session.write(job)
        self.meters.committed(1, time.perf_counter() - begun)
        return result

    @property
    def _session(self) -> Session:
        session: Session = self._own.session
        return session

    def _begin_thread(self) -> None:
        self._own.session = Session(self._url, self.vault, self._clock)
        self._sessions.append(self._own.session)

    async def _begin_bell(self) -> None:
        try:
            await self._bell.begin()
        except psycopg.Error as error:
            raise StoreUnavailable(str(error).strip()) from error

    def _prepare(self) -> None:
        connection = connect(self._url)
        try:
            bring_up_to_date(connection)
        finally:
            connection.close()
