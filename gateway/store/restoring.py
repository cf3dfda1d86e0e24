"""A database that was put back from a backup: what it thinks is still to be done may have been done since."""

from __future__ import annotations

from gateway.store import audit
from gateway.store.audit import Act
from gateway.store.rows import UNDELIVERED
from gateway.store.saving import Writing, pause
from schemas.problem import problem

_EPOCH = "epoch"
_WHY = "restored from a backup: what is held here may have been sent since; cancel what was, then resume"


def begin_epoch(writing: Writing, act: Act) -> int:
    """Hold everything that would go out by itself until an operator has looked, and count the database's epoch up.

    Every connection with unsent deliveries is paused, and no unknown is sent again on a proof of its absence. What was
    submitted is followed as before: looking changes nothing. Returns how many connections are paused.
    """
    tx = writing.tx
    audit.record(tx, act, writing.now)
    tx.execute("DELETE FROM sessions")
    tx.execute(f"UPDATE deliveries SET resent = 1 WHERE state IN ('sending', 'unknown') AND {UNDELIVERED}")  # noqa: S608 - our own text
    connections = tx.execute(
        "SELECT DISTINCT clinic_id, connection FROM deliveries"  # noqa: S608 - likewise
        f" WHERE state IN ('queued', 'held', 'sending') AND {UNDELIVERED}"
    ).fetchall()
    for clinic_id, connection in connections:
        pause(writing, (clinic_id, connection), problem("connection-blocked", _WHY), probed=False)
    tx.execute(
        "INSERT INTO meta (name, value) VALUES (?, '2') ON CONFLICT (name) DO UPDATE"
        " SET value = CAST(CAST(meta.value AS INTEGER) + 1 AS TEXT)",
        (_EPOCH,),
    )
    return len(connections)
