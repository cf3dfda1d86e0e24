"""What a connection fills in when a command leaves it out."""

from datetime import UTC, datetime

import pytest
from rules.clinics import HARBOR, HILLTOP, LAKESIDE, report, sound, task, with_defaults, with_need, wrong
from rules.records import NOW

from gateway.rules.defaults import due

EMR = {"connection": "emr", "patient": {"mrn": "1001"}}


def at(text):
    return datetime.fromisoformat(text)


# due_in: Chicago is at -06:00 until 02:00 on 8 March 2026, at -05:00 until 02:00 on 1 November

# fmt: off
DUE = {
    "days keep the hour": ("2d", "2026-03-03T15:00:00+00:00", "2026-03-05T09:00:00-06:00"),
    "days keep the hour when an hour is lost": ("2d", "2026-03-07T15:00:00+00:00", "2026-03-09T09:00:00-05:00"),
    "days keep the hour when an hour is won": ("1d", "2026-10-31T14:00:00+00:00", "2026-11-01T09:00:00-06:00"),
    "weeks keep the hour": ("1w", "2026-03-02T15:00:00+00:00", "2026-03-09T09:00:00-05:00"),
    "hours are hours": ("24h", "2026-03-07T15:00:00+00:00", "2026-03-08T10:00:00-05:00"),
    "hours are hours when one is won": ("24h", "2026-10-31T14:00:00+00:00", "2026-11-01T08:00:00-06:00"),
    "minutes": ("30m", "2026-03-08T07:45:00+00:00", "2026-03-08T03:15:00-05:00"),
    "seconds count, their fractions do not": ("1d", "2026-03-02T15:00:07.9+00:00", "2026-03-03T09:00:07-06:00"),
    "the day is the clinic's": ("1d", "2026-03-03T03:00:00+00:00", "2026-03-03T21:00:00-06:00"),
    "an hour that does not exist is the one after it": (
        "1d", "2026-03-07T08:30:00+00:00", "2026-03-08T03:30:00-05:00"),
}
# fmt: on


@pytest.mark.parametrize(("due_in", "now", "expected"), DUE.values(), ids=DUE)
def test_due_in_counts_on_the_clinic_s_own_clock(due_in, now, expected):
    made = due(due_in, LAKESIDE, at(now))

    assert made.astimezone(UTC) == at(expected).astimezone(UTC)


def test_due_in_goes_out_with_the_offset_of_its_day():
    made = sound(LAKESIDE, task(type="vob"), now=at("2026-03-07T15:00:00+00:00"))

    assert made.values["due_at"] == "2026-03-09T09:00:00-05:00"
    assert report(made)["due_at"] == ("defaulted", "deadline")


@pytest.mark.parametrize("due_in", ["", "2", "d", "2 d", "-1d", "1.5d", "2y", "2d\n3"])
def test_what_is_no_span_is_never_guessed_at(due_in):
    with pytest.raises(ValueError, match="a number and"):
        due(due_in, LAKESIDE, NOW)


# title_from

# fmt: off
TITLES = {
    "the first line": ("Call back\nabout labs", "Call back"),
    "the first that is not blank": ("\n  \n  Call back  \nabout labs", "Call back"),
    "a line of 120": ("x" * 120, "x" * 120),
    "the first 120 of a longer one": ("x" * 121, "x" * 120),
    "lines of other systems": ("Call back\r\nabout labs", "Call back"),
}
# fmt: on


@pytest.mark.parametrize(("description", "title"), TITLES.values(), ids=TITLES)
def test_a_title_from_the_description_is_its_first_line(description, title):
    made = sound(HILLTOP, task(description=description))

    assert made.values["title"] == title
    assert made.values["description"] == description
    assert report(made)["title"] == ("defaulted", "title")


def test_a_title_that_is_set_goes_before_one_from_the_description():
    assert sound(with_defaults(HILLTOP, "tasks", title="From intake"), task()).values["title"] == "From intake"


# When they are used


def test_what_is_given_is_not_defaulted():
    made = sound(LAKESIDE, task(phone_call_type_id="7", **EMR))

    assert made.values["phone_call_type_id"] == "7"
    assert report(made)["phone_call_type_id"] == ("sent", "phone_call_type_id")


def test_what_is_blank_is_defaulted():
    for nothing in (None, "", "  "):
        made = sound(LAKESIDE, task(phone_call_type_id=nothing, **EMR))

        assert report(made)["phone_call_type_id"] == ("defaulted", "phone_call_type_id")


def test_a_default_is_not_used_where_there_is_no_place_for_it():
    made = sound(with_defaults(LAKESIDE, "emr", type="vob", tags=("a",), created_by="dr-wilson"), task(**EMR))

    assert report(made).keys() == {"description", "patient.mrn", "phone_call_type_id"}


def test_a_default_is_not_used_where_the_field_would_be_folded():
    made = sound(with_defaults(LAKESIDE, "emr", due_in="2d", priority="high"), task(**EMR))

    assert made.values["description"] == "Call Ms. Okafor back"
    assert not report(made).keys() & {"due_at", "priority"}


def test_a_default_is_not_used_where_a_row_refuses_the_field():
    made = sound(with_need(LAKESIDE, "emr", "phone_call_type_id", "refused"), task(**EMR))

    assert "phone_call_type_id" not in made.values
    assert "phone_call_type_id" not in report(made)


def test_a_default_person_goes_by_their_id_here():
    made = sound(LAKESIDE, task(type="vob"))

    assert (made.values["created_by"], made.values["assignees"]) == ("b0b0", ["7f3c", "91aa"])
    assert report(made)["assignees"] == ("defaulted", "assigned_user_ids")


def test_a_default_person_without_an_id_here_is_neither_sent_nor_folded():
    for people in ({"assignees": ("front-desk",)}, {"notify": ("front-desk",)}):
        made = sound(with_defaults(LAKESIDE, "emr", **people), task(**EMR))

        assert made.values["description"] == "Call Ms. Okafor back"
        assert report(made).keys() == {"description", "patient.mrn", "phone_call_type_id"}


def test_a_default_person_without_an_id_here_satisfies_no_requirement():
    clinic = with_need(with_defaults(LAKESIDE, "emr", assignees=("front-desk",)), "emr", "assignees", "required")

    assert wrong(clinic, task(**EMR)) == [("missing-required-fields", "/assignees")]


def test_a_default_list_is_as_long_as_the_place_and_the_rest_is_not_folded():
    clinic = with_defaults(LAKESIDE, "emr", assignees=("id:a", "id:b"))

    made = sound(clinic, task(**EMR))

    assert made.values["assignees"] == ["a"]
    assert made.values["description"] == "Call Ms. Okafor back"
    assert {field: fate for field, (fate, _) in report(made).items() if field.startswith("assignees")} == {
        "assignees": "defaulted"
    }


def test_a_default_satisfies_a_requirement():
    assert sound(HARBOR, task(encounter_note_id="n1", assignees=["dr-wilson"])).values["created_by"].startswith("prv_")
