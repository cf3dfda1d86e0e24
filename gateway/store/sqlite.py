"""SQLite, embedded: WAL, `synchronous=FULL`, one writing connection on one thread, and group commit.

What arrives while a commit is under way is the next batch; there is no timer. Where a job of a batch fails, the batch
is run again with a savepoint for each, so that it takes none of the others with it.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, NamedTuple, TypeVar

from gateway.store.base import Store, StoreUnavailable
from gateway.store.rows import Tx
from gateway.store.saving import NewId
from gateway.store.sqlite_file import locked, reading_only
from gateway.store.sqlite_schema import bring_up_to_date, check_up_to_date
from gateway.store.transactions import nothing
from gateway.store.vault import Vault
from gateway.telemetry.meters import Meters

T = TypeVar("T")

RESERVE = 256 * 1024 * 1024
"""Bytes of the disk that are kept free, so that results can still be written when it fills up."""

_READERS = 2
_BUSY_SECONDS = 2
"""How long a lock of somebody else's is waited for; a vendor gives a webhook five seconds."""


class _Job(NamedTuple):
    """What is to be done in a transaction, what follows from its commit, and who is told of it."""

    run: Callable[[Tx], Any]
    then: Callable[[], None]
    told: asyncio.Future[Any]


_Done = tuple[_Job, Any, Exception | None]


class SqliteStore(Store):
    """The store in one file; a second process on the same file is refused."""

    def __init__(self, path: Path, new_id: NewId, vault: Vault | None = None, meters: Meters | None = None) -> None:
        super().__init__(new_id, vault, meters)
        self._path = path
        self._address = path.absolute().as_uri()
        self._lock: IO[str] | None = None
        self._waiting: list[_Job] = []
        self._busy = False
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._batches: SimpleQueue[list[_Job] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")
        self._reader = threading.local()
        self._reading: list[sqlite3.Connection] = []

    async def open(self, *, read_only: bool = False) -> None:
        """Lock the file, migrate it, start the writer's thread; or only see whether it can be read."""
        self._loop = asyncio.get_running_loop()
        if read_only:
            self._address += reading_only(self._path)
            try:
                await self.read(check_up_to_date)
            except BaseException:
                await self.close()
                raise
            return
        self._lock = locked(self._path)
        try:
            self._writer = await asyncio.to_thread(self._prepared)
        except BaseException:
            self._lock.close()
            raise
        self._thread = threading.Thread(target=self._write_batches, name="store-writer", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Let what was handed in be written, then close every connection and the lock."""
        self._closing = True
        await self._idle.wait()
        self._batches.put(None)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._readers.shutdown)
        for connection in self._reading:
            connection.close()
        if self._lock is not None:
            self._lock.close()

    def has_reserve(self) -> bool:
        """Whether the file's disk has more than the reserve left."""
        try:
            free = os.statvfs(self._path.parent)
        except OSError:
            return False
        return free.f_bavail * free.f_frsize > RESERVE

    async def write(self, job: Callable[[Tx], T], then: Callable[[], None] = nothing) -> T:
        """Run `job` with the next batch; returns after the commit. The job runs even if the caller is cancelled."""
        self._refuse_if_closed()
        if self._thread is None:
            raise StoreUnavailable(f"{self._path} is open for reading only")
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append(_Job(job, then, future))
        if not self._busy:
            self._hand_over()
        return await future

    async def read(self, job: Callable[[Tx], T]) -> T:
        """Run `job` on one of the readers' connections."""
        self._refuse_if_closed()
        return await self._loop.run_in_executor(self._readers, self._read, job)

    async def forget(self, now: datetime, kept_for: timedelta | None, limit: int) -> int:
        """Likewise; what was forgotten is in the log no more either, unless somebody was just reading there."""
        forgotten = await super().forget(now, kept_for, limit)
        if forgotten:
            await asyncio.to_thread(self._empty_log)
        return forgotten

    def _empty_log(self) -> None:
        with suppress(sqlite3.Error), closing(self._connect()) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _refuse_if_closed(self) -> None:
        if self._closing:
            raise StoreUnavailable(f"{self._path} is closed")

    def _prepared(self) -> sqlite3.Connection:
        """The writer's connection, the schema up to date."""
        writer: sqlite3.Connection | None = None
        try:
            writer = self._connect()
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("PRAGMA synchronous = FULL")
            writer.execute("PRAGMA wal_autocheckpoint = 4000")
            writer.execute("PRAGMA temp_store = MEMORY")  # else each savepoint's undo is written to a file of its own
            writer.execute("PRAGMA secure_delete = ON")  # what is sealed anew or forgotten leaves nothing behind
            bring_up_to_date(writer)
        except (sqlite3.Error, StoreUnavailable) as error:
            if writer is not None:
                writer.close()
            raise StoreUnavailable(f"{self._path}: {error}") from error
        return writer

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self._address, uri=True,
            timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256,
        )  # fmt: skip

    def _read(self, job: Callable[[Tx], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._reader, "connection", None)
        try:
            if connection is None:
                connection = self._reader.connection = self._connect()
                connection.execute("PRAGMA query_only = ON")
                self._reading.append(connection)
            connection.execute("BEGIN")
            try:
                return job(Tx(connection.execute, self.vault))
            finally:
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreUnavailable(str(error)) from error

    def _hand_over(self) -> None:
        batch, self._waiting = self._waiting, []
        self._busy = True
        self._idle.clear()
        self._batches.put(batch)

    def _write_batches(self) -> None:
        while (batch := self._batches.get()) is not None:
            done = self._commit(batch)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._announce, done)
        self._writer.close()

    def _announce(self, done: list[_Done]) -> None:
        for job, result, error in done:
            if error is None:
                job.then()
            if job.told.done():  # its caller is gone
                continue
            if error is None:
                job.told.set_result(result)
            else:
                job.told.set_exception(error)
        self._busy = False
        if self._waiting:
            self._hand_over()
        else:
            self._idle.set()

    def _commit(self, batch: list[_Job]) -> list[_Done]:
        """Run a batch in one transaction. If the transaction itself fails, none of its jobs happened."""
        begun = time.perf_counter()
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                done: list[_Done] = [(job, job.run(self._tx()), None) for job in batch]
            except Exception:
                if not self._writer.in_transaction:
                    raise  # a full disk takes all of it with it
                self._writer.execute("ROLLBACK")
                self._writer.execute("BEGIN IMMEDIATE")
                done = [self._apart(job) for job in batch]
            self._writer.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever it is, the writer must live on
            with suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")
            unavailable = StoreUnavailable(str(error))
            return [(job, None, unavailable) for job in batch]
        self.meters.committed(len(batch), time.perf_counter() - begun)
        return done

    def _tx(self) -> Tx:
        return Tx(self._writer.execute, self.vault)

    def _apart(self, job: _Job) -> _Done:
        """One job in its savepoint. An error after which the whole transaction is gone is raised."""
        self._writer.execute("SAVEPOINT job")
        try:
            result = job.run(self._tx())
        except Exception as error:
            if not self._writer.in_transaction:
                raise
            self._writer.execute("ROLLBACK TO job")
            self._writer.execute("RELEASE job")
            told = StoreUnavailable(str(error)) if _is_the_databases(error) else error
            return job, None, told
        self._writer.execute("RELEASE job")
        return job, result, None


def _is_the_databases(error: Exception) -> bool:
    """Whether the fault is the database's (locked, full, broken) and not the statement's."""
    ours = (sqlite3.IntegrityError, sqlite3.ProgrammingError)
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, ours)
