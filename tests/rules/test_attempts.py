"""One try to send: claimed, marked, settled, or left behind."""

import msgspec
import pytest
from msgspec import structs
from rules.records import ENDED, LEASE, NOW, attempt, changed, later, note, record, result

from gateway.rules.attempts import claim, id_is_taken, lease_ended, mark, settle
from gateway.rules.waiting import connection_open
from schemas.command import CANONICAL
from schemas.outcome import Applied, Blocked, NotApplied, Pending, Refused, Unknown
from schemas.problem import problem

STATES = ("queued", "held", "sending", "submitted", "delivered", "rejected", "failed", "unknown", "cancelled")
SENT_BY = later(seconds=35)
IDS = {"id": "abc123", "job_id": "12345"}


def sent(before, number=None):
    """The marked attempt of a record that is being sent."""
    return attempt(before.fence if number is None else number)


# Claim


def test_a_claim_raises_the_fence_and_begins_the_lease():
    before = record(fence=4)

    made = claim(before, NOW, LEASE)

    assert (made.record.fence, made.record.lease_until) == (5, NOW + LEASE)
    assert made.attempt == attempt(5, marked=False)
    assert changed(before, made.record) == {"fence", "lease_until"}
    assert made.events == ()


@pytest.mark.parametrize("state", [state for state in STATES if state != "queued"])
def test_only_what_is_queued_is_claimed(state):
    assert claim(record(state), NOW, LEASE) is None


def test_a_lease_keeps_others_out_until_it_ends():
    leased = record(lease_until=later(seconds=1))

    assert claim(leased, NOW, LEASE) is None
    assert claim(leased, later(seconds=1), LEASE).record.fence == 1


# Mark


def test_a_mark_says_that_bytes_may_leave_now():
    claimed = record(fence=3, lease_until=later(minutes=2), due_at=NOW)

    made = mark(claimed, attempt(3, marked=False), later(seconds=1), SENT_BY)

    assert (made.record.state, made.record.attempts, made.record.open_attempt) == ("sending", 1, True)
    assert (made.record.attempted, made.record.marked, made.record.sent_by) == (True, 3, SENT_BY)
    assert (made.record.due_at, made.record.version, made.record.lease_until) == (None, 2, later(minutes=2))
    assert made.attempt.marked_at == later(seconds=1)
    assert made.events == ("task.sending",)


def test_a_worker_that_lost_its_fence_cannot_mark():
    assert mark(record(fence=3), attempt(2, marked=False), NOW, SENT_BY) is None


@pytest.mark.parametrize("state", [state for state in STATES if state != "queued"])
def test_nothing_but_what_is_queued_can_be_marked(state):
    assert mark(record(state, fence=3), attempt(3, marked=False), NOW, SENT_BY) is None


# Settle, on time

# fmt: off
SETTLED = {
    "applied": (Applied(ids=IDS), "delivered", None, None),
    "pending": (Pending(ids=IDS), "submitted", None, later(minutes=1)),
    "refused": (Refused(code="refused", message="No."), "rejected", "vendor-rejected", None),
    "blocked": (Blocked(code="credentials", message="Who?"), "held", "connection-blocked", None),
    "not applied": (NotApplied(code="http-429"), "queued", None, later(minutes=5)),
    "unknown": (Unknown(code="read-timeout"), "unknown", None, later(minutes=1)),
}
# fmt: on


@pytest.mark.parametrize(("outcome", "state", "code", "due_at"), SETTLED.values(), ids=SETTLED)
def test_a_verdict_settles_what_is_being_sent(outcome, state, code, due_at):
    before = record("sending", lease_until=later(minutes=2), version=3)

    made = settle(before, sent(before), result(outcome))

    after = made.record
    assert (after.state, after.due_at, after.version, after.updated_at) == (state, due_at, 4, ENDED)
    assert (after.content.problem and after.content.problem.code) == code
    assert (after.lease_until, after.open_attempt, after.attempts) == (None, False, 1)
    assert made.events == (f"task.{state}",)


@pytest.mark.parametrize("outcome", [outcome for outcome, *_ in SETTLED.values()], ids=SETTLED)
def test_the_attempt_keeps_its_verdict(outcome):
    before = record("sending")

    ended = settle(before, sent(before), result(outcome, 299)).attempt

    assert ended.verdict == type(outcome).__name__.replace("NotApplied", "not_applied").lower()
    assert (ended.status, ended.ended_at) == (299, ENDED)
    assert ended.code == getattr(outcome, "code", None)


def test_what_a_vendor_took_keeps_its_ids_and_is_overdue_in_time():
    before = record("sending", settles_within=60)

    after = settle(before, sent(before), result(Pending(ids=IDS))).record

    assert after.ids == IDS
    assert after.settle_by == later(seconds=90)


def test_what_was_applied_keeps_ids_and_work_and_clears_an_earlier_problem():
    before = record("sending", problem=problem("connection-blocked"), emr_id="e1")

    after = settle(before, sent(before), result(Applied(ids=IDS, work="pending", work_raw="not_started"))).record

    assert after.ids == {**IDS, "emr_id": "e1"}
    assert (after.work.status, after.work.raw, after.work.at) == ("pending", "not_started", ENDED)
    assert after.content.problem is None


def test_an_unknown_outcome_leaves_a_doubt_and_a_problem_of_none():
    before = record("sending")

    after = settle(before, sent(before), result(Unknown(code="http-502"))).record

    assert after.doubt
    assert not after.safe_to_resend


def test_a_block_holds_the_delivery_for_its_connection():
    before = record("sending")

    after = settle(before, sent(before), result(Blocked(code="credentials"))).record

    assert (after.waiting_for, after.awaits_connection, after.doubt) == ("connection", True, False)
    assert connection_open(after, ENDED).record.state == "queued"
    assert after.content.problem.detail == problem("connection-blocked").detail


def test_a_block_says_what_the_vendor_said():
    before = record("sending")

    after = settle(before, sent(before), result(Blocked(code="login_required", message="Link it again."))).record

    assert after.content.problem.detail == "Link it again."


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(NotApplied(code="connect-timeout"), "queued"), (Blocked(code="config"), "held")],
    ids=["not applied", "blocked"],
)
def test_an_attempt_that_ends_before_its_mark_was_never_sent(outcome, state):
    before = record(fence=1, lease_until=later(minutes=2))

    made = settle(before, attempt(1, marked=False), result(outcome, None))

    assert (made.record.state, made.record.attempts, made.record.attempted) == (state, 1, False)
    assert made.record.lease_until is None
    assert made.events == (() if state == "queued" else ("task.held",))


def test_a_verdict_said_twice_changes_nothing_the_second_time():
    before = record("sending")
    first = settle(before, sent(before), result(Applied(ids=IDS))).record

    second = settle(first, sent(before), result(Applied(ids={"id": "other"})))

    assert second.record == first
    assert second.events == ()


def test_the_next_attempt_s_claim_follows_a_not_applied():
    before = record("sending", fence=7)
    after = settle(before, sent(before), result(NotApplied(code="http-429"))).record

    assert claim(after, later(minutes=5), LEASE).record.fence == 8


def test_a_vendor_s_own_ids_are_never_overwritten_by_an_answer():
    before = record("sending", vendor_id="first")

    assert settle(before, sent(before), result(Applied(ids={"id": "second"}))).record.vendor_id == "first"


# The problem of a refusal


def refusal(**facts):
    before = facts.pop("of", None) or record("sending")
    return settle(before, sent(before), result(Refused(**facts), 400)).record.content.problem


def test_a_refusal_says_what_the_vendor_said_and_is_a_422():
    said = refusal(code="refused", message="User not found.")

    assert (said.code, said.status, said.detail, said.errors) == ("vendor-rejected", 422, "User not found.", ())


def test_a_refusal_without_words_names_vendor_and_code():
    assert refusal(code="http-422").detail == "cobalt: http-422"


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("title", "/title"),
        ("assignees", "/assignees"),
        ("patient.mrn", "/patient/mrn"),
        ("source.call_id", "/source/call_id"),
        ("patient.id", "/patient/ids/cobalt"),
    ],
)
def test_a_refused_field_is_pointed_at_in_the_body_as_posted(path, pointer):
    [error] = refusal(code="missing-field", message="Missing required field", field="theirs", ours=path).errors

    assert (error.code, error.field, error.pointer) == ("missing-required-fields", path, pointer)
    assert (error.source, error.detail) == ("vendor: cobalt (theirs)", "Missing required field")


@pytest.mark.parametrize("path", CANONICAL["create_task"])
def test_every_field_of_a_task_can_be_pointed_at(path):
    [error] = refusal(code="invalid-format", field="theirs", ours=path).errors

    assert (error.code, error.field) == ("vendor-rejected", path)
    assert error.pointer.startswith("/")


@pytest.mark.parametrize("name", ["zip", "title"])
def test_a_field_that_maps_to_no_place_points_nowhere_though_one_of_ours_has_its_name(name):
    [error] = refusal(code="missing-field", message=f"'{name}' is required", field=name).errors

    assert (error.field, error.pointer, error.source) == (None, None, f"vendor: cobalt ({name})")


def test_a_note_posted_to_its_task_has_no_field_for_the_task_s_id():
    posted_to_task = refusal(code="x", field="id", ours="emr_task_id", of=note("sending"))
    posted_with_id = refusal(code="x", field="id", ours="emr_task_id", of=note("sending", parent_id=None))

    assert [error.pointer for error in posted_to_task.errors] == [None]
    assert [error.pointer for error in posted_with_id.errors] == ["/emr_task_id"]


def test_a_duplicate_is_called_one():
    said = refusal(code="duplicate", message="A claim for this appointment is already pending or completed.")

    assert (said.code, said.status) == ("duplicate", 422)


# Late answers


def fenced_out(state, **facts):
    """A record whose last attempt, number 1, lost its lease."""
    return record(state, **{"fence": 2, "marked": 1, "open_attempt": True, "doubt": state == "unknown", **facts})


# fmt: off
LATE = {
    "applied": (Applied(ids=IDS), "delivered", False),
    "pending": (Pending(ids=IDS), "submitted", False),
    "refused": (Refused(code="refused"), "rejected", False),
    "blocked": (Blocked(code="credentials"), "held", False),
    "not applied": (NotApplied(code="http-429"), "queued", False),
    "unknown": (Unknown(code="http-502"), "unknown", True),
}
# fmt: on


@pytest.mark.parametrize(("outcome", "state", "doubt"), LATE.values(), ids=LATE)
def test_the_last_attempt_s_own_late_answer_settles_an_unknown_as_if_on_time(outcome, state, doubt):
    made = settle(fenced_out("unknown"), attempt(1), result(outcome))

    assert (made.record.state, made.record.doubt, made.record.open_attempt) == (state, doubt, False)
    assert made.record.attempts == 1
    assert made.attempt.ended_at == ENDED
    assert made.events == (() if state == "unknown" else (f"task.{state}",))


@pytest.mark.parametrize(
    "outcome", [NotApplied(code="http-429"), Refused(code="refused"), Blocked(code="x"), Unknown(code="http-502")]
)
def test_an_earlier_attempt_s_late_answer_says_nothing_of_the_last_one(outcome):
    before = record("unknown", fence=4, marked=3, open_attempt=True, doubt=True, attempts=2)

    made = settle(before, attempt(1), result(outcome))

    assert made.record == before
    assert made.events == ()
    assert made.attempt.fence == 1


@pytest.mark.parametrize("state", ["queued", "held", "unknown", "submitted"])
def test_an_earlier_attempt_s_late_success_is_evidence_that_it_was_created(state):
    before = record(state, attempted=True, fence=4, marked=3)

    made = settle(before, attempt(1), result(Applied(ids=IDS)))

    assert (made.record.state, made.record.ids) == ("delivered", IDS)
    assert made.record.fence == 5, "no worker may send it now"
    assert made.events == ("task.delivered",)


@pytest.mark.parametrize("state", ["rejected", "failed", "cancelled"])
@pytest.mark.parametrize("outcome", [Applied(ids=IDS), Pending(ids=IDS)], ids=["applied", "pending"])
def test_a_late_success_contradicts_what_ended_badly(state, outcome):
    made = settle(fenced_out(state), attempt(1), result(outcome))

    assert (made.record.state, made.record.conflict, made.record.safe_to_resend) == (state, True, False)
    assert made.events == ("task.conflict",)
    assert made.attempt.verdict is not None


def test_what_was_taken_said_once_more_does_not_contradict_the_failure_that_came_after_it():
    before = fenced_out("failed", vendor_id=IDS["id"], job_id=IDS["job_id"])

    made = settle(before, attempt(1), result(Pending(ids=IDS)))

    assert changed(before, made.record) == {"open_attempt"}
    assert made.events == ()


@pytest.mark.parametrize(
    ("state", "becomes", "conflict"),
    [("failed", "failed", True), ("delivered", "delivered", False), ("queued", "unknown", False)],
)
def test_a_late_answer_with_another_delivery_s_id_reopens_nothing_that_is_final(state, becomes, conflict):
    before = fenced_out(state)

    made = id_is_taken(before, settle(before, attempt(1), result(Applied(ids=IDS))))

    assert (made.record.state, made.record.conflict, made.record.vendor_id) == (becomes, conflict, None)
    assert (made.record.open_attempt, made.attempt.code) == (False, "id-taken")


def test_a_late_success_with_another_id_contradicts_what_was_delivered():
    made = settle(fenced_out("delivered", vendor_id="other"), attempt(1), result(Applied(ids=IDS)))

    assert (made.record.state, made.record.conflict, made.record.vendor_id) == ("delivered", True, "other")


@pytest.mark.parametrize("outcome", [NotApplied(code="http-429"), Refused(code="refused"), Unknown(code="http-502")])
@pytest.mark.parametrize("state", ["queued", "held", "submitted", "delivered", "failed"])
def test_a_late_failure_moves_nothing_but_closes_the_attempt(state, outcome):
    before = fenced_out(state)

    made = settle(before, attempt(1), result(outcome))

    assert changed(before, made.record) <= {"open_attempt"}
    assert not made.record.open_attempt
    assert made.events == ()


def test_a_late_answer_does_not_close_the_attempt_that_is_in_flight():
    before = record("sending", fence=3, marked=3)

    made = settle(before, attempt(1), result(NotApplied(code="http-429")))

    assert made.record == before


def test_a_fenced_out_worker_that_never_marked_changes_nothing():
    for outcome in (Applied(ids=IDS), NotApplied(code="connect-timeout"), Blocked(code="config")):
        before = fenced_out("unknown")

        made = settle(before, attempt(1, marked=False), result(outcome, None))

        assert made.record == before
        assert made.attempt.ended_at == ENDED


# A lease that ends


def test_a_lease_that_ends_without_a_mark_was_no_attempt():
    before = record(fence=3, lease_until=NOW, due_at=NOW)

    made = lease_ended(before, NOW)

    assert (made.record.state, made.record.fence, made.record.lease_until) == ("queued", 4, None)
    assert (made.record.attempts, made.record.doubt, made.record.due_at) == (0, False, NOW)
    assert made.events == ()


def test_a_lease_that_ends_after_the_mark_leaves_the_outcome_unknown():
    before = record("sending", fence=3, marked=3, lease_until=NOW)

    made = lease_ended(before, NOW)

    after = made.record
    assert (after.state, after.fence, after.lease_until, after.doubt) == ("unknown", 4, None, True)
    assert (after.due_at, after.open_attempt, after.attempts) == (NOW, True, 1)
    assert made.events == ("task.unknown",)


def test_there_is_nothing_to_end_without_a_lease():
    assert lease_ended(record(), NOW) is None


@pytest.mark.parametrize("state", ["held", "submitted", "delivered", "failed", "unknown", "cancelled"])
def test_a_lease_left_over_elsewhere_is_just_taken_away(state):
    before = record(state, lease_until=NOW)

    made = lease_ended(before, NOW)

    assert changed(before, made.record) == {"lease_until"}
    assert made.events == ()


def test_neither_the_old_worker_s_mark_nor_a_second_one_passes_after_the_lease_ended():
    before = record(fence=3, lease_until=NOW)
    after = lease_ended(before, NOW).record

    assert mark(after, attempt(3, marked=False), NOW, SENT_BY) is None


def test_an_attempt_s_row_shows_no_patient_text():
    before = record("sending")
    made = settle(before, sent(before), result(Refused(code="refused", message="Okafor is unknown")))

    assert b"Okafor" not in msgspec.json.encode(made.attempt)
    assert "Okafor" not in repr(made)


def test_the_fence_of_the_attempt_decides_and_not_its_times():
    before = record("sending", fence=2, marked=2)
    stale = structs.replace(sent(before, 1), started_at=later(hours=1))

    assert settle(before, stale, result(Refused(code="refused"))).record.state == "sending"


def test_a_second_mark_of_the_same_attempt_holds_only_while_the_lease_is_its_own():
    sending = record("sending")

    again = mark(sending, attempt(), ENDED, later(minutes=1))

    assert (again.record.sent_by, again.record.attempts) == (later(minutes=1), sending.attempts)
    assert mark(record("unknown"), attempt(), ENDED, later(minutes=1)) is None
    assert mark(record("sending", fence=2), attempt(), ENDED, later(minutes=1)) is None
