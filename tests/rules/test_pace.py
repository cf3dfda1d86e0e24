"""How much more may go somewhere: the least of what caps, breaker and patience allow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.rules import pace
from gateway.rules.breaker import Breaker
from gateway.rules.clinic import Limits
from gateway.rules.pace import PLENTY, Luck, Traffic
from schemas.outcome import Applied, NotApplied

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def after(**time: float) -> datetime:
    return NOW + timedelta(**time)


@pytest.mark.parametrize(
    ("limits", "in_flight", "recent", "luck", "room"),
    [
        (Limits(), 0, 0, Luck(), PLENTY),
        (Limits(concurrency=4), 3, 0, Luck(), 1),
        (Limits(concurrency=4), 5, 0, Luck(), 0),
        (Limits(per_minute=10), 3, 8, Luck(), 2),
        (Limits(concurrency=4, per_minute=10), 3, 10, Luck(), 0),
        (Limits(concurrency=4), 0, 0, Luck(breaker=Breaker(pace=2)), 2),
        (Limits(), 0, 0, Luck(not_before=after(seconds=1)), 0),
        (Limits(), 0, 0, Luck(not_before=NOW), PLENTY),
        (Limits(), 0, 0, Luck(not_before=after(days=1)), PLENTY),
        (Limits(), 0, 0, Luck(breaker=Breaker(open_until=after(days=1))), PLENTY),
    ],
    ids=[
        "free",
        "places",
        "over",
        "rate",
        "least",
        "slow",
        "patience",
        "over-now",
        "clock-set-back",
        "breaker-set-back",
    ],
)
def test_the_least_of_all_caps_is_the_room(limits: Limits, in_flight: int, recent: int, luck: Luck, room: int):
    assert pace.room(limits, Traffic(in_flight=in_flight, recent=recent, luck=luck), NOW) == room


@pytest.mark.parametrize(
    ("of_room", "sent", "retried", "share"),
    [(10, 0, 0, 1), (1, 0, 0, 1), (1, 5, 1, 0), (64, 936, 0, 64), (64, 936, 60, 40), (10, 90, 12, 0), (0, 100, 0, 0)],
    ids=["a tenth", "one at least", "one at most", "all the room", "what is left", "overdrawn", "no room"],
)
def test_one_send_in_ten_may_be_a_retry(of_room: int, sent: int, retried: int, share: int):
    assert pace.retries(of_room, sent, retried) == share


def test_patience_once_asked_for_is_kept_whatever_else_comes():
    asked = pace.after(Luck(), NotApplied(code="http-429"), after(minutes=10), NOW)

    assert pace.after(asked, NotApplied(code="http-429"), after(minutes=5), NOW).not_before == after(minutes=10)
    assert pace.after(asked, Applied(ids={}), NOW, NOW).not_before == after(minutes=10)


def test_it_opens_when_both_patience_and_breaker_are_over():
    luck = Luck(not_before=after(seconds=3), breaker=Breaker(open_until=after(seconds=7)))

    assert pace.reopens(luck, NOW) == after(seconds=7)
    assert pace.reopens(luck, after(seconds=7)) is None
