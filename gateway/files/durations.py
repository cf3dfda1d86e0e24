"""Durations as the files write them: "90s", "1.5h", "30d"."""

from __future__ import annotations

from datetime import timedelta

from gateway.files.source import Source, Spot

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LONGEST = timedelta(days=3650)


def duration(source: Source, spot: Spot, text: str) -> timedelta:
    """The duration at `spot`; at most ten years."""
    try:
        given = timedelta(seconds=float(text[:-1]) * _UNITS[text[-1]])
    except (ValueError, KeyError, IndexError, OverflowError):
        given = timedelta()
    if not timedelta() < given <= _LONGEST:
        source.note(spot, "expected more than nothing, and at most ten years")
    return given
