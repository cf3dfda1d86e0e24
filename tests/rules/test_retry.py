"""When to try again."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rules.records import NOW, later

from gateway.rules.retry import next_try

ALMOST_ONE = 0.999999
HOUR = 3600


def wait(retry_after=None, *, code="http-429", tries=1, roll=0.0):
    return (next_try(NOW, tries, retry_after, code, roll) - NOW).total_seconds()


# What the vendor asks for

# fmt: off
ASKED = {
    "seconds": ("120", 120),
    "no seconds": ("0", 0),
    "seconds with spaces around": (" 120 ", 120),
    "leading zeros": ("0005", 5),
    "an hour": ("3600", HOUR),
    "a day": ("86400", HOUR),
    "ten years": ("315360000", HOUR),
    "more digits than there is time": ("9" * 5000, HOUR),
    "a date": (format_datetime(later(minutes=2), usegmt=True), 120),
    "a date in another zone": ("Mon, 02 Mar 2026 10:02:00 -0500", 120),
    "a date without a zone": ("Mon, 02 Mar 2026 15:02:00 -0000", 120),
    "a date in the old form": ("Monday, 02-Mar-26 15:02:00 GMT", 120),
    "a date in ten years": (format_datetime(later(days=3650), usegmt=True), HOUR),
}
WORTHLESS = {
    "nothing": None,
    "empty": "",
    "blank": " ",
    "a word": "soon",
    "a negative number": "-5",
    "a fraction": "1.5",
    "an exponent": "1e3",
    "a unit": "5s",
    "digits of another script": "१२",
    "a superscript": "²",
    "a list": "1, 2",
    "a past date": format_datetime(later(minutes=-2), usegmt=True),
    "this very moment": format_datetime(NOW, usegmt=True),
    "the year one": "Mon, 01 Jan 0001 00:00:00 GMT",
    "no such day": "Mon, 32 Mar 2026 15:02:00 GMT",
    "no such zone": "Mon, 02 Mar 2026 15:02:00 +9999",
    "a date in ISO form": "2026-03-02T15:02:00Z",
    "a line break": "1\n2",
}
# fmt: on


@pytest.mark.parametrize(("retry_after", "seconds"), ASKED.values(), ids=ASKED)
def test_a_retry_after_is_honoured_for_an_hour_at_most(retry_after, seconds):
    assert wait(retry_after) == seconds
    assert wait(retry_after, code="http-425", tries=9) == seconds


def test_what_was_asked_for_is_spread_over_a_second_and_never_cut():
    assert wait("120", roll=ALMOST_ONE) == pytest.approx(121, abs=0.01)
    assert wait("120", roll=0.5) == 120.5


@pytest.mark.parametrize("retry_after", WORTHLESS.values(), ids=WORTHLESS)
@pytest.mark.parametrize("code", ["http-429", "connect-timeout"])
def test_a_malformed_or_past_retry_after_is_as_good_as_none(retry_after, code):
    for roll in (0.0, 0.5, ALMOST_ONE):
        assert wait(retry_after, code=code, roll=roll) == wait(None, code=code, roll=roll)


@given(st.text(max_size=60))
def test_no_retry_after_breaks_the_schedule_or_exceeds_it(text):
    assert 0 <= wait(text, roll=0.5) <= HOUR + 1


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1900, 1, 1)))  # noqa: DTZ001 - hypothesis adds the zone
def test_no_date_breaks_the_schedule_or_exceeds_it(at):
    assert 0 <= wait(format_datetime(at, usegmt=True)) <= HOUR + 1


# What it does by itself


@pytest.mark.parametrize(
    ("tries", "span"), [(0, 1), (1, 1), (2, 2), (3, 4), (5, 16), (9, 256), (10, 300), (17, 300), (10_000, 300)]
)
def test_full_jitter_over_a_span_that_doubles_up_to_five_minutes(tries, span):
    assert wait(code="connect-timeout", tries=tries, roll=0.0) == 0
    assert wait(code="connect-timeout", tries=tries, roll=0.5) == span / 2
    assert wait(code="connect-timeout", tries=tries, roll=ALMOST_ONE) == pytest.approx(span, rel=0.001)


@pytest.mark.parametrize(("tries", "span"), [(1, 30), (2, 60), (3, 120), (4, 240), (5, 300), (50, 300)])
@pytest.mark.parametrize("code", ["http-429", "rate-limited"])
def test_a_rate_limit_without_a_word_waits_thirty_seconds_and_doubles(code, tries, span):
    assert wait(code=code, tries=tries, roll=0.0) == span / 2
    assert wait(code=code, tries=tries, roll=ALMOST_ONE) == pytest.approx(span, rel=0.001)


@given(st.integers(0, 10**9), st.floats(0, 1, exclude_max=True), st.sampled_from(["http-429", "dns", ""]))
def test_the_next_try_is_never_in_the_past_nor_far_off(tries, roll, code):
    at = next_try(NOW, tries, None, code, roll)

    assert NOW <= at <= NOW + timedelta(seconds=300)
