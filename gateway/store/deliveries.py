"""The transaction that takes a new delivery in."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from msgspec import Struct, structs

from gateway.rules import attempts
from gateway.rules.accepting import begun, parent_was_not_created
from gateway.rules.change import Attempt
from gateway.rules.clinic import Limits
from gateway.rules.record import Record
from gateway.store import pacing, patients
from gateway.store.rows import ALL, INSERT, WAITING, Tx, record_of, row_of, save_attempt, stamp
from gateway.store.saving import Writing, find, save_events, why_paused
from schemas.private import Private

_NO_LIMITS = Limits()


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


def accept(
    writing: Writing, record: Record, key: Key | None, lease: timedelta | None, limits: Limits = _NO_LIMITS
) -> Accepted:
    """Store a new delivery with its key and its event, leased where it can go at once."""
    tx = writing.tx
    if record.retry_of:
        tx.lock_of(record.retry_of)
    tx.lock(record.clinic_id, record.connection)
    earlier = by_key(tx, record.app, key) if key else None
    if earlier is not None:
        return earlier
    repeated = find(tx, record.retry_of) if record.retry_of else None
    if repeated is not None and (repeated.retried_as or not repeated.safe_to_resend):
        return Accepted(what="not_resendable", record=repeated)
    if repeated is not None:
        record = structs.replace(record, doubt=repeated.doubt)
    in_the_way = one_of_its_kind(tx, record)
    if in_the_way is not None:
        return Accepted(what="duplicate", record=in_the_way)
    parent = find(tx, record.parent_id) if record.parent_id else None
    if parent is not None and parent_was_not_created(parent):
        return Accepted(what="parent_not_created", record=parent)
    first = begun(record, parent=parent, blocked=why_paused(tx, record.clinic_id, record.connection))
    claimed = attempts.claim(first, first.created_at, lease) if lease and _may_go(tx, first, limits) else None
    stored = claimed.record if claimed else first
    tx.execute(INSERT, row_of(tx, stored))
    patients.note(tx, stored.id, stored.content.command)
    if key:
        tx.execute(
            "INSERT INTO idempotency_keys (app, key, fingerprint, delivery_id) VALUES (?, ?, ?, ?)",
            (record.app, key.key, key.fingerprint, record.id),
        )
    if claimed and claimed.attempt:
        save_attempt(tx, stored.account, claimed.attempt)
    save_events(writing, stored, (f"{stored.kind}.{stored.state}",))
    if record.retry_of:
        tx.execute(
            "UPDATE deliveries SET retried_as = ?, updated_at = ?, version = version + 1 WHERE id = ?",
            (record.id, stamp(writing.now), record.retry_of),
        )
        writing.touched.add(record.retry_of)
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


def one_of_its_kind(tx: Tx, record: Record) -> Record | None:
    """The delivery that is open or delivered where the vendor takes only one."""
    if record.one_per is None:
        return None
    row = tx.execute(
        f"SELECT {ALL} FROM deliveries WHERE one_per = ? AND clinic_id = ? AND connection = ? AND kind = ?"  # noqa: S608 - only names and placeholders of ours are put in
        " AND (conflict = 1 OR state NOT IN ('rejected', 'failed', 'cancelled')) LIMIT 1",
        (record.one_per, record.clinic_id, record.connection, record.kind),
    ).fetchone()
    return None if row is None else record_of(tx, row)


def _may_go(tx: Tx, record: Record, limits: Limits) -> bool:
    """Whether it may be sent without waiting for its turn: nobody else waits, and its account has room."""
    if record.state != "queued" or _waits_in_lane(tx, record):
        return False
    others = tx.execute(
        f"SELECT 1 FROM deliveries WHERE {WAITING} AND account = ? AND due_at <= ? LIMIT 1",  # noqa: S608 - only names and placeholders of ours are put in
        (record.account, stamp(record.created_at)),
    ).fetchone()
    if others is not None:
        return False
    tx.lock_account(record.account)
    return pacing.room(tx, record.account, limits, record.created_at) > 0


def _waits_in_lane(tx: Tx, record: Record) -> bool:
    """Whether an earlier note of the same task has not left yet."""
    if record.lane is None:
        return False
    row = tx.execute(
        "SELECT 1 FROM deliveries WHERE lane = ? AND state IN ('queued', 'held', 'sending') LIMIT 1", (record.lane,)
    ).fetchone()
    return row is not None
