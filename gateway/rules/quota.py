"""How much of a quota is left: a bucket that holds a minute's worth and is refilled evenly."""

from __future__ import annotations

from datetime import datetime
from math import ceil

from msgspec import Struct

WINDOW = 60
"""Seconds in which a whole quota comes back."""
_HAIR = 1e-6
"""Less than this is nothing; sums of fractions are never exact."""


class Bucket(Struct, frozen=True, kw_only=True):
    """What was left when it was last looked at."""

    left: float
    at: datetime


class Allowance(Struct, frozen=True, kw_only=True):
    """Whether one more request may pass, and what a caller is told.

    `left`: requests that may follow at once. `full_in` and `next_in`: whole seconds until the quota is whole again, and
    until one more may pass.
    """

    granted: bool
    quota: int
    left: int
    full_in: int
    next_in: int


def spend(bucket: Bucket | None, quota: int, now: datetime) -> tuple[Bucket, Allowance]:
    """One request more against `quota` a minute, from a bucket that is whole at first. What is refused costs nothing.

    A quota that was changed meanwhile holds at once; a clock that was set back gives nothing and takes nothing.
    """
    rate = quota / WINDOW
    passed = max((now - bucket.at).total_seconds(), 0.0) if bucket else 0.0
    left = min(bucket.left + passed * rate, quota) if bucket else float(quota)
    granted = left > 1 - _HAIR
    left -= granted
    return Bucket(left=left, at=now), Allowance(
        granted=granted,
        quota=quota,
        left=int(left + _HAIR),
        full_in=ceil((quota - left) / rate - _HAIR),
        next_in=ceil(max(1 - left, 0.0) / rate - _HAIR),
    )
