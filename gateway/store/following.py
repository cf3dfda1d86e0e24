"""The transactions of looking: which deliveries are due for a look, and what a look came to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec import structs

from gateway.rules.correlate import Parked
from gateway.rules.evidence import see
from gateway.rules.following import Look, is_possible, looked
from gateway.rules.marks import borne, copied, told_apart
from gateway.rules.record import Record
from gateway.store import inbound
from gateway.store.bell import LOOK
from gateway.store.recognising import Nearby, Seen, believed, recognise
from gateway.store.rows import ALL, NOT_LOOKED_AT, Tx, not_of, record_of, stamp
from gateway.store.saving import Writing, find, save
from schemas.outcome import Sighting
from schemas.private import Private

_TAKEN = timedelta(seconds=120)
"""How long a look belongs to the worker that took it; if that is gone, another looks."""


class Looked(Private, frozen=True, kw_only=True):
    """A look that was taken: what was listed since it `began`, and whether to its end. `schedule`, `gap`: seconds."""

    delivery_id: str
    began: datetime
    sightings: Sequence[Seen]
    complete: bool
    failed: bool = False
    schedule: tuple[float, ...]
    gap: float


def due_looks(writing: Writing, owner: str, limit: int, busy: Collection[tuple[str, str]]) -> list[Record]:
    """Take deliveries whose look is due: of each connection that nobody looks at now, the longest due."""
    tx, now = writing.tx, stamp(writing.now)
    others, connections = not_of(busy)
    tx.execute(f"DELETE FROM looks WHERE owner = ? AND {others}", (owner, *connections))  # noqa: S608 - our own text
    tx.execute("UPDATE looks SET until = ? WHERE owner = ?", (stamp(writing.now + _TAKEN), owner))
    ids = tx.execute(
        "SELECT id FROM (SELECT *, row_number() OVER (PARTITION BY clinic_id, connection ORDER BY due_at, id) AS turn"  # noqa: S608 - only names and placeholders of ours are put in
        f" FROM deliveries WHERE state IN ('submitted', 'unknown', 'delivered') AND due_at <= ? AND {NOT_LOOKED_AT})"
        " AS due WHERE turn = 1 ORDER BY due_at LIMIT ?",
        (now, now, limit),
    ).fetchall()
    if not ids:
        return []
    rows = tx.execute(
        f"SELECT {ALL} FROM deliveries WHERE id IN ({', '.join('?' * len(ids))})"  # noqa: S608 - our own text
        f" AND due_at <= ? ORDER BY clinic_id, connection{tx.to_take}",
        (*(id_ for (id_,) in ids), now),
    ).fetchall()
    return [taken for row in rows if (taken := _take(writing, owner, record_of(tx, row)))]


def _take(writing: Writing, owner: str, record: Record) -> Record | None:
    """The delivery, its next look put off; None where another process was faster with a look at its connection."""
    tx, until = writing.tx, writing.now + _TAKEN
    ours = tx.execute(
        "INSERT INTO looks (clinic_id, connection, owner, until) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (clinic_id, connection) DO UPDATE SET owner = excluded.owner, until = excluded.until"
        " WHERE looks.until <= ?",
        (record.clinic_id, record.connection, owner, stamp(until), stamp(writing.now)),
    )
    if not ours.rowcount:
        return None
    tx.execute("UPDATE deliveries SET due_at = ? WHERE id = ?", (stamp(until), record.id))
    return structs.replace(record, due_at=until)


def free_looks(writing: Writing, owner: str | None = None) -> None:
    """Let every look that may be taken, or those that `owner` may have taken, be due now: nobody makes them any more.

    What was only planned for the next two minutes cannot be told from what was taken, and is looked at early.
    """
    soon = (stamp(writing.now), stamp(writing.now), stamp(writing.now + _TAKEN))
    of_owner = (
        " AND (clinic_id, connection) IN (SELECT clinic_id, connection FROM looks WHERE owner = ?)" if owner else ""
    )
    theirs = (owner,) if owner else ()
    writing.tx.execute(
        "UPDATE deliveries SET due_at = ? WHERE state IN ('submitted', 'unknown', 'delivered')"  # noqa: S608 - our own
        f" AND due_at > ? AND due_at <= ?{of_owner}",
        (*soon, *theirs),
    )
    writing.tx.execute(f"DELETE FROM looks{' WHERE owner = ?' if owner else ''}", theirs)  # noqa: S608 - likewise
    writing.touched.add(LOOK)


def look(writing: Writing, taken: Looked) -> None:
    """Give every sighting to the correlator; then plan the next look, or conclude from finding nothing."""
    writing.tx.lock_of(taken.delivery_id)
    nearby = Nearby(writing.tx, writing.now)
    listed = [believed(writing.tx, one, nearby) for one in _told_apart(writing.tx, taken.sightings)]
    doubtful = [doubt for one in listed if (doubt := _recognised(writing, one, nearby))]
    record = find(writing.tx, taken.delivery_id)
    if record is None:
        return
    is_marked = any(record.id in borne(one.sighting) for one in taken.sightings)  # a copy, too, was once its own
    possible = is_marked or is_possible(record, doubtful)
    came_to = Look(began=taken.began, at=writing.now, complete=taken.complete, possible=possible, failed=taken.failed)
    decided = looked(record, came_to, taken.schedule, timedelta(seconds=taken.gap))
    if decided is None:
        return
    save(writing, record, decided)
    if decided.record.absent_at and not record.absent_at:
        inbound.note_look(writing.tx, writing.new_id("sgt"), record, "a complete look found nothing of it", writing.now)
    if decided.record.state == "queued":
        inbound.note_look(writing.tx, writing.new_id("sgt"), record, "absence proved: sent once more", writing.now)


def _told_apart(tx: Tx, listed: Sequence[Seen]) -> list[Seen]:
    """What is listed, with only those marks of ours that can be believed."""
    sightings = [one.sighting for one in listed]
    marked = {mark: record for mark in sorted(copied(sightings)) if (record := find(tx, mark))}
    told = told_apart(sightings, marked)
    return [structs.replace(one, sighting=sighting) for one, sighting in zip(listed, told, strict=True)]


def _recognised(writing: Writing, seen: Seen, nearby: Nearby) -> Sighting | None:
    """Apply a sighting to the delivery it is of, and answer with what it may be of another, if anything.

    What is listed of others is not kept. A mark whose delivery has another id is a second one of it, or a copied mark.
    """
    found = recognise(writing.tx, seen, nearby)
    if isinstance(found, Parked):
        return seen.sighting
    record, by = found
    decided = see(record, seen.sighting, writing.now)
    if decided:
        inbound.keep_applied(writing.tx, seen, record.id, by, writing.now)
        save(writing, record, decided)
        nearby.forget()
    own = seen.sighting.ids.get("id")
    return None if record.vendor_id in {None, own} else structs.replace(seen.sighting, ref=None)
