"""How far endpoints are behind, and every try to tell of a delivery: what people look at."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from gateway.store.outbox import Endpoint
from gateway.store.rows import Tx, moment
from schemas.delivery import Happening


class Backlog(Struct, frozen=True, kw_only=True):
    """How far an app's endpoint is behind."""

    disabled_at: datetime | None
    """When it answered 410."""
    waiting: int
    """Events that it is still to be told of."""
    unread: int
    """Events not looked through yet; some may not concern it."""
    behind_since: datetime | None
    """When the first of all these happened; None: it has been told everything."""
    given_up: int
    """Events that it did not take in ten tries over 75 hours."""
    last_at: datetime | None
    """When it was called last."""
    last_status: int | None
    last_error: str | None


def backlog(tx: Tx, endpoint: Endpoint) -> Backlog:
    """How far an app's endpoint is behind."""
    app = endpoint.app
    known = tx.execute("SELECT seq, gone, gone_at FROM endpoints WHERE app = ?", (app,)).fetchone()
    place, gone, gone_at = known or (0, None, None)
    unread, first_unread = tx.execute("SELECT count(*), min(at) FROM events WHERE seq > ?", (place,)).fetchone()
    waiting, first_waiting = tx.execute(
        "SELECT count(*), min(at) FROM callbacks JOIN events ON events.seq = callbacks.seq"
        " WHERE callbacks.app = ? AND due_at IS NOT NULL",
        (app,),
    ).fetchone()
    (given_up,) = tx.execute("SELECT count(*) FROM callbacks WHERE app = ? AND due_at IS NULL", (app,)).fetchone()
    last = tx.execute(
        "SELECT at, status, error FROM callback_attempts WHERE app = ? ORDER BY at DESC LIMIT 1", (app,)
    ).fetchone()
    at, status, error = last or (None, None, None)
    behind = min((first for first in (first_unread, first_waiting) if first is not None), default=None)
    return Backlog(
        disabled_at=_moment(gone_at) if gone == endpoint.url_digest else None,
        waiting=waiting,
        unread=unread,
        behind_since=_moment(behind),
        given_up=given_up,
        last_at=_moment(at),
        last_status=status,
        last_error=error,
    )


def _moment(stamped: int | None) -> datetime | None:
    return None if stamped is None else moment(stamped)


def tries(tx: Tx, delivery_id: str) -> list[Happening]:
    """Every try to tell an app of a delivery's events, in order."""
    rows = tx.execute(
        "SELECT tried.at, tried.ended_at, tried.app, events.id, type, status, error FROM callback_attempts AS tried"
        " JOIN events ON events.seq = tried.seq WHERE delivery_id = ? ORDER BY tried.at, tried.seq",
        (delivery_id,),
    ).fetchall()
    return [
        Happening(
            at=moment(at),
            what="callback",
            facts={
                "app": app, "event_id": event_id, "type": type_,
                "status": status, "error": error, "milliseconds": (ended - at) / 1000,
            },
        )
        for at, ended, app, event_id, type_, status, error in rows
    ]  # fmt: skip
