"""Drift: what a refusal teaches of the capability table, and what became of a rule on trial."""

import pytest
from msgspec import structs
from rules.clinics import LAKESIDE, with_need
from rules.records import attempt, record, result

from gateway.rules.attempts import settle
from gateway.rules.drift import Observed, observed, told, tried
from schemas.delivery import Mapped
from schemas.outcome import Applied, Blocked, NotApplied, Pending, Refused, Unknown
from schemas.problem import problem

PHONE = Observed(field="phone_call_type_id", vendor_name="phone_call_type_id", code="missing-field", status=400)
TITLE = Observed(field="title", vendor_name="subject", code="missing-field", status=400)
NAMELESS = Observed(field=None, vendor_name="department_id", code="missing-field", status=400)
UNTITLED = {"description": "Call Ms. Okafor back", "patient.mrn": "1001"}


def missing(field, ours=None):
    """A refusal for want of what the vendor calls `field`."""
    return Refused(code="missing-field", message="Missing required field", field=field, ours=ours)


UNTITLED_REFUSED = missing("subject", "title")


def seen(outcome, clinic=LAKESIDE, before=None):
    return observed(before or record("sending", UNTITLED), clinic.connections["emr"], outcome, 400)


# fmt: off
TAUGHT = {
    "a field that is optional": (missing("phone_call_type_id", "phone_call_type_id"), PHONE),
    "a field that the vendor calls otherwise": (UNTITLED_REFUSED, TITLE),
    "a name of no place": (missing("department_id"), NAMELESS),
    "our own name for another field": (missing("title"), structs.replace(NAMELESS, vendor_name="title")),
    "our own name for what is only folded": (missing("priority"), structs.replace(NAMELESS, vendor_name="priority")),
    "a nested name": (missing("visit.items[0]"), structs.replace(NAMELESS, vendor_name="visit.items[0]")),
    "a field that the table requires": (missing("patient_mrn", "patient.mrn"), None),
    "a refusal for another reason": (Refused(code="invalid-format", field="subject", ours="title"), None),
    "a refusal that says nothing": (Refused(code="refused", message="Missing required field: subject"), None),
    "a refusal that names no field": (missing(None), None),
    "what can be no name": (missing("Ms. Okafor, 12 Elm St"), None),
    "a name out of what was sent": (missing("Okafor"), None),
    "a name without end": (missing("x" * 101), None),
    "no name at all": (missing(""), None),
    "a success": (Applied(ids={"id": "1"}), None),
    "a receipt": (Pending(ids={"id": "1"}), None),
    "a block": (Blocked(code="credentials"), None),
    "a rate limit": (NotApplied(code="http-429"), None),
    "a lost answer": (Unknown(code="deadline"), None),
}
# fmt: on


@pytest.mark.parametrize(("outcome", "taught"), TAUGHT.values(), ids=TAUGHT)
def test_only_a_refusal_for_want_of_a_field_that_is_not_required_teaches(outcome, taught):
    assert seen(outcome) == taught


@pytest.mark.parametrize(
    ("need", "taught"), [("required", None), ("optional", TITLE), ("advisory", TITLE), ("refused", TITLE)]
)
def test_what_the_table_in_force_requires_is_no_news(need, taught):
    assert seen(UNTITLED_REFUSED, with_need(LAKESIDE, "emr", "title", need)) == taught


def test_a_field_that_was_sent_would_not_be_cured_by_requiring_it():
    assert seen(UNTITLED_REFUSED, before=record("sending")) is None


def test_a_field_that_was_sent_among_the_vendors_own_is_no_news():
    before = record("sending", UNTITLED)
    given = structs.replace(before.content, extras={"department_id": "7"})

    assert seen(missing("department_id"), before=structs.replace(before, content=given)) is None


def test_the_event_says_where_and_what_and_nothing_of_the_patient():
    assert told(record("rejected"), TITLE) == {
        "vendor": "cobalt", "emr": "eclinicalworks", "clinic_id": "lakeside-family", "connection": "emr",
        "operation": "create_task", "field": "title", "vendor_name": "subject",
    }  # fmt: skip


# In the same change as the refusal


def test_an_observation_belongs_to_the_refusals_own_change():
    ended = structs.replace(result(UNTITLED_REFUSED, 400), observed=TITLE)

    assert settle(record("sending"), attempt(), ended).observed == TITLE


def test_a_late_refusal_that_settles_an_unknown_teaches_too():
    ended = structs.replace(result(UNTITLED_REFUSED, 400), observed=TITLE)

    assert settle(record("unknown", fence=2, marked=1), attempt(1), ended).observed == TITLE


def test_a_refusal_that_was_written_before_teaches_nothing_twice():
    ended = structs.replace(result(UNTITLED_REFUSED, 400), observed=TITLE)
    before = settle(record("sending"), attempt(), ended).record

    assert settle(before, attempt(), ended).observed is None


# Rules on trial


def without(state, *fields, code=None):
    """A delivery in `state` that lacks fields on trial."""
    made = record(state, problem=problem(code) if code else None)
    mapping = [Mapped(field="title", fate="sent", place="subject"), *(Mapped(field=f, fate="missing") for f in fields)]
    return structs.replace(made, content=structs.replace(made.content, mapping=mapping))


# fmt: off
TRIED = {
    "sent and created": ("sending", "delivered", None, True),
    "found to be there": ("unknown", "delivered", None, True),
    "created later": ("submitted", "delivered", None, True),
    "refused": ("sending", "rejected", "vendor-rejected", False),
    "failed at the vendor's later": ("submitted", "failed", "vendor-failed", False),
    "only taken so far": ("sending", "submitted", None, None),
    "not known": ("sending", "unknown", None, None),
    "given up unsent": ("queued", "failed", "gave-up", None),
    "settled by a person as never made": ("unknown", "failed", "not-created", None),
    "cancelled": ("queued", "cancelled", None, None),
    "counted before": ("rejected", "delivered", None, None),
    "still the same": ("delivered", "delivered", None, None),
}
# fmt: on


@pytest.mark.parametrize(("before", "after", "code", "accepted"), TRIED.values(), ids=TRIED)
def test_a_trial_ends_with_the_vendors_word_alone(before, after, code, accepted):
    ended = tried(without(before, "notify"), without(after, "notify", code=code))

    assert (ended and ended.accepted) is accepted


def test_a_trial_counts_every_field_that_was_missing():
    assert tried(record("sending"), without("delivered", "notify", "priority")).fields == ("notify", "priority")


def test_what_lacks_nothing_is_no_trial():
    assert tried(record("sending"), without("delivered")) is None
