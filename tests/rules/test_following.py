"""Looks at the vendor: when, and what a look that finds nothing proves."""

from datetime import timedelta

import pytest
from msgspec import structs
from rules.clinics import CONFIG
from rules.records import NOW, changed, later, record, sighting

from gateway.rules.following import Look, after_looks, is_possible, look_soon, looked, waits

SCHEDULE = (5.0, 30.0, 120.0)
GAP = timedelta(minutes=5)
LOST = record("unknown", doubt=True, open_attempt=True, sent_by=NOW)


def look(at=None, *, began=None, complete=True, possible=False):
    at = at or later(minutes=1)
    return Look(began=began or at, at=at, complete=complete, possible=possible)


def after(before, *looks):
    """The record after looks, and the events of the last."""
    events = ()
    for each in looks:
        made = looked(before, each, SCHEDULE, GAP)
        before, events = made.record, made.events
    return before, events


def test_the_schedule_goes_on_with_its_last_wait():
    assert [after_looks(looks, SCHEDULE, NOW) - NOW for looks in (0, 1, 2, 3, 99)] == [
        timedelta(seconds=seconds) for seconds in (5, 30, 120, 120, 120)
    ]


def test_what_a_vendor_pushes_is_looked_for_less_often():
    cobalt, maxcare = CONFIG.accounts["cobalt-main"], CONFIG.accounts["maxcare-main"]
    unset = structs.replace(cobalt, webhook_token=None)

    assert waits("submitted", cobalt, CONFIG.follow) == CONFIG.follow.submitted
    assert waits("submitted", maxcare, CONFIG.follow) == CONFIG.follow.submitted_without_webhook
    assert waits("submitted", unset, CONFIG.follow) == CONFIG.follow.submitted_without_webhook
    assert waits("unknown", cobalt, CONFIG.follow) == CONFIG.follow.unknown


def test_absence_is_proved_by_two_complete_looks_far_enough_apart():
    found, events = after(LOST, look(), look(later(minutes=6)))

    assert (found.state, found.due_at, found.resent) == ("queued", later(minutes=6), True)
    assert (found.doubt, found.open_attempt, found.absent_at, found.looks) == (False, False, None, 0)
    assert events == ("task.queued",)


def test_one_look_proves_nothing_and_the_next_comes_after_the_gap():
    found, events = after(LOST, look())

    assert (found.state, found.absent_at, found.due_at) == ("unknown", later(minutes=1), later(minutes=6))
    assert events == ()


# fmt: off
NO_PROOF = {
    "two that are too close": (LOST, [look(), look(later(minutes=5, seconds=59))]),
    "two that are not complete": (LOST, [look(complete=False), look(later(minutes=9), complete=False)]),
    "a complete one after one that was not": (LOST, [look(complete=False), look(later(minutes=9))]),
    "something that may be it": (LOST, [look(), look(later(minutes=9), possible=True)]),
    "something that may be it between the two": (
        structs.replace(LOST, absent_at=NOW), [look(later(minutes=9), possible=True), look(later(minutes=20))]),
    "a first before the attempt's end": (
        structs.replace(LOST, sent_by=later(minutes=1)), [look(), look(later(minutes=9))]),
    "a first begun before the attempt's end": (
        structs.replace(LOST, sent_by=later(seconds=30)), [look(began=later(seconds=30)), look(later(minutes=9))]),
    "a second begun too soon": (LOST, [look(), look(later(minutes=9), began=later(minutes=5))]),
    "an attempt without a known end": (structs.replace(LOST, sent_by=None), [look(), look(later(minutes=9))]),
    "an absence proved before": (structs.replace(LOST, resent=True), [look(), look(later(minutes=9))]),
}
# fmt: on


@pytest.mark.parametrize(("before", "looks"), NO_PROOF.values(), ids=NO_PROOF)
def test_nothing_less_is_a_proof(before, looks):
    found, events = after(before, *looks)

    assert (found.state, found.doubt, events) == ("unknown", True, ())
    assert found.looks == 2
    assert found.due_at > looks[-1].at


def test_a_result_still_to_come_is_never_proved_absent():
    found, _ = after(record("submitted", sent_by=NOW), look(), look(later(minutes=9)), look(later(hours=9)))

    assert (found.state, found.absent_at, found.looks) == ("submitted", None, 3)


def test_work_is_watched_as_long_as_the_clinic_wants():
    watched = record("delivered", work_until=later(days=1))

    assert after(watched, look())[0].due_at == later(minutes=1, seconds=30)
    assert after(watched, look(later(days=1)))[0].due_at is None
    assert after(record("delivered"), look())[0].due_at is None


@pytest.mark.parametrize("state", ["queued", "held", "sending", "rejected", "failed", "cancelled"])
def test_nobody_looks_for_what_is_not_out_there(state):
    assert looked(record(state), look(), SCHEDULE, GAP) is None
    assert look_soon(record(state), NOW) is None


@pytest.mark.parametrize("state", ["submitted", "unknown", "delivered"])
def test_a_hint_makes_the_next_look_due(state):
    before = record(state, due_at=later(hours=1))

    assert changed(before, look_soon(before, NOW).record) == {"due_at"}
    assert look_soon(before, NOW).record.due_at == NOW


def test_a_sighting_may_be_ours_though_it_is_not_told_for_certain():
    assert is_possible(
        LOST, [sighting(ids={"id": "x"}), sighting(values={"description": LOST.content.values["description"]})]
    )
    assert is_possible(LOST, [sighting(ids={"id": "listed without its text"})])
    assert not is_possible(LOST, [sighting(ids={"id": "x"}, values={"description": "Something else"})])
    assert not is_possible(LOST, [])


def test_what_staff_have_edited_may_still_be_ours():
    text = LOST.content.values["description"]

    assert is_possible(LOST, [sighting(values={"description": text.upper() + " (done)", "title": "Another"})])
    assert is_possible(LOST, [sighting(values={"description": text, "assignees": ["somebody else"]})])


def test_what_hangs_on_another_patient_or_carries_another_mark_is_not_ours():
    text = LOST.content.values["description"]

    assert not is_possible(LOST, [sighting(values={"description": text, "patient.mrn": "another"})])
    assert not is_possible(LOST, [sighting(ref="tsk_other", values={"description": text + "!"})])


def test_what_bears_our_mark_beside_others_may_be_ours_whatever_it_says_now():
    assert is_possible(LOST, [sighting(refs=("tsk_other", LOST.id), values={"description": "Edited"})])
