"""Small charts as numbers: what a template draws as SVG. Coordinates are in units of a box that is WIDE by HIGH."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from gateway.telemetry.recent import EVERY, Lately
from gateway.web.console.words import took

WIDE, HIGH = 240, 44
_MINUTE = 60.0


class Bar(Struct, frozen=True, kw_only=True):
    """A bar that stands on the ground; `bad` of its height is drawn as such, from the ground up."""

    x: float
    wide: float
    high: float
    bad: float


class Chart(Struct, frozen=True, kw_only=True):
    """A chart: its name, what it shows now and at most in words, and either bars or the points of a line's area."""

    name: str
    now: str
    most: str
    bars: Sequence[Bar] = ()
    area: str = ""
    line: str = ""


def charts(lately: Lately) -> list[Chart]:
    """How many were sent, how long it took, how many waited; thinned, so that each bar is seen."""
    return [_sent(lately), _took(lately), _waiting(lately)]


def _sent(lately: Lately, together: int = 3) -> Chart:
    """Attempts a minute: bars of half a minute each, with what failed of them."""
    sent, failed = _summed(lately.sent, together), _summed(lately.failed, together)
    a_minute = _MINUTE / (EVERY.total_seconds() * together)
    most = max(*sent, 1)
    wide = WIDE / len(sent)
    bars = [
        Bar(
            x=round(place * wide + wide * 0.1, 1), wide=round(wide * 0.8, 1),
            high=round(count / most * HIGH, 1), bad=round(bad / most * HIGH, 1),
        )
        for place, (count, bad) in enumerate(zip(sent, failed, strict=True))
        if count
    ]  # fmt: skip
    now = f"{sent[-1] * a_minute:.0f} a minute" + (f", {failed[-1] * a_minute:.0f} failed" if failed[-1] else "")
    most_sent = max(sent) * a_minute
    return Chart(name="Sent", now=now, most=f"at most {most_sent:.0f}" if most_sent else "", bars=bars)


def _took(lately: Lately, together: int = 3) -> Chart:
    """How long an attempt took on average, where there was any."""
    sent, seconds = _summed(lately.sent, together), _summed(lately.seconds, together)
    means = [spent / count * 1000 if count else None for spent, count in zip(seconds, sent, strict=True)]
    known = [mean for mean in means if mean is not None]
    if not known:
        return Chart(name="Latency", now="nothing sent", most="")
    most = max(*known, 1.0)
    wide = WIDE / len(means)
    bars = [
        Bar(x=round(place * wide + wide * 0.1, 1), wide=round(wide * 0.8, 1), high=round(mean / most * HIGH, 1), bad=0)
        for place, mean in enumerate(means)
        if mean is not None
    ]
    return Chart(name="Latency", now=took(known[-1]), most=f"at most {took(max(known))}", bars=bars)


def _waiting(lately: Lately) -> Chart:
    """How many waited to be sent."""
    most = max(*lately.waiting, 1)
    step = WIDE / (len(lately.waiting) - 1)
    points = " ".join(
        f"{place * step:.1f},{HIGH - count / most * HIGH:.1f}" for place, count in enumerate(lately.waiting)
    )
    told = f"at most {max(lately.waiting)}" if any(lately.waiting) else ""
    return Chart(
        name="Waiting", now=f"{lately.waiting[-1]}", most=told,
        line=points, area=f"0,{HIGH} {points} {WIDE},{HIGH}",
    )  # fmt: skip


def _summed(values: Sequence[float], together: int) -> list[float]:
    """Neighbours added up; the oldest few that make no whole group are left out."""
    begin = len(values) % together
    return [sum(values[place : place + together]) for place in range(begin, len(values), together)]
