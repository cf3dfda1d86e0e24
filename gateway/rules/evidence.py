"""What the vendor told us of a delivery, by webhook or lookup, applied to its record."""

from __future__ import annotations

from datetime import datetime

from msgspec import structs

from gateway.rules import wording
from gateway.rules.change import Change, change, moved, settle_by, standing, with_problem
from gateway.rules.lifecycle import Input, step
from gateway.rules.record import Record
from schemas.delivery import RESENDABLE, State, WorkStatus
from schemas.outcome import Ids, Sighting
from schemas.problem import problem


def see(record: Record, sighting: Sighting, now: datetime) -> Change | None:
    """The vendor told us something of this delivery. None: it changes nothing, or waits for the attempt in flight."""
    on = _seen_as(record, sighting)
    moves = step(record.state, on, standing(record)) if on else None
    if moves is None or moves.keep:
        return None
    if moves.conflict:
        if record.conflict:
            return None
        known = record.with_ids(sighting.ids) if record.state in RESENDABLE else record
        after = moved(known, record.state, now, conflict=True)
        return change(record, after)
    after = structs.replace(_worked(record.with_ids(sighting.ids), sighting, now), updated_at=now)
    if moves.state != record.state:
        after = structs.replace(
            after,
            state=moves.state,
            fence=record.fence + 1,
            lease_until=None,
            due_at=_next_look(record, moves.state, now),
            looks=0,
            absent_at=None,
            doubt=False,
            overdue=False,
            settle_by=settle_by(record, now) if moves.state == "submitted" else None,
        )
        after = with_problem(after, problem("vendor-failed", sighting.reason) if moves.state == "failed" else None)
    if structs.replace(after, updated_at=record.updated_at) == record:
        return None
    return change(record, structs.replace(after, version=record.version + 1))


def _next_look(record: Record, to: State, now: datetime) -> datetime | None:
    """At once, for a result still to come and for work that is watched."""
    watched = to == "delivered" and record.work_until is not None and record.work_until > now
    return now if to == "submitted" or watched else None


def _seen_as(record: Record, sighting: Sighting) -> Input | None:
    match sighting.says:
        case "created":
            return "created_other" if _differs(record, sighting.ids) else "created"
        case "accepted" | "failed":
            return sighting.says
        case _:
            return None


def _differs(record: Record, ids: Ids) -> bool:
    """Whether a delivered record is said to have been created under another id."""
    known = record.ids
    return record.state == "delivered" and any(
        name in known and known[name] != value for name, value in ids.items() if name != "job_id"
    )


def _worked(record: Record, sighting: Sighting, now: datetime) -> Record:
    if sighting.work is None or (record.work and record.work.status == sighting.work):
        return record
    return structs.replace(record, work=WorkStatus(status=sighting.work, raw=wording.state(sighting.work_raw), at=now))
