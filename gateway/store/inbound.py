"""The transactions on sightings: what vendors tell us, pushed or asked for, and which delivery it is of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from msgspec import Struct

from gateway.rules.change import Change
from gateway.rules.correlate import Parked
from gateway.rules.evidence import see
from gateway.rules.record import Record
from gateway.store.recognising import CORRELATED, Nearby, Seen, recognise, with_ids_of
from gateway.store.rows import Tx, stamp
from gateway.store.vault import Unreadable
from gateway.store.webhooks import WebhookState
from schemas.outcome import Sighting
from schemas.private import Private

_PARKED = "SELECT id, webhook_id, source, account, connection, sighting, at FROM sightings WHERE state = 'parked'"


class _Placed(Struct, frozen=True, kw_only=True):
    """Where a sighting ended: applied to a delivery, parked until one fits, or quarantined."""

    state: Literal["applied", "parked", "quarantined"]
    why: str
    delivery_id: str | None = None


class Sighted(Private, frozen=True, kw_only=True):
    """What a sighting made of a delivery."""

    before: Record
    change: Change


def sight(tx: Tx, seen: Seen, now: datetime) -> tuple[WebhookState, str | None, Sighted | None]:
    """Correlate one sighting and keep it: what it came to, why, and the change it makes."""
    found = recognise(tx, seen, Nearby(tx, now))
    if isinstance(found, Parked):
        state: WebhookState = "quarantined" if _is_elsewhere(tx, seen) else "unmatched"
        why = "its ids belong to another connection" if state == "quarantined" else found.why
        _keep(tx, seen, _Placed(state="parked" if state == "unmatched" else "quarantined", why=why), now)
        return state, why, None
    record, by = found
    if record.state == "sending":
        _keep(tx, seen, _Placed(state="parked", why="an attempt is in flight"), now)
        return "unmatched", "an attempt is in flight", None
    _keep(tx, seen, _Placed(state="applied", why=f"matched by {by}", delivery_id=record.id), now)
    decided = see(record, seen.sighting, now)
    return "matched", None, Sighted(before=record, change=decided) if decided else None


def correlate_parked(tx: Tx, of: Record, now: datetime) -> Iterator[Sighted]:
    """Try the parked sightings of a delivery's connection again; yields each change to save before the next is tried.

    One that names no connection may be of any of its account's, and is tried by ids alone.
    """
    here = (of.clinic_id, of.connection)
    rows = tx.execute(
        f"{_PARKED} AND clinic_id = ? AND connection = ? UNION ALL"
        f" {_PARKED} AND account = ? AND connection IS NULL ORDER BY at, id",
        (*here, of.account),
    ).fetchall()
    nearby = Nearby(tx, now)
    for id_, webhook_id, source, account, connection, blob, _ in rows:
        try:
            sighting = tx.open(blob, f"sightings/{id_}", Sighting)
        except Unreadable:
            continue
        if connection is None and sighting.reference is not None:
            continue  # it names a connection that nobody has
        seen = Seen(
            id=id_,
            webhook_id=webhook_id,
            source=source,
            account=account,
            sighting=sighting,
            connection=here if connection is not None else None,
            account_connections=frozenset({here}),
        )
        found = recognise(tx, seen, nearby)
        if isinstance(found, Parked) or found[0].state == "sending":
            continue
        record, by = found
        tx.execute(
            "UPDATE sightings SET state = 'applied', delivery_id = ?, why = ? WHERE id = ?",
            (record.id, f"matched by {by}", id_),
        )
        if webhook_id:
            tx.execute("UPDATE webhooks SET state = 'matched', why = NULL WHERE id = ?", (webhook_id,))
        decided = see(record, seen.sighting, now)
        if decided:
            yield Sighted(before=record, change=decided)
            nearby.forget()


def _is_elsewhere(tx: Tx, seen: Seen) -> bool:
    """Whether the vendor's id belongs to a delivery of another connection than the one the sighting names."""
    own = seen.sighting.ids.get("id")
    if seen.connection is None or own is None or seen.sighting.says not in CORRELATED:
        return False
    others = (record for record in with_ids_of(tx, seen.sighting) if record.vendor_id == own)
    return any(
        (record.clinic_id, record.connection) in seen.account_connections - {seen.connection} for record in others
    )


def park(tx: Tx, sighting_id: str, record: Record, told: Sighting, now: datetime) -> None:
    """Keep what a fenced-out attempt told, until the attempt in flight has ended."""
    seen = _of_record(sighting_id, record, "answer", told)
    _keep(tx, seen, _Placed(state="parked", why="an attempt is in flight"), now)


def note_look(tx: Tx, sighting_id: str, record: Record, came_to: str, now: datetime) -> None:
    """Keep what a look proved by finding nothing, for the timeline."""
    seen = _of_record(sighting_id, record, "lookup", Sighting(says="other", operation=record.operation))
    _keep(tx, seen, _Placed(state="applied", why=came_to, delivery_id=record.id), now)


def _of_record(sighting_id: str, record: Record, source: str, told: Sighting) -> Seen:
    return Seen(
        id=sighting_id,
        webhook_id=None,
        source=source,
        account=record.account,
        sighting=told,
        connection=(record.clinic_id, record.connection),
        account_connections=frozenset(),
    )


def keep_applied(tx: Tx, seen: Seen, delivery_id: str, by: str, now: datetime) -> None:
    """Keep a sighting that told something new of a delivery."""
    _keep(tx, seen, _Placed(state="applied", why=f"matched by {by}", delivery_id=delivery_id), now)


def _keep(tx: Tx, seen: Seen, placed: _Placed, now: datetime) -> None:
    clinic_id, connection = seen.connection or (None, None)
    tx.execute(
        "INSERT INTO sightings (id, webhook_id, source, account, clinic_id, connection, delivery_id, state, why, at,"
        " sighting) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            seen.id,
            seen.webhook_id,
            seen.source,
            seen.account,
            clinic_id,
            connection,
            placed.delivery_id,
            placed.state,
            placed.why,
            stamp(now),
            tx.seal(seen.sighting, f"sightings/{seen.id}"),
        ),
    )
