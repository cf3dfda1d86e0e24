"""What a delivery waits for, and what time does to it."""

import pytest
from rules.records import LEASE, NOW, changed, later, note, record

from gateway.rules.attempts import claim
from gateway.rules.waiting import connection_open, expire, overdue, parent_ended, parent_known, pause
from schemas.problem import FieldError, problem

WHY = problem("connection-blocked", "Link it again.")
AT = later(minutes=10)

# Pause


def test_a_paused_connection_holds_what_is_queued():
    made = pause(record(due_at=NOW), AT, WHY)

    after = made.record
    assert (after.state, after.waiting_for, after.content.problem, after.version) == ("held", "connection", WHY, 2)
    assert made.events == ("task.held",)


def test_an_attempt_under_way_finds_out_by_itself():
    assert pause(record(lease_until=later(minutes=11)), AT, WHY) is None


@pytest.mark.parametrize("state", ["sending", "submitted", "unknown", "delivered", "rejected", "failed", "cancelled"])
def test_nothing_that_has_left_or_ended_is_held(state):
    assert pause(record(state), AT, WHY) is None


def test_a_note_may_wait_for_both():
    made = pause(note(awaits_parent=True), AT, WHY)

    assert (made.record.awaits_parent, made.record.awaits_connection) == (True, True)
    assert made.record.waiting_for == "parent", "the parent is named first"
    assert made.record.content.problem == WHY
    assert made.events == ()


def test_what_is_held_for_its_connection_is_not_held_twice():
    assert pause(record("held", awaits_connection=True), AT, WHY) is None


# Ready


def test_an_open_connection_lets_go_what_it_held():
    made = connection_open(record("held", awaits_connection=True, problem=WHY), AT)

    after = made.record
    assert (after.state, after.awaits_connection, after.due_at, after.content.problem) == ("queued", False, AT, None)
    assert made.events == ("task.queued",)
    assert claim(after, AT, LEASE) is not None


def test_an_open_connection_is_nothing_to_what_does_not_wait_for_it():
    for waits in (record(), record("sending"), note(awaits_parent=True), record("delivered")):
        assert connection_open(waits, AT) is None


def test_a_known_parent_fills_in_its_emr_id_and_lets_the_note_go():
    made = parent_known(note(awaits_parent=True), "e-9", AT)

    after = made.record
    assert (after.state, after.awaits_parent, after.emr_task_id, after.due_at) == ("queued", False, "e-9", AT)
    assert after.values == {"text": "Called", "emr_task_id": "e-9"}
    assert made.events == ("note.queued",)


def test_a_known_parent_is_nothing_to_a_note_that_does_not_wait_for_it():
    assert parent_known(note("queued"), "e-9", AT) is None
    assert parent_known(note(awaits_connection=True), "e-9", AT) is None


def test_a_note_that_waits_for_both_goes_only_when_both_are_there():
    both = note(awaits_parent=True, awaits_connection=True, problem=WHY)

    with_parent = parent_known(both, "e-9", AT)
    with_connection = connection_open(both, AT)

    assert (with_parent.record.state, with_parent.record.waiting_for) == ("held", "connection")
    assert (with_connection.record.state, with_connection.record.waiting_for) == ("held", "parent")
    assert with_parent.events == with_connection.events == ()
    assert connection_open(with_parent.record, AT).record.state == "queued"
    last = parent_known(with_connection.record, "e-9", AT).record
    assert (last.state, last.emr_task_id) == ("queued", "e-9")


def test_the_problem_of_a_connection_goes_with_it():
    both = note(awaits_parent=True, awaits_connection=True, problem=WHY)

    assert parent_known(both, "e-9", AT).record.content.problem == WHY
    assert connection_open(both, AT).record.content.problem is None


def test_a_note_that_ended_meanwhile_is_not_woken():
    assert parent_known(note("cancelled", awaits_parent=True), "e-9", AT) is None
    assert parent_known(note("cancelled", awaits_parent=True, awaits_connection=True), "e-9", AT) is None
    assert connection_open(record("failed", awaits_connection=True), AT) is None


# The parent's end


def test_a_note_fails_with_its_task_and_says_why():
    unlucky = FieldError(code="vendor-rejected", field="zip", detail="No zip.")
    task = record("rejected", problem=problem("vendor-rejected", "No.", (unlucky,)))

    made = parent_ended(note(awaits_parent=True), task, AT)

    said = made.record.content.problem
    assert (made.record.state, said.code, said.detail, said.errors) == ("failed", "parent-failed", "No.", (unlucky,))
    assert made.events == ("note.failed",)
    assert made.record.safe_to_resend


def test_a_task_without_a_problem_gives_the_cause_of_parent_failed():
    made = parent_ended(note(awaits_parent=True), record("failed"), AT)

    assert made.record.content.problem == problem("parent-failed")


def test_a_note_whose_task_is_known_already_does_not_fail_with_it():
    for waits in (note(awaits_connection=True), note("queued"), note("sending"), note("delivered")):
        assert parent_ended(waits, record("failed"), AT) is None


# Time


@pytest.mark.parametrize("state", ["queued", "held"])
def test_what_could_not_be_sent_in_time_is_given_up(state):
    waits = record(state, give_up_at=AT, due_at=NOW)

    assert expire(waits, later(minutes=9)) is None
    made = expire(waits, AT)

    after = made.record
    assert (after.state, after.content.problem.code, after.due_at) == ("failed", "gave-up", None)
    assert after.safe_to_resend
    assert made.events == ("task.failed",)


def test_nothing_is_given_up_during_an_attempt():
    assert expire(record(give_up_at=NOW, lease_until=later(minutes=11)), AT) is None


def test_nothing_is_given_up_that_has_no_time_to():
    assert expire(record(), AT) is None


@pytest.mark.parametrize("state", ["sending", "submitted", "unknown", "delivered", "rejected", "failed", "cancelled"])
def test_what_has_left_or_ended_is_not_given_up(state):
    assert expire(record(state, give_up_at=NOW), AT) is None


def test_a_result_that_is_not_here_in_time_is_overdue():
    waits = record("submitted", settle_by=AT)

    assert overdue(waits, later(minutes=9)) is None
    made = overdue(waits, AT)

    assert (made.record.state, made.record.overdue, made.record.version) == ("submitted", True, 2)
    assert changed(waits, made.record) == {"overdue"}
    assert made.events == ("task.overdue",)


def test_what_is_overdue_is_told_once():
    assert overdue(record("submitted", settle_by=NOW, overdue=True), AT) is None


@pytest.mark.parametrize("state", ["queued", "held", "sending", "unknown", "delivered", "failed"])
def test_only_a_submitted_delivery_can_be_overdue(state):
    assert overdue(record(state, settle_by=NOW), AT) is None
