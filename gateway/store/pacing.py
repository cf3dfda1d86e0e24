"""How much may go to each account now, for all processes together: counted from what is stored.

A send of the last minute is an attempt that was marked in it, and one that may still be is a lease without a mark. So a
crash loses no count, and no count has to be given back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from gateway.rules import attempts, pace
from gateway.rules.breaker import Breaker
from gateway.rules.change import Attempt
from gateway.rules.clinic import Limits
from gateway.rules.pace import Luck, Traffic
from gateway.rules.record import Record
from gateway.rules.verdict import NOT_MARKED
from gateway.store.rows import Tx, moment, stamp
from schemas.outcome import Applied, NotApplied, Outcome, Unknown

_MINUTE = timedelta(seconds=61) + attempts.MARK_HOLDS
"""More by what may pass from the mark to the first byte, and a second, since what left in time may arrive late."""
_LUCK = "SELECT account, failures, open_until, span, pace, not_before FROM paces"


def room(tx: Tx, account: str, limits: Limits, now: datetime) -> int:
    """How many more may be leased now, once it is one's turn with the account."""
    return pace.room(limits, _traffic(tx, account, limits, now), now)


def _traffic(tx: Tx, account: str, limits: Limits, now: datetime) -> Traffic:
    in_flight, unmarked = tx.execute(
        "SELECT count(*), coalesce(sum(CASE WHEN state = 'queued' THEN 1 ELSE 0 END), 0) FROM deliveries"
        " WHERE account = ? AND lease_until IS NOT NULL",
        (account,),
    ).fetchone()
    recent = 0
    if limits.per_minute is not None:
        (marked,) = tx.execute(
            "SELECT count(*) FROM attempts WHERE account = ? AND marked_at BETWEEN ? AND ?", (account, *_around(now))
        ).fetchone()
        recent = marked + unmarked
    return Traffic(in_flight=in_flight, recent=recent, luck=luck(tx, account))


def retries(tx: Tx, account: str, of_room: int, now: datetime) -> int:
    """How many of the next `of_room` may be retries while others wait for their first send."""
    sent, retried = tx.execute(
        "SELECT count(*), coalesce(sum(is_retry), 0) FROM attempts WHERE account = ? AND marked_at BETWEEN ? AND ?",
        (account, *_around(now)),
    ).fetchone()
    leased, again = tx.execute(
        "SELECT count(*), coalesce(sum(CASE WHEN attempts > 0 THEN 1 ELSE 0 END), 0) FROM deliveries"
        " WHERE account = ? AND state = 'queued' AND lease_until IS NOT NULL",
        (account,),
    ).fetchone()
    return pace.retries(of_room, sent + leased, retried + again)


def _around(now: datetime) -> tuple[int | None, int | None]:
    """The last minute; and as much ahead, where other processes' marks may lie a little, but nobody's by an hour."""
    return stamp(now - _MINUTE), stamp(now + _MINUTE)


def opens(tx: Tx, account: str, limits: Limits, now: datetime) -> datetime | None:
    """When there is room, as far as time alone tells: `now`, later, or, when a send must end first, None."""
    traffic = _traffic(tx, account, limits, now)
    if pace.room(limits, traffic, now):
        return now
    times = [pace.reopens(traffic.luck, now)]
    if limits.per_minute is not None and traffic.recent >= limits.per_minute:
        (first,) = tx.execute(
            "SELECT min(marked_at) FROM attempts WHERE account = ? AND marked_at BETWEEN ? AND ?",
            (account, *_around(now)),
        ).fetchone()
        times.append(None if first is None else moment(first) + _MINUTE)
    return max((at for at in times if at is not None), default=None)


def every_luck(tx: Tx) -> dict[str, Luck]:
    """How sends have fared lately, for each account that had any trouble."""
    return {row[0]: _luck(row) for row in tx.execute(_LUCK).fetchall()}


def luck(tx: Tx, account: str) -> Luck:
    """How the account's sends have fared."""
    row = tx.execute(f"{_LUCK} WHERE account = ?", (account,)).fetchone()
    return Luck() if row is None else _luck(row)


def _luck(row: Sequence[Any]) -> Luck:
    _, failures, open_until, span, at_once, not_before = row
    return Luck(
        breaker=Breaker(
            failures=failures,
            open_until=None if open_until is None else moment(open_until),
            span=span,
            pace=at_once,
        ),
        not_before=None if not_before is None else moment(not_before),
    )


def learn(tx: Tx, record: Record, ended: Attempt, now: datetime) -> None:
    """Keep what an attempt says of its account; nothing, as long as all goes well."""
    told = _told(ended)
    if told is None:
        return
    retry_at = record.due_at if record.state == "queued" and record.due_at else now
    before = luck(tx, record.account)
    if pace.after(before, told, retry_at, now) == before:
        return
    tx.lock_account(record.account)
    after = pace.after(luck(tx, record.account), told, retry_at, now)
    tx.execute(
        "INSERT INTO paces (account, failures, open_until, span, pace, not_before) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (account) DO UPDATE SET failures = excluded.failures, open_until = excluded.open_until,"
        " span = excluded.span, pace = excluded.pace, not_before = excluded.not_before",
        (
            record.account,
            after.breaker.failures,
            stamp(after.breaker.open_until),
            after.breaker.span,
            after.breaker.pace,
            stamp(after.not_before),
        ),
    )


def _told(ended: Attempt) -> Outcome | None:
    """What the attempt says of the vendor's health; None: it never came to the vendor for a reason of ours."""
    code = ended.code or ""
    if ended.verdict == "not_applied":
        return None if code == NOT_MARKED else NotApplied(code=code)
    if ended.verdict == "blocked" and ended.marked_at is None:
        return None
    return Unknown(code=code) if ended.verdict == "unknown" else Applied(ids={})


def forgive(tx: Tx, account: str) -> None:
    """A person wants it tried now: what the vendor asked for, and its recent luck, are forgotten."""
    tx.execute("DELETE FROM paces WHERE account = ?", (account,))
