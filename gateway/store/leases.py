"""The transactions of the engine: leasing what is due, and what time alone does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice, zip_longest

from msgspec import Struct, structs

from gateway.rules import attempts, waiting
from gateway.rules.change import Attempt, Change
from gateway.rules.clinic import Limits
from gateway.rules.record import Record
from gateway.store import pacing
from gateway.store.rows import (
    ALL,
    EACH_QUEUED,
    UNDELIVERED,
    WAITING,
    Tx,
    record_of,
    save_attempt,
    stamp,
    update,
)
from gateway.store.saving import PROBE_EVERY, Writing, find, save, select, why_paused
from schemas.private import Private

_FIRST_SENDS, _RETRIES = "attempts = 0", "attempts > 0"
"""Two indexes have the same words."""


def _of_clinic(which: str, clinic: str, most: str) -> str:
    """A clinic's longest due."""
    return (
        f"SELECT id FROM deliveries WHERE {WAITING} AND {which} AND account = ? AND clinic_id = {clinic}"  # noqa: S608 - our own text
        f" AND due_at <= ? ORDER BY due_at, id LIMIT {most}"
    )


def _first_of_each(which: str) -> str:
    """Each clinic's longest due, and first that of the clinic that was served longest ago.

    It is a step along the index for each clinic, however much waits.
    """
    unleased = f"account = ? AND state = 'queued' AND lease_until IS NULL AND {which}"
    return (
        f"WITH RECURSIVE each_clinic (clinic_id) AS (SELECT min(clinic_id) FROM deliveries WHERE {unleased} UNION ALL"  # noqa: S608 - likewise
        f" SELECT (SELECT min(clinic_id) FROM deliveries WHERE {unleased} AND clinic_id > each_clinic.clinic_id)"
        " FROM each_clinic WHERE clinic_id IS NOT NULL),"
        f" first AS (SELECT clinic_id, ({_of_clinic(which, 'each_clinic.clinic_id', '1')}) AS id FROM each_clinic)"
        " SELECT first.clinic_id, first.id FROM first JOIN deliveries ON deliveries.id = first.id"
        " LEFT JOIN turns ON turns.account = ? AND turns.clinic_id = first.clinic_id"
        " ORDER BY coalesce(served_at, 0), due_at, first.id LIMIT ?"
    )


class Leased(Private, frozen=True, kw_only=True):
    """A delivery this process may now send, until its lease ends."""

    record: Record
    attempt: Attempt

    def under(self, config_version: str | None) -> Leased:
        """Sent with that version of the clinic's configuration."""
        return structs.replace(self, attempt=structs.replace(self.attempt, config_version=config_version))


def accounts_due(tx: Tx, now: datetime) -> list[str]:
    """The accounts with a delivery that is due and that nobody has."""
    rows = tx.execute(
        f"{EACH_QUEUED} SELECT account FROM each_queued WHERE account IS NOT NULL AND EXISTS (SELECT 1 FROM deliveries"  # noqa: S608 - only names and placeholders of ours are put in
        " WHERE deliveries.account = each_queued.account AND state = 'queued' AND lease_until IS NULL AND due_at <= ?)",
        (stamp(now),),
    ).fetchall()
    return [account for (account,) in rows]


def is_anything_queued(tx: Tx) -> bool:
    """Whether a delivery waits to be sent that nobody has, be it for its time, for room or for another."""
    found = tx.execute("SELECT 1 FROM deliveries WHERE state = 'queued' AND lease_until IS NULL LIMIT 1").fetchone()
    return found is not None


def claim(writing: Writing, account: str, lease: timedelta, limits: Limits, most: int) -> list[Leased]:
    """Lease deliveries of the account that are due: as many as it has room for, and at most so many."""
    tx = writing.tx
    tx.lock_account(account)
    some = min(pacing.room(tx, account, limits, writing.now), most)
    ids = _next(tx, account, some, writing.now) if some else []
    if not ids:
        return []
    rows = tx.execute(
        f"SELECT {ALL} FROM deliveries WHERE id IN ({', '.join('?' * len(ids))}){tx.to_take}",  # noqa: S608 - our own text
        ids,
    ).fetchall()
    free = {record.id: record for record in (record_of(tx, row) for row in rows)}
    return [one for id_ in ids if id_ in free and (one := _lease(writing, lease, free[id_]))]


def _next(tx: Tx, account: str, some: int, now: datetime) -> list[str]:
    """What is leased next: of retries no more than their share, as long as anything waits for its first send."""
    first, again = (_in_turn(tx, which, account, some, now) for which in (_FIRST_SENDS, _RETRIES))
    if len(first) + len(again) > some:
        left = some - len(first)
        again = again[: max(left, pacing.retries(tx, account, some, now))]
        first = first[: some - len(again)]
    return [*first, *again]


def _in_turn(tx: Tx, which: str, account: str, some: int, now: datetime) -> list[str]:
    """What is due, by turns of the clinics: the first of each, then the second of each, up to some.

    So one clinic's backlog starves no other, also where an account takes one at a time.
    """
    due = (account, account, account, stamp(now), account, some)
    firsts = tx.execute(_first_of_each(which), due).fetchall()
    if not 0 < len(firsts) < some:
        return [id_ for _, id_ in firsts]
    further = _of_clinic(which, "?", "?")
    queues = [tx.execute(further, (account, clinic_id, stamp(now), some)).fetchall() for clinic_id, _ in firsts]
    turns = (id_ for turn in zip_longest(*queues, fillvalue=(None,)) for (id_,) in turn if id_ is not None)
    return [*islice(turns, some)]


def _lease(writing: Writing, lease: timedelta, record: Record) -> Leased | None:
    """The delivery, leased; None where it was served since it was chosen."""
    tx = writing.tx
    claimed = attempts.claim(record, writing.now, lease)
    if claimed is None or claimed.attempt is None or record.due_at is None or record.due_at > writing.now:
        return None
    update(tx, record, claimed.record)
    save_attempt(tx, record.account, claimed.attempt)
    tx.execute(
        "INSERT INTO turns (account, clinic_id, served_at) VALUES (?, ?, ?)"
        " ON CONFLICT (account, clinic_id) DO UPDATE SET served_at = excluded.served_at",
        (record.account, record.clinic_id, stamp(writing.now)),
    )
    return Leased(record=claimed.record, attempt=claimed.attempt)


class Ripe(Struct, frozen=True):
    """A delivery whose time has come, and what it does to it."""

    delivery_id: str
    happens: Callable[[Record, datetime], Change | None]


def ripe(tx: Tx, now: datetime, *, every_lease: bool) -> list[Ripe]:
    """What time alone changes now: leases end, deliveries are given up or become overdue.

    `every_lease`: also those that have not ended, when the process that held them is known to be gone.
    """
    ended = "1 = 1" if every_lease else "lease_until <= ?"
    sweeps = (
        (f"lease_until IS NOT NULL AND {ended}", attempts.lease_ended),
        ("state IN ('queued', 'held') AND lease_until IS NULL AND give_up_at <= ?", waiting.expire),
        ("state = 'submitted' AND overdue = 0 AND settle_by <= ?", waiting.overdue),
    )
    return [
        Ripe(id_, happens)
        for where, happens in sweeps
        for (id_,) in tx.execute(
            f"SELECT id FROM deliveries WHERE {where}",  # noqa: S608 - our own text
            (stamp(now),) if "?" in where else (),
        ).fetchall()
    ]


def hasten_probes(writing: Writing) -> None:
    """Let every connection that a vendor blocked be tried at once."""
    writing.tx.execute("UPDATE paused_connections SET probe_at = ? WHERE probe_at IS NOT NULL", (stamp(writing.now),))


def held_by_change(tx: Tx) -> list[str]:
    """The deliveries that are held although their connection is open: it was another one when they were held."""
    rows = tx.execute(
        f"SELECT id FROM deliveries WHERE state = 'held' AND {UNDELIVERED} AND awaits_connection = 1"  # noqa: S608 - our own text
        " AND NOT EXISTS (SELECT 1 FROM paused_connections AS paused"
        " WHERE paused.clinic_id = deliveries.clinic_id AND paused.connection = deliveries.connection)"
    ).fetchall()
    return [id_ for (id_,) in rows]


def let_go(writing: Writing, delivery_id: str) -> Record | None:
    """Let a delivery go that is held although its connection is open; the record before, or None."""
    writing.tx.lock_of(delivery_id)
    record = find(writing.tx, delivery_id)
    if record is None or record.state != "held":
        return record
    if record.awaits_connection and why_paused(writing.tx, record.clinic_id, record.connection) is None:
        decided = waiting.connection_open(record, writing.now)
        if decided:
            save(writing, record, decided)
    return record


def try_again(writing: Writing, delivery_id: str) -> Record | None:
    """A person wants what waits tried now: a held delivery's conditions, a vendor's block, an account's bad luck."""
    record = let_go(writing, delivery_id)
    if record is not None:
        pacing.forgive(writing.tx, record.account)
    if record is None or record.state != "held":
        return record
    writing.tx.execute(
        "UPDATE paused_connections SET probe_at = ? WHERE clinic_id = ? AND connection = ? AND probe_at IS NOT NULL",
        (stamp(writing.now), record.clinic_id, record.connection),
    )
    return find(writing.tx, delivery_id)


def due_probes(tx: Tx, now: datetime) -> list[tuple[str, str]]:
    """The blocked connections that are to be tried, as (clinic id, name)."""
    rows = tx.execute(
        "SELECT clinic_id, connection FROM paused_connections WHERE probe_at <= ?", (stamp(now),)
    ).fetchall()
    return [(clinic_id, name) for clinic_id, name in rows]


def probe(writing: Writing, clinic_id: str, connection: str) -> bool:
    """Let one held delivery of a blocked connection try; whether there was one, and it was not tried since."""
    writing.tx.lock(clinic_id, connection)
    is_ours = writing.tx.execute(
        "UPDATE paused_connections SET probe_at = ? WHERE clinic_id = ? AND connection = ? AND probe_at <= ?",
        (stamp(writing.now + PROBE_EVERY), clinic_id, connection, stamp(writing.now)),
    ).rowcount
    held = (
        f"clinic_id = ? AND connection = ? AND state = 'held' AND {UNDELIVERED} AND awaits_parent = 0"
        " ORDER BY created_at, id LIMIT 1"
    )
    for record in select(writing.tx, held, clinic_id, connection) if is_ours else ():
        decided = waiting.connection_open(record, writing.now)
        if decided:
            save(writing, record, decided)
            return True
    return False
