"""A record's next version, and what belongs to the same commit: the attempt's row and the events."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, structs

from gateway.rules.drift import Observed
from gateway.rules.lifecycle import Standing
from gateway.rules.record import Record
from schemas.delivery import State
from schemas.event import Fact
from schemas.outcome import Sighting
from schemas.problem import Problem


class Attempt(Struct, frozen=True, kw_only=True):
    """One try to send, as the timeline shows it; `fence` is its number for the store."""

    delivery_id: str
    fence: int
    started_at: datetime
    config_version: str | None = None
    """That of the clinic's configuration with which it is sent; None: it never came to that."""
    is_retry: bool = False
    """Whether the delivery was sent before, or tried to be."""
    marked_at: datetime | None = None
    ended_at: datetime | None = None
    verdict: str | None = None
    code: str | None = None
    status: int | None = None


class Change(Struct, frozen=True, kw_only=True):
    """A record's next version, with the attempt and the events that belong to the same commit."""

    record: Record
    attempt: Attempt | None = None
    events: tuple[str, ...] = ()
    """Event types, "task.delivered"."""
    evidence: Sighting | None = None
    """What an attempt told too late to be applied now; it is kept until it can be."""
    observed: Observed | None = None
    """What a refusal taught of the capability table."""


def standing(record: Record) -> Standing:
    """What the lifecycle table needs to know of a record."""
    return Standing(
        attempted=record.attempted,
        open_attempt=record.open_attempt,
        overdue=record.overdue,
        conflict=record.conflict,
    )


def moved(record: Record, to: State, now: datetime, **changes: Any) -> Record:
    """The record's next version in state `to`."""
    after = structs.replace(record, state=to, updated_at=now, version=record.version + 1, **changes)
    waits_anew = to == "held" if record.state != "held" else to == "queued"
    return waiting_from(after, now) if waits_anew or (record.state, to) == ("unknown", "queued") else after


def waiting_from(record: Record, now: datetime) -> Record:
    """The record with the time counted anew after which it is given up: another one for queued and for held."""
    patience = record.hold_for if record.state == "held" else record.give_up_after
    return structs.replace(record, give_up_at=now + timedelta(seconds=patience))


def settle_by(record: Record, now: datetime) -> datetime:
    """When a result that the vendor owes from `now` on is overdue."""
    return now + timedelta(seconds=record.settles_within)


def with_problem(record: Record, found: Problem | None) -> Record:
    """The record with `found` as its problem; what it says is left as it is where that changes nothing."""
    if record.content.problem == found:
        return record
    return structs.replace(record, content=structs.replace(record.content, problem=found))


def _events(before: Record, after: Record) -> tuple[str, ...]:
    facts: list[State | Fact] = []
    if after.state != before.state:
        facts.append(after.state)
    if after.overdue and not before.overdue:
        facts.append("overdue")
    if after.conflict and not before.conflict:
        facts.append("conflict")
        if after.retried_as:
            facts.append("duplicate_suspected")
    if after.work and (before.work is None or after.work.status != before.work.status) and before.state == "delivered":
        facts.append("work_changed")
    return tuple(f"{after.kind}.{fact}" for fact in facts)


def change(before: Record, after: Record, attempt: Attempt | None = None, observed: Observed | None = None) -> Change:
    """The commit from one version to the next, with the events that the difference makes."""
    return Change(record=after, attempt=attempt, events=_events(before, after), observed=observed)
