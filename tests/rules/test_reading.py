"""A caller's object read as a command, with everything that is wrong with it, and nothing of it repeated."""

import json
from datetime import datetime

import msgspec
import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from gateway.rules import reading
from gateway.rules.reading import beside, given, read
from schemas.command import AddNote, CreateClaim, CreateTask
from schemas.problem import FieldError

CANARY = "Okafor, Ada 1958"
WHOLE = {"clinic_id": "lakeside-family", "description": "Call back"}
MISSING, INVALID, UNKNOWN = "missing-required-fields", "invalid-value", "unknown-field"


def draft(type_=CreateTask, /, **fields):
    return read({**WHOLE, **fields} if type_ is CreateTask else fields, type_)


def wrong(**fields):
    return [(error.code, error.pointer) for error in draft(**fields).errors]


# What is given


def test_a_whole_command_is_read_as_it_is():
    posted = {
        **WHOLE, "title": "Labs", "patient": {"mrn": "1", "ids": {"cobalt": "2"}}, "assignees": ["a", "b"],
        "created_by": "c", "due_at": "2026-03-05T09:00:00-06:00", "priority": "high", "status": "pending",
        "type": "vob", "tags": ["t"], "notify": ["n"], "phone_call_type_id": "7", "encounter_note_id": "e",
        "source": {"call_id": "1", "fax_id": "2", "assistant_id": "3", "session_id": "4"}, "connection": "emr",
        "vendor_fields": {"cobalt": {"x": 1}}, "reference": "r", "metadata": {"k": "v"},
    }  # fmt: skip

    made = read(posted, CreateTask)

    assert made.errors == ()
    assert msgspec.to_builtins(made.command) == posted
    assert set(posted) == set(CreateTask.__struct_fields__)


@pytest.mark.parametrize("name", [name for name in CreateTask.__struct_fields__ if name not in WHOLE])
def test_null_is_not_given(name):
    made = draft(**{name: None})

    assert made == draft()


# fmt: off
NOTHING = {
    "a blank title": {"title": ""},
    "a title of white space": {"title": " \t\n"},
    "a blank id": {"phone_call_type_id": " "},
    "a blank choice": {"priority": ""},
    "a blank date": {"due_at": ""},
    "an empty list": {"assignees": []},
    "a list of nothing": {"assignees": [None, "", " "]},
    "an empty patient": {"patient": {}},
    "a patient of nothing": {"patient": {"mrn": None, "ids": {"cobalt": " "}}},
    "a source of nothing": {"source": {"call_id": ""}},
    "empty metadata": {"metadata": {}},
}
# fmt: on


@pytest.mark.parametrize("fields", NOTHING.values(), ids=NOTHING)
def test_blank_and_empty_are_not_given(fields):
    assert draft(**fields) == draft()


def test_blank_elements_of_a_list_are_not_given():
    assert draft(tags=["a", " ", None, "b"]).command.tags == ["a", "b"]


def test_metadata_is_the_caller_s_own_and_keeps_its_blanks():
    assert draft(metadata={"k": "", "n": None}).command.metadata == {"k": ""}


def test_vendor_fields_are_the_vendor_s_and_left_as_they_are():
    assert draft(vendor_fields={"task_api": {"x": None, "y": ""}}).command.vendor_fields == {
        "task_api": {"x": None, "y": ""}
    }


def test_white_space_around_a_text_is_kept():
    assert draft(title=" Labs ").command.title == " Labs "


# What is missing


@pytest.mark.parametrize("nothing", [None, "", "  ", ...])
def test_a_description_is_always_required(nothing):
    posted = {"clinic_id": "c"} if nothing is ... else {"clinic_id": "c", "description": nothing}

    made = read(posted, CreateTask)

    [error] = made.errors
    assert (error.code, error.pointer, error.field) == (MISSING, "/description", "description")
    assert (error.source, error.detail) == ("schema: CreateTask", "always required")
    assert made.command.clinic_id == "c", "the rules can find the rest of what is wrong"


@pytest.mark.parametrize("clinic_id", [None, "", 5, ["c"]])
def test_nothing_can_be_read_without_a_clinic(clinic_id):
    made = read({"clinic_id": clinic_id, "description": "x", "title": 5}, CreateTask)

    assert made.command is None
    assert [error.pointer for error in made.errors if error.pointer == "/clinic_id"] == ["/clinic_id"]
    assert "/title" in [error.pointer for error in made.errors]


@pytest.mark.parametrize(("type_", "fields", "pointers"), [
    (CreateClaim, {"clinic_id": "c"}, ["/appointment_id"]),
    (AddNote, {}, ["/text"]),
    (AddNote, {"text": "x"}, []),
])  # fmt: skip
def test_each_command_has_its_own_required_fields(type_, fields, pointers):
    assert [error.pointer for error in draft(type_, **fields).errors] == pointers


def test_a_field_that_is_wrong_is_not_called_missing_too():
    assert wrong(description=5) == [(INVALID, "/description")]


# What is unknown

# fmt: off
STRANGERS = {
    "a misspelt field": ({"asignees": ["a"]}, "/asignees", "asignees", "did you mean 'assignees'?"),
    "a misspelt number": ({"patient": {"mnr": "1"}}, "/patient/mnr", "patient.mnr", "did you mean 'mrn'?"),
    "a misspelt source": ({"source": {"callid": "1"}}, "/source/callid", "source.callid", "did you mean 'call_id'?"),
    "a field like no other": (
        {"patient": {"birthday": "1"}}, "/patient/birthday", "patient.birthday", "the fields here are ids, mrn"),
    "a field that is null": ({"asignees": None}, "/asignees", "asignees", "did you mean 'assignees'?"),
}
# fmt: on


@pytest.mark.parametrize(("fields", "pointer", "field", "detail"), STRANGERS.values(), ids=STRANGERS)
def test_an_unknown_field_is_refused_with_a_suggestion(fields, pointer, field, detail):
    [error] = draft(**fields).errors

    assert (error.code, error.pointer, error.field, error.detail) == (UNKNOWN, pointer, field, detail)


@pytest.mark.parametrize("name", ["Okafor, Ada", "a/b", "a~b", "1958-03-01", "x" * 65, "", " ", "é", "a\nb"])
def test_a_key_that_is_no_name_is_not_repeated(name):
    [outer] = read({**WHOLE, name: "x"}, CreateTask).errors
    [inner] = draft(patient={name: "x"}).errors

    assert (outer.pointer, outer.field) == ("", None)
    assert (inner.pointer, inner.field) == ("/patient", "patient")


# What is invalid

# fmt: off
INVALID_VALUES = {
    "a number for a text": ({"title": 5}, "/title"),
    "a list for a text": ({"title": ["x"]}, "/title"),
    "an object for a text": ({"title": {"x": 1}}, "/title"),
    "true for a text": ({"title": True}, "/title"),
    "a text for a list": ({"tags": "x"}, "/tags"),
    "a number in a list": ({"assignees": ["a", 5]}, "/assignees/1"),
    "a list in a list": ({"tags": [["a"]]}, "/tags/0"),
    "a number for a patient": ({"patient": 5}, "/patient"),
    "a number for a record number": ({"patient": {"mrn": 1001}}, "/patient/mrn"),
    "a number for a vendor's id": ({"patient": {"ids": {"cobalt": 7}}}, "/patient/ids"),
    "a list for ids": ({"patient": {"ids": ["x"]}}, "/patient/ids"),
    "another priority": ({"priority": "High"}, "/priority"),
    "another status": ({"status": "done"}, "/status"),
    "a title too long": ({"title": "x" * 1025}, "/title"),
    "a text too long": ({"description": "x" * 32769}, "/description"),
    "an id too long": ({"reference": "x" * 256}, "/reference"),
    "too many tags": ({"tags": ["x"] * 101}, "/tags"),
    "too long a tag": ({"tags": ["a", "x" * 1025]}, "/tags/1"),
    "a number in metadata": ({"metadata": {"k": 5}}, "/metadata"),
    "too much metadata": ({"metadata": {str(number): "x" for number in range(65)}}, "/metadata"),
    "a text for vendor fields": ({"vendor_fields": "x"}, "/vendor_fields"),
    "a text for one vendor's fields": ({"vendor_fields": {"cobalt": "x"}}, "/vendor_fields"),
}
DATES = ("2026-03-05T09:00:00", "2026-03-05 09:00", "2026-03-05", "09:00", "tomorrow", 1772701200,
         "2026-13-05T09:00:00Z", "2026-03-05T25:00:00Z", "05/03/2026", True, "2026-03-05T09:00:00 America/Chicago")
# fmt: on


@pytest.mark.parametrize(("fields", "pointer"), INVALID_VALUES.values(), ids=INVALID_VALUES)
def test_a_value_of_the_wrong_form_is_pointed_at(fields, pointer):
    assert wrong(**fields) == [(INVALID, pointer)]


@pytest.mark.parametrize("due_at", DATES, ids=str)
def test_a_date_without_an_offset_or_of_another_form_is_refused(due_at):
    [error] = draft(due_at=due_at).errors

    assert (error.code, error.pointer, error.field) == (INVALID, "/due_at", "due_at")
    assert error.detail.startswith("an RFC 3339 date and time with an offset")


@pytest.mark.parametrize("due_at", ["2026-03-05T09:00:00Z", "2026-03-05T09:00:00.5-06:00", "2026-03-05T09:00:00+00:00"])
def test_a_date_with_an_offset_is_taken(due_at):
    assert draft(due_at=due_at).command.due_at == datetime.fromisoformat(due_at)


def test_a_choice_is_told_with_what_there_is_to_choose():
    [priority], [status] = draft(priority="x").errors, draft(status="x").errors

    assert priority.detail == "one of low, medium, high, urgent"
    assert status.detail == "one of pending, in_progress, completed"


def test_a_limit_is_told():
    [long], [wrong_type] = draft(title="x" * 1025).errors, draft(title=5).errors

    assert "1024" in long.detail
    assert wrong_type.detail == "expected str | null, got int"


def test_what_is_wrong_is_left_out_and_the_rest_is_read():
    made = draft(title=5, priority="x", type="vob", patient={"mrn": 5, "ids": {"cobalt": "1"}})

    assert (made.command.title, made.command.priority, made.command.type) == (None, None, "vob")
    assert (made.command.patient.mrn, made.command.patient.ids) == (None, {"cobalt": "1"})


def test_everything_that_is_wrong_is_told_at_once():
    posted = {
        "title": 5,
        "asignees": [],
        "patient": {"mrn": [], "dob": "x", "ids": 5},
        "priority": "x",
        "clinic_id": "c",
    }

    assert sorted(error.pointer for error in read({**posted, "tags": "x"}, CreateTask).errors) == [
        "/asignees", "/description", "/patient/dob", "/patient/ids", "/priority", "/tags", "/title",
    ]  # fmt: skip


# Nothing is repeated

CANARIES = {
    "text": CANARY,
    "list": [CANARY],
    "object": {CANARY: CANARY},
    "deep": {"a": [{"b": CANARY}]},
    "long text": CANARY * 3000,
    "list of numbers and texts": [5, CANARY],
    "object by number": {"ids": {CANARY: 5}, "mrn": {CANARY: CANARY}},
}


@pytest.mark.parametrize("value", CANARIES.values(), ids=CANARIES)
@pytest.mark.parametrize("name", CreateTask.__struct_fields__)
def test_no_error_repeats_a_value(name, value):
    made = read({**WHOLE, name: value}, CreateTask)

    told = json.dumps(msgspec.to_builtins(made.errors), ensure_ascii=False)
    assert CANARY not in told
    assert CANARY not in repr(made)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.just(CANARY) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["mrn", "ids", "a", "/"]), inner),
    max_leaves=8,
)


@generated(st.dictionaries(st.sampled_from([*CreateTask.__struct_fields__, "other"]), JSON))
def test_any_object_is_read_without_an_exception_and_without_an_echo(posted):
    made = read(posted, CreateTask)

    assert CANARY not in str([(error.pointer, error.field, error.detail, error.source) for error in made.errors])
    for error in made.errors:
        at = posted
        for part in error.pointer.split("/")[1:]:
            present = isinstance(at, list) or part in at
            assert present or error.code == MISSING
            at = None if not present else at[int(part)] if isinstance(at, list) else at[part]


RIGHT = {
    "clinic_id": st.just("lakeside-family"),
    "description": st.just("Call back"),
    "title": st.sampled_from(["", "Labs"]),
    "patient": st.sampled_from([{"mrn": "1"}, {"mrn": " ", "ids": {"cobalt": "2"}}, {"mrn": None}, {"ids": {"a": ""}}]),
    "assignees": st.lists(st.sampled_from(["a", "", None]), max_size=3),
    "due_at": st.sampled_from(["2026-03-05T09:00:00-06:00", "0001-01-01T00:00:00Z", "2026-03-05"]),
    "priority": st.sampled_from(["high", " ", "now"]),
    "tags": st.sampled_from([[], ["t"], {}, ["gw:x"]]),
    "source": st.sampled_from([{"call_id": "1"}, {"call": "1"}, {"call_id": ""}, []]),
    "vendor_fields": st.sampled_from([{"cobalt": {"x": None, "y": " "}}, {}, {"cobalt": 1}]),
    "metadata": st.sampled_from([{"k": " "}, {"k": 1}, {}]),
    "other": st.none(),
    "reference": JSON,
}


@generated(st.fixed_dictionaries({}, optional=RIGHT))
def test_what_is_read_at_once_is_what_is_read_field_by_field(posted):
    at_once = reading.at_once(posted, CreateTask)
    one_by_one = reading.field_by_field(posted, CreateTask)

    assert at_once in (None, one_by_one)
    emptied = any(isinstance(value, list | dict) and given(value) is None for value in posted.values())
    assert (at_once is None) == bool(one_by_one.errors) or emptied


# Small parts


def test_given_takes_away_what_is_not_given_at_every_depth():
    assert given({"a": [None, {"b": " "}, ["", "x"]], "c": 0, "d": False}) == {"a": [["x"]], "c": 0, "d": False}
    assert given("  ") is None
    assert given("  ", keep_blanks=True) == "  "


def test_what_is_known_to_be_wrong_is_not_told_again():
    def at(pointer):
        return FieldError(code=INVALID, pointer=pointer)

    known = (at("/assignees/0"), at("/title"), at(None))

    assert beside(known, [at("/title"), at("/assignees"), at("/assignees/0")]) == known
    assert beside(known, [at("/tags"), at("/title/x"), at(None)]) == (*known, at("/tags"), at("/title/x"), at(None))
    assert beside((), [at("/tags")]) == (at("/tags"),)
