"""From a canonical command to what goes out, with a report of what became of every field."""

import itertools
from typing import get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs
from rules.clinics import (
    BY_ADAPTER,
    DR_WILSON,
    HARBOR,
    HILLTOP,
    LAKESIDE,
    changed,
    claim,
    note,
    planned,
    report,
    sound,
    task,
    wrong,
)
from rules.records import NOW

from adapters.base import Place, Sent
from gateway.rules.mapping import LABELS, fields_of
from gateway.rules.planning import Request, plan
from gateway.rules.reading import read
from gateway.rules.showing import with_extras
from schemas.command import CANONICAL, CreateTask, Priority, Status

EMR = {"connection": "emr", "patient": {"mrn": "1001"}}
VISIT = {"encounter_note_id": "n1", "assignees": ["dr-wilson"]}  # what MaxCare needs
TEXT = "Call Ms. Okafor back"


TASK_API = HILLTOP.connections["tasks"].adapter
PLACES = TASK_API.operation("create_task").places


def at_another_vendor(places):
    """Hilltop, were the task API's table another."""

    class Other(type(TASK_API)):
        operations = (structs.replace(TASK_API.operation("create_task"), places=places),)

    account = HILLTOP.connections["tasks"].account
    return changed(HILLTOP, "tasks", account=structs.replace(account, adapter=Other()))


def report_of(clinic, **fields):
    return report(sound(clinic, task(**fields)))


# Sent


def test_every_field_with_a_place_is_sent_there():
    made = sound(
        LAKESIDE,
        task(**EMR, title="Labs", assignees=["dr-wilson"], notify=["dr-wilson"], phone_call_type_id="7"),
    )

    assert report(made) == {
        "title": ("sent", "subject"),
        "description": ("sent", "description"),
        "patient.mrn": ("sent", "patient_mrn"),
        "assignees": ("sent", "assignee_user_id"),
        "notify": ("sent", "notify_list"),
        "phone_call_type_id": ("sent", "phone_call_type_id"),
    }
    assert made.values == {
        "title": "Labs", "description": TEXT, "patient.mrn": "1001", "assignees": [DR_WILSON],
        "notify": [DR_WILSON], "phone_call_type_id": "7",
    }  # fmt: skip


def test_a_date_goes_out_with_the_offset_it_came_with():
    made = sound(HILLTOP, task(due_at="2026-03-05T09:00:00+01:00"))

    assert made.values["due_at"] == "2026-03-05T09:00:00+01:00"


def test_a_vendor_s_own_patient_id_is_that_of_the_chosen_vendor():
    made = sound(HILLTOP, task(patient={"ids": {"task_api": "p-1", "cobalt": "p-2"}}))

    assert made.values["patient.id"] == "p-1"
    assert report(made)["patient.id"] == ("sent", "patient_id")
    assert report(made)["patient.ids.cobalt"] == ("not_carried", None)


def test_notes_and_claims_are_mapped_by_the_same_rules():
    a_note = sound(LAKESIDE, claim())
    assert a_note.values == {"appointment_id": "a1"}
    assert report(a_note) == {"appointment_id": ("sent", "appointment_id")}
    assert fields_of(note(emr_task_id="e-9")) == {"emr_task_id": "e-9", "text": "Called"}


# Folded


def test_what_has_no_place_is_put_before_the_text_in_labelled_lines_and_one_empty_line():
    made = sound(HARBOR, task(**VISIT, title="Labs", patient={"mrn": "1001"}, priority="high", description="A\n\nB"))

    assert made.values["description"] == "Title: Labs\nPatient MRN: 1001\nPriority: high\n\nA\n\nB"
    assert {field for field, fate in report(made).items() if fate == ("folded", "notes")} == {
        "title", "patient.mrn", "priority",
    }  # fmt: skip


def test_a_text_with_nothing_folded_is_left_as_it_is():
    assert sound(LAKESIDE, task(**EMR, description="  Call\n\n ")).values["description"] == "  Call\n\n "


# fmt: off
FOLDED_DATES = {
    "winter": ("2026-03-05T15:00:00+00:00", "2026-03-05 09:00 CST"),
    "summer": ("2026-07-05T15:00:00Z", "2026-07-05 10:00 CDT"),
    "another zone": ("2026-03-05T23:00:00-08:00", "2026-03-06 01:00 CST"),
    "after the clocks went forward": ("2026-03-08T03:00:00-05:00", "2026-03-08 03:00 CDT"),
}
# fmt: on


@pytest.mark.parametrize(("due_at", "shown"), FOLDED_DATES.values(), ids=FOLDED_DATES)
def test_a_date_is_folded_in_the_clinic_s_timezone(due_at, shown):
    assert sound(LAKESIDE, task(**EMR, due_at=due_at)).values["description"] == f"Due: {shown}\n\n{TEXT}"


def test_a_patient_is_never_dropped():
    in_tasks = sound(HILLTOP, task(patient={"mrn": "1001"}))
    in_emr = sound(LAKESIDE, task(connection="emr", patient={"mrn": "1001", "ids": {"cobalt": "c-1"}}))
    on_note = sound(HARBOR, task(**VISIT, patient={"mrn": "1001", "ids": {"maxcare": "m-1"}}))

    assert in_tasks.values["description"] == f"Patient MRN: 1001\n\n{TEXT}"
    assert in_emr.values["description"] == f"Patient id: c-1\n\n{TEXT}"
    assert on_note.values["description"] == f"Patient MRN: 1001\nPatient id: m-1\n\n{TEXT}"


def test_a_patient_is_folded_even_by_a_vendor_whose_table_does_not_say_so():
    bare = at_another_vendor({path: spot for path, spot in PLACES.items() if not path.startswith("patient.")})

    made = sound(bare, task(patient={"mrn": "1001", "ids": {"task_api": "p-1"}}))

    assert made.values["description"] == f"Patient MRN: 1001\nPatient id: p-1\n\n{TEXT}"
    assert report(made)["patient.id"] == ("folded", "description")


def test_of_a_list_longer_than_the_place_the_rest_is_folded_and_named():
    made = sound(at_another_vendor({**PLACES, "tags": Place("tags", most=2)}), task(tags=["a", "b", "c", "d"]))

    assert made.values["tags"] == ["a", "b"]
    assert made.values["description"] == f"Tags: c, d\n\n{TEXT}"
    assert {field: fate for field, fate in report(made).items() if field.startswith("tags")} == {
        "tags": ("sent", "tags"),
        "tags.2": ("folded", "description"),
        "tags.3": ("folded", "description"),
    }


def test_every_field_that_could_be_folded_has_a_label():
    assert set(LABELS) == set(CANONICAL["create_task"]) - {"description"}


# Not carried


def test_what_has_no_place_at_all_is_reported():
    told = report_of(LAKESIDE, **EMR, tags=["a"], type="vob", source={"call_id": "c"}, encounter_note_id="n")

    lost = {field for field, fate in told.items() if fate == ("not_carried", None)}
    assert lost == {"tags", "type", "source.call_id", "encounter_note_id"}


def test_a_finished_task_must_not_arrive_open():
    for clinic, fields in ((LAKESIDE, EMR), (HARBOR, VISIT)):
        for status in ("in_progress", "completed"):
            assert wrong(clinic, task(**fields, status=status)) == [("value-not-supported", "/status")]
        assert report_of(clinic, **fields, status="pending")["status"] == ("not_carried", None)
    for status in get_args(Status):
        assert report_of(HILLTOP, status=status)["status"] == ("sent", "status")


def test_what_is_meant_for_other_vendors_is_reported():
    told = report_of(
        LAKESIDE, connection="emr", patient={"mrn": "1", "ids": {"maxcare": "m"}}, vendor_fields={"task_api": {"x": 1}}
    )

    assert told["patient.ids.maxcare"] == ("not_carried", None)
    assert told["vendor_fields.task_api"] == ("not_carried", None)


# vendor_fields


def test_extra_fields_ride_along_where_the_operation_takes_them():
    made = sound(HILLTOP, task(vendor_fields={"task_api": {"queue": "x", "flags": [1, {"a": None}]}}))

    assert made.extras == {"queue": "x", "flags": [1, {"a": None}]}
    assert report(made)["vendor_fields.task_api.queue"] == ("sent", "queue")


def test_extra_fields_never_overwrite_what_is_mapped():
    for wire in ("title", "assigned_user_ids", "deadline", "patient_id", "tags"):
        command = task(vendor_fields={"task_api": {wire: "x", "queue": "y"}})

        assert wrong(HILLTOP, command) == [("field-not-supported", f"/vendor_fields/task_api/{wire}")]


def test_extra_fields_are_refused_where_the_operation_takes_none():
    command = task(**EMR, vendor_fields={"cobalt": {"x": 1, "a/b~c": 2}})

    assert wrong(LAKESIDE, command) == [
        ("field-not-supported", "/vendor_fields/cobalt/x"),
        ("field-not-supported", "/vendor_fields/cobalt"),  # a key that is no plain name is not repeated
    ]


# Nothing vanishes unreported

LINE = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=20)
PEOPLE = st.lists(st.sampled_from(["dr-wilson", "front-desk", "id:x1", "id:x2"]), min_size=1, max_size=4, unique=True)


def some(**fields):
    """A dictionary with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


POSTED = st.fixed_dictionaries(
    {"clinic_id": st.just("c"), "description": LINE},
    optional={
        "title": LINE,
        "patient": some(
            mrn=LINE, ids=st.dictionaries(st.sampled_from(["cobalt", "task_api", "maxcare", "other"]), LINE, min_size=1)
        ),
        "assignees": PEOPLE,
        "created_by": st.sampled_from(["dr-wilson", "id:x1"]),
        "due_at": st.datetimes(timezones=st.timezones(no_cache=True)).filter(lambda at: 1970 < at.year < 2200)
        .map(lambda at: at.isoformat(timespec="seconds")[:25]),
        "priority": st.sampled_from(get_args(Priority)),
        "status": st.sampled_from(get_args(Status)),
        "type": LINE,
        "tags": st.lists(LINE.filter(lambda tag: not tag.lstrip().startswith("gw:")), min_size=1, max_size=3),
        "notify": PEOPLE,
        "phone_call_type_id": LINE,
        "encounter_note_id": LINE,
        "source": some(call_id=LINE, fax_id=LINE, assistant_id=LINE, session_id=LINE),
        "vendor_fields": some(task_api=some(queue=LINE, flags=st.lists(LINE)), other=some(queue=LINE)),
    },
)  # fmt: skip


def given_fields(posted, adapter):
    """The name in the report of every field that was posted with something in it."""
    for name, value in posted.items():
        if name in {"clinic_id", "connection"}:
            continue
        if name == "patient":
            yield from (["patient.mrn"] if "mrn" in value else [])
            for vendor in value.get("ids", {}):
                yield "patient.id" if vendor == adapter else f"patient.ids.{vendor}"
        elif name == "source":
            yield from (f"source.{inner}" for inner in value)
        elif name == "vendor_fields":
            for vendor, extras in value.items():
                own = [f"vendor_fields.{vendor}.{key}" for key in extras]
                yield from own if vendor == adapter else [f"vendor_fields.{vendor}"]
        else:
            yield name


def at_wire(body, wire):
    for part in wire.split("."):
        body = body[part]
    return body


EVERYTHING = {
    "clinic_id": "c", "description": "text", "title": "title", "patient": {"mrn": "1", "ids": {"cobalt": "2"}},
    "assignees": ["dr-wilson", "id:x1", "front-desk"], "created_by": "dr-wilson", "due_at": "2026-03-05T09:00:00Z",
    "priority": "high", "status": "pending", "type": "vob", "tags": ["a"], "notify": ["front-desk"],
    "phone_call_type_id": "7", "encounter_note_id": "n", "source": {"call_id": "c"},
}  # fmt: skip


@pytest.mark.parametrize("adapter", BY_ADAPTER)
@settings(max_examples=150)
@given(posted=POSTED)
@example(posted=EVERYTHING)
def test_every_given_field_is_reported_once_and_is_where_the_report_says(adapter, posted):
    clinic = BY_ADAPTER[adapter]
    draft = read({**posted, "connection": "emr"} if adapter == "cobalt" else posted, CreateTask)
    assert draft.errors == ()
    made = plan(clinic, Request(command=draft.command, now=NOW))
    told = {entry.field: entry for entry in made.report}
    unplaced = {error.field for error in made.errors}

    assert len(told) == len(made.report), "each field once"
    assert set(given_fields(posted, adapter)) - unplaced <= told.keys(), "no field vanishes"
    whole = Sent(ref="tsk_1", operation="create_task", values=made.values, at=NOW)
    link = made.connection.link()
    body = with_extras(made.connection.adapter.build_request(whole, link), made.extras).json
    text = body[made.operation.places["description"].wire]
    for field, entry in told.items():
        if entry.fate in {"sent", "defaulted"}:
            there = at_wire(body, entry.place)
            value = made.extras[entry.place] if field.startswith("vendor_fields.") else made.values[field]
            if isinstance(there, list) and isinstance(value, list):
                assert there[: len(value)] == value
            else:
                assert there == (value[0] if isinstance(value, list) else value)
        elif entry.fate == "folded":
            assert f"{LABELS[field.partition('.')[0]] if field[-1].isdigit() else LABELS[field]}: " in text
    assert text.endswith(posted["description"])
    for field, path in itertools.product(told, LABELS):
        if field == path and told[field].fate == "folded" and field not in {"assignees", "created_by", "notify"}:
            assert shown(posted, field, adapter, clinic) in text


def shown(posted, field, adapter, clinic):
    """The text that a folded field must have left."""
    if field == "due_at":
        return f"{read(posted, CreateTask).command.due_at.astimezone(clinic.timezone):%Y-%m-%d %H:%M}"
    if field == "patient.id":
        return posted["patient"]["ids"][adapter]
    outer, _, inner = field.partition(".")
    return posted[outer][inner] if inner else posted[outer]


def test_a_plan_s_report_names_defaults_too():
    made = planned(HILLTOP, task())

    assert {field for field, (fate, _) in report(made).items() if fate == "defaulted"} == {
        "title", "assignees", "created_by", "due_at",
    }  # fmt: skip
