"""How far endpoints are behind, and every try to tell them: what people look at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from gateway.store import feed
from gateway.store.feed import Entry
from gateway.store.outbox import Endpoint
from gateway.store.rows import Tx, in_scope, moment
from schemas.delivery import Happening
from schemas.event import Event

Telling = Literal["waiting", "given_up", "told"]


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
    unread = feed.end(tx) - place
    next_ = tx.execute("SELECT at FROM events WHERE seq > ? ORDER BY seq LIMIT 1", (place,)).fetchone()
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
    behind = min((first for first in (next_[0] if next_ else None, first_waiting) if first is not None), default=None)
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


class Try(Struct, frozen=True, kw_only=True):
    """One try to tell an endpoint of an event."""

    at: datetime
    milliseconds: float
    status: int | None
    error: str | None


class Told(Struct, frozen=True, kw_only=True):
    """Where an event stands at an app's endpoint: told, given up after ten tries over 75 hours, or waiting."""

    event: Event
    app: str
    state: Telling
    due_at: datetime | None
    """When it is told next, if the endpoint is called at all then."""
    tries: Sequence[Try]


class Untold(Struct, frozen=True, kw_only=True):
    """A part of what an endpoint was not told, in order, and whether there is more."""

    items: Sequence[Told]
    more: bool


def untold(tx: Tx, app: str, span: tuple[int, int], clinics: frozenset[str], *, given_up: bool) -> Untold:
    """What an endpoint waits for, or did not take, of these clinics' events: after a place, so many."""
    (after, limit), (where, scope) = span, in_scope(clinics)
    due = "due_at IS NULL" if given_up else "due_at IS NOT NULL"
    seqs = tx.execute(
        "SELECT callbacks.seq FROM callbacks JOIN events ON events.seq = callbacks.seq"  # noqa: S608 - our own text
        f" WHERE callbacks.app = ? AND {due} AND callbacks.seq > ? AND {where} ORDER BY callbacks.seq LIMIT ?",
        (app, after, *scope, limit + 1),
    ).fetchall()
    entries = [entry for (seq,) in seqs[:limit] if (entry := feed.at(tx, seq))]
    return Untold(items=[_told(tx, app, entry) for entry in entries], more=len(seqs) > limit)


def told(tx: Tx, endpoints: Sequence[Endpoint], entry: Entry) -> list[Told]:
    """Where an event stands at each endpoint that is to hear of it, or has."""
    return [_told(tx, endpoint.app, entry) for endpoint in endpoints if _hears(tx, endpoint, entry)]


def _hears(tx: Tx, endpoint: Endpoint, entry: Entry) -> bool:
    here = (endpoint.app, entry.seq)
    (behind,) = tx.execute("SELECT count(*) FROM endpoints WHERE app = ? AND seq < ?", here).fetchone()
    if behind and endpoint.concerns(entry):
        return True
    known = tx.execute(
        "SELECT 1 FROM callbacks WHERE app = ? AND seq = ?"
        " UNION SELECT 1 FROM callback_attempts WHERE app = ? AND seq = ?",
        (*here, *here),
    )
    return known.fetchone() is not None


def _told(tx: Tx, app: str, entry: Entry) -> Told:
    here = (app, entry.seq)
    tried = tx.execute(
        "SELECT at, ended_at, status, error FROM callback_attempts WHERE app = ? AND seq = ? ORDER BY at", here
    ).fetchall()
    row = tx.execute("SELECT due_at FROM callbacks WHERE app = ? AND seq = ?", here).fetchone()
    if row is None:
        state: Telling = "told" if tried else "waiting"
    else:
        state = "given_up" if row[0] is None else "waiting"
    return Told(
        event=entry.event,
        app=app,
        state=state,
        due_at=_moment(row[0]) if row else None,
        tries=[
            Try(at=moment(at), milliseconds=(ended - at) / 1000, status=status, error=error)
            for at, ended, status, error in tried
        ],
    )
