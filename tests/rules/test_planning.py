"""What would be done with a command, or everything that is wrong with it."""

import pytest
from msgspec import structs
from rules.clinics import (
    HARBOR,
    HILLTOP,
    LAKESIDE,
    RIVERBEND,
    claim,
    note,
    planned,
    report,
    sound,
    task,
    with_need,
    wrong,
)
from rules.records import NOW

from gateway.rules.planning import Plan, Refused, Request, plan
from gateway.rules.routing import Chosen

EMR = {"connection": "emr", "patient": {"mrn": "1001"}}
MISSING, REFUSED, LOST = "missing-required-fields", "field-not-supported", "field-not-carried"

# fmt: off
WRONG = {
    "nothing": (LAKESIDE, task(**EMR), []),
    "a patient": (LAKESIDE, task(connection="emr"), [(MISSING, "/patient/mrn")]),
    "a patient by another vendor's id": (
        LAKESIDE, task(connection="emr", patient={"ids": {"task_api": "p"}}), [(MISSING, "/patient/mrn")]),
    "what MaxCare needs": (HARBOR, task(), [(MISSING, "/encounter_note_id"), (MISSING, "/assignees")]),
    "what a row needs, where no default supplies it": (
        with_need(LAKESIDE, "emr", "title", "required"), task(**EMR), [(MISSING, "/title")]),
    "what a row needs, where a default supplies it": (RIVERBEND, task(patient={"mrn": "1"}), []),
    "a refused field": (
        with_need(LAKESIDE, "emr", "title", "refused"), task(**EMR, title="x"), [(REFUSED, "/title")]),
    "a refused field that has no place": (
        with_need(LAKESIDE, "emr", "tags", "refused"), task(**EMR, tags=["x"]), [(REFUSED, "/tags")]),
    "a refused source": (
        with_need(LAKESIDE, "emr", "source.call_id", "refused"), task(**EMR, source={"call_id": "1"}),
        [(REFUSED, "/source/call_id")]),
    "a refused patient id": (
        with_need(HILLTOP, "tasks", "patient.id", "refused"), task(patient={"ids": {"task_api": "1"}}),
        [(REFUSED, "/patient/ids/task_api")]),
    "a required patient id": (
        with_need(HILLTOP, "tasks", "patient.id", "required"), task(), [(MISSING, "/patient/ids/task_api")]),
    "a folded field satisfies a requirement": (
        with_need(HARBOR, "maxcare", "title", "required"),
        task(encounter_note_id="n", assignees=["dr-wilson"], title="x"), []),
    "an operation that is not there": (HARBOR, claim(), [("operation-unsupported", None)]),
    "no route": (structs.replace(LAKESIDE, routes=()), task(), [("no-route", None)]),
    "all at once": (
        with_need(LAKESIDE, "emr", "title", "refused"),
        task(connection="emr", title="x", assignees=["a-b-c"], status="completed", vendor_fields={"cobalt": {"a": 1}}),
        [
            (REFUSED, "/vendor_fields/cobalt/a"), ("unknown-person", "/assignees/0"),
            ("value-not-supported", "/status"), (MISSING, "/patient/mrn"), (REFUSED, "/title"),
        ]),
}
# fmt: on


@pytest.mark.parametrize(("clinic", "command", "errors"), WRONG.values(), ids=WRONG)
def test_everything_that_is_wrong_is_told_at_once(clinic, command, errors):
    assert wrong(clinic, command) == errors


def test_a_problem_names_the_rule_that_was_broken():
    [error] = planned(with_need(LAKESIDE, "emr", "title", "required"), task(**EMR)).errors

    assert (error.field, error.source) == ("title", "clinics/c.yaml (operator)")


def test_nothing_that_is_wrong_repeats_a_value():
    canary = "CANARY"
    fields = dict.fromkeys(("title", "created_by", "type", "phone_call_type_id", "encounter_note_id"), canary)
    command = task(
        **fields, description=canary, tags=[canary], assignees=[canary], notify=[canary], status="completed",
        patient={"mrn": canary, "ids": {"cobalt": canary}}, source={"call_id": canary},
        vendor_fields={"cobalt": {"x": canary}}, reference=canary, metadata={"a": canary}, connection="emr",
    )  # fmt: skip

    made = plan(LAKESIDE, Request(command=command, now=NOW, strict=True))

    assert len(made.errors) >= 6
    told = [(error.code, error.pointer, error.field, error.source, error.detail) for error in made.errors]
    assert canary not in str(told)
    assert canary not in repr(made)


# Losses


def test_strict_handling_refuses_what_would_be_lost():
    command = task(**EMR, tags=["a"], source={"fax_id": "f"}, vendor_fields={"maxcare": {"x": 1}}, status="pending")

    assert wrong(LAKESIDE, command) == []
    assert sorted(wrong(LAKESIDE, command, strict=True)) == [
        (LOST, "/source/fax_id"),
        (LOST, "/status"),
        (LOST, "/tags"),
        (LOST, "/vendor_fields/maxcare"),
    ]
    [error, *_] = planned(LAKESIDE, command, strict=True).errors
    assert error.source == "Prefer: handling=strict"


def test_a_clinic_may_refuse_all_losses():
    careful = structs.replace(LAKESIDE, on_loss="refuse")

    [error] = planned(careful, task(**EMR, tags=["a"])).errors

    assert (error.code, error.pointer, error.field) == (LOST, "/tags", "tags")
    assert error.source == "clinic: lakeside-family (on_loss: refuse)"


def test_folding_is_no_loss():
    folded = task(**EMR, due_at="2026-03-05T09:00:00Z", priority="high", assignees=["dr-wilson", "front-desk"])

    assert wrong(LAKESIDE, folded, strict=True) == []


def test_a_patient_s_id_for_another_vendor_is_a_loss():
    command = task(connection="emr", patient={"mrn": "1", "ids": {"maxcare": "m"}})

    assert wrong(LAKESIDE, command, strict=True) == [(LOST, "/patient/ids/maxcare")]


def test_a_key_that_is_no_name_is_not_repeated_as_a_loss():
    command = task(
        connection="emr",
        patient={"mrn": "1", "ids": {"Okafor, Ada": "m", "a.b": "m"}},
        vendor_fields={"Okafor, Ada": {"x": 1}, "a.b": {}},
    )
    made = planned(LAKESIDE, command, strict=True)

    assert wrong(LAKESIDE, command, strict=True) == [
        (LOST, "/patient/ids"), (LOST, "/patient/ids/a.b"), (LOST, "/vendor_fields"), (LOST, "/vendor_fields/a.b"),
    ]  # fmt: skip
    assert "Okafor" not in str([*made.report, *((error.field, error.detail) for error in made.errors)])


# Advisories


def test_a_rule_on_trial_is_noted_in_the_report_and_nothing_is_refused():
    without, given = (sound(RIVERBEND, task(patient={"mrn": "1"}, phone_call_type_id=id_)) for id_ in (..., "7"))

    assert without.advisories == ("phone_call_type_id",)
    assert report(without)["phone_call_type_id"] == ("missing", None)
    assert given.advisories == ()
    assert report(given)["phone_call_type_id"] == ("sent", "phone_call_type_id")


# The route


def test_a_plan_tells_its_connection_and_rule():
    made = sound(LAKESIDE, task(type="vob"))

    assert (made.connection.name, made.rule, made.operation.name) == ("front-desk", "routes[0]", "create_task")


def test_a_command_without_a_route_has_nothing_else_said_of_it():
    made = plan(structs.replace(LAKESIDE, routes=()), Request(command=task(assignees=["nobody"]), now=NOW))

    assert isinstance(made, Refused)
    assert [error.code for error in made.errors] == ["no-route"]


def test_a_pinned_connection_must_offer_the_operation():
    made = plan(LAKESIDE, Request(command=claim(connection="front-desk"), now=NOW))

    assert [error.code for error in made.errors] == ["operation-unsupported"]


def test_a_note_goes_where_its_task_is():
    at = Chosen(LAKESIDE.connections["emr"], "parent")

    made = sound(LAKESIDE, note(emr_task_id="e-9"), at=at)

    assert (made.rule, made.values) == ("parent", {"emr_task_id": "e-9", "text": "Called"})


def test_a_note_whose_task_is_still_to_come_misses_nothing():
    at = Chosen(LAKESIDE.connections["emr"], "parent")

    assert wrong(LAKESIDE, note(), at=at) == [(MISSING, "/emr_task_id")]
    assert sound(LAKESIDE, note(), at=at, awaits_parent=True).values == {"text": "Called"}


def test_a_note_cannot_go_where_there_are_none():
    at = Chosen(HARBOR.connections["maxcare"], "parent")

    assert wrong(HARBOR, note(emr_task_id="e-9"), at=at) == [("operation-unsupported", None)]


# One of its kind


def test_a_claim_is_one_per_appointment_and_nothing_else_is():
    first, same, other = (sound(LAKESIDE, claim(appointment_id=it)) for it in ("a1", "a1", "a2"))

    assert first.one_per == same.one_per == "a1"
    assert other.one_per != first.one_per
    assert sound(LAKESIDE, task(**EMR)).one_per is None


def test_a_plan_shows_no_patient_text():
    made = sound(LAKESIDE, task(**EMR, title="CANARY"))

    assert isinstance(made, Plan)
    assert "CANARY" not in repr(made)
