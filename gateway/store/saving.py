"""Writing a change of a delivery, with everything that follows from it in the same commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from gateway.rules import attempts, drift, waiting
from gateway.rules.accepting import parent_was_not_created
from gateway.rules.change import Change
from gateway.rules.record import Record, thin
from gateway.store import audit, inbound, pacing
from gateway.store import drift as learnt
from gateway.store.audit import Act
from gateway.store.bell import EVENTS, LOOK, QUEUED
from gateway.store.rows import (
    ALL,
    UNDELIVERED,
    Overtaken,
    Tx,
    json_text,
    paused_row,
    record_of,
    save_attempt,
    stamp,
    text_of,
    update,
)
from schemas.delivery import RESENDABLE
from schemas.problem import Problem, problem

NewId = Callable[[str], str]
"""A fresh id with the given prefix."""


PROBE_EVERY = timedelta(minutes=15)
"""How often one delivery is let through a connection that the vendor blocked, to see whether it works again."""


class Writing(Struct, frozen=True):
    """An open transaction that changes deliveries: its moment, its source of ids, and whom it has changed."""

    tx: Tx
    now: datetime
    new_id: NewId
    touched: set[str]
    """What to ring the bell for, after the commit."""
    saved: dict[str, Record] = {}
    """Each delivery as it was written last."""


def find(tx: Tx, delivery_id: str) -> Record | None:
    """The delivery of that id."""
    row = tx.execute(f"SELECT {ALL} FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()  # noqa: S608 - only names and placeholders of ours are put in
    return None if row is None else record_of(tx, row)


def change(
    writing: Writing, delivery_id: str, decide: Callable[[Record], Change | None], act: Act | None = None
) -> Record | None:
    """Read, decide, write, with all that follows from it; the record afterwards, or None when there is none."""
    writing.tx.lock_of(delivery_id)
    before = find(writing.tx, delivery_id)
    if before is None:
        return None
    decided = decide(before)
    if act is not None:
        audit.record(writing.tx, act, writing.now)
    if decided is None:
        return before
    save(writing, before, decided)
    return writing.saved[delivery_id]


def save(writing: Writing, before: Record, decided: Change) -> None:
    """Write a change, its attempt and events, then what it means for notes, connection and parked sightings."""
    tx = writing.tx
    if (
        decided.attempt is not None
        and decided.record.vendor_id != before.vendor_id
        and _is_another_s(tx, decided.record)
    ):
        decided = attempts.id_is_taken(before, decided)
    after = decided.record
    if not update(tx, before, after):
        raise Overtaken(after.id)
    writing.saved[after.id] = after
    _ring_for(writing, before, after)
    if decided.attempt is not None:
        save_attempt(tx, after.account, decided.attempt)
    save_events(writing, after, decided.events)
    _learn(writing, before, decided)
    if decided.attempt is not None and decided.attempt.ended_at is not None:
        pacing.learn(tx, after, decided.attempt, writing.now)
    if after.kind == "task":
        _tell_notes(writing, after)
    _tell_connection(writing, before, decided)
    if decided.evidence is not None and after.state == "sending":
        inbound.park(tx, writing.new_id("sgt"), after, decided.evidence, writing.now)
    settled = before.state != after.state and before.state in {"sending", "submitted", "unknown"}
    if settled or before.ids != after.ids or before.conflict > after.conflict:
        for sighted in inbound.correlate_parked(tx, after, writing.now):
            save(writing, sighted.before, sighted.change)


def _is_another_s(tx: Tx, record: Record) -> bool:
    """Whether another delivery of the account has the vendor's id already."""
    other = tx.execute(
        "SELECT 1 FROM deliveries WHERE vendor_id = ? AND account = ? AND kind = ? AND id != ?",
        (record.vendor_id, record.account, record.kind, record.id),
    ).fetchone()
    return other is not None


def _ring_for(writing: Writing, before: Record, after: Record) -> None:
    writing.touched.add(after.id)
    if after.state == "queued" and before.state != "queued":
        writing.touched.add(QUEUED)
    if after.due_at is not None and after.state in {"submitted", "unknown", "delivered"}:
        writing.touched.add(LOOK)


def _tell_connection(writing: Writing, before: Record, decided: Change) -> None:
    """An attempt that was blocked pauses its connection; one let through opens it; what waits for it obeys it."""
    after = decided.record
    why = after.content.problem
    was_blocked = decided.attempt is not None and after.awaits_connection and not before.awaits_connection
    if was_blocked and why is not None and why.code == "connection-blocked":
        pause(writing, (after.clinic_id, after.connection), attempts.why_all_wait(decided))
    came_back = before.state in {"sending", "unknown"} or before.lease_until is not None
    if after.state == "queued" and after.lease_until is None and came_back:
        _hold_if_paused(writing, after)
    if before.state == "sending" and after.state in {"submitted", "delivered", "rejected"}:
        _works_again(writing, after)


def _hold_if_paused(writing: Writing, record: Record) -> None:
    """What comes back unsent to a connection that was paused meanwhile waits with the others."""
    why = why_paused(writing.tx, record.clinic_id, record.connection)
    decided = waiting.pause(record, writing.now, why) if why else None
    if decided:
        save(writing, record, decided)


def save_events(writing: Writing, record: Record, types: Sequence[str]) -> None:
    """The events of a record, as it is now."""
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
    writing.touched.add(EVENTS)


def _learn(writing: Writing, before: Record, decided: Change) -> None:
    """Keep what the vendor's word teaches of the capability table; an event tells what was never seen before."""
    after, seen = decided.record, decided.observed
    if seen is not None and learnt.observe(writing.tx, after, seen, writing.now):
        _save_event(writing, "capability.drift", writing.now, (after.clinic_id, "", None), drift.told(after, seen))
    tried = drift.tried(before, after)
    if tried is not None:
        learnt.count(writing.tx, after, tried, writing.now)


def _tell_notes(writing: Writing, task: Record) -> None:
    """Release the notes that wait for the task's EMR id, or end them with it."""
    ended = parent_was_not_created(task)
    if not ended and (task.emr_id is None or task.state in RESENDABLE):
        return
    for note in select(
        writing.tx, "parent_id = ? AND awaits_parent = 1 AND state = 'held' ORDER BY created_at, id", task.id
    ):
        decided = (
            waiting.parent_ended(note, task, writing.now)
            if ended
            else waiting.parent_known(note, task.emr_id or "", writing.now)
        )
        if decided:
            save(writing, note, decided)


def select(tx: Tx, where: str, *parameters: object) -> Iterator[Record]:
    """The deliveries that a WHERE clause of ours finds, each as it is when its turn comes.

    Saving one may change another that is still to come.
    """
    found = tx.execute(f"SELECT id FROM deliveries WHERE {where}", parameters).fetchall()  # noqa: S608 - our own text
    for (id_,) in found:
        record = find(tx, id_)
        if record is not None:
            yield record


def why_paused(tx: Tx, clinic_id: str, connection: str) -> Problem | None:
    """Why the connection is paused, if it is."""
    row = tx.execute(
        "SELECT detail FROM paused_connections WHERE clinic_id = ? AND connection = ?", (clinic_id, connection)
    ).fetchone()
    if row is None:
        return None
    return problem("connection-blocked", text_of(tx, row[0], paused_row(clinic_id, connection)) or None)


def pause(writing: Writing, connection: tuple[str, str], why: Problem, *, probed: bool = True) -> None:
    """Pause a connection and hold what is queued for it. `probed`: the vendor blocked it; it is tried now and then.

    A person's pause outlasts the vendor's block, a block changes nothing of a pause.
    """
    probe_at = writing.now + PROBE_EVERY if probed else None
    detail = writing.tx.vault.seal((why.detail or "").encode(), paused_row(*connection))
    paused = writing.tx.execute(
        "INSERT INTO paused_connections (clinic_id, connection, since, code, detail, probe_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (clinic_id, connection) DO NOTHING",
        (*connection, stamp(writing.now), why.code, detail, stamp(probe_at)),
    )
    if paused.rowcount:
        _save_connection_event(writing, "connection.blocked", connection)
    elif not probed:
        writing.tx.execute(
            "UPDATE paused_connections SET detail = ?, probe_at = NULL WHERE clinic_id = ? AND connection = ?",
            (detail, *connection),
        )
    for record in select(
        writing.tx, f"clinic_id = ? AND connection = ? AND state IN ('queued', 'held') AND {UNDELIVERED}", *connection
    ):
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
    for record in select(
        writing.tx, f"clinic_id = ? AND connection = ? AND state = 'held' AND {UNDELIVERED}", *connection
    ):
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
