"""Bodies that nobody should send: each is refused with a problem that repeats nothing of it, and nothing is stored."""

import json

import pytest
from web.bodies import CANARY, FIELDS, GOOD, JSON, MEDIA_TYPES, RAW, with_
from web.world import claim, task

LISTS = ("assignees", "tags", "notify")
OBJECTS = ("patient", "source", "metadata", "vendor_fields")


@pytest.fixture
def refused(shared):
    """Posts a body and checks all that every refusal has in common; gives the problem."""

    def post(body, *, path="/v1/tasks", content_type=JSON, statuses=(400, 413, 415, 422)):
        rows = shared.rows()
        headers = {"content-type": content_type, "Idempotency-Key": "never-used"}
        answer = shared.call("POST", path, content=body, headers=headers)
        problem = answer.json()
        assert answer.status_code in statuses, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["status"] == answer.status_code
        assert {"type", "title", "detail", "code", "errors", "request_id", "retryable"} <= set(problem)
        assert problem["retryable"] is False
        assert CANARY not in answer.text
        assert CANARY not in str(answer.headers)
        assert shared.rows() == rows
        assert shared.vendors.requests == []
        return problem

    return post


@pytest.mark.parametrize("what", RAW)
def test_a_body_that_is_not_one_sound_object_is_a_400(refused, what):
    assert refused(RAW[what], statuses=(400,))["code"] == "malformed-body"


@pytest.mark.parametrize("what", RAW)
@pytest.mark.parametrize("path", ["/v1/tasks/explain", "/v1/claims", "/v1/connections/north/emr/pause"])
def test_so_it_is_wherever_a_body_is_read(refused, path, what):
    assert refused(RAW[what], path=path, statuses=(400,))["code"] == "malformed-body"


@pytest.mark.parametrize("content_type", MEDIA_TYPES)
def test_another_content_type_is_a_415(refused, content_type):
    assert refused(GOOD.encode(), content_type=content_type, statuses=(415,))["code"] == "unsupported-media-type"


@pytest.mark.parametrize("what", FIELDS)
def test_a_field_that_is_wrong_is_a_422_that_points_at_it(refused, what):
    problem = refused(FIELDS[what], statuses=(422,))
    assert problem["errors"]
    assert all(error["code"] and error["detail"] for error in problem["errors"])
    posted = json.loads(FIELDS[what])
    for error in problem["errors"]:
        if error["code"] in {"unknown-field", "invalid-value"} and error["pointer"]:
            assert error["pointer"].split("/")[1] in posted


@pytest.mark.parametrize(
    ("size", "refusal"), [(512 * 1024, None), (512 * 1024 + 1, "body-too-large"), (5_000_000, "body-too-large")]
)
def test_a_body_of_512_kib_is_read_and_a_larger_one_is_a_413(refused, size, refusal):
    body = GOOD.encode()[:-1] + b', "title": ' + b"7" + b"}"
    problem = refused(
        body.replace(b'"title": "CANARYx7", ', b"") + b" " * (size - len(body) + len('"title": "CANARYx7", '))
    )
    assert problem["code"] == (refusal or "invalid-value")
    assert problem["status"] == (413 if refusal else 422)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/claims", claim(appointment_id=7)),
        ("/v1/claims", claim(appointment_id=" ")),
        ("/v1/claims", claim(appointment_id="x" * 256)),
        ("/v1/claims", {**claim(), "description": CANARY}),
        ("/v1/notes", {"text": CANARY}),
        ("/v1/notes", {"text": CANARY, "task_id": "tsk_1"}),
        ("/v1/notes", {"text": CANARY, "emr_task_id": "e"}),
        ("/v1/notes", {"text": CANARY, "emr_task_id": "e", "task_id": "tsk_1", "clinic_id": "north"}),
        ("/v1/notes", {"emr_task_id": "e", "clinic_id": "north"}),
        ("/v1/notes", {"text": 7, "emr_task_id": "e", "clinic_id": "north"}),
        ("/v1/notes", {"text": CANARY, "emr_task_id": "e", "clinic_id": "north", "connection": CANARY}),
    ],
)
def test_claims_and_notes_are_read_as_strictly(refused, path, body):
    assert refused(json.dumps(body).encode(), path=path, statuses=(422,))["errors"]


def test_all_that_is_missing_is_said_even_when_the_clinic_is(refused):
    assert {error["pointer"] for error in refused(b"{}")["errors"]} >= {"/clinic_id", "/description"}


def test_a_key_is_free_after_all_these_refusals(gateway):
    key = {"Idempotency-Key": "never-used"}
    for body in (b"", b"[]", FIELDS["a status that is none"]):
        assert gateway.call("POST", "/v1/tasks", content=body, headers={**key, "content-type": JSON}).is_client_error
    assert gateway.post("/v1/tasks", task(), headers=key).status_code == 202


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_what_is_not_given_is_no_fault(gateway, blank):
    names = ("title", "assignees", "created_by", "due_at", "priority", "type", "tags", "source", "reference")
    answer = gateway.post("/v1/tasks", task(**dict.fromkeys(names, blank)))
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("names", "blank"), [(LISTS, []), (LISTS, [None]), (LISTS, [" "]), (("source", "metadata", "vendor_fields"), {})]
)
def test_a_list_or_object_of_nothing_is_not_given_where_it_may_stand(gateway, names, blank):
    answer = gateway.post("/v1/tasks", task(**dict.fromkeys(names, blank)))
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("name", ["title", "created_by", "due_at", "priority", "reference", *LISTS, *OBJECTS])
@pytest.mark.parametrize("blank", [[], {}, [None], {"a": " "}])
def test_and_is_wrong_where_it_may_not(refused, name, blank):
    if isinstance(blank, list) == (name in LISTS) and isinstance(blank, dict) == (name in OBJECTS):
        return
    problem = refused(with_(**{name: blank}), statuses=(422,))
    assert problem["errors"][0]["pointer"] == f"/{name}"


@pytest.mark.parametrize(
    "path", ["/v1/tasks/%00", "/v1/tasks/%ff%fe", "/v1/tasks/" + "x" * 5000, "/v1/tasks/%F0%9F%98%80"]
)
def test_an_id_of_any_kind_is_at_worst_not_found(shared, path):
    assert shared.get(path).status_code == 404
