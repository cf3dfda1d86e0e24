"""What a delivery waits for, and what time does to it.

Each function returns the `Change` to commit, or None when the happening means nothing to the record as it is now.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import structs

from gateway.rules.change import Change, change, moved, standing, with_problem
from gateway.rules.lifecycle import step
from gateway.rules.record import Record
from schemas.problem import Problem, problem


def pause(record: Record, now: datetime, why: Problem) -> Change | None:
    """Its connection was paused or blocked."""
    if record.state == "held" and not record.awaits_connection:
        return change(record, with_problem(moved(record, "held", now, awaits_connection=True), why))
    if record.lease_until is not None:
        return None  # the attempt under way will find out by itself
    moves = step(record.state, "pause", standing(record))
    if moves is None:
        return None
    return change(record, with_problem(moved(record, moves.state, now, awaits_connection=True), why))


def connection_open(record: Record, now: datetime) -> Change | None:
    """Its connection works again."""
    return _ready(record, now, awaits_connection=False) if record.awaits_connection else None


def parent_known(record: Record, emr_id: str, now: datetime) -> Change | None:
    """The note's task has its id in the EMR."""
    if not record.awaits_parent:
        return None
    return _ready(structs.replace(record, emr_task_id=emr_id), now, awaits_parent=False)


def _ready(record: Record, now: datetime, **gone: bool) -> Change | None:
    moves = step(record.state, "ready", standing(record))
    if moves is None:
        return None
    after = structs.replace(record, **gone)
    if not after.awaits_connection:
        after = with_problem(after, None)
    if after.awaits_parent or after.awaits_connection:
        return change(record, moved(after, record.state, now))
    return change(record, moved(after, moves.state, now, due_at=now))


def parent_ended(record: Record, parent: Record, now: datetime) -> Change | None:
    """The note's task ended without being created."""
    moves = step(record.state, "parent_failed", standing(record))
    if moves is None or not record.awaits_parent:
        return None
    of_parent = parent.content.problem
    why = problem("parent-failed", of_parent.detail if of_parent else None, of_parent.errors if of_parent else ())
    return change(record, with_problem(moved(record, moves.state, now, due_at=None), why))


def expire(record: Record, now: datetime) -> Change | None:
    """It could not be sent in time."""
    if record.lease_until is not None or record.give_up_at is None or record.give_up_at > now:
        return None
    moves = step(record.state, "expire", standing(record))
    if moves is None:
        return None
    return change(record, with_problem(moved(record, moves.state, now, due_at=None), problem("gave-up")))


def overdue(record: Record, now: datetime) -> Change | None:
    """Its result should have been here by now."""
    if record.overdue or record.settle_by is None or record.settle_by > now:
        return None
    moves = step(record.state, "overdue", standing(record))
    return None if moves is None else change(record, moved(record, moves.state, now, overdue=True))
