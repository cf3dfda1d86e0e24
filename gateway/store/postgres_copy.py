"""Copying a SQLite database that no gateway works on into an empty PostgreSQL, and proving that all of it arrived.

It is one transaction: a copy that fails anywhere, or differs from what was read, leaves the target as it was. Sealed
values are copied as they stand: they are bound to the identity of their rows, which stays the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from msgspec import Struct

from gateway.store import postgres_schema, sqlite_schema
from gateway.store.base import StoreUnavailable
from gateway.store.postgres_session import Connection, connect
from gateway.store.sqlite_file import locked, reading_only

_AT_ONCE = 1000
"""So many rows between two words on how far it is."""


class Copied(Struct, frozen=True, kw_only=True):
    """What a table holds: how many rows, and the sum of their hashes modulo 2^256, in hex, whatever their order."""

    table: str
    rows: int
    sha256: str


class _Read:
    """What has been read of a table so far."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._rows = 0
        self._sum = 0

    def add(self, row: Sequence[Any]) -> None:
        self._rows += 1
        self._sum += int.from_bytes(sha256(msgspec.json.encode(row)).digest(), "big")

    @property
    def whole(self) -> Copied:
        return Copied(table=self._table, rows=self._rows, sha256=f"{self._sum % (1 << 256):064x}")


class _Steps:
    """How far it is: every row is read twice, here and there."""

    def __init__(self, of: int, told: Callable[[int, int], None]) -> None:
        self._of = of
        self._told = told
        self._done = 0

    def one(self) -> None:
        self._done += 1
        if self._done % _AT_ONCE == 0 or self._done == self._of:
            self._told(self._done, self._of)


def copy(source: Path, url: str, told: Callable[[int, int], None] = lambda _done, _of: None) -> tuple[Copied, ...]:
    """Fill the database at `url` with all that `source` holds; `told` hears how many rows are read of all, twice each.

    Raises StoreUnavailable, and nothing was copied: a gateway works on `source`, there is no such file, one of the two
    is of another schema, the target holds anything already, or what arrived is not what was read.
    """
    try:
        with _opened(source) as here, closing(connect(url)) as there, there.transaction():
            tables = {name: _columns(here, name) for (name,) in here.execute(_TABLES).fetchall()}
            _prepare(there, tables)
            total = sum(here.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables)  # noqa: S608 - only names and placeholders of ours are put in
            steps = _Steps(2 * total, told)
            read = tuple(_poured(here, there, name, columns, steps) for name, columns in tables.items())
            for each in read:
                _compare(each, _arrived(there, each.table, tables[each.table], steps))
            there.execute("ANALYZE")
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{source}: {error}") from error
    except psycopg.Error as error:
        raise StoreUnavailable(f"the target: {str(error).strip()}") from error
    return read


_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"


@contextmanager
def _opened(source: Path) -> Iterator[sqlite3.Connection]:
    """The source, as it stays: with its lock no gateway can start on it."""
    way = reading_only(source)
    address = f"{source.absolute().as_uri()}{way}"
    with locked(source), closing(sqlite3.connect(address, uri=True, isolation_level=None)) as here:
        here.execute("BEGIN")
        try:
            sqlite_schema.check_up_to_date(here)
        except StoreUnavailable as error:
            raise StoreUnavailable(f"{source}: {error}") from error
        yield here


def _prepare(there: Connection, tables: Iterable[str]) -> None:
    """The schema, in a database that holds nothing yet; until the end no gateway starts there."""
    postgres_schema.take_turn(there)
    try:
        if not postgres_schema.is_blank(there):
            postgres_schema.check_up_to_date(there)
        postgres_schema.bring_up_to_date(there)
    except StoreUnavailable as error:
        raise StoreUnavailable(f"the target: {error}") from error
    filled = [name for name in tables if there.execute(f"SELECT 1 FROM {name} LIMIT 1".encode()).fetchone()]  # noqa: S608 - only names and placeholders of ours are put in
    if filled:
        raise StoreUnavailable(f"the target: it is not empty ({', '.join(filled)}); name a database of its own")


def _columns(here: sqlite3.Connection, table: str) -> tuple[str, ...]:
    return tuple(name for (name,) in here.execute("SELECT name FROM pragma_table_info(?)", (table,)))


def _poured(here: sqlite3.Connection, there: Connection, table: str, columns: Sequence[str], steps: _Steps) -> Copied:
    """Every row of a table, in the order in which they were written."""
    read = _Read(table)
    into = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    with there.cursor() as cursor, cursor.copy(into.encode()) as sink:
        for row in here.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY rowid"):  # noqa: S608 - its names
            sink.write_row(row)
            read.add(row)
            steps.one()
    return read.whole


def _arrived(there: Connection, table: str, columns: Sequence[str], steps: _Steps) -> Copied:
    """Every row of a table as the target gives it back."""
    read = _Read(table)
    with there.cursor(name="arrived") as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(f"SELECT {', '.join(columns)} FROM {table}".encode())  # noqa: S608 - our own names
        for row in cursor:
            read.add(row)
            steps.one()
    return read.whole


def _compare(read: Copied, arrived: Copied) -> None:
    if read != arrived:
        told = (f"{each.rows} rows ({each.sha256[:12]})" for each in (read, arrived))
        raise StoreUnavailable(f"{read.table}: {' were read, '.join(told)} arrived; nothing was copied")
