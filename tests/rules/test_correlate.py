"""Which delivery a sighting is of: exactly one, or it is parked."""

from itertools import permutations

import pytest
from rules.records import VALUES, note, record, sighting

from gateway.rules.correlate import Match, Parked, correlate, echoes, fits
from schemas.outcome import Sighting

TEXT = "Call Ms. Okafor back about her labs"


def found(seen, *candidates):
    """The id and the evidence, the same in whatever order the candidates come; None when it is parked."""
    answers = [correlate(seen, order) for order in permutations(candidates)]
    assert all(answer == answers[0] for answer in answers)
    return (answers[0].delivery_id, answers[0].by) if isinstance(answers[0], Match) else None


def task(number, state="submitted", **facts):
    return record(state, id=f"tsk_{number}", **facts)


ECHO = {"description": TEXT}

# The order of evidence


def test_the_vendor_s_id_comes_before_everything_else():
    by_id, by_job, by_mark = task(1, vendor_id="abc"), task(2, job_id="7"), task(3)
    seen = sighting(ids={"id": "abc", "job_id": "7"}, ref="tsk_3", values=ECHO)

    assert found(seen, by_id, by_job, by_mark) == ("tsk_1", "vendor id")


def test_the_job_comes_before_our_mark():
    seen = sighting(ids={"id": "new", "job_id": "7"}, ref="tsk_3", values=ECHO)

    assert found(seen, task(2, job_id="7"), task(3)) == ("tsk_2", "job id")


def test_our_mark_comes_before_the_content():
    same_text = task(1, values={"description": TEXT})
    marked = task(3, values={"description": "Something else entirely"})

    assert found(sighting(ids={"id": "new"}, ref="tsk_3", values=ECHO), same_text, marked) == ("tsk_3", "our mark")


def test_the_content_comes_last():
    assert found(sighting(ids={"id": "new"}, values=ECHO), task(1), task(2, values={})) == ("tsk_1", "content")


def test_the_emr_s_id_is_a_vendor_s_id_too():
    assert found(sighting(ids={"emr_id": "e-9"}), task(1, emr_id="e-9"), task(2)) == ("tsk_1", "vendor id")
    assert found(sighting(ids={"id": "abc", "emr_id": "e-9"}), task(1, emr_id="e-9")) == ("tsk_1", "vendor id")


# Exactly one, or parked


def test_nothing_fits_nothing():
    assert correlate(sighting(ids={"id": "abc"}), []) == Parked("no delivery has these ids")
    assert correlate(sighting(ids={"id": "abc"}, values=ECHO), []) == Parked("no delivery fits")
    assert correlate(sighting(), [record("unknown")]) == Parked("no delivery has these ids")


@pytest.mark.parametrize(
    ("seen", "facts", "by"),
    [
        (sighting(ids={"id": "abc"}), {"vendor_id": "abc"}, "vendor id"),
        (sighting(ids={"job_id": "7"}), {"job_id": "7"}, "job id"),
        (sighting(values=ECHO), {}, "content"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_two_that_fit_are_never_chosen_between(seen, facts, by):
    assert correlate(seen, [task(1, **facts), task(2, **facts)]) == Parked(f"2 deliveries fit by {by}")


def test_two_that_share_a_job_are_not_chosen_between_by_weaker_evidence():
    seen = sighting(ids={"job_id": "7"}, ref="tsk_1", values=ECHO)

    assert found(seen, task(1, job_id="7"), task(2, job_id="7", values={})) is None


def test_two_equal_tasks_are_never_mixed_up():
    first, second = task(1, "unknown"), task(2, "unknown")
    settled = task(1, "delivered", vendor_id="abc")

    assert found(sighting(ids={"id": "abc"}, values=ECHO), first, second) is None
    assert found(sighting(ids={"id": "abc"}, values=ECHO), settled, second) == ("tsk_1", "vendor id")
    assert found(sighting(ids={"id": "def"}, values=ECHO), settled, second) == ("tsk_2", "content")


def test_of_two_equal_tasks_the_one_in_flight_may_be_meant_too():
    assert found(sighting(ids={"id": "abc"}, values=ECHO), task(1, "sending"), task(2, "unknown")) is None


# Operations


def test_a_job_s_number_means_one_thing_in_each_operation():
    the_task, the_note = task(1, job_id="12345"), note("submitted", job_id="12345")
    claim = record("submitted", id="clm_1", kind="claim", job_id="12345", values={"appointment_id": "a1"})

    for operation, delivery in (("create_task", the_task), ("add_note", the_note), ("create_claim", claim)):
        seen = Sighting(says="created", operation=operation, ids={"job_id": "12345"})

        assert found(seen, the_task, the_note, claim) == (delivery.id, "job id")


def test_a_sighting_of_no_operation_may_be_of_any_but_of_one_only():
    seen = Sighting(says="created", ids={"job_id": "12345"})

    assert found(seen, task(1), note("submitted", job_id="12345")) == ("note_1", "job id")
    assert found(seen, task(1, job_id="12345"), note("submitted", job_id="12345")) is None


def test_a_note_is_not_a_task_of_the_same_words():
    assert found(sighting(values={"text": TEXT}), note("unknown", values={"text": TEXT})) is None


def test_another_operation_s_number_does_not_stand_in_the_way_of_the_content():
    seen = Sighting(says="created", operation="add_note", ids={"job_id": "12345"}, values={"text": TEXT})
    lost = note("unknown", values={"text": TEXT})

    assert found(seen, task(1, job_id="12345"), lost) == ("note_1", "content")


# Ids that contradict


def test_a_job_is_not_that_of_a_delivery_with_another_id():
    for known in ({"vendor_id": "other"}, {"emr_id": "other"}):
        assert found(sighting(ids={"id": "abc", "emr_id": "e-9", "job_id": "7"}), task(1, job_id="7", **known)) is None


def test_another_vendor_id_weighs_more_than_the_same_emr_id():
    assert found(sighting(ids={"id": "abc", "emr_id": "e-9"}), task(1, vendor_id="other", emr_id="e-9")) is None


def test_our_mark_leads_to_the_delivery_even_under_another_id():
    copied = sighting(ids={"id": "copy"}, ref="tsk_1")

    assert found(copied, task(1, "delivered", vendor_id="abc")) == ("tsk_1", "our mark")


@pytest.mark.parametrize(
    "known", [{"job_id": "7", "vendor_id": "other"}, {"emr_id": "e-9", "vendor_id": "other"}], ids=["job", "EMR id"]
)
def test_ids_that_belong_to_a_delivery_are_not_given_to_another_of_the_same_words(known):
    seen = sighting(ids={"id": "abc", "emr_id": "e-9", "job_id": "7"}, values=ECHO)

    assert found(seen, task(1, "delivered", **known), task(2, "unknown")) is None


def test_a_delivery_of_another_job_is_not_meant_by_the_same_words():
    assert found(sighting(ids={"job_id": "8"}, values=ECHO), task(1, job_id="7")) is None
    assert found(sighting(ids={"job_id": "8", "emr_id": "x"}, values=ECHO), task(1, emr_id="e-9")) is None


# Content


@pytest.mark.parametrize("state", ["queued", "held", "sending", "submitted", "unknown"])
def test_content_finds_what_was_sent_and_is_open(state):
    assert found(sighting(values=ECHO), task(1, state, attempted=True)) == ("tsk_1", "content")


@pytest.mark.parametrize("state", ["queued", "held"])
def test_content_does_not_find_what_was_never_sent(state):
    assert found(sighting(values=ECHO), task(1, state)) is None


@pytest.mark.parametrize("state", ["rejected", "failed", "cancelled"])
def test_content_finds_what_was_sent_and_ended_badly_so_that_it_is_not_taken_for_safe_to_resend(state):
    assert found(sighting(values=ECHO), task(1, state, attempted=True)) == ("tsk_1", "content")


@pytest.mark.parametrize("state", ["rejected", "failed", "cancelled"])
def test_an_open_delivery_is_found_before_an_equal_one_that_ended_badly(state):
    ended, open_ = task(1, state, attempted=True), task(2, "unknown", attempted=True)
    assert found(sighting(values=ECHO), ended, open_) == ("tsk_2", "content")


def test_of_two_equal_ones_that_ended_badly_neither_is_found():
    ended = [task(number, "failed", attempted=True) for number in (1, 2)]
    assert found(sighting(values=ECHO), *ended) is None


def test_content_does_not_find_what_has_an_id():
    assert found(sighting(values=ECHO), task(1, vendor_id="abc")) is None


OURS = {
    "description": "Due: 2026-03-05 09:00 CST\n\nCall Ms. Okafor  back about her labs",
    "patient.mrn": "1001",
    "assignees": ["7f3c", "91aa"],
    "title": "Call back",
}
# fmt: off
ECHOES = {
    "every field": (OURS, True),
    "the text alone": ({"description": OURS["description"]}, True),
    "other white space": ({"description": "Due: 2026-03-05 09:00 CST Call Ms. Okafor back about\ther labs "}, True),
    "twenty characters of it": ({"description": "Due: 2026-03-05 09:0"}, True),
    "nineteen": ({"description": "Due: 2026-03-05 09:"}, False),
    "twenty with white space that goes": ({"description": "Due: 2026-03-05  09:"}, False),
    "not its beginning": ({"description": "Call Ms. Okafor back about her labs"}, False),
    "more than we sent": ({"description": OURS["description"] + "!"}, False),
    "other letters": ({"description": OURS["description"].upper()}, False),
    "an empty text": ({"description": ""}, False),
    "no text": ({"title": "Call back", "patient.mrn": "1001"}, False),
    "nothing": ({}, False),
    "another patient": ({**OURS, "patient.mrn": "1002"}, False),
    "a patient's number as a number": ({**OURS, "patient.mrn": 1001}, True),
    "a beginning of another field": ({**OURS, "title": "Call"}, False),
    "a field we did not send": ({**OURS, "priority": "high"}, False),
    "a list in another order": ({**OURS, "assignees": ["91aa", "7f3c"]}, True),
    "a list cut short": ({**OURS, "assignees": ["7f3c"]}, True),
    "a list of another": ({**OURS, "assignees": ["b0b0"]}, False),
    "a list of more": ({**OURS, "assignees": ["7f3c", "91aa", "b0b0"]}, False),
    "an empty list": ({**OURS, "assignees": []}, False),
    "one for a list": ({**OURS, "assignees": "7f3c"}, False),
}
# fmt: on


@pytest.mark.parametrize(("theirs", "same"), ECHOES.values(), ids=ECHOES)
def test_every_field_that_is_echoed_must_be_equal(theirs, same):
    assert echoes(theirs, OURS) == same


@pytest.mark.parametrize("telling", ["description", "text", "appointment_id"])
def test_the_text_or_the_appointment_must_be_among_the_echoed(telling):
    assert echoes({telling: "a1"}, {telling: "a1", "title": "x"})
    assert not echoes({"title": "x"}, {telling: "a1", "title": "x"})


def test_only_a_text_may_be_cut_short():
    long = "a1" * 20

    assert echoes({"text": long[:30]}, {"text": long})
    assert not echoes({"appointment_id": long[:30]}, {"appointment_id": long})


# A guess for people and for absence


def test_whatever_evidence_there_is_makes_a_sighting_possible():
    lost = task(1, "unknown")

    assert fits(lost, sighting(values={"description": VALUES["description"]}))
    assert fits(lost, sighting(ref="tsk_1"))
    assert fits(task(1, job_id="7"), sighting(ids={"job_id": "7"}))
    assert not fits(lost, sighting(ids={"id": "abc"}))
    assert not fits(lost, Sighting(says="created", operation="add_note", ref="tsk_1"))
