from datetime import UTC, datetime, timedelta

import pytest

from adapters.base import HttpResponse
from gateway.rules.callbacks import concerns, follows, verdict
from gateway.rules.clinic import App, Callback
from schemas.outcome import Applied, NotApplied, Refused
from schemas.private import Secret

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
FAILED = NotApplied(code="http-500")


def hears(type_="task.delivered", clinic="north", of="intake", clinics=("north",), **wanted):
    callback = Callback(url="https://intake.example/hooks", secrets=(Secret("s"),), **wanted)
    app = App(name="intake", keys=(), clinics=frozenset(clinics), roles=frozenset(), callback=callback)
    return concerns(app, callback, type_, clinic, of)


@pytest.mark.parametrize(
    ("told", "event"),
    [
        (True, {}),
        (False, {"of": "fax-bot"}),
        (False, {"of": "", "type_": "connection.blocked"}),
        (True, {"of": "fax-bot", "scope": "clinics"}),
        (True, {"of": "", "type_": "connection.blocked", "scope": "clinics"}),
        (False, {"clinic": "south", "scope": "clinics"}),
        (True, {"clinic": "south", "scope": "clinics", "clinics": ["*"]}),
        (False, {"clinic": "south"}),  # its own delivery, to a clinic that was taken from it
    ],
)
def test_an_app_hears_of_its_own_deliveries_or_of_all_of_its_clinics(told, event):
    assert hears(**event) is told


@pytest.mark.parametrize(
    ("told", "patterns"),
    [
        (True, ("*",)), (True, ("task.*",)), (True, ("task.delivered",)), (True, ("note.*", "task.delivered")),
        (False, ("note.*",)), (False, ("task.failed",)), (False, ("task.deliver",)), (False, ("*.delivered",)),
    ],
)  # fmt: skip
def test_an_app_hears_of_what_its_patterns_name(told, patterns):
    assert hears(events=patterns) is told


@pytest.mark.parametrize(
    ("status", "proved"),
    [
        (200, Applied(ids={})),
        (204, Applied(ids={})),
        (299, Applied(ids={})),
        (301, NotApplied(code="http-301")),
        (307, NotApplied(code="http-307")),
        (400, NotApplied(code="http-400")),
        (404, NotApplied(code="http-404")),
        (410, Refused(code="http-410")),
        (429, NotApplied(code="http-429", retry_after="7")),
        (503, NotApplied(code="http-503")),
        (100, NotApplied(code="http-100")),
    ],
)
def test_only_a_2xx_is_told_and_only_a_410_wants_no_more(status, proved):
    assert verdict(HttpResponse(status=status, headers={"retry-after": "7"}), "") == proved


def test_no_answer_at_all_is_a_failure():
    assert verdict(None, "deadline") == NotApplied(code="deadline")


def test_ten_tries_are_made_over_75_hours_and_then_it_is_given_up():
    tries, now, waits = 0, NOW, []
    while (after := follows(FAILED, tries, now, 0.5)).what == "later":
        waits.append((after.due_at - now).total_seconds())
        tries, now = after.tries, after.due_at

    assert waits == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert now - NOW == timedelta(hours=75, minutes=35, seconds=5)
    assert (after.what, after.tries, after.due_at) == ("given_up", 10, None)


@pytest.mark.parametrize(("roll", "seconds"), [(0.0, 270), (0.5, 300), (0.999, 330)])
def test_tries_are_spread_so_that_they_do_not_come_back_together(roll, seconds):
    after = follows(FAILED, 1, NOW, roll)

    assert (after.due_at - NOW).total_seconds() == pytest.approx(seconds, abs=0.1)


def test_what_was_told_is_over_and_what_is_not_wanted_waits():
    assert follows(Applied(ids={}), 3, NOW, 0.5).what == "told"
    gone = follows(Refused(code="http-410"), 3, NOW, 0.5)
    assert (gone.what, gone.tries, gone.due_at) == ("gone", 3, NOW)


def test_an_endpoint_that_asks_for_patience_gets_it_and_no_try_is_counted():
    after = follows(NotApplied(code="http-429", retry_after="120"), 3, NOW, 0.5)

    assert (after.what, after.tries, after.due_at) == ("later", 3, NOW + timedelta(seconds=120.5))


def test_it_gets_an_hour_at_most():
    after = follows(NotApplied(code="http-429", retry_after="999999"), 9, NOW, 0.0)

    assert (after.what, after.due_at) == ("later", NOW + timedelta(hours=1))
