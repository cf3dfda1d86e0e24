"""The pure pieces of pages: times, charts, timelines."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.recent import KEPT, Lately
from gateway.web.console.charts import HIGH, WIDE, charts
from gateway.web.console.timeline import lines
from gateway.web.console.words import ago, clock, took
from schemas.delivery import Happening

NOW = datetime(2026, 11, 24, 5, 30, tzinfo=UTC)
CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.parametrize(
    ("span", "said"),
    [
        ({"seconds": 0}, "now"), ({"seconds": 59}, "now"), ({"seconds": 60}, "1 min"), ({"minutes": 59}, "59 min"),
        ({"minutes": 60}, "1 h"), ({"hours": 47}, "47 h"), ({"hours": 48}, "2 d"), ({"days": 400}, "400 d"),
        ({"minutes": -5}, "5 min"),
    ],
)  # fmt: skip
def test_an_age_is_said_in_its_largest_unit(span, said):
    assert ago(NOW - timedelta(**span), NOW) == said


def test_moments_are_those_of_the_clinic():
    assert clock(NOW, CHICAGO) == "23 Nov 2026, 23:30:00 CST"


@pytest.mark.parametrize(("milliseconds", "said"), [(0.4, "0 ms"), (38, "38 ms"), (999.4, "999 ms"), (1240, "1.2 s")])
def test_a_duration_is_said_in_what_people_read(milliseconds, said):
    assert took(milliseconds) == said


samples = st.lists(
    st.tuples(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 100), st.integers(0, 100_000)),
    min_size=KEPT - 1,
    max_size=KEPT - 1,
)


@given(samples)
def test_a_chart_stays_in_its_box_whatever_happened(of):
    lately = Lately(
        sent=[sent for sent, _, _, _ in of],
        failed=[int(sent * share) for sent, share, _, _ in of],
        seconds=[seconds for _, _, seconds, _ in of],
        waiting=[waiting for _, _, _, waiting in of],
    )
    for chart in charts(lately):
        for bar in chart.bars:
            assert 0 <= bar.x <= bar.x + bar.wide <= WIDE
            assert 0 <= bar.bad <= bar.high <= HIGH
        for point in chart.line.split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= WIDE
            assert 0 <= y <= HIGH


def test_a_chart_says_in_words_what_it_shows():
    quiet = [0] * (KEPT - 4)
    lately = Lately(
        sent=[*quiet, 2, 2, 2], failed=[*quiet, 0, 0, 3], seconds=[*quiet, 0.2, 0.2, 0.2], waiting=[*quiet, 9, 5, 4]
    )
    assert [(chart.name, chart.now, chart.most) for chart in charts(lately)] == [
        ("Sent", "12 a minute, 6 failed", "at most 12"),
        ("Latency", "100 ms", "at most 100 ms"),
        ("Waiting", "4", "at most 9"),
    ]


def happened(kind, after=0, /, **facts):
    return Happening(at=NOW + timedelta(seconds=after), what=kind, facts=facts)


def test_a_timeline_says_what_happened_in_the_clinics_time_and_each_day_once():
    attempt = {"first_byte_at": NOW + timedelta(seconds=1.012), "ended_at": NOW, "milliseconds": 1500, "status": None,
               "config_version": "9f2c"}  # fmt: skip
    failed = {"status": 500, "error": "http-500", "milliseconds": 3}
    told = lines(
        [
            happened("accepted", app="intake", connection="emr", rule="routes[0]"),
            happened("attempt", 1, **attempt, verdict="unknown", code="deadline"),
            happened("event", 3, id="evt_1", type="task.unknown"),
            happened("attempt", 1805, **{**attempt, "first_byte_at": None}, verdict="not_applied", code="transport"),
            happened("callback", 1806, app="intake", event_id="evt_1", type="task.unknown", **failed),
            happened("asked", 1807, what="resolve", app="ops", reason="created: seen"),
        ],
        CHICAGO,
    )  # fmt: skip
    assert [(line.day, line.time, line.title) for line in told] == [
        ("23 Nov 2026, CST", "23:30:00.000", "Accepted and stored"),
        (None, "23:30:01.000", "Attempt 1: the answer was lost, it may exist"),
        (None, "23:30:03.000", "The task is unknown"),
        ("24 Nov 2026, CST", "00:00:05.000", "Attempt 2: nothing was created, it is tried again"),
        (None, "00:00:06.000", "intake could not be told"),
        (None, "00:00:07.000", "ops settled it"),
    ]
    assert ("first byte", "after 12 ms") in told[1].facts
    assert ("first byte", "never left") in told[3].facts
    assert (told[2].event, told[5].reason) == ("evt_1", "created: seen")
