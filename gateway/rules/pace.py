"""How much more may go somewhere now: its caps, its breaker, and the patience that it asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from gateway.rules import breaker
from gateway.rules.breaker import Breaker
from gateway.rules.clinic import Limits
from schemas.outcome import NotApplied, Outcome

PLENTY = 64
"""As many as one round takes where there is no cap."""
RETRIES = 0.1
"""The share of an account's sends that may be retries as long as anything waits for its first."""
_LONGEST = timedelta(hours=1, minutes=1)
"""Nothing is put off for longer; what lies farther ahead was put there by a clock that was set back."""


class Luck(Struct, frozen=True, kw_only=True):
    """How sends have fared there lately, and until when it asked to be left alone."""

    breaker: Breaker = Breaker()
    not_before: datetime | None = None


class Traffic(Struct, frozen=True, kw_only=True):
    """What goes there: how many sends are under way, how many there were within a minute, and their luck."""

    in_flight: int
    recent: int
    luck: Luck


def room(limits: Limits, traffic: Traffic, now: datetime) -> int:
    """How many more may go now."""
    luck = believed(traffic.luck, now)
    if luck.not_before is not None and luck.not_before > now:
        return 0
    caps = [PLENTY, breaker.room(luck.breaker, traffic.in_flight, now)]
    if limits.concurrency is not None:
        caps.append(limits.concurrency - traffic.in_flight)
    if limits.per_minute is not None:
        caps.append(limits.per_minute - traffic.recent)
    return max(min(cap for cap in caps if cap is not None), 0)


def retries(of_room: int, sent: int, retried: int) -> int:
    """How many of the next sends may be retries while others wait for their first.

    One in ten, counted over the last minute's `sent`, of which `retried` were retries; but one a minute at least.
    """
    share = max(int((sent + of_room) * RETRIES), 1)
    return min(max(share - retried, 0), of_room)


def after(luck: Luck, outcome: Outcome, retry_at: datetime, now: datetime, roll: float = 0.0) -> Luck:
    """The luck once a send has ended; who asks for patience gets it for all that goes there, until `retry_at`."""
    before = believed(luck, now)
    not_before = before.not_before
    if isinstance(outcome, NotApplied) and not breaker.is_failure(outcome):
        not_before = max(retry_at, not_before or retry_at)
    return Luck(breaker=breaker.after(before.breaker, outcome, now, roll), not_before=not_before)


def reopens(luck: Luck, now: datetime) -> datetime | None:
    """When time alone ends the waiting for its luck to turn."""
    luck = believed(luck, now)
    times = (luck.not_before, luck.breaker.open_until)
    return max((at for at in times if at is not None and at > now), default=None)


def believed(luck: Luck, now: datetime) -> Luck:
    """The luck without what cannot be true."""
    until = luck.breaker.open_until
    return Luck(
        breaker=Breaker() if until is not None and until - now > _LONGEST else luck.breaker,
        not_before=None if luck.not_before is not None and luck.not_before - now > _LONGEST else luck.not_before,
    )
