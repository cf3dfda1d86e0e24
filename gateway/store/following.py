"""The transactions of looking: which deliveries are due for a look, and what a look came to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from msgspec import structs

from gateway.rules.correlate import Parked
from gateway.rules.evidence import see
from gateway.rules.following import Look, is_possible, looked
from gateway.rules.record import Record
from gateway.store import inbound
from gateway.store.recognising import Nearby, Seen, recognise
from gateway.store.rows import ALL, UPDATE, not_of, record_of, row_of, stamp
from gateway.store.saving import Writing, find, save
from schemas.private import Private

_TAKEN = timedelta(seconds=120)
"""How long a look belongs to the worker that took it; if that is gone, another looks."""


class Looked(Private, frozen=True, kw_only=True):
    """A look that was taken: what was listed, and whether to its end. `schedule` and `gap` are in seconds."""

    delivery_id: str
    sightings: Sequence[Seen]
    complete: bool
    failed: bool = False
    schedule: tuple[float, ...]
    gap: float


def due_looks(writing: Writing, limit: int, busy: Collection[tuple[str, str]]) -> list[Record]:
    """Take deliveries whose look is due: of each connection that is not `busy`, the longest due."""
    others, connections = not_of(busy)
    rows = writing.tx.execute(
        f"SELECT {ALL} FROM (SELECT *, row_number() OVER"  # noqa: S608 - our own text
        " (PARTITION BY clinic_id, connection ORDER BY due_at, id) AS turn FROM deliveries"
        f" WHERE state IN ('submitted', 'unknown', 'delivered') AND due_at <= ? AND {others}) AS due"
        " WHERE turn = 1 ORDER BY due_at LIMIT ?",
        (stamp(writing.now), *connections, limit),
    ).fetchall()
    taken = [record_of(writing.tx, row) for row in rows]
    for record in taken:
        held = structs.replace(record, due_at=writing.now + _TAKEN)
        writing.tx.execute(UPDATE, [*row_of(writing.tx, held), record.id])
    return taken


def free_looks(writing: Writing) -> None:
    """Let every look that may be taken be due now: at start-up, those of a process that is gone have no owner any more.

    What was only planned for the next two minutes cannot be told from what was taken, and is looked at early.
    """
    writing.tx.execute(
        "UPDATE deliveries SET due_at = ? WHERE state IN ('submitted', 'unknown', 'delivered')"
        " AND due_at > ? AND due_at <= ?",
        (stamp(writing.now), stamp(writing.now), stamp(writing.now + _TAKEN)),
    )


def look(writing: Writing, taken: Looked) -> None:
    """Give every sighting to the correlator; then plan the next look, or conclude from finding nothing."""
    writing.tx.lock_of(taken.delivery_id)
    nearby = Nearby(writing.tx, writing.now)
    doubtful = [one.sighting for one in taken.sightings if not _recognised(writing, one, nearby)]
    record = find(writing.tx, taken.delivery_id)
    if record is None:
        return
    came_to = Look(at=writing.now, complete=taken.complete, possible=is_possible(record, doubtful), failed=taken.failed)
    decided = looked(record, came_to, taken.schedule, timedelta(seconds=taken.gap))
    if decided is None:
        return
    save(writing, record, decided)
    if decided.record.absent_at and not record.absent_at:
        inbound.note_look(writing.tx, writing.new_id("sgt"), record, "a complete look found nothing of it", writing.now)
    if decided.record.state == "queued":
        inbound.note_look(writing.tx, writing.new_id("sgt"), record, "absence proved: sent once more", writing.now)


def _recognised(writing: Writing, seen: Seen, nearby: Nearby) -> bool:
    """Apply a sighting to the delivery it is of; whether there is one. What is listed of others is not kept."""
    found = recognise(writing.tx, seen, nearby)
    if isinstance(found, Parked):
        return False
    record, by = found
    decided = see(record, seen.sighting, writing.now)
    if decided:
        inbound.keep_applied(writing.tx, seen, record.id, by, writing.now)
        save(writing, record, decided)
        nearby.forget()
    return True
