"""Sealing again what is sealed with an older key, or not at all: a page at a time, beside everything else.

What a delivery's patient is noted as hangs on the first key too, and is noted anew.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gateway.rules.record import Content
from gateway.store import patients
from gateway.store.rows import Tx
from gateway.store.vault import Unreadable

SEALED: Sequence[tuple[str, tuple[str, ...], str]] = (
    ("deliveries", ("id",), "content"),
    ("sightings", ("id",), "sighting"),
    ("webhooks", ("id",), "received"),
    ("paused_connections", ("clinic_id", "connection"), "detail"),
    ("audit", ("seq",), "reason"),
)
"""Every table with sealed values: what identifies a row of it, and the column."""


class Resealed(Struct, frozen=True, kw_only=True):
    """What one page came to: values sealed anew, values that no key opens, and where the next page begins."""

    resealed: int
    unreadable: int
    next_cursor: str | None


def reseal(tx: Tx, cursor: str | None, limit: int) -> Resealed:
    """Seal the next `limit` values with the first key where they are not. Raises ValueError for an odd cursor."""
    at, after = _place(cursor)
    table, keys, column = SEALED[at]
    names, marks = ", ".join(keys), ", ".join("?" * len(keys))
    further = f"AND ({names}) > ({marks})" if after else ""
    rows = tx.execute(
        f"SELECT {names}, {column} FROM {table} WHERE {column} IS NOT NULL {further}"  # noqa: S608 - our own names
        f" ORDER BY {names} LIMIT ?",
        (*after, limit),
    ).fetchall()
    done = [_again(tx, SEALED[at], row) for row in rows]
    cursor = _cursor(at, rows[-1][:-1]) if len(rows) == limit else _cursor(at + 1, ())
    is_over = len(rows) < limit and at + 1 == len(SEALED)
    return Resealed(resealed=done.count(True), unreadable=done.count(None), next_cursor=None if is_over else cursor)


def _again(tx: Tx, where: tuple[str, tuple[str, ...], str], row: Sequence[Any]) -> bool | None:
    """Whether a row's value was sealed anew; None: no key opens it."""
    table, keys, column = where
    *identity, stored = row
    name = "/".join([table, *map(str, identity)])
    try:
        if table == "deliveries":
            patients.renew(tx, identity[0], tx.open(bytes(stored), name, Content).command)
        if tx.vault.is_current(bytes(stored)):
            return False
        anew = tx.vault.seal(tx.vault.open(bytes(stored), name), name)
    except Unreadable:
        return None
    tx.execute(
        f"UPDATE {table} SET {column} = ? WHERE {' AND '.join(f'{key} = ?' for key in keys)}",  # noqa: S608 - likewise
        (anew, *identity),
    )
    return True


def _cursor(table: int, after: Sequence[Any]) -> str:
    return urlsafe_b64encode(msgspec.json.encode((table, tuple(after)))).decode().rstrip("=")


def _place(cursor: str | None) -> tuple[int, tuple[Any, ...]]:
    if cursor is None:
        return 0, ()
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        table, after = msgspec.json.decode(raw, type=tuple[int, tuple[str | int, ...]])
    except (ValueError, msgspec.MsgspecError) as error:
        raise ValueError("not a cursor of ours") from error
    if not 0 <= table < len(SEALED) or len(after) not in {0, len(SEALED[table][1])}:
        raise ValueError("not a cursor of ours")
    return table, after
