"""What a command needs now, asked for over HTTP."""

import pytest
from jsonschema import Draft202012Validator
from web.world import claim, task

SCHEMA = "/v1/clinics/north/capabilities/create_task/schema"


def asked(gateway, path=SCHEMA, **params):
    answer = gateway.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer):
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, problem["code"]


def test_it_is_a_schema_of_its_own_media_type(shared):
    answer = shared.get(SCHEMA, by="reader")

    assert answer.headers["content-type"].partition(";")[0] == "application/schema+json"
    Draft202012Validator.check_schema(answer.json())
    assert answer.json()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    ("params", "connection"),
    [
        ({}, "emr"),
        ({"type": "vob"}, "desk"),
        ({"type": "other", "priority": "high", "tags": ["a", "b"]}, "emr"),
        ({"connection": "desk"}, "desk"),
        ({"type": " ", "priority": "", "tags": "", "connection": ""}, "emr"),
    ],
)
def test_it_is_of_the_connection_that_such_a_command_would_take(shared, params, connection):
    assert asked(shared, **params)["title"] == f"create_task for north through {connection}"


BODIES = {
    "a task": ("create_task", "tasks", task()),
    "a task without a patient": ("create_task", "tasks", {"clinic_id": "north", "description": "x"}),
    "a task with a stranger": ("create_task", "tasks", task(assignees=["nobody"])),
    "a finished task": ("create_task", "tasks", task(status="completed")),
    "a note": ("add_note", "notes", {"clinic_id": "north", "emr_task_id": "e-1", "text": "x"}),
    "a note on nothing": ("add_note", "notes", {"clinic_id": "north", "text": "x"}),
    "a claim": ("create_claim", "claims", claim()),
    "a claim for nothing": ("create_claim", "claims", claim(" ")),
}


@pytest.mark.parametrize(("operation", "plural", "body"), BODIES.values(), ids=BODIES)
def test_what_passes_it_would_be_sent_and_what_fails_it_would_be_refused(shared, operation, plural, body):
    schema = asked(shared, f"/v1/clinics/north/capabilities/{operation}/schema")

    would = shared.post(f"/v1/{plural}/explain", body).json()["would"]

    assert would == ("send" if Draft202012Validator(schema).is_valid(body) else "refuse")


def test_a_clinic_that_is_foreign_or_absent_has_none(shared):
    for clinic in ("south", "nowhere"):
        answer = shared.get(f"/v1/clinics/{clinic}/capabilities/create_task/schema", by="north")
        assert refused(answer) == (404, "not-found")


def test_an_operation_that_there_is_not_has_none(shared):
    assert refused(shared.get("/v1/clinics/north/capabilities/create_tasks/schema")) == (404, "not-found")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/clinics/south/capabilities/create_claim/schema", "operation-unsupported"),
        ("/v1/clinics/north/capabilities/create_claim/schema?connection=desk", "operation-unsupported"),
        ("/v1/clinics/east/capabilities/add_note/schema", "no-route"),
        ("/v1/clinics/north/capabilities/create_task/schema?connection=emd", "unknown-connection"),
    ],
)
def test_a_command_that_no_connection_would_take_has_none(shared, path, code):
    assert refused(shared.get(path)) == (422, code)


@pytest.mark.parametrize("query", ["typ=vob", "type=a&type=b", "priority=soon", "limit=1"])
def test_a_parameter_that_cannot_be_read_is_refused(shared, query):
    assert refused(shared.get(f"{SCHEMA}?{query}")) == (400, "invalid-parameter")
