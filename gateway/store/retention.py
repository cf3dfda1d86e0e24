"""Forgetting: words that are no longer needed go, and the trail of what happened stays."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import structs

from gateway.rules.record import Content
from gateway.store import patients
from gateway.store.rows import Tx, stamp, update
from gateway.store.saving import select
from gateway.store.vault import Unreadable
from schemas.outcome import Sighting
from schemas.problem import problem

_UNMATCHED_FOR = timedelta(days=7)
"""So long a sighting waits for a delivery that it fits."""
_TRIES_FOR = timedelta(days=90)
"""So long it can be seen how apps were told; each event brings a try at least for each app that hears of it."""
_SIGHTINGS_DONE = "sightings_purged_until"


def expire_unmatched(tx: Tx, now: datetime) -> int:
    """Sightings that fitted nothing for a week are tried no more; how many."""
    before = stamp(now - _UNMATCHED_FOR)
    tx.execute(
        "UPDATE webhooks SET state = 'ignored', why = 'it fitted nothing for a week'"
        " WHERE state = 'unmatched' AND received_at <= ?",
        (before,),
    )
    return tx.execute("UPDATE sightings SET state = 'expired' WHERE state = 'parked' AND at <= ?", (before,)).rowcount


def expire_tries(tx: Tx, now: datetime, limit: int) -> int:
    """Forget up to `limit` old tries to tell an app; how many. What it was not told stays to be told again."""
    return tx.execute(
        "DELETE FROM callback_attempts WHERE (app, seq, at) IN"
        " (SELECT app, seq, at FROM callback_attempts WHERE at <= ? ORDER BY at LIMIT ?)",
        (stamp(now - _TRIES_FOR), limit),
    ).rowcount


def purge(tx: Tx, before: datetime, limit: int) -> int:
    """Take the words out of up to `limit` of each: deliveries, sightings and webhooks that ended before then."""
    return _deliveries(tx, before, limit) + _sightings(tx, before, limit) + _webhooks(tx, before, limit)


def _deliveries(tx: Tx, before: datetime, limit: int) -> int:
    ended = (
        "purged = 0 AND state IN ('delivered', 'rejected', 'failed', 'cancelled') AND conflict = 0"
        " AND updated_at <= ? ORDER BY updated_at LIMIT ?"
    )
    purged = 0
    for record in select(tx, ended, stamp(before), limit):
        content = record.content
        told = problem(content.problem.code) if content.problem else None
        bare = Content(command={}, values={}, mapping=content.mapping, problem=told)
        update(tx, record, structs.replace(record, content=bare, purged=True))
        patients.forget(tx, record.id)
        purged += 1
    return purged


def _sightings(tx: Tx, before: datetime, limit: int) -> int:
    """Each in the order of its time, so that where they end is all there is to remember."""
    row = tx.execute("SELECT value FROM meta WHERE name = ?", (_SIGHTINGS_DONE,)).fetchone()
    done_at, done_id = (row[0] if row else "0:").split(":", 1)
    rows = tx.execute(
        "SELECT at, id, sighting FROM sightings WHERE (at, id) > (?, ?) AND at <= ? ORDER BY at, id LIMIT ?",
        (int(done_at), done_id, stamp(before), limit),
    ).fetchall()
    for at, id_, stored in rows:
        name = f"sightings/{id_}"
        try:
            seen = tx.open(bytes(stored), name, Sighting)
        except Unreadable:
            seen = Sighting(says="other")
        bare = structs.replace(seen, values={}, reason=None)
        tx.execute("UPDATE sightings SET sighting = ? WHERE id = ?", (tx.seal(bare, name), id_))
        done_at, done_id = at, id_
    if rows:
        tx.execute(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (_SIGHTINGS_DONE, f"{done_at}:{done_id}"),
        )
    return len(rows)


def _webhooks(tx: Tx, before: datetime, limit: int) -> int:
    return tx.execute(
        "DELETE FROM webhooks WHERE id IN"
        " (SELECT id FROM webhooks WHERE received_at <= ? ORDER BY received_at LIMIT ?)",
        (stamp(before), limit),
    ).rowcount
