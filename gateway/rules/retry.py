"""When to try again what was proved not to have been applied."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_FIRST = 1.0
_LONGEST = 300.0
_RATE_LIMITED = 30.0
_LONGEST_ASKED = 3600.0


def next_try(now: datetime, tries: int, retry_after: str | None, code: str, roll: float) -> datetime:
    """Full jitter over a doubling span (1 s to 5 min), or what the vendor asked for, at most an hour.

    `tries` counts those made; `roll` is uniform in [0, 1). A malformed or past Retry-After is as good as none.
    """
    asked = asked_for(retry_after, now)
    if asked is not None:
        return now + timedelta(seconds=min(asked, _LONGEST_ASKED) + roll)
    first = _RATE_LIMITED if code in {"http-429", "rate-limited"} else _FIRST
    span = min(first * 2 ** min(max(tries - 1, 0), 16), _LONGEST)
    return now + timedelta(seconds=span * roll if first == _FIRST else span * (1 + roll) / 2)


def asked_for(retry_after: str | None, now: datetime) -> float | None:
    """Seconds of patience that a Retry-After header asks for, by a number or a date; None: it asks for none."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:10])
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    return seconds if seconds > 0 else None
