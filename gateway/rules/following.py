"""Looking at the vendor for what it owes us: when, and what a look that finds nothing proves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct, structs

from gateway.rules.change import Change, change, moved, standing
from gateway.rules.clinic import Account, Follow
from gateway.rules.correlate import could_be, fits
from gateway.rules.lifecycle import step
from gateway.rules.record import Record
from schemas.delivery import State
from schemas.outcome import Sighting


class Look(Struct, frozen=True, kw_only=True):
    """What a look at the vendor came to: it lists what there was when it `began`, or later.

    `complete`: everything was listed, to the last page. `possible`: something listed may be the delivery, though it
    could not be told for certain.
    """

    began: datetime
    at: datetime
    complete: bool
    possible: bool
    failed: bool = False
    """The vendor could not be asked, or its answer not be read."""


def waits(state: State, account: Account, follow: Follow) -> tuple[float, ...]:
    """Seconds until each further look at a delivery in `state`; the last one repeats."""
    if state == "unknown":
        return follow.unknown
    pushed = account.adapter.pushes != "nothing" and account.webhook_token is not None
    return follow.submitted if pushed else follow.submitted_without_webhook


def after_looks(looks: int, schedule: tuple[float, ...], now: datetime) -> datetime:
    """When the next look is due, after `looks` of them."""
    return now + timedelta(seconds=schedule[min(looks, len(schedule) - 1)])


def looked(record: Record, look: Look, schedule: tuple[float, ...], gap: timedelta) -> Change | None:
    """A look was taken and the record is as it was before: plan the next one, or conclude from two that found nothing.

    Absence is proved by two complete looks, `gap` apart, the first after the attempt has ended for certain, and none
    between them that shows what may be it. It allows one resend; after that only a person decides. None: nobody looks
    at deliveries in this state.
    """
    looks = record.looks + 1
    if record.state == "delivered":
        watched = record.work_until is not None and record.work_until > look.at
        watched = watched or (look.failed and looks < len(schedule))  # a hint is not lost to one failed look
        due = after_looks(looks, schedule, look.at) if watched else None
        return Change(record=structs.replace(record, looks=looks, due_at=due))
    if record.state not in {"submitted", "unknown"}:
        return None
    absent_at = None if look.possible else record.absent_at
    further = structs.replace(record, looks=looks, due_at=after_looks(looks, schedule, look.at), absent_at=absent_at)
    if record.state == "submitted" or not look.complete or look.possible or _may_still_arrive(record, look.began):
        return Change(record=further)
    if record.absent_at is None:
        return Change(record=structs.replace(further, absent_at=look.at, due_at=look.at + gap))
    if look.began - record.absent_at < gap:
        return Change(record=further)
    return _absent(record, further, look.at)


def _may_still_arrive(record: Record, now: datetime) -> bool:
    return record.sent_by is None or now <= record.sent_by


def _absent(record: Record, further: Record, now: datetime) -> Change:
    moves = step("unknown", "absent_again" if record.resent else "absent", standing(record))
    if moves is None or moves.state == "unknown":
        return Change(record=further)
    resend = moved(
        record, moves.state, now, due_at=now, looks=0, absent_at=None, resent=True, doubt=False, open_attempt=False
    )
    return change(record, resend)


def is_possible(record: Record, sightings: Iterable[Sighting]) -> bool:
    """Whether one of `sightings`, none of which was told for certain, may be this delivery."""
    return any(fits(record, sighting) or could_be(record, sighting) for sighting in sightings)


def look_soon(record: Record, now: datetime) -> Change | None:
    """The vendor hinted that something changed: the next look is due now. None: there is nothing to look for."""
    if record.state not in {"submitted", "unknown", "delivered"}:
        return None
    return Change(record=structs.replace(record, due_at=now, looks=0 if record.state == "delivered" else record.looks))
