"""How a new delivery begins: queued, or held for its task's EMR id or a paused connection."""

from __future__ import annotations

from msgspec import structs

from gateway.rules.change import waiting_from, with_problem
from gateway.rules.record import Record
from schemas.delivery import RESENDABLE, State
from schemas.problem import Problem


def parent_was_not_created(parent: Record) -> bool:
    """Whether there is nothing to put a note on, and never will be."""
    return parent.state in RESENDABLE and not parent.conflict


def awaits(parent: Record) -> bool:
    """Whether a note must wait: for its task's EMR id, or for a person to say whether the task is there at all."""
    return parent.emr_id is None or parent.state in RESENDABLE


def begun(record: Record, *, parent: Record | None, blocked: Problem | None) -> Record:
    """The record as it is first stored.

    `parent` is a note's task; `blocked` is why the connection is paused.
    """
    if parent is not None:
        record = _for_parent(record, parent)
    if blocked is not None:
        record = with_problem(structs.replace(record, awaits_connection=True), blocked)
    state: State = "held" if record.awaits_parent or record.awaits_connection else "queued"
    first = structs.replace(record, state=state, due_at=record.created_at if state == "queued" else None)
    return waiting_from(first, record.created_at)


def _for_parent(record: Record, parent: Record) -> Record:
    if awaits(parent):
        return structs.replace(record, awaits_parent=True)
    return structs.replace(record, emr_task_id=parent.emr_id)
