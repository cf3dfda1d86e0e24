"""One connection to PostgreSQL, and transactions on it.

Nothing of a transaction has happened until its COMMIT was sent. When the connection breaks while its answer is awaited,
a row that the transaction wrote tells afterwards what became of it, so that nothing stored is called lost, or the other
way round. Its number alone would not do: after a crash it may have been given to another. A job that another
transaction stood in the way of is run again, so it must not mind running twice.
"""

from __future__ import annotations

import functools
import itertools
import re
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, Final, TypeVar

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from gateway.store.base import StoreUnavailable, Undecided
from gateway.store.clock import Clock
from gateway.store.rows import Cursor, Overtaken, Tx
from gateway.store.vault import Vault

T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]

_CONNECTING: Final[dict[str, Any]] = {
    "connect_timeout": 3,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "application_name": "task-gateway",
}
"""An end that is gone is noticed within seconds. What the URL says goes before."""

_MANNERS = (
    "SET idle_in_transaction_session_timeout = '5s'; SET lock_timeout = '4s'; SET statement_timeout = '30s';"
    " SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';"
    " SELECT set_config('task_gateway.writer', gen_random_uuid()::text, false)"
)
"""A process that stops in the middle of a transaction loses it, so that no other waits for it long; what is committed
is on the disk; and each connection has a name of its own."""

_BEGIN = (
    "BEGIN; INSERT INTO commits (writer, number, begun_at)"
    " VALUES (current_setting('task_gateway.writer'), pg_current_xact_id()::text, now())"
    " ON CONFLICT (writer) DO UPDATE SET number = excluded.number, begun_at = excluded.begun_at"
    " RETURNING writer, number, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
)
_COMMITTED = "SELECT 1 FROM commits WHERE writer = $1 AND number = $2"
_Begun = tuple[str, str]
"""A transaction: its connection's name, and its number."""
_BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_AGAIN = (errors.DeadlockDetected, errors.SerializationFailure, errors.UniqueViolation, Overtaken)
"""What stood in a job's way when it met one of these is committed or rolled back by then."""
_TRIES = 5
_PATIENCE = 20.0
"""Seconds that a broken COMMIT is asked after."""
_PAUSE = 0.1

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))"
_LOCK_OF = (
    "SELECT pg_advisory_xact_lock(hashtextextended(clinic_id || '/' || connection, 0)) FROM deliveries WHERE id = ?"
)


def parameters(url: str) -> dict[str, Any]:
    """How the URL's database is connected to. Raises psycopg.ProgrammingError for what is no URL of it."""
    return {**_CONNECTING, **conninfo_to_dict(url)}


def connect(url: str) -> Connection:
    """A connection with our manners. Raises StoreUnavailable."""
    with ExitStack() as undo:
        try:
            connection = psycopg.connect(**parameters(url), autocommit=True, cursor_factory=psycopg.RawCursor)
            undo.callback(connection.close)
            connection.execute(_MANNERS, prepare=False)
        except psycopg.Error as error:
            raise StoreUnavailable(str(error).strip()) from error
        undo.pop_all()
    return connection


@functools.lru_cache(maxsize=1024)
def numbered(statement: str) -> str:
    """The statement with `$1`, `$2` and so on for each `?` outside of quotes."""
    numbers = itertools.count(1)
    parts = statement.split("'")
    parts[::2] = [re.sub(r"\?", lambda _: f"${next(numbers)}", part) for part in parts[::2]]
    return "'".join(parts)


class PostgresTx(Tx):
    """A transaction on PostgreSQL, beside others; each statement sees what was committed before it."""

    __slots__ = ()

    to_change = " FOR UPDATE"
    to_take = " FOR UPDATE SKIP LOCKED"

    def __init__(self, connection: Connection, vault: Vault) -> None:
        def execute(statement: str, parameters: Any = None) -> Cursor:
            return connection.execute(numbered(statement), parameters)

        super().__init__(execute, vault)

    def lock(self, clinic_id: str, connection: str) -> None:
        """An advisory lock until the end of the transaction; two names that share one only wait needlessly."""
        self.execute(_LOCK, (f"{clinic_id}/{connection}",))

    def lock_account(self, account: str) -> None:
        """Likewise."""
        self.execute(_LOCK, (f"account/{account}",))

    def lock_of(self, delivery_id: str) -> None:
        """Likewise; a delivery's connection never changes."""
        self.execute(_LOCK_OF, (delivery_id,))


class Session:
    """The connection of one thread; made when it is first needed, and again when it broke."""

    def __init__(self, url: str, vault: Vault, clock: Clock) -> None:
        self._url = url
        self._vault = vault
        self._clock = clock
        self._kept: Connection | None = None

    def close(self) -> None:
        """Disconnect."""
        if self._kept is not None:
            self._kept.close()

    def read(self, job: Callable[[Tx], T]) -> T:
        """Run a job that changes nothing, on one view of the database."""
        connection = self._begun(lambda fresh: fresh.execute(_BEGIN_READING))
        try:
            return job(PostgresTx(connection, self._vault))
        except psycopg.Error as error:
            _tell(error)
            raise
        finally:
            _roll_back(connection)

    def write(self, job: Callable[[Tx], T]) -> T:
        """Run a job in a transaction of its own, and again where another stood in its way."""
        for left in reversed(range(_TRIES)):
            try:
                return self._write(job)
            except (psycopg.Error, Overtaken) as error:
                if not left or not isinstance(error, _AGAIN):
                    _tell(error)
                    raise
        raise AssertionError("the last try returns or raises")

    def _write(self, job: Callable[[Tx], T]) -> T:
        begun: _Begun = ("", "")

        def begin(fresh: Connection) -> None:
            nonlocal begun
            asked = time.monotonic()
            said = fresh.execute(_BEGIN, prepare=False)
            said.nextset()
            writer, number, stamped = said.fetchone() or ("", "", 0)
            begun = writer, number
            self._clock.read(stamped, asked)

        connection = self._begun(begin)
        try:
            result = job(PostgresTx(connection, self._vault))
        except BaseException:
            _roll_back(connection)
            raise
        self._commit(connection, begun)
        return result

    def _begun(self, begin: Callable[[Connection], object]) -> Connection:
        """The connection, in a transaction. One that broke while nobody used it is replaced."""
        if self._kept is not None and not self._kept.closed:
            with suppress(psycopg.Error):
                begin(self._kept)
                return self._kept
            self._kept.close()
        self._kept = connect(self._url)
        try:
            begin(self._kept)
        except psycopg.Error as error:
            self._kept.close()
            raise StoreUnavailable(str(error).strip()) from error
        return self._kept

    def _commit(self, connection: Connection, begun: _Begun) -> None:
        """Raises StoreUnavailable: it was not committed; or Undecided."""
        try:
            ended = connection.execute("COMMIT").statusmessage
        except psycopg.Error as error:
            connection.close()
            if not self._is_committed(begun):
                raise StoreUnavailable(str(error).strip()) from error
        else:
            if ended != "COMMIT":
                raise StoreUnavailable("a statement failed, so that nothing was committed")

    def _is_committed(self, begun: _Begun) -> bool:
        """Ask what became of a transaction until that is known."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            with suppress(StoreUnavailable, psycopg.OperationalError), connect(self._url) as asked:
                if not _is_under_way(asked, begun):
                    return asked.execute(_COMMITTED, begun).fetchone() is not None
            time.sleep(_PAUSE)
        raise Undecided("the connection broke during COMMIT, and the database cannot be asked what became of it")


def _is_under_way(asked: Connection, begun: _Begun) -> bool:
    """Whether the transaction has not ended yet; a database that crashed may know of no such number."""
    with suppress(errors.InvalidParameterValue):
        return asked.execute("SELECT pg_xact_status($1::text::xid8)", begun[1:]).fetchone() == ("in progress",)
    return False


def _roll_back(connection: Connection) -> None:
    try:
        connection.execute("ROLLBACK")
    except psycopg.Error:
        connection.close()


def _tell(error: Exception) -> None:
    """Raises StoreUnavailable where the fault is the database's, and not the statement's."""
    if not isinstance(error, psycopg.IntegrityError | psycopg.ProgrammingError | psycopg.DataError):
        raise StoreUnavailable(str(error).strip()) from error
