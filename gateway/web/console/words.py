"""How the console says things: states, verdicts, times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from gateway.rules.record import Record
from schemas.delivery import Fate, State
from schemas.outcome import Verdict

Tone = Literal["good", "busy", "wait", "warn", "bad", "off"]
"""How something stands at a glance; always said in words too."""

STATES: Mapping[State, tuple[Tone, str]] = {
    "queued": ("wait", "Durable here, nothing has reached the vendor; it will be sent"),
    "held": ("wait", "Durable here, nothing has reached the vendor; it waits"),
    "sending": ("busy", "An attempt is in flight"),
    "submitted": ("busy", "The vendor took it; its result comes later"),
    "delivered": ("good", "It exists in the vendor's system"),
    "rejected": ("bad", "Refused; nothing was created"),
    "failed": ("bad", "It ended without being created"),
    "unknown": ("warn", "Sent, and the answer was lost: it may exist. It is never sent again blindly"),
    "cancelled": ("off", "Withdrawn before it was sent"),
}

VERDICTS: Mapping[Verdict, tuple[Tone, str]] = {
    "applied": ("good", "it exists there"),
    "pending": ("busy", "taken, the result comes later"),
    "refused": ("bad", "refused, nothing was created"),
    "blocked": ("warn", "not let in, nothing was created"),
    "not_applied": ("wait", "nothing was created, it is tried again"),
    "unknown": ("warn", "the answer was lost, it may exist"),
}

FATES: Mapping[Fate, tuple[Tone, str]] = {
    "sent": ("good", "in a place of its own"),
    "folded": ("wait", "joined the text"),
    "defaulted": ("busy", "filled in by configuration"),
    "added": ("busy", "put in by the gateway"),
    "not_carried": ("warn", "the vendor has no place for it"),
    "missing": ("warn", "not given, though a rule on trial wants it"),
}

_DELIVERY = re.compile(r"\b((?:tsk|note|clm)_[0-9a-f]{12,})\b")
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def ago(at: datetime, now: datetime) -> str:
    """How long ago, or until when: "now", "4 min", "3 h", "12 d"."""
    span = abs(now - at)
    for most, unit, word in ((_HOUR, _MINUTE, "min"), (2 * _DAY, _HOUR, "h")):
        if span < most:
            return f"{span // unit} {word}" if span >= _MINUTE else "now"
    return f"{span // _DAY} d"


def clock(at: datetime, zone: tzinfo) -> str:
    """A moment as people at the clinic would say it: "24 Nov 2026, 09:03:12 CST"."""
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M:%S %Z}"


def day(at: datetime, zone: tzinfo) -> str:
    """The date there, with the zone that the times below it are in: "24 Nov 2026, CST"."""
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y, %Z}"


def time(at: datetime, zone: tzinfo) -> str:
    """The time of day there, to the millisecond, since attempts are short: "09:03:12.034"."""
    local = at.astimezone(zone)
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03}"


def took(milliseconds: float) -> str:
    """A duration: "38 ms", "1.2 s"."""
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"  # noqa: PLR2004 - a second


def around_ids(text: str) -> list[str]:
    """The text in parts, of which every second one is the id of a delivery."""
    return _DELIVERY.split(text)


def waits_for(record: Record, now: datetime) -> str:
    """What a person needs to know of a delivery that waits for them, in a sentence."""
    if record.conflict:
        return "What was seen at the vendor contradicts its final state."
    if record.state == "submitted":
        return "The vendor took it, and has not told its result in time."
    if record.due_at is None:
        return "Sent, and the answer was lost. It cannot be looked up there: only a person can tell."
    times = "looked up once" if record.looks == 1 else f"looked up {record.looks} times"
    looked = times if record.looks else "not looked up yet"
    due = "due" if record.due_at <= now else f"in {ago(record.due_at, now)}"
    return f"Sent, and the answer was lost; {looked}, next look {due}."
