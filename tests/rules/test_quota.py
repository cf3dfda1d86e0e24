"""A quota of requests a minute: what passes, and what a caller is told."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.rules.quota import Bucket, spend

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def spent(quota, *seconds, bucket=None):
    """The allowances of requests at these seconds after noon."""
    allowances = []
    for second in seconds:
        bucket, allowance = spend(bucket, quota, NOON + timedelta(seconds=second))
        allowances.append(allowance)
    return allowances


@pytest.mark.parametrize("quota", [1, 7, 10, 59, 60, 61, 1000])
def test_a_whole_quota_may_pass_at_once_and_not_one_more(quota):
    granted = [each.granted for each in spent(quota, *[0] * (quota + 1))]
    assert granted == [True] * quota + [False]


def test_what_is_left_is_told_and_when_it_is_whole_again():
    first, second = spent(60, 0, 0)
    assert (first.quota, first.left, first.full_in, first.next_in) == (60, 59, 1, 0)
    assert (second.left, second.full_in) == (58, 2)


@pytest.mark.parametrize("quota", [1, 7, 10, 59, 61, 1000])
def test_who_waits_as_told_may_pass_and_who_does_not_may_not(quota):
    *_, refused = spent(quota, *[0] * (quota + 1))
    assert spent(quota, *[0] * (quota + 1), refused.next_in)[-1].granted
    assert not spent(quota, *[0] * (quota + 1), 60 / quota * 0.9)[-1].granted


def test_what_is_refused_costs_nothing():
    assert spent(60, *[0] * 60, *[0.5] * 100, 1)[-1].granted


@pytest.mark.parametrize("quota", [1, 6, 60])
def test_a_quota_is_whole_again_after_a_minute_and_never_more(quota):
    assert sum(each.granted for each in spent(quota, *[0] * quota, *[3600] * 2 * quota)) == 2 * quota


def test_a_quota_that_was_lowered_holds_at_once():
    bucket, _ = spend(None, 1000, NOON)
    assert sum(each.granted for each in spent(3, *[0] * 10, bucket=bucket)) == 3


def test_a_clock_that_was_set_back_gives_nothing_and_locks_nobody_out():
    ahead = Bucket(left=0, at=NOON + timedelta(days=1))
    assert [each.granted for each in spent(60, 0, 1, bucket=ahead)] == [False, True]
