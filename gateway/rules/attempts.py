"""One try to send a delivery: claimed, marked, settled, or left behind by a worker that is gone.

Each function returns the `Change` to commit, or None when the happening means nothing to the record as it is now.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from msgspec import structs

from gateway.rules import wording
from gateway.rules.change import Attempt, Change, change, moved, settle_by, standing, with_problem
from gateway.rules.drift import Observed
from gateway.rules.evidence import see
from gateway.rules.lifecycle import step
from gateway.rules.record import Record
from schemas.command import pointer
from schemas.delivery import FINAL, State, WorkStatus
from schemas.outcome import (
    MISSING_FIELD,
    VERDICTS,
    Applied,
    Blocked,
    NotApplied,
    Outcome,
    Pending,
    Refused,
    Sighting,
    Unknown,
)
from schemas.private import Private
from schemas.problem import Code, FieldError, Problem, problem

MARK_HOLDS = timedelta(seconds=2)
"""A mark is used within that time or not at all: a worker that stood still since then may have lost its lease."""


def claim(record: Record, now: datetime, lease: timedelta) -> Change | None:
    """A worker takes the delivery: the fence rises, the lease begins."""
    if record.state != "queued" or (record.lease_until is not None and record.lease_until > now):
        return None
    after = structs.replace(record, fence=record.fence + 1, lease_until=now + lease)
    attempt = Attempt(delivery_id=record.id, fence=after.fence, started_at=now, is_retry=record.attempts > 0)
    return Change(record=after, attempt=attempt)


def mark(record: Record, attempt: Attempt, now: datetime, sent_by: datetime) -> Change | None:
    """The connection is up and the first byte is about to leave. None: the fence was lost, nothing may be sent.

    `sent_by` is the attempt's outer deadline. An attempt that is marked already may be told of a later one.
    """
    if record.state == "sending" and record.fence == record.marked == attempt.fence and record.lease_until is not None:
        return Change(record=structs.replace(record, sent_by=sent_by), attempt=attempt)
    moves = step(record.state, "mark", standing(record))
    if record.fence != attempt.fence or record.lease_until is None or moves is None:
        return None
    after = moved(
        record,
        moves.state,
        now,
        attempts=record.attempts + 1,
        marked=attempt.fence,
        sent_by=sent_by,
        open_attempt=True,
        due_at=None,
        absent_at=None,
    )
    return change(record, after, structs.replace(attempt, marked_at=now))


_HELD_BECAUSE: Mapping[str, Code] = {"changed": "connection-changed", "unreadable": "unreadable"}
"""What holds one delivery alone, and leaves its connection open to others."""


class Result(Private, frozen=True, kw_only=True):
    """How an attempt ended: what it proved, when, and the times that follow from it."""

    outcome: Outcome
    status: int | None
    """The HTTP status, where there was an answer."""
    at: datetime
    retry_at: datetime
    """When to try again, if nothing was applied."""
    look_at: datetime | None = None
    """When to look at the vendor, if it may have been."""
    observed: Observed | None = None
    """What a refusal teaches of the capability table."""


def settle(record: Record, attempt: Attempt, result: Result) -> Change:
    """An attempt has ended; `attempt.marked_at` tells whether a byte may have left.

    The answer of a worker that lost its fence cannot move the record as it likes: it counts as evidence.
    """
    on = VERDICTS[type(result.outcome)]
    code = getattr(result.outcome, "code", None)
    ended = structs.replace(attempt, ended_at=result.at, verdict=on, code=code, status=result.status)
    if record.fence != attempt.fence:
        return _late(record, ended, result)
    if record.lease_until is None:
        return Change(record=record, attempt=ended)  # settled before: the commit was made, and its answer was lost
    closed = structs.replace(record, open_attempt=False, lease_until=None)
    moves = step(record.state, on, standing(record))
    if moves is None:
        return Change(record=closed, attempt=ended)
    if not record.open_attempt:
        closed = structs.replace(closed, attempts=record.attempts + 1)
    return change(record, _proved(closed, moves.state, result), ended, result.observed)


def _late(record: Record, ended: Attempt, result: Result) -> Change:
    """The last attempt's own late answer settles an unknown as if on time; any other can only tell what was created."""
    if ended.marked_at is None:
        return Change(record=record, attempt=ended)
    is_last = record.marked == ended.fence
    closed = structs.replace(record, open_attempt=record.open_attempt and not is_last)
    if (
        record.state == "unknown"
        and is_last
        and (moves := step("unknown", VERDICTS[type(result.outcome)], standing(record)))
    ):
        after = _proved(structs.replace(closed, doubt=False), moves.state, result)
        return change(record, after, ended, result.observed)
    if isinstance(result.outcome, Pending) and result.outcome.ids.items() <= record.ids.items():
        return Change(record=closed, attempt=ended)  # settled before: what was told since came after it
    if isinstance(result.outcome, Applied | Pending):
        says: Literal["created", "accepted"] = "created" if isinstance(result.outcome, Applied) else "accepted"
        told = Sighting(says=says, operation=record.operation, ref=record.id, ids=result.outcome.ids)
        seen = see(closed, told, result.at)
        return structs.replace(seen, attempt=ended) if seen else Change(record=closed, attempt=ended, evidence=told)
    return Change(record=closed, attempt=ended)


def _proved(record: Record, to: State, result: Result) -> Record:
    after = moved(record, to, result.at, due_at=None, looks=0)
    match result.outcome:
        case Applied(ids=ids, work=work, work_raw=raw):
            seen = WorkStatus(status=work, raw=wording.state(raw), at=result.at) if work else after.work
            watched = record.work_until is not None
            known = structs.replace(after.with_ids(ids), doubt=False, work=seen)
            return with_problem(structs.replace(known, due_at=result.look_at if watched else None), None)
        case Pending(ids=ids):
            known = structs.replace(after.with_ids(ids), doubt=False, settle_by=settle_by(record, result.at))
            return with_problem(structs.replace(known, due_at=result.look_at), None)
        case Refused() as refusal:
            return with_problem(after, refused(record, refusal))
        case Blocked(code=code, message=message):
            found = problem(_HELD_BECAUSE.get(code, "connection-blocked"), message or None)
            return with_problem(structs.replace(after, awaits_connection=True), found)
        case NotApplied():
            return structs.replace(after, due_at=result.retry_at)
        case Unknown():
            return structs.replace(after, doubt=True, due_at=result.look_at)


def id_is_taken(before: Record, decided: Change) -> Change:
    """The vendor answered with an id that another delivery has: what became of this one is not known.

    What is final stays so, and is contradicted where it ended badly.
    """
    told = structs.replace(decided.attempt, verdict="unknown", code="id-taken") if decided.attempt else None
    after = structs.replace(
        decided.record, vendor_id=before.vendor_id, emr_id=before.emr_id, job_id=before.job_id, work=before.work
    )
    if before.state in FINAL:
        return change(before, after, told)
    unsure = structs.replace(after, state="unknown", doubt=True, due_at=after.updated_at, settle_by=None)
    return change(before, with_problem(unsure, None), told)


def why_all_wait(decided: Change) -> Problem:
    """Why a whole connection waits since one delivery was blocked.

    The vendor's own words may repeat what that delivery says, so they stay with it.
    """
    record, code = decided.record, decided.attempt.code if decided.attempt else None
    return problem("connection-blocked", f"{record.adapter}: {code}; its own words stand at {record.id}")


def refused(record: Record, outcome: Refused) -> Problem:
    """The problem of a vendor's refusal: its words as detail, and the field at fault where it named one.

    That stands in `field` by our name, in `source` by the vendor's.
    """
    code: Code = "missing-required-fields" if outcome.code == MISSING_FIELD else "vendor-rejected"
    named = (
        FieldError(
            code=code,
            pointer=_pointer(record, outcome.ours) if outcome.ours else None,
            field=outcome.ours,
            source=f"vendor: {record.adapter} ({outcome.field})",
            detail=outcome.message,
        ),
    )
    overall: Code = "duplicate" if outcome.code == "duplicate" else "vendor-rejected"
    said = outcome.message or f"{record.adapter}: {outcome.code}"
    return structs.replace(problem(overall, said, named if outcome.field else ()), status=422)


def _pointer(record: Record, field: str) -> str | None:
    """Where the field stands in the body as posted; nowhere if it was filled in from the note's task."""
    filled_in = field == "emr_task_id" and record.parent_id is not None
    return None if filled_in else pointer(field, record.adapter)


def lease_ended(record: Record, now: datetime) -> Change | None:
    """A worker is gone. Without a mark nothing was sent; with one, nobody knows."""
    if record.lease_until is None:
        return None
    moves = step(record.state, "lease_ended", standing(record))
    if moves is None:
        return Change(record=structs.replace(record, lease_until=None))
    after = structs.replace(record, lease_until=None, fence=record.fence + 1)
    if moves.state == record.state:
        return Change(record=after)
    return change(record, moved(after, moves.state, now, doubt=True, due_at=now, looks=0))
