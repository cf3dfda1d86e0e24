"""How much goes to an account, and whose turn it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters import discover
from gateway.flows.pacing import Pacer
from gateway.rules.clinic import Account, Limits
from gateway.world import World
from schemas.outcome import NotApplied, Pending, Unknown

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pacer(clock: Clock) -> Pacer:
    return Pacer(World(now=clock, roll=lambda: 0.0))


def account(**limits: int) -> Account:
    return Account(
        name="main", adapter=discover()["cobalt"], base_url="http://x", credentials=None, limits=Limits(**limits)
    )


def test_no_more_are_in_flight_than_the_account_s_concurrency(pacer: Pacer):
    capped = account(concurrency=2)
    pacer.take(capped)
    pacer.take(capped)
    assert pacer.room(capped) == 0

    pacer.ended(capped)

    assert pacer.room(capped) == 1


def test_in_no_minute_more_are_sent_than_the_account_s_rate(pacer: Pacer, clock: Clock):
    capped = account(per_minute=3)
    for _ in range(3):
        pacer.take(capped)
        pacer.ended(capped)
        clock.now += timedelta(seconds=10)
    assert pacer.room(capped) == 0
    assert pacer.reopens(capped) == NOW + timedelta(seconds=60)

    clock.now = NOW + timedelta(seconds=60)

    assert pacer.room(capped) == 1


def test_a_vendor_that_asks_for_patience_gets_it_from_the_whole_account(pacer: Pacer, clock: Clock):
    until = NOW + timedelta(seconds=30)
    pacer.proved(account(), NotApplied(code="http-429", retry_after="30"), until)
    assert (pacer.room(account()), pacer.reopens(account())) == (0, until)

    clock.now = until

    assert pacer.room(account()) > 0


def test_a_vendor_in_trouble_is_left_alone_probed_once_and_started_slowly(pacer: Pacer, clock: Clock):
    for _ in range(5):
        pacer.proved(account(), Unknown(code="http-502"), NOW)
    assert pacer.room(account()) == 0

    clock.now = pacer.reopens(account()) or NOW
    assert pacer.room(account()) == 1

    pacer.take(account())
    assert pacer.room(account()) == 0
    pacer.proved(account(), Pending(ids={"id": "1"}), NOW)
    pacer.ended(account())
    assert pacer.room(account()) == 1


def test_a_person_s_wish_forgets_what_the_vendor_asked_for(pacer: Pacer):
    pacer.proved(account(), NotApplied(code="http-429"), NOW + timedelta(hours=1))

    pacer.forgive(account())

    assert pacer.room(account()) > 0
