"""When to leave a vendor alone: open after a run of failures, one probe, then a slow start."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct, structs

from gateway.rules.verdict import NOT_MARKED
from schemas.outcome import NotApplied, Outcome, Unknown

_RUN = 5
_FIRST = 5.0
_LONGEST = 300.0
_FULL_PACE = 64

Phase = Literal["closed", "slow", "open"]
"""closed: as many as wanted may go. open: none, or the one probe. slow: it has just come back."""


class Breaker(Struct, frozen=True, kw_only=True):
    """An account's recent luck.

    `open_until` in the past: one probe may go. `pace`: how many at once while starting slowly.
    """

    failures: int = 0
    open_until: datetime | None = None
    span: float = _FIRST
    """How long the next opening lasts, in seconds, before jitter."""
    pace: int | None = None


def room(breaker: Breaker, in_flight: int, now: datetime) -> int | None:
    """How many more may be sent now; None: as many as wanted."""
    if breaker.open_until is not None:
        return 0 if breaker.open_until > now or in_flight else 1
    return None if breaker.pace is None else max(breaker.pace - in_flight, 0)


def phase(breaker: Breaker) -> Phase:
    """Where the breaker stands."""
    if breaker.open_until is not None:
        return "open"
    return "closed" if breaker.pace is None else "slow"


def is_failure(outcome: Outcome) -> bool:
    """Whether an outcome speaks of a vendor in trouble: unreachable, or its answer lost. A rate limit is no trouble."""
    if isinstance(outcome, NotApplied):
        return outcome.code not in {"http-429", "rate-limited", NOT_MARKED}
    return isinstance(outcome, Unknown)


def came_back(breaker: Breaker, outcome: Outcome) -> bool:
    """Whether this outcome ends a long time of trouble: nothing but failures for five minutes or more."""
    return breaker.open_until is not None and breaker.span == _LONGEST and not is_failure(outcome)


def after(breaker: Breaker, outcome: Outcome, now: datetime, roll: float) -> Breaker:
    """The breaker once an attempt has ended; `roll` in [0, 1) jitters the opening, since herds return together."""
    if is_failure(outcome):
        failures = breaker.failures + 1
        if breaker.open_until is None and failures < _RUN:
            return structs.replace(breaker, failures=failures)
        until = now + timedelta(seconds=breaker.span * (1 + roll / 4))
        return Breaker(failures=failures, open_until=until, span=min(breaker.span * 2, _LONGEST))
    if breaker.open_until is not None:
        return Breaker(pace=1)
    if breaker.pace is not None:
        return Breaker(pace=breaker.pace * 2 if breaker.pace * 2 < _FULL_PACE else None)
    return Breaker()
