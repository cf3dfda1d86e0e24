"""How connections fared of late."""

from datetime import UTC, datetime, timedelta

from store.records import task

from gateway.telemetry.recent import EVERY, KEPT, Recent
from schemas.outcome import Applied, NotApplied, Refused, Unknown

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HERE, THERE = ("lakeside", "emr"), ("riverbend", "emr")
SENT = Applied(ids={"id": "v-1"})


def at(connection):
    return task(clinic_id=connection[0], connection=connection[1])


def test_nothing_is_told_of_a_connection_that_did_nothing():
    lately = Recent().lately([HERE])
    assert set(lately.sent) == set(lately.waiting) == {0}
    assert len(lately.sent) == KEPT - 1


def test_a_sample_holds_what_ended_in_it_and_what_waited_at_its_end():
    recent = Recent()
    for outcome, seconds in (
        (SENT, 0.5),
        (Unknown(code="deadline"), 2.0),
        (NotApplied(code="x"), 0.25),
        (Refused(code="x"), 0.25),
    ):
        recent.attempted(at(HERE), outcome, seconds)
    recent.sample({HERE: 7}, NOW)
    recent.attempted(at(HERE), SENT, 1.0)
    recent.sample({}, NOW + EVERY)
    lately = recent.lately([HERE])
    assert list(lately.sent[-2:]) == [4, 1]
    assert list(lately.failed[-2:]) == [2, 0]
    assert list(lately.seconds[-2:]) == [3.0, 1.0]
    assert list(lately.waiting[-2:]) == [7, 0]
    assert recent.as_of == NOW + EVERY


def test_what_is_going_on_is_told_once_its_sample_is_whole():
    recent = Recent()
    recent.attempted(at(HERE), SENT, 1.0)
    assert set(recent.lately([HERE]).sent) == {0}


def test_several_connections_are_added_up_and_no_others():
    recent = Recent()
    recent.attempted(at(HERE), SENT, 1.0)
    recent.attempted(at(THERE), SENT, 1.0)
    recent.sample({HERE: 1, THERE: 2, ("harbor", "max"): 4}, NOW)
    assert recent.lately([HERE, THERE]).sent[-1] == 2
    assert recent.lately([HERE, THERE]).waiting[-1] == 3
    assert recent.lately([HERE]).sent[-1] == 1


def test_the_oldest_samples_are_forgotten():
    recent = Recent()
    for number in range(3 * KEPT + 5):
        recent.attempted(at(HERE), SENT, float(number))
        recent.sample({HERE: number}, NOW + timedelta(seconds=number))
    lately = recent.lately([HERE])
    assert list(lately.waiting) == list(range(2 * KEPT + 6, 3 * KEPT + 5))
    assert set(lately.sent) == {1}
