"""What callers must supply, connection by connection."""

import pytest
from msgspec import structs
from rules.clinics import HARBOR, HILLTOP, LAKESIDE, RIVERBEND, changed, with_defaults, with_need
from rules.records import NOW

from gateway.rules.clinic import OneOf
from gateway.rules.wanted import Wanted, wanted


def with_group(clinic, name, *fields):
    rules = clinic.connections[name].rules
    group = OneOf(fields=fields, where="clinics/c.yaml", source="operator")
    return changed(clinic, name, rules={**rules, "create_task": structs.replace(rules["create_task"], one_of=(group,))})


def without_ids(clinic):
    people = {key: structs.replace(person, ids={}) for key, person in clinic.people.items()}
    return structs.replace(clinic, people=people)


TASK = ("description", "patient.mrn")

# The clinic, the connection, and what a task there needs.
# fmt: off
WANTED = {
    "what the adapter requires": (LAKESIDE, "emr", Wanted(fields=TASK)),
    "what defaults supply is not wanted": (HILLTOP, "tasks", Wanted(fields=("description",))),
    "what they do not, is": (HARBOR, "maxcare", Wanted(fields=("description", "encounter_note_id", "assignees"))),
    "a row on trial": (RIVERBEND, "emr", Wanted(fields=TASK, on_trial=("phone_call_type_id",))),
    "a row of the clinic's own": (
        with_need(LAKESIDE, "emr", "title", "required"), "emr", Wanted(fields=(*TASK, "title"))),
    "a row that a default meets": (
        with_defaults(with_need(LAKESIDE, "emr", "title", "required"), "emr", title_from="description"), "emr",
        Wanted(fields=TASK)),
    "a default for people who have no id there": (
        without_ids(HILLTOP), "tasks", Wanted(fields=("description", "assignees", "created_by"))),
    "a group": (
        with_group(LAKESIDE, "emr", "title", "due_at"), "emr", Wanted(fields=TASK, one_of=(("title", "due_at"),))),
    "a group of which one is required anyway": (
        with_group(LAKESIDE, "emr", "title", "patient.mrn"), "emr", Wanted(fields=TASK)),
    "a group that a default meets": (
        with_group(LAKESIDE, "emr", "title", "phone_call_type_id"), "emr", Wanted(fields=TASK)),
}
# fmt: on


@pytest.mark.parametrize(("clinic", "connection", "expected"), WANTED.values(), ids=WANTED)
def test_callers_supply_what_is_required_and_not_defaulted(clinic, connection, expected):
    assert wanted(clinic, clinic.connections[connection], "create_task", NOW) == expected


def test_a_note_wants_its_text_and_its_task_in_either_way():
    assert wanted(LAKESIDE, LAKESIDE.connections["emr"], "add_note", NOW) == Wanted(
        fields=("text",), one_of=(("task_id", "emr_task_id"),)
    )


def test_a_claim_wants_its_appointment():
    assert wanted(LAKESIDE, LAKESIDE.connections["emr"], "create_claim", NOW) == Wanted(fields=("appointment_id",))
