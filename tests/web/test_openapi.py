"""The OpenAPI document: what it says, and that answers are what it says."""

import re
from itertools import product

import pytest
from jsonschema import Draft202012Validator
from web.world import task

from gateway.errors import Refused
from gateway.rules.clinic import App
from gateway.web.preferences import key_of
from schemas.command import CreateTask

OPERATIONS = {
    "capabilities_drift",
    "callbacks_events", "callbacks_list", "callbacks_resume",
    "events_callbacks", "events_list", "events_redeliver", "events_redeliver_range", "events_stream",
    "admin_reload", "admin_reseal", "audit_list",
    "claims_cancel", "claims_create", "claims_explain", "claims_get", "claims_list", "claims_resolve", "claims_retry",
    "claims_timeline", "clinics", "clinics_capabilities", "clinics_schema", "connections",
    "connections_pause", "connections_resume",
    "deliveries_list", "live", "me", "metrics", "notes_cancel", "notes_create", "notes_explain", "notes_get",
    "notes_list", "notes_resolve", "notes_retry", "notes_timeline", "problem_index", "problem_page", "ready",
    "tasks_add_note", "tasks_cancel",
    "tasks_create", "tasks_explain", "tasks_get", "tasks_list", "tasks_resolve", "tasks_retry", "tasks_timeline",
    "webhooks_list", "webhooks_receive",
}  # fmt: skip
"""Names that callers' generated code has; changing one breaks them."""


@pytest.fixture(scope="module")
def document(shared):
    return shared.declared.document


def operations(document):
    return [(path, method, each) for path, methods in document["paths"].items() for method, each in methods.items()]


def resolved(document, schema):
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def test_it_is_openapi_3_1_and_its_schemas_are_sound(document):
    assert document["openapi"].startswith("3.1")
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_operation_ids_are_unique_and_those_that_callers_know(document):
    ids = [each["operationId"] for _, _, each in operations(document)]
    assert len(ids) == len(set(ids))
    assert set(ids) == OPERATIONS


def test_every_reference_leads_somewhere(document):
    def references(part):
        if isinstance(part, dict):
            yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
            part = list(part.values())
        for each in part if isinstance(part, list) else ():
            yield from references(each)

    for reference in references(document):
        assert reference.rpartition("/")[2] in document["components"]["schemas"]


def test_every_error_is_declared_as_a_problem(document):
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], (path, method, status)
                schema = answer["content"]["application/problem+json"]["schema"]
                assert schema["$ref"].rpartition("/")[2] == "Problem"


def test_operations_need_a_key_and_open_ones_say_that_they_do_not(document):
    assert document["security"] == [{"app_key": []}]
    opened = {each["operationId"] for _, _, each in operations(document) if each.get("security") in ([], [{}])}
    assert opened == {"live", "ready", "problem_index", "problem_page", "webhooks_receive"}


def test_every_operation_has_a_summary_and_a_tag(document):
    for path, method, operation in operations(document):
        assert operation.get("summary"), (path, method)
        assert operation.get("tags"), (path, method)


def test_a_task_lists_its_fields(document):
    schema = document["components"]["schemas"]["CreateTask"]
    assert set(schema["properties"]) == set(CreateTask.__struct_fields__)
    assert set(schema["required"]) == {"clinic_id", "description"}


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/notes", "/v1/claims", "/v1/tasks/{task_id}/notes"])
def test_submitting_takes_its_two_headers(document, path):
    parameters = document["paths"][path]["post"]["parameters"]
    assert {each["name"] for each in parameters if each["in"] == "header"} == {"Idempotency-Key", "Prefer"}


def test_the_pattern_of_an_idempotency_key_takes_what_the_gateway_takes_and_nothing_else(document):
    header = next(each for each in document["paths"]["/v1/tasks"]["post"]["parameters"] if each["in"] == "header")
    short = ("".join(letters) for length in range(5) for letters in product('" a', repeat=length))
    around = ("k" * 254, f'"{"k" * 255}"', f'"{"k" * 256}"', f'"{"k" * 254}', f'"{"k" * 255}', f'{"k" * 255}"')
    for key in (*short, *around, "k\tx", "k\x7f", "~", "!"):
        if key != key.strip():
            continue  # white space around a header is none of its text
        assert bool(re.search(header["schema"]["pattern"], key)) == taken(key), key


def taken(key):
    try:
        key_of([key], App(name="a", keys=(), clinics=frozenset(), roles=frozenset()), "/v1/tasks", {}, "salt")
    except Refused:
        return False
    return True


def test_a_list_declares_its_filters(document):
    names = {each["name"] for each in document["paths"]["/v1/tasks"]["get"]["parameters"]}
    assert names == {
        "clinic_id", "state", "reference", "idempotency_key", "id", "emr_id", "job_id", "cursor", "limit",
    }  # fmt: skip


def test_the_example_of_the_readers_is_a_valid_task(shared):
    shared.declared.validate({"$ref": "#/components/schemas/CreateTask"}, task(), "a task")


def test_the_document_is_the_same_for_everybody_and_needs_no_key(shared, document):
    assert shared.client.get("/schema/openapi.json").json() == document


def test_an_answer_that_is_not_declared_is_noticed(shared):
    answer = shared.client.get("/v1/me")
    with pytest.raises(AssertionError, match="not declared"):
        shared.declared.check("GET", "/health/live", answer)
    with pytest.raises(AssertionError, match="required property"):
        shared.declared.validate({"$ref": "#/components/schemas/Delivery"}, {}, "nothing")
