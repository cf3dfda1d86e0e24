"""Who is told of an event, and what an endpoint's answer means for the next try."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from adapters.base import HttpResponse
from gateway.rules import retry
from gateway.rules.breaker import is_failure
from gateway.rules.clinic import App, Callback
from schemas.outcome import Applied, NotApplied, Refused

_WAITS = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
"""Seconds after each failed try, as Standard Webhooks has it: ten tries over 75 hours."""
_JITTER = 0.2


Verdict = Applied | NotApplied | Refused
"""What a try to tell can prove."""


Fate = Literal["told", "later", "given_up", "gone"]
"""What follows from a try: it is over; again; not again by itself; the endpoint wants no more, and is disabled."""


class Next(Struct, frozen=True, kw_only=True):
    """What follows from a try to tell an app of an event, and when, if it is to be told later."""

    what: Fate
    tries: int
    """How many have failed so far."""
    due_at: datetime | None = None


class Tried(Struct, frozen=True, kw_only=True):
    """One try, as it is kept."""

    at: datetime
    ended_at: datetime
    status: int | None
    error: str | None
    next: Next


def concerns(app: App, callback: Callback, type_: str, clinic_id: str, of_app: str) -> bool:
    """Whether the app is to hear of an event; `of_app` submitted the delivery, "" where there is none."""
    in_scope = callback.scope == "clinics" or of_app == app.name
    return in_scope and app.may_touch(clinic_id) and any(_fits(pattern, type_) for pattern in callback.events)


def _fits(pattern: str, type_: str) -> bool:
    return pattern in {"*", type_} or (pattern.endswith(".*") and type_.startswith(pattern[:-1]))


def verdict(answer: HttpResponse | None, fault: str) -> Verdict:
    """What a try proved: told (any 2xx), to be told again, or not wanted any more (410)."""
    match answer:
        case None:
            return NotApplied(code=fault)
        case HttpResponse(status=410):
            return Refused(code="http-410")
        case HttpResponse(status=429):
            return NotApplied(code="http-429", retry_after=answer.headers.get("retry-after"))
        case HttpResponse(status=status) if 200 <= status < 300:  # noqa: PLR2004 - the class of successes
            return Applied(ids={})
        case HttpResponse(status=status):
            return NotApplied(code=f"http-{status}")


def follows(proved: Verdict, tries: int, now: datetime, roll: float) -> Next:
    """What follows from a try after `tries` that had failed; `roll` is uniform in [0, 1)."""
    match proved:
        case Applied():
            return Next(what="told", tries=tries)
        case Refused():
            return Next(what="gone", tries=tries, due_at=now)
        case NotApplied() if not is_failure(proved):  # it asks for patience, which says nothing of the event
            return Next(what="later", tries=tries, due_at=retry.next_try(now, 1, proved.retry_after, proved.code, roll))
    if tries == len(_WAITS):
        return Next(what="given_up", tries=tries + 1)
    wait = _WAITS[tries] * (1 + _JITTER * (roll - 0.5))
    return Next(what="later", tries=tries + 1, due_at=now + timedelta(seconds=wait))
