"""The feed: every event, in one order that all who follow it share.

An event's place is its `seq`, and whoever has read up to one has read all that will ever stand there: places are given
in the order of commits. SQLite gives them so by itself, since one connection writes. Where transactions commit side by
side a sequence does not (a later number may be committed first, and a reader would pass over the earlier one): there an
event must get its place in a step of its own, after its commit, and is no part of the feed until then. Nothing but this
module reads events in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gateway.store.groups import first_of, of_clinics
from gateway.store.rows import Tx, in_scope, moment
from schemas.event import Event

EVERYWHERE = frozenset({"*"})
START = "evt_0"
"""The id that stands before the first event."""

_COLUMNS = (
    "seq, id, type, at, clinic_id, app, delivery_id, data,"
    " (SELECT trace FROM deliveries WHERE deliveries.id = events.delivery_id)"
)


class Entry(Struct, frozen=True, kw_only=True):
    """An event and its place; `app` submitted its delivery, in `trace`; all empty where it is of none."""

    seq: int
    event: Event
    app: str
    delivery_id: str | None
    trace: str | None = None

    @property
    def lane(self) -> str:
        """Events of one lane are told one after the other: those of a delivery, and a clinic's own."""
        return self.delivery_id or self.event.clinic_id


class Page(Struct, frozen=True, kw_only=True):
    """Entries in order; `seq` is how far was read, also where nothing fitted."""

    entries: Sequence[Entry]
    seq: int
    more: bool


def page(tx: Tx, after: int, limit: int, clinics: frozenset[str]) -> Page:
    """The entries of these clinics after a place."""
    select = f"SELECT {_COLUMNS} FROM events"  # noqa: S608 - our own text
    statement, parameters = first_of(select, [("seq > ?", (after,))], of_clinics(clinics), "seq", limit + 1)
    rows = tx.execute(statement, parameters).fetchall()
    entries = [_entry(row) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(entries=entries, seq=entries[-1].seq if more else max(after, end(tx)), more=more)


def entry(tx: Tx, event_id: str, clinics: frozenset[str]) -> Entry | None:
    """The event of that id, if it is of these clinics."""
    where, scope = in_scope(clinics)
    row = tx.execute(
        f"SELECT {_COLUMNS} FROM events WHERE id = ? AND seq IS NOT NULL AND {where}",  # noqa: S608 - our own text
        (event_id, *scope),
    ).fetchone()
    return None if row is None else _entry(row)


def at(tx: Tx, seq: int) -> Entry | None:
    """The event at a place."""
    row = tx.execute(f"SELECT {_COLUMNS} FROM events WHERE seq = ?", (seq,)).fetchone()  # noqa: S608 - likewise
    return None if row is None else _entry(row)


def place(tx: Tx, event_id: str, clinics: frozenset[str]) -> int | None:
    """The place of an event of these clinics; None when there is none."""
    if event_id == START:
        return 0
    found = entry(tx, event_id, clinics)
    return found.seq if found else None


def end(tx: Tx) -> int:
    """The place of the newest event."""
    (newest,) = tx.execute("SELECT max(seq) FROM events").fetchone()
    return newest or 0


def newest(tx: Tx, clinics: frozenset[str]) -> tuple[int, str]:
    """The end of the feed, and the id of these clinics' last event, from which nothing is missed."""
    placed = [("seq IS NOT NULL", ())]
    row = tx.execute(*first_of("SELECT id, seq FROM events", placed, of_clinics(clinics), "seq DESC", 1)).fetchone()
    return end(tx), row[0] if row else START


def _entry(row: Sequence[Any]) -> Entry:
    seq, id_, type_, at, clinic_id, app, delivery_id, data, trace = row
    event = Event(id=id_, type=type_, at=moment(at), clinic_id=clinic_id, data=msgspec.json.decode(data))
    return Entry(seq=seq, event=event, app=app, delivery_id=delivery_id, trace=trace)
