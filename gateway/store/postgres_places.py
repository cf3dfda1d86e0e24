"""Places in the feed where transactions commit side by side: an event gets its own in a step after its commit.

A number given while it is written would not do. A later one may be committed first, and whoever reads up to that would
pass over the earlier one for ever.
"""

from __future__ import annotations

from gateway.store.rows import Tx

_TURN = 7_291_403_612
"""The lock under which one transaction at a time gives places."""


def are_missing(tx: Tx) -> bool:
    """Whether an event has none yet."""
    return tx.execute("SELECT 1 FROM events WHERE seq IS NULL LIMIT 1").fetchone() is not None


def give(tx: Tx) -> None:
    """Give a place to every event that is committed, after all that have one, each delivery's own in their order."""
    tx.execute("SELECT pg_advisory_xact_lock(?)", (_TURN,))
    tx.execute(
        "UPDATE events SET seq = ends.at + fresh.number FROM (SELECT coalesce(max(seq), 0) AS at FROM events) AS ends,"
        " (SELECT written, row_number() OVER (ORDER BY written) AS number FROM events WHERE seq IS NULL) AS fresh"
        " WHERE events.written = fresh.written"
    )
