"""What a vendor told us of a delivery, applied to its record."""

import pytest
from rules.records import NOW, changed, later, record, sighting

from gateway.rules.attempts import mark
from gateway.rules.change import Attempt
from gateway.rules.evidence import see
from gateway.rules.wishes import cancel
from schemas.delivery import WorkStatus
from schemas.problem import problem

STATES = ("queued", "held", "sending", "submitted", "delivered", "rejected", "failed", "unknown", "cancelled")
IDS = {"id": "abc123", "emr_id": "e-9", "job_id": "12345"}
AT = later(minutes=10)

# State before, what is said, state after; None: nothing changes.
# fmt: off
SEEN = {
    "a submitted task was created": ("submitted", "created", "delivered"),
    "a submitted task failed": ("submitted", "failed", "failed"),
    "an unknown task was created": ("unknown", "created", "delivered"),
    "an unknown task was taken": ("unknown", "accepted", "submitted"),
    "an unknown task failed": ("unknown", "failed", "failed"),
    "a task to be sent again was created": ("queued", "created", "delivered"),
    "a task to be sent again was taken": ("queued", "accepted", "submitted"),
    "a task to be sent again failed": ("queued", "failed", "failed"),
    "a held task that was sent before was created": ("held", "created", "delivered"),
}
# fmt: on


@pytest.mark.parametrize(("state", "says", "to"), SEEN.values(), ids=SEEN)
def test_what_is_seen_settles_what_is_open(state, says, to):
    before = record(
        state, attempted=True, fence=3, lease_until=AT, due_at=AT, doubt=True, overdue=True, version=5, absent_at=NOW
    )

    made = see(before, sighting(says, ids=IDS), AT)

    after = made.record
    assert (after.state, after.ids, after.version, after.updated_at) == (to, IDS, 6, AT)
    assert (after.fence, after.lease_until, after.doubt, after.overdue, after.absent_at) == (
        4,
        None,
        False,
        False,
        None,
    )
    assert made.events == (f"task.{to}",)


def test_a_failure_is_told_in_the_vendor_s_words_and_may_be_sent_again():
    after = see(record("submitted"), sighting("failed", reason="Patient not found."), AT).record

    assert (after.content.problem.code, after.content.problem.detail) == ("vendor-failed", "Patient not found.")
    assert after.safe_to_resend


def test_a_creation_clears_an_earlier_problem():
    before = record("held", attempted=True, problem=problem("connection-blocked"))

    assert see(before, sighting(), AT).record.content.problem is None


def test_what_was_taken_is_overdue_in_time_and_looked_at_at_once():
    after = see(record("unknown", settles_within=60), sighting("accepted"), AT).record

    assert (after.settle_by, after.due_at) == (later(minutes=11), AT)


def test_a_task_that_was_never_sent_cannot_have_been_seen():
    for state in ("queued", "held"):
        for says in ("created", "accepted", "failed"):
            assert see(record(state), sighting(says, ids=IDS), AT) is None


def test_what_is_seen_during_an_attempt_waits_for_its_end():
    for says in ("created", "accepted", "failed"):
        assert see(record("sending"), sighting(says, ids=IDS), AT) is None


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("says", ["changed", "blocked", "other"])
def test_what_tells_of_no_outcome_moves_nothing(state, says):
    assert see(record(state), sighting(says, ids=IDS), AT) is None


# Contradictions


@pytest.mark.parametrize("state", ["rejected", "failed", "cancelled"])
@pytest.mark.parametrize("says", ["created", "accepted"])
def test_a_creation_contradicts_what_ended_badly(state, says):
    made = see(record(state, attempted=True), sighting(says, ids=IDS), AT)

    assert (made.record.state, made.record.conflict, made.record.safe_to_resend) == (state, True, False)
    assert made.events == ("task.conflict",)


def test_a_creation_of_what_was_sent_again_as_new_suspects_a_duplicate():
    made = see(record("failed", attempted=True, retried_as="tsk_2"), sighting(ids=IDS), AT)

    assert made.events == ("task.conflict", "task.duplicate_suspected")


# fmt: off
CONTRADICTED = {
    "a failure": (sighting("failed"), True),
    "another id": (sighting(ids={"id": "other"}), True),
    "another EMR id": (sighting(ids={"id": "abc123", "emr_id": "other"}), True),
    "the same ids": (sighting(ids=IDS), False),
    "another job": (sighting(ids={"id": "abc123", "job_id": "other"}), False),
    "no ids": (sighting(), False),
}
# fmt: on


@pytest.mark.parametrize(("seen", "contradicts"), CONTRADICTED.values(), ids=CONTRADICTED)
def test_what_was_delivered_is_contradicted_by_a_failure_or_another_id(seen, contradicts):
    before = record("delivered", vendor_id="abc123", emr_id="e-9", job_id="12345")

    made = see(before, seen, AT)

    assert (made is not None) == contradicts
    if contradicts:
        assert changed(before, made.record) == {"conflict"}
        assert made.events == ("task.conflict",)


def test_a_conflict_is_raised_once():
    assert see(record("failed", attempted=True, conflict=True), sighting(ids=IDS), AT) is None


def test_a_failure_of_what_failed_is_no_news():
    for state in ("rejected", "failed", "cancelled"):
        assert see(record(state, attempted=True), sighting("failed", ids={}), AT) is None


# More of the same


def test_the_same_again_changes_nothing():
    before = record("submitted")
    once = see(before, sighting(ids=IDS), AT).record

    assert see(once, sighting(ids=IDS), later(hours=1)) is None


def test_an_id_learnt_later_is_added_without_an_event():
    before = record("delivered", vendor_id="abc123")

    made = see(before, sighting(ids=IDS), AT)

    assert changed(before, made.record) == {"emr_id", "job_id"}
    assert (made.record.version, made.events) == (before.version + 1, ())


def test_an_id_once_known_is_kept():
    after = see(record("submitted", vendor_id="abc123"), sighting(ids={"id": "other"}), AT).record

    assert after.vendor_id == "abc123"


# Work


def test_work_comes_with_the_creation_and_says_nothing_of_a_change():
    made = see(record("submitted"), sighting(work="pending", work_raw="not_started"), AT)

    assert made.record.work == WorkStatus(status="pending", raw="not_started", at=AT)
    assert made.events == ("task.delivered",)


def test_work_goes_back_and_forth_and_each_change_is_told():
    before = record("delivered", work=WorkStatus(status="completed", raw="completed", at=NOW))

    made = see(before, sighting(work="in_progress", work_raw="in_progress"), AT)

    assert changed(before, made.record) == {"work"}
    assert made.record.state == "delivered"
    assert made.events == ("task.work_changed",)


def test_the_same_work_again_is_no_news():
    before = record("delivered", work=WorkStatus(status="pending", raw="not_started", at=NOW))

    assert see(before, sighting(work="pending", work_raw="not_started"), AT) is None


# Fences


def test_a_worker_cannot_send_what_was_seen_to_be_created():
    waiting = record("queued", attempted=True, fence=3, lease_until=AT)
    worker = Attempt(delivery_id="tsk_1", fence=3, started_at=NOW)

    after = see(waiting, sighting(ids=IDS), AT).record

    assert mark(after, worker, AT, AT) is None


def test_a_creation_seen_of_a_cancelled_task_is_a_conflict():
    cancelled = cancel(record("queued", attempted=True), NOW).record

    assert see(cancelled, sighting(ids=IDS), AT).record.conflict
