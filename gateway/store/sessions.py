"""Who is signed in to the console. A session is known by a digest of its token, so that rows let nobody in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from gateway.store.rows import Tx, moment, stamp


class Session(Struct, frozen=True, kw_only=True):
    """A sign-in with an app's key: that key's id and its hash as configured then, and when it was last used."""

    digest: str
    app: str
    key_id: str
    key_sha256: str
    begun_at: datetime
    seen_at: datetime


_COLUMNS = "digest, app, key_id, key_sha256, begun_at, seen_at"


def begin(tx: Tx, session: Session) -> None:
    """Let it in."""
    tx.execute(
        f"INSERT INTO sessions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own column names
        (
            session.digest, session.app, session.key_id, session.key_sha256,
            stamp(session.begun_at), stamp(session.seen_at),
        ),
    )  # fmt: skip


def find(tx: Tx, digest: str) -> Session | None:
    """The session of that digest."""
    row = tx.execute(f"SELECT {_COLUMNS} FROM sessions WHERE digest = ?", (digest,)).fetchone()  # noqa: S608 - likewise
    return None if row is None else _session(row)


def of_app(tx: Tx, app: str) -> list[Session]:
    """Every session with a key of the app, the newest first, whether or not it still lasts."""
    order = "ORDER BY begun_at DESC, digest"
    rows = tx.execute(f"SELECT {_COLUMNS} FROM sessions WHERE app = ? {order}", (app,)).fetchall()  # noqa: S608 - likewise
    return [_session(row) for row in rows]


def _session(row: Any) -> Session:
    *known, begun_at, seen_at = row
    told = dict(zip(("digest", "app", "key_id", "key_sha256"), known, strict=True))
    return Session(**told, begun_at=moment(begun_at), seen_at=moment(seen_at))


def seen(tx: Tx, digest: str, at: datetime) -> None:
    """Somebody is there."""
    tx.execute("UPDATE sessions SET seen_at = ? WHERE digest = ?", (stamp(at), digest))


def end(tx: Tx, digest: str) -> None:
    """Let it in no more."""
    tx.execute("DELETE FROM sessions WHERE digest = ?", (digest,))


def end_others(tx: Tx, session: Session) -> None:
    """Let in no other of its app any more."""
    tx.execute("DELETE FROM sessions WHERE app = ? AND digest != ?", (session.app, session.digest))


def sweep(tx: Tx, begun_before: datetime, seen_before: datetime) -> None:
    """Forget what has lasted too long, and what nobody uses."""
    tx.execute("DELETE FROM sessions WHERE begun_at <= ? OR seen_at <= ?", (stamp(begun_before), stamp(seen_before)))
