"""What people ask of a delivery: granted, or refused with the code that says why."""

import pytest
from msgspec import structs
from rules.records import NOW, attempt, changed, later, record, result, sighting

from gateway.rules.attempts import mark, settle
from gateway.rules.evidence import see
from gateway.rules.wishes import Refusal, cancel, resolve, retry
from schemas.outcome import Applied, Unknown

AT = later(minutes=10)


def refused(wish, *given, **facts):
    with pytest.raises(Refusal) as found:
        wish(*given, **facts)
    return found.value.code


# Cancel


@pytest.mark.parametrize("state", ["queued", "held"])
def test_what_waits_can_be_withdrawn(state):
    made = cancel(record(state, fence=3, lease_until=AT, due_at=NOW), AT)

    after = made.record
    assert (after.state, after.fence, after.lease_until, after.due_at) == ("cancelled", 4, None, None)
    assert after.content.problem.code == "cancelled"
    assert after.safe_to_resend
    assert made.events == ("task.cancelled",)


def test_a_worker_that_holds_the_lease_can_no_longer_mark_what_was_cancelled():
    after = cancel(record(fence=3, lease_until=AT), NOW).record

    assert mark(after, attempt(3, marked=False), NOW, AT) is None


@pytest.mark.parametrize("state", ["sending", "submitted", "unknown", "delivered", "rejected", "failed"])
def test_it_is_too_late_to_withdraw_what_has_left_or_ended(state):
    assert refused(cancel, record(state), AT) == "too-late"


def test_it_is_too_late_while_an_attempt_is_open():
    for state in ("queued", "held"):
        assert refused(cancel, record(state, attempted=True, open_attempt=True), AT) == "too-late"


def test_to_cancel_what_is_cancelled_changes_nothing():
    assert cancel(record("cancelled"), AT) is None


# Retry


@pytest.mark.parametrize("state", ["queued", "held"])
def test_what_was_forgotten_or_cannot_be_read_is_not_made_anew_and_may_still_be_looked_at(state):
    sealed = structs.replace(record().content, sealed=b"x")
    assert refused(retry, record("rejected", purged=True), AT) == "not-resendable"
    assert refused(retry, structs.replace(record("rejected"), content=sealed), AT) == "unreadable"
    assert retry(structs.replace(record(state), content=sealed), AT) is not None


@pytest.mark.parametrize("state", ["queued", "held"])
def test_to_retry_what_waits_is_to_look_now(state):
    before = record(state, due_at=later(hours=4))

    made = retry(before, AT)

    assert changed(before, made.record) == {"due_at"}
    assert (made.record.due_at, made.record.version, made.events) == (AT, 2, ())


@pytest.mark.parametrize("state", ["rejected", "failed"])
def test_what_ended_badly_is_retried_as_a_new_delivery(state):
    assert retry(record(state), AT) is None
    assert refused(retry, record(state, retried_as="tsk_2"), AT) == "already-retried"


@pytest.mark.parametrize("state", ["sending", "submitted", "delivered", "cancelled"])
def test_what_is_under_way_or_done_is_not_retried(state):
    assert refused(retry, record(state), AT) == "not-resendable"


@pytest.mark.parametrize(
    "before", [record("unknown"), record("failed", conflict=True), record("rejected", conflict=True)]
)
def test_what_may_have_been_created_is_resolved_first(before):
    assert refused(retry, before, AT) == "outcome-unknown"


# Resolve

OPEN = {
    "an unknown outcome": record("unknown", doubt=True, fence=3, open_attempt=True, due_at=NOW),
    "an overdue result": record("submitted", overdue=True, fence=3),
    "a conflict of what failed": record("failed", attempted=True, conflict=True, fence=3),
    "a conflict of what was rejected": record("rejected", conflict=True, fence=3),
    "a conflict of what was delivered": record("delivered", conflict=True, fence=3),
    "a conflict of what was cancelled": record("cancelled", attempted=True, conflict=True, fence=3),
}
every_open_question = pytest.mark.parametrize("before", OPEN.values(), ids=OPEN)


@every_open_question
def test_a_person_settles_that_it_was_created(before):
    made = resolve(before, AT, created=True, ids={"id": "abc123", "emr_id": "e-9"})

    after = made.record
    assert (after.state, after.ids) == ("delivered", {"id": "abc123", "emr_id": "e-9"})
    assert (after.conflict, after.overdue, after.doubt, after.open_attempt) == (False, False, False, False)
    assert (after.fence, after.lease_until, after.due_at, after.content.problem) == (4, None, None, None)
    assert made.events == (() if before.state == "delivered" else ("task.delivered",))


@every_open_question
def test_a_person_settles_that_it_was_not_created(before):
    made = resolve(before, AT, created=False, ids={})

    after = made.record
    assert (after.state, after.content.problem.code, after.safe_to_resend) == ("failed", "not-created", True)
    assert (after.conflict, after.overdue, after.open_attempt) == (False, False, False)
    assert after.doubt == before.attempted  # a person's word is no proof
    assert made.events == (() if before.state == "failed" else ("task.failed",))


def test_the_id_that_a_person_found_replaces_the_one_that_was_doubted():
    disputed = record("delivered", vendor_id="first", emr_id="e-1", job_id="7", conflict=True)

    after = resolve(disputed, AT, created=True, ids={"id": "second"}).record

    assert after.ids == {"id": "second", "emr_id": "e-1", "job_id": "7"}


@pytest.mark.parametrize("created", [True, False])
@pytest.mark.parametrize(
    "before",
    [
        record(state)
        for state in ("queued", "held", "sending", "submitted", "delivered", "rejected", "failed", "cancelled")
    ],
    ids=lambda it: it.state,
)
def test_there_is_nothing_to_resolve_without_an_open_question(before, created):
    assert refused(resolve, before, AT, created=created, ids={}) == "not-resolvable"


def test_the_emr_id_of_what_is_delivered_may_be_told_later_and_changes_nothing_else():
    before = record("delivered", vendor_id="abc", version=4)

    made = resolve(before, AT, created=True, ids={"id": "abc", "emr_id": "e-9"})

    assert changed(before, made.record) == {"emr_id"}
    assert (made.record.emr_id, made.record.version) == ("e-9", 5)
    assert made.events == ()


@pytest.mark.parametrize("ids", [{"id": "other", "emr_id": "e-9"}, {"id": "abc"}, {}], ids=["other", "none", "nothing"])
def test_nothing_else_is_told_of_what_is_delivered(ids):
    assert refused(resolve, record("delivered", vendor_id="abc"), AT, created=True, ids=ids) == "not-resolvable"


def test_an_emr_id_that_is_known_is_not_told_again():
    known = record("delivered", vendor_id="abc", emr_id="e-1")

    assert refused(resolve, known, AT, created=True, ids={"emr_id": "e-9"}) == "not-resolvable"


def test_the_word_of_a_person_stands_against_the_attempt_s_late_failure():
    unknown = record("unknown", fence=2, marked=1, open_attempt=True)
    resolved = resolve(unknown, AT, created=False, ids={}).record

    assert settle(resolved, attempt(1), result(Unknown(code="http-502"))).record == resolved


def test_what_was_created_after_all_contradicts_the_word_of_a_person():
    resolved = resolve(record("unknown", fence=2, marked=1), AT, created=False, ids={}).record

    for made in (settle(resolved, attempt(1), result(Applied(ids={"id": "a"}))), see(resolved, sighting(), AT)):
        assert (made.record.conflict, made.record.safe_to_resend) == (True, False)
