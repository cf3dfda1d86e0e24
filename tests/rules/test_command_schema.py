"""What the schema of a command says to its readers; that it is right is for tests/flows/test_command_schema.py."""

import json

import pytest
from jsonschema import Draft202012Validator
from msgspec import structs
from rules.clinics import HARBOR, HILLTOP, LAKESIDE, RIVERBEND, with_need, with_routes
from rules.records import NOW

from gateway.rules.clinic import Connection, OneOf
from gateway.rules.command_schema import command_schema, taken_by

MINIMAL = {"description": "Call back", "patient": {"mrn": "1"}}


def schema_of(clinic, name="create_task", **asked):
    connection = taken_by(clinic, name, asked)
    assert isinstance(connection, Connection)
    return command_schema(clinic, connection, name, NOW)


def valid(schema, clinic, **fields):
    return Draft202012Validator(schema).is_valid({"clinic_id": clinic.id, **MINIMAL, **fields})


# Whose it is


def test_a_schema_names_what_it_is_for_and_stands_alone():
    schema = schema_of(RIVERBEND)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:task-gateway:riverbend-pediatrics:emr:create_task:{RIVERBEND.version}"
    assert schema["title"] == "create_task for riverbend-pediatrics through emr"
    assert "connection emr (cobalt on athenahealth)" in schema["description"]
    references = {part.split('"')[0] for part in json.dumps(schema).split('"$ref": "')[1:]}
    assert references == {"#/$defs/nothing", "#/$defs/empty"} == {f"#/$defs/{name}" for name in schema["$defs"]}


def test_another_configuration_has_another_id():
    changed = structs.replace(RIVERBEND, version="other")

    assert schema_of(changed)["$id"] != schema_of(RIVERBEND)["$id"]


# What it says of fields


def test_a_required_field_says_whose_rule_that_is():
    schema = schema_of(with_need(LAKESIDE, "emr", "title", "required"))

    assert schema["required"] == ["clinic_id", "description", "title", "patient"]
    assert schema["properties"]["title"]["$comment"] == "clinics/c.yaml (operator)"
    assert schema["properties"]["title"]["description"] == "Subject line. Required here."
    assert schema["properties"]["patient"]["properties"]["mrn"]["$comment"] == "adapter: cobalt (documented)"


def test_a_required_field_that_a_default_fills_may_be_left_out_and_says_so():
    schema = schema_of(RIVERBEND)

    assert schema["required"] == ["clinic_id", "description", "patient"]
    assert "filled in when left out" in schema["properties"]["title"]["description"]
    assert schema["properties"]["title"]["$comment"] == "emr_capabilities.yaml: cobalt.athenahealth (operator)"


def test_a_refused_field_says_whose_rule_that_is():
    clinic = with_need(LAKESIDE, "emr", "source.call_id", "refused")
    schema = schema_of(clinic)

    told = schema["properties"]["source"]["anyOf"][0]["properties"]["call_id"]
    assert (told["description"], told["$comment"]) == ("Refused here.", "clinics/c.yaml (operator)")
    assert valid(schema, clinic, source={"fax_id": "1", "call_id": " "})
    assert not valid(schema, clinic, source={"call_id": "1"})


def test_a_rule_on_trial_asks_for_nothing():
    told = schema_of(RIVERBEND)["properties"]["phone_call_type_id"]

    assert told["description"] == "Wanted here, as a rule on trial: an example of a rule on trial."
    assert valid(schema_of(RIVERBEND), RIVERBEND)


def test_what_a_clinic_would_rather_refuse_than_lose_is_refused():
    careful = structs.replace(LAKESIDE, on_loss="refuse")
    schema = schema_of(careful)

    assert valid(schema, careful, title="x")
    assert not valid(schema, careful, tags=["x"])
    assert "on_loss: refuse" in schema["properties"]["tags"]["$comment"]


def test_people_are_those_of_the_directory():
    schema = schema_of(HARBOR)

    assert valid(schema, HARBOR, encounter_note_id="n", assignees=["dr-wilson", "id:prv_1"])
    assert not valid(schema, HARBOR, encounter_note_id="n", assignees=["dr-wilsn"])


def test_a_group_says_whose_rule_it_is():
    group = OneOf(fields=("patient.id", "patient.mrn"), where="clinics/c.yaml", source="operator")
    tasks = HILLTOP.connections["tasks"]
    rule = structs.replace(tasks.rules["create_task"], one_of=(group,))
    clinic = structs.replace(HILLTOP, connections={"tasks": structs.replace(tasks, rules={"create_task": rule})})
    schema = schema_of(clinic)

    [told] = schema["allOf"]
    assert (told["description"], told["$comment"]) == ("One of patient.id, patient.mrn.", "clinics/c.yaml (operator)")
    assert valid(schema, clinic, patient={"ids": {"task_api": "1"}})
    assert not valid(schema, clinic, patient={"ids": {"cobalt": "1"}})


# Which connection it is of

TAGS = with_routes(("front-desk", {"tags": ["fax"]}), ("emr", {}))
PRIORITIES = with_routes(("front-desk", {"priority": ["low"]}), ("emr", {}))

# fmt: off
TAKEN = {
    "no field that a rule asks for": (LAKESIDE, "create_task", {}, "emr"),
    "a type": (LAKESIDE, "create_task", {"type": "vob"}, "front-desk"),
    "another type": (LAKESIDE, "create_task", {"type": "other"}, "emr"),
    "a pin": (LAKESIDE, "create_task", {"type": "vob", "connection": "emr"}, "emr"),
    "tags": (TAGS, "create_task", {"tags": ["a", "fax"]}, "front-desk"),
    "a priority": (PRIORITIES, "create_task", {"priority": "low"}, "front-desk"),
    "a claim, which has no type": (
        with_routes(("emr", {"type": ["vob"]}), ("front-desk", {})), "create_claim", {"type": "x"}, "emr"),
    "the only connection with notes": (LAKESIDE, "add_note", {}, "emr"),
    "no route": (with_routes(), "create_task", {}, "no-route"),
    "an unknown pin": (LAKESIDE, "create_task", {"connection": "emd"}, "unknown-connection"),
    "a pin on a connection without the operation": (
        LAKESIDE, "create_claim", {"connection": "front-desk"}, "operation-unsupported"),
    "no connection with the operation": (RIVERBEND, "create_claim", {}, "operation-unsupported"),
    "no connection with notes": (HILLTOP, "add_note", {}, "no-route"),
}
# fmt: on


@pytest.mark.parametrize(("clinic", "name", "asked", "expected"), TAKEN.values(), ids=TAKEN)
def test_the_connection_is_the_one_that_a_submit_would_take(clinic, name, asked, expected):
    taken = taken_by(clinic, name, asked)

    assert (taken.name if isinstance(taken, Connection) else taken.code) == expected


def test_what_goes_elsewhere_fails():
    schema = schema_of(LAKESIDE, type="vob")

    assert valid(schema, LAKESIDE, type="vob")
    assert valid(schema, LAKESIDE, connection="front-desk")
    assert not valid(schema, LAKESIDE)
    assert not valid(schema, LAKESIDE, type="other")
    assert not valid(schema, LAKESIDE, type="vob", connection="emr")


def test_a_command_of_another_clinic_fails():
    assert not valid(schema_of(RIVERBEND), HILLTOP)
