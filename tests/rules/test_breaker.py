from datetime import UTC, datetime, timedelta

import pytest

from gateway.rules.breaker import Breaker, after, came_back, is_failure, room
from schemas.outcome import Applied, Blocked, NotApplied, Pending, Refused, Unknown

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
LOST = Unknown(code="deadline")
TAKEN = Pending(ids={"job_id": "1"})


def run_of(*outcomes, roll=0.0):
    breaker = Breaker()
    for outcome in outcomes:
        breaker = after(breaker, outcome, NOW, roll)
    return breaker


@pytest.mark.parametrize(
    ("outcome", "fails"),
    [
        (NotApplied(code="transport:ClientConnectorError"), True),
        (Unknown(code="http-502"), True),
        (NotApplied(code="http-429"), False),
        (NotApplied(code="rate-limited"), False),
        (Applied(ids={"id": "1"}), False),
        (TAKEN, False),
        (Refused(code="refused"), False),
        (Blocked(code="credentials"), False),
    ],
)
def test_only_an_unreachable_vendor_or_a_lost_answer_speaks_of_trouble(outcome, fails):
    assert is_failure(outcome) is fails


def test_four_failures_leave_it_closed_and_the_fifth_opens_it():
    assert room(run_of(*[LOST] * 4), 0, NOW) is None
    assert room(run_of(*[LOST] * 5), 0, NOW) == 0


def test_a_success_between_failures_starts_the_count_anew():
    assert room(run_of(*[LOST] * 4, TAKEN, *[LOST] * 4), 0, NOW) is None


def test_once_its_time_is_over_one_probe_may_go_and_no_second_beside_it():
    opened = run_of(*[LOST] * 5)
    later = opened.open_until + timedelta(milliseconds=1)

    assert room(opened, 0, later) == 1
    assert room(opened, 1, later) == 0


def test_a_probe_that_fails_opens_it_for_twice_as_long_up_to_five_minutes():
    spans, breaker = [], run_of(*[LOST] * 5)
    for _ in range(9):
        spans.append((breaker.open_until - NOW).total_seconds())
        breaker = after(breaker, LOST, NOW, 0.0)

    assert spans == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_openings_are_jittered_by_at_most_a_quarter():
    assert (run_of(*[LOST] * 5, roll=0.999).open_until - NOW).total_seconds() == pytest.approx(6.25, abs=0.01)


def test_after_a_probe_that_succeeds_the_pace_doubles_until_there_is_none():
    breaker, rooms = run_of(*[LOST] * 5, TAKEN), []
    for _ in range(7):
        rooms.append(room(breaker, 0, NOW))
        breaker = after(breaker, TAKEN, NOW, 0.0)

    assert rooms == [1, 2, 4, 8, 16, 32, None]


def test_what_is_in_flight_counts_against_the_pace():
    assert room(Breaker(pace=4), 3, NOW) == 1
    assert room(Breaker(pace=4), 9, NOW) == 0


def test_only_after_five_minutes_of_failures_alone_is_a_success_a_return():
    short, long = run_of(*[LOST] * 9), run_of(*[LOST] * 10)

    assert not came_back(run_of(*[LOST] * 4), TAKEN)
    assert not came_back(short, TAKEN)
    assert came_back(long, TAKEN)
    assert not came_back(long, LOST)
    assert not came_back(run_of(*[LOST] * 10, TAKEN), TAKEN)
