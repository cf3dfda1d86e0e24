"""The transactions of the engine: leasing what is due, and what time alone does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from gateway.rules import attempts, waiting
from gateway.rules.change import Attempt, Change
from gateway.rules.record import Record
from gateway.store.rows import ALL, UPDATE, WAITING, record_of, row_of, save_attempt, stamp
from gateway.store.saving import PROBE_EVERY, Writing, find, save, select, why_paused
from schemas.private import Private

_IN_TURN = (
    f"SELECT {ALL} FROM (SELECT *, row_number() OVER (PARTITION BY clinic_id ORDER BY due_at, id) AS turn,"  # noqa: S608
    " coalesce((SELECT served_at FROM turns WHERE turns.account = deliveries.account"
    " AND turns.clinic_id = deliveries.clinic_id), 0) AS served"
    f" FROM deliveries WHERE {WAITING} AND due_at <= ? AND account"
)
_ORDER = ") AS due ORDER BY turn, served, due_at, id LIMIT ?"
"""What is due, by turns: each clinic's longest due, and first that of the clinic that was served longest ago.

So one clinic's backlog starves no other, also where an account takes one at a time.
"""


class Leased(Private, frozen=True, kw_only=True):
    """A delivery this process may now send, until its lease ends."""

    record: Record
    attempt: Attempt


def claim(writing: Writing, lease: timedelta, rest: int, room: Mapping[str, int]) -> list[Leased]:
    """Lease deliveries that are due: as many as there is room for in each account, and `rest` of accounts not named."""
    at = stamp(writing.now)
    leased = [
        one
        for account, limit in room.items()
        if limit
        for one in _leased(writing, lease, f"{_IN_TURN} = ?{_ORDER}", (at, account, limit))
    ]
    not_named = f"NOT IN ({', '.join('?' * len(room))})" if room else "IS NOT NULL"
    others = f"{_IN_TURN} {not_named}{_ORDER}"
    return [*leased, *_leased(writing, lease, others, (at, *room, rest))]


def _leased(writing: Writing, lease: timedelta, query: str, parameters: tuple[object, ...]) -> list[Leased]:
    leased = []
    for row in writing.tx.execute(query, parameters).fetchall():
        record = record_of(writing.tx, row)
        claimed = attempts.claim(record, writing.now, lease)
        if claimed and claimed.attempt:
            writing.tx.execute(UPDATE, [*row_of(writing.tx, claimed.record), record.id])
            save_attempt(writing.tx, claimed.attempt)
            writing.tx.execute(
                "INSERT INTO turns (account, clinic_id, served_at) VALUES (?, ?, ?)"
                " ON CONFLICT (account, clinic_id) DO UPDATE SET served_at = excluded.served_at",
                (record.account, record.clinic_id, stamp(writing.now)),
            )
            leased.append(Leased(record=claimed.record, attempt=claimed.attempt))
    return leased


def pass_time(writing: Writing, *, every_lease: bool = False) -> int:
    """Do what time alone does: leases end, deliveries are given up or become overdue; how many changed.

    `every_lease`: at start-up, when the leases of a process that is gone have no owner any more.
    """
    ended = "1 = 1" if every_lease else "lease_until <= ?"
    now, at = writing.now, stamp(writing.now)
    sweeps: tuple[tuple[str, Callable[[Record, datetime], Change | None]], ...] = (
        (f"lease_until IS NOT NULL AND {ended}", attempts.lease_ended),
        ("state IN ('queued', 'held') AND lease_until IS NULL AND give_up_at <= ?", waiting.expire),
        ("state = 'submitted' AND overdue = 0 AND settle_by <= ?", waiting.overdue),
    )
    changed = 0
    for where, happens in sweeps:
        for record in select(writing.tx, where, *((at,) if "?" in where else ())):
            decided = happens(record, now)
            if decided:
                save(writing, record, decided)
                changed += 1
    return changed + _probe(writing)


def try_connections(writing: Writing) -> None:
    """The configuration is a new one: what a vendor blocked is tried at once, what a change held goes out again."""
    at = stamp(writing.now)
    writing.tx.execute("UPDATE paused_connections SET probe_at = ? WHERE probe_at IS NOT NULL", (at,))
    changed = (
        "state = 'held' AND awaits_connection = 1 AND NOT EXISTS (SELECT 1 FROM paused_connections AS paused"
        " WHERE paused.clinic_id = deliveries.clinic_id AND paused.connection = deliveries.connection)"
    )
    for record in select(writing.tx, changed):
        decided = waiting.connection_open(record, writing.now)
        if decided:
            save(writing, record, decided)
    _probe(writing)


def try_again(writing: Writing, delivery_id: str) -> Record | None:
    """A person wants a held delivery's conditions looked at again; a vendor's block is tried at once."""
    record = find(writing.tx, delivery_id)
    if record is None or record.state != "held":
        return record
    if record.awaits_connection and why_paused(writing.tx, record.clinic_id, record.connection) is None:
        decided = waiting.connection_open(record, writing.now)
        if decided:
            save(writing, record, decided)
    writing.tx.execute(
        "UPDATE paused_connections SET probe_at = ? WHERE clinic_id = ? AND connection = ? AND probe_at IS NOT NULL",
        (stamp(writing.now), record.clinic_id, record.connection),
    )
    return find(writing.tx, delivery_id)


def _probe(writing: Writing) -> int:
    """Let one held delivery of each blocked connection try; how many were let go."""
    at = stamp(writing.now)
    due = writing.tx.execute(
        "SELECT clinic_id, connection FROM paused_connections WHERE probe_at <= ?", (at,)
    ).fetchall()
    let_go = 0
    for clinic_id, name in due:
        writing.tx.execute(
            "UPDATE paused_connections SET probe_at = ? WHERE clinic_id = ? AND connection = ?",
            (stamp(writing.now + PROBE_EVERY), clinic_id, name),
        )
        held = (
            "clinic_id = ? AND connection = ? AND state = 'held' AND awaits_parent = 0 ORDER BY created_at, id LIMIT 1"
        )
        for record in select(writing.tx, held, clinic_id, name):
            decided = waiting.connection_open(record, writing.now)
            if decided:
                save(writing, record, decided)
                let_go += 1
    return let_go
