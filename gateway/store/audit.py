"""The audit trail: who did what to what, and why. Rows are only ever added, and each seals the one before it.

A row's `hash` covers the hash before it and every column but the sealed reason, for which a keyed digest stands: so a
new encryption key may reseal the reason, and a changed, moved or removed row still shows. The newest hash stands in
`meta` as well, so that a missing end shows too. A reason that does not open is a fault, since nothing proves it.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

import msgspec
from msgspec import Struct

from gateway.store.rows import Tx, in_scope, moment, stamp, text_of
from gateway.store.vault import KeyMissing, Unreadable
from schemas.private import Private

Action = Literal[
    "cancel",
    "retry",
    "resolve",
    "pause",
    "resume",
    "reload",
    "reseal",
    "redeliver",
    "reveal",
    "restore",
    "sign-in",
    "sign-out",
]  # fmt: skip
_START = "0" * 64
_HEAD = "audit_head"
_COLUMNS = "seq, at, app, key_id, action, about, clinic_id, reason, reason_digest, hash"


class Act(Private, frozen=True, kw_only=True):
    """What somebody did, through which app and key; `about` is a delivery's id, or a connection as "clinic/name"."""

    app: str
    key_id: str
    action: Action
    about: str
    clinic_id: str | None = None
    reason: str | None = None


class Entry(Private, frozen=True, kw_only=True):
    """A row of the trail."""

    seq: int
    at: datetime
    app: str
    key_id: str
    action: Action
    about: str
    clinic_id: str | None
    reason: str | None


class Verified(Struct, frozen=True, kw_only=True):
    """What checking the whole trail found: how many rows, and what is wrong with it."""

    rows: int
    faults: tuple[str, ...]


def record(tx: Tx, act: Act, now: datetime) -> None:
    """Add a row; one at a time, since each seals the one before it."""
    tx.execute("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (_HEAD, f"0:{_START}"))
    tx.execute("UPDATE meta SET value = value WHERE name = ?", (_HEAD,))  # the lock that makes writers take turns
    seq, before = _head(tx)
    seq += 1
    reason = None if act.reason is None else tx.vault.seal(act.reason.encode(), reason_row(seq))
    row = (seq, stamp(now), act.app, act.key_id, act.action, act.about, act.clinic_id, _digest(tx, act.reason))
    digest = _hash(before, row)
    tx.execute(
        f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own column names
        (*row[:-1], reason, row[-1], digest),
    )
    tx.execute("UPDATE meta SET value = ? WHERE name = ?", (f"{seq}:{digest}", _HEAD))


def verify(tx: Tx) -> Verified:
    """Check every row against the one before it, its reason, and the end against what is noted of it."""
    faults: list[str] = []
    unproved: Counter[str] = Counter()
    seq, before = 0, _START
    rows = 0
    for stored in _rows(tx):
        rows += 1
        at, *_, reason, digest, hash_ = stored
        if at != seq + 1:
            faults.append(f"row {seq + 1}{f' to {at - 1}' if at > seq + 2 else ''}: missing")
        if hash_ != _hash(before, (*stored[:7], digest)):
            faults.append(f"row {at}: changed, or the row before it")
        else:
            try:
                faults.extend(f"row {at}: {fault}" for fault in _of_reason(tx, at, reason, digest))
            except KeyMissing as missing:
                unproved[str(missing)] += 1
        seq, before = at, hash_
    if f"{seq}:{before}" != _end(tx):
        faults.append(f"row {seq + 1}: missing, or the end was changed")
    faults.extend(f"{count} reasons: sealed with {key!r}, which is no key of ours" for key, count in unproved.items())
    return Verified(rows=rows, faults=tuple(faults))


def _of_reason(tx: Tx, seq: int, stored: bytes | None, digest: str | None) -> Iterator[str]:
    """What is wrong with a row's reason. Raises KeyMissing where its key is not here."""
    if stored is None:
        if digest is not None:
            yield "its reason was removed"
        return
    try:
        told = tx.vault.open(bytes(stored), reason_row(seq)).decode()
    except KeyMissing:
        raise
    except (Unreadable, UnicodeDecodeError):
        yield "its reason was changed, or sealed with another key of the same id"
        return
    if _digest(tx, told) != digest:
        yield "its reason was changed"


def entries(tx: Tx, clinics: frozenset[str], *, before: int | None, limit: int) -> list[Entry]:
    """The newest rows before the row `before`, newest first, of the clinics ("*": all, those of none too)."""
    where, scope = in_scope(clinics)
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM audit WHERE seq < ? AND {where} ORDER BY seq DESC LIMIT ?",  # noqa: S608 - our own text
        (1 << 62 if before is None else before, *scope, limit),
    ).fetchall()
    return [_entry(tx, row) for row in rows]


def about(tx: Tx, what: str) -> list[Entry]:
    """Every row about `what`, in order."""
    rows = tx.execute(f"SELECT {_COLUMNS} FROM audit WHERE about = ? ORDER BY seq", (what,)).fetchall()  # noqa: S608 - only names and placeholders of ours are put in
    return [_entry(tx, row) for row in rows]


def reason_row(seq: int) -> str:
    """The identity of a reason, for its seal."""
    return f"audit/{seq}"


def _entry(tx: Tx, row: Any) -> Entry:
    seq, at, app, key_id, action, what, clinic_id, reason, _, _ = row
    return Entry(
        seq=seq,
        at=moment(at),
        app=app,
        key_id=key_id,
        action=action,
        about=what,
        clinic_id=clinic_id,
        reason=text_of(tx, reason, reason_row(seq)),
    )


def _rows(tx: Tx) -> Iterator[Any]:
    """Every row in order, a thousand at a time."""
    seq = 0
    while page := tx.execute(
        f"SELECT {_COLUMNS} FROM audit WHERE seq > ? ORDER BY seq LIMIT 1000",  # noqa: S608 - our own column names
        (seq,),
    ).fetchall():
        yield from page
        seq = page[-1][0]


def _head(tx: Tx) -> tuple[int, str]:
    seq, _, hash_ = _end(tx).partition(":")
    return int(seq), hash_


def _end(tx: Tx) -> str:
    """What is noted of the newest row: its number and hash."""
    row = tx.execute("SELECT value FROM meta WHERE name = ?", (_HEAD,)).fetchone()
    return row[0] if row else f"0:{_START}"


def _hash(before: str, row: tuple[Any, ...]) -> str:
    return sha256(before.encode() + msgspec.json.encode(row)).hexdigest()


def _digest(tx: Tx, reason: str | None) -> str | None:
    """A keyed digest of the reason: it may name a patient, and could be guessed from a plain one."""
    salt = tx.execute("SELECT value FROM meta WHERE name = 'salt'").fetchone()
    key = salt[0].encode() if salt else b""
    return None if reason is None else hmac.new(key, reason.encode(), "sha256").hexdigest()
