"""The transactions on deliveries, as functions of an open transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

from gateway.rules import attempts, waiting
from gateway.rules.accepting import begun, parent_was_not_created
from gateway.rules.change import Attempt, Change
from gateway.rules.record import Record, thin
from gateway.store import inbound
from gateway.store.bell import LOOK, QUEUED
from gateway.store.rows import ALL, INSERT, UPDATE, WAITING, Tx, json_text, record_of, row_of, save_attempt, stamp
from schemas.delivery import RESENDABLE
from schemas.private import Private
from schemas.problem import Problem, problem

NewId = Callable[[str], str]
"""A fresh id with the given prefix."""


class Key(Struct, frozen=True, kw_only=True):
    """A caller's Idempotency-Key and the fingerprint of what it came with."""

    key: str
    fingerprint: str


class Accepted(Private, frozen=True, kw_only=True):
    """What became of a new delivery.

    `new`: stored, with `attempt` where this process is to send it at once. `replay`: the key's earlier delivery.
    `key_reused`: the key belongs to another request. `duplicate`: `record` stands in the way. `parent_not_created`: so
    does the note's task. `not_resendable`: what it repeats was repeated already, or may have been created after all.
    """

    what: Literal["new", "replay", "key_reused", "duplicate", "parent_not_created", "not_resendable"]
    record: Record
    attempt: Attempt | None = None


class Leased(Private, frozen=True, kw_only=True):
    """A delivery this process may now send, until its lease ends."""

    record: Record
    attempt: Attempt


class Asked(Private, frozen=True, kw_only=True):
    """What a person asked of a delivery, through which app, and why; kept with what it led to."""

    what: Literal["cancel", "retry", "resolve"]
    app: str
    reason: str | None = None


class Writing(Struct, frozen=True):
    """An open transaction that changes deliveries: its moment, its source of ids, and whom it has changed."""

    tx: Tx
    now: datetime
    new_id: NewId
    touched: set[str]
    """What to ring the bell for, after the commit."""


def find(tx: Tx, delivery_id: str) -> Record | None:
    """The delivery of that id."""
    row = tx.execute(f"SELECT {ALL} FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()  # noqa: S608
    return None if row is None else record_of(row)


def accept(writing: Writing, record: Record, key: Key | None, lease: timedelta | None) -> Accepted:
    """Store a new delivery with its key and its event, leased where it can go at once."""
    tx = writing.tx
    earlier = by_key(tx, record.app, key) if key else None
    if earlier is not None:
        return earlier
    repeated = find(tx, record.retry_of) if record.retry_of else None
    if repeated is not None and (repeated.retried_as or not repeated.safe_to_resend):
        return Accepted(what="not_resendable", record=repeated)
    in_the_way = _one_of_its_kind(tx, record)
    if in_the_way is not None:
        return Accepted(what="duplicate", record=in_the_way)
    parent = find(tx, record.parent_id) if record.parent_id else None
    if parent is not None and parent_was_not_created(parent):
        return Accepted(what="parent_not_created", record=parent)
    first = begun(record, parent=parent, blocked=why_paused(tx, record.clinic_id, record.connection))
    claimed = attempts.claim(first, first.created_at, lease) if lease and not _waits_in_lane(tx, first) else None
    stored = claimed.record if claimed else first
    tx.execute(INSERT, row_of(stored))
    if key:
        tx.execute(
            "INSERT INTO idempotency_keys (app, key, fingerprint, delivery_id) VALUES (?, ?, ?, ?)",
            (record.app, key.key, key.fingerprint, record.id),
        )
    if claimed and claimed.attempt:
        save_attempt(tx, claimed.attempt)
    _save_events(writing, stored, (f"{stored.kind}.{stored.state}",))
    if record.retry_of:
        tx.execute("UPDATE deliveries SET retried_as = ? WHERE id = ?", (record.id, record.retry_of))
    return Accepted(what="new", record=stored, attempt=claimed.attempt if claimed else None)


def by_key(tx: Tx, app: str, key: Key) -> Accepted | None:
    """What the key was used for before, if it was."""
    row = tx.execute(
        "SELECT fingerprint, delivery_id FROM idempotency_keys WHERE app = ? AND key = ?", (app, key.key)
    ).fetchone()
    if row is None:
        return None
    record = find(tx, row[1])
    if record is None:
        raise LookupError(f"the key's delivery {row[1]} is gone")
    return Accepted(what="replay" if row[0] == key.fingerprint else "key_reused", record=record)


def _one_of_its_kind(tx: Tx, record: Record) -> Record | None:
    if record.one_per is None:
        return None
    row = tx.execute(
        f"SELECT {ALL} FROM deliveries WHERE one_per = ? AND clinic_id = ? AND connection = ? AND kind = ?"  # noqa: S608
        " AND (conflict = 1 OR state NOT IN ('rejected', 'failed', 'cancelled')) LIMIT 1",
        (record.one_per, record.clinic_id, record.connection, record.kind),
    ).fetchone()
    return None if row is None else record_of(row)


def _waits_in_lane(tx: Tx, record: Record) -> bool:
    """Whether an earlier note of the same task has not left yet."""
    if record.lane is None:
        return False
    row = tx.execute(
        "SELECT 1 FROM deliveries WHERE lane = ? AND state IN ('queued', 'held', 'sending') LIMIT 1", (record.lane,)
    ).fetchone()
    return row is not None


def why_paused(tx: Tx, clinic_id: str, connection: str) -> Problem | None:
    """Why the connection is paused, if it is."""
    row = tx.execute(
        "SELECT detail FROM paused_connections WHERE clinic_id = ? AND connection = ?", (clinic_id, connection)
    ).fetchone()
    return None if row is None else problem("connection-blocked", row[0] or None)


def change(
    writing: Writing, delivery_id: str, decide: Callable[[Record], Change | None], asked: Asked | None = None
) -> Record | None:
    """Read, decide, write, with all that follows from it; the record afterwards, or None when there is none."""
    before = find(writing.tx, delivery_id)
    if before is None:
        return None
    decided = decide(before)
    if asked is not None:
        writing.tx.execute(
            "INSERT INTO asked (delivery_id, at, app, what, reason) VALUES (?, ?, ?, ?, ?)",
            (delivery_id, stamp(writing.now), asked.app, asked.what, asked.reason),
        )
    if decided is None:
        return before
    save(writing, before, decided)
    return find(writing.tx, delivery_id)


def save(writing: Writing, before: Record, decided: Change) -> None:
    """Write a change, its attempt and events, then what it means for notes, connection and parked sightings."""
    tx, after = writing.tx, decided.record
    tx.execute(UPDATE, [*row_of(after), after.id])
    writing.touched.add(after.id)
    if after.state == "queued" and before.state != "queued":
        writing.touched.add(QUEUED)
    if after.due_at is not None and after.state in {"submitted", "unknown", "delivered"}:
        writing.touched.add(LOOK)
    if decided.attempt is not None:
        save_attempt(tx, decided.attempt)
    _save_events(writing, after, decided.events)
    if after.kind == "task":
        _tell_notes(writing, after)
    if after.awaits_connection and not before.awaits_connection and before.state in {"queued", "sending", "unknown"}:
        why = after.content.problem or problem("connection-blocked")
        pause(writing, (after.clinic_id, after.connection), why)
    if after.state == "queued" and after.lease_until is None and before.state != "held":
        _hold_if_paused(writing, after)
    if before.state == "sending" and after.state in {"submitted", "delivered", "rejected"}:
        _works_again(writing, after)
    if before.state == "sending" or before.ids != after.ids:
        for sighted in inbound.correlate_parked(tx, after.clinic_id, after.connection, writing.now):
            save(writing, sighted.before, sighted.change)


def _hold_if_paused(writing: Writing, record: Record) -> None:
    """What comes back unsent to a connection that was paused meanwhile waits with the others."""
    why = why_paused(writing.tx, record.clinic_id, record.connection)
    decided = waiting.pause(record, writing.now, why) if why else None
    if decided:
        save(writing, record, decided)


def _save_events(writing: Writing, record: Record, types: Sequence[str]) -> None:
    for type_ in types:
        _save_event(writing, type_, record.updated_at, (record.clinic_id, record.app, record.id), thin(record))


def _save_event(
    writing: Writing, type_: str, at: datetime, of: tuple[str, str, str | None], data: Mapping[str, Any]
) -> None:
    """One event, of a clinic, an app and a delivery (or of none)."""
    writing.tx.execute(
        "INSERT INTO events (id, type, at, clinic_id, app, delivery_id, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (writing.new_id("evt"), type_, stamp(at), *of, json_text(data)),
    )


def _tell_notes(writing: Writing, task: Record) -> None:
    """Release the notes that wait for the task's EMR id, or end them with it."""
    if task.emr_id is None and task.state not in RESENDABLE:
        return
    for note in _select(
        writing.tx, "parent_id = ? AND awaits_parent = 1 AND state = 'held' ORDER BY created_at, id", task.id
    ):
        decided = (
            waiting.parent_known(note, task.emr_id, writing.now)
            if task.emr_id is not None
            else waiting.parent_ended(note, task, writing.now)
        )
        if decided:
            save(writing, note, decided)


def _select(tx: Tx, where: str, *parameters: object) -> list[Record]:
    rows = tx.execute(f"SELECT {ALL} FROM deliveries WHERE {where}", parameters).fetchall()  # noqa: S608 - our own text
    return [record_of(row) for row in rows]


PROBE_EVERY = timedelta(minutes=15)
"""How often one delivery is let through a connection that the vendor blocked, to see whether it works again."""


def pause(writing: Writing, connection: tuple[str, str], why: Problem, *, probed: bool = True) -> None:
    """Pause a connection and hold what is queued for it. `probed`: the vendor blocked it; it is tried now and then."""
    probe_at = writing.now + PROBE_EVERY if probed else None
    paused = writing.tx.execute(
        "INSERT INTO paused_connections (clinic_id, connection, since, code, detail, probe_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (clinic_id, connection) DO NOTHING",
        (*connection, stamp(writing.now), why.code, why.detail, stamp(probe_at)),
    )
    if paused.rowcount:
        _save_connection_event(writing, "connection.blocked", connection)
    for record in _select(writing.tx, "clinic_id = ? AND connection = ? AND state IN ('queued', 'held')", *connection):
        decided = waiting.pause(record, writing.now, why)
        if decided:
            save(writing, record, decided)


def resume(writing: Writing, connection: tuple[str, str]) -> bool:
    """Open a connection again and let go what was held for it; whether it was paused."""
    gone = writing.tx.execute(
        "DELETE FROM paused_connections WHERE clinic_id = ? AND connection = ?", connection
    ).rowcount
    if gone:
        _save_connection_event(writing, "connection.restored", connection)
    for record in _select(writing.tx, "clinic_id = ? AND connection = ? AND state = 'held'", *connection):
        decided = waiting.connection_open(record, writing.now)
        if decided:
            save(writing, record, decided)
    return gone > 0


def _save_connection_event(writing: Writing, type_: str, connection: tuple[str, str]) -> None:
    clinic_id, name = connection
    data = {"clinic_id": clinic_id, "connection": name}
    _save_event(writing, type_, writing.now, (clinic_id, "", None), data)


def _works_again(writing: Writing, record: Record) -> None:
    """The vendor let a delivery through: if it had blocked the connection, it no longer does."""
    blocked = writing.tx.execute(
        "SELECT 1 FROM paused_connections WHERE clinic_id = ? AND connection = ? AND probe_at IS NOT NULL",
        (record.clinic_id, record.connection),
    ).fetchone()
    if blocked is not None:
        resume(writing, (record.clinic_id, record.connection))


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
        for record in _select(writing.tx, held, clinic_id, name):
            decided = waiting.connection_open(record, writing.now)
            if decided:
                save(writing, record, decided)
                let_go += 1
    return let_go


_IN_TURN = (
    f"SELECT {ALL} FROM (SELECT *, row_number() OVER (PARTITION BY clinic_id ORDER BY due_at, id) AS turn"  # noqa: S608
    f" FROM deliveries WHERE {WAITING} AND due_at <= ? AND account"
)
"""What is due, by turns: each clinic's longest due first, so that one clinic's backlog starves no other."""


def claim(writing: Writing, lease: timedelta, rest: int, room: Mapping[str, int]) -> list[Leased]:
    """Lease deliveries that are due: as many as there is room for in each account, and `rest` of accounts not named."""
    at = stamp(writing.now)
    leased = [
        one
        for account, limit in room.items()
        if limit
        for one in _leased(writing, lease, f"{_IN_TURN} = ?) ORDER BY turn, due_at LIMIT ?", (at, account, limit))
    ]
    not_named = f"NOT IN ({', '.join('?' * len(room))})" if room else "IS NOT NULL"
    others = f"{_IN_TURN} {not_named}) ORDER BY turn, due_at LIMIT ?"
    return [*leased, *_leased(writing, lease, others, (at, *room, rest))]


def _leased(writing: Writing, lease: timedelta, query: str, parameters: tuple[object, ...]) -> list[Leased]:
    leased = []
    for record in map(record_of, writing.tx.execute(query, parameters).fetchall()):
        claimed = attempts.claim(record, writing.now, lease)
        if claimed and claimed.attempt:
            writing.tx.execute(UPDATE, [*row_of(claimed.record), record.id])
            save_attempt(writing.tx, claimed.attempt)
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
    changed = _probe(writing)
    for where, happens in sweeps:
        for record in _select(writing.tx, where, *((at,) if "?" in where else ())):
            decided = happens(record, now)
            if decided:
                save(writing, record, decided)
                changed += 1
    return changed


_GRAVITY: tuple[inbound.WebhookState, ...] = ("ignored", "matched", "unmatched", "quarantined")


def sight(
    writing: Writing, webhook_id: str, event_id: str | None, seen: Sequence[inbound.Seen]
) -> inbound.WebhookState:
    """Correlate and apply a webhook's sightings; the webhook's state is that of its gravest one."""
    state: inbound.WebhookState = "ignored"
    why: str | None = None
    clinic_id: str | None = None
    for one in seen:
        came_to, reason, sighted = inbound.sight(writing.tx, one, writing.now)
        if sighted:
            save(writing, sighted.before, sighted.change)
        if _GRAVITY.index(came_to) >= _GRAVITY.index(state):
            state, why = came_to, reason
        clinic_id = one.connection[0] if one.connection else clinic_id
    reading = inbound.Reading(state=state, why=why, event_id=event_id, clinic_id=clinic_id)
    inbound.read_webhook(writing.tx, webhook_id, reading)
    return state
