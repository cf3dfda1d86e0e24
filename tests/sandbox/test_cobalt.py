from __future__ import annotations

import pytest
from sandbox.world import LAKESIDE, RIVERBEND, cobalt, run, until

from gateway.sandbox import CobaltLink

TASK = {
    "description": "Schedule patient follow-up appointment to review recent lab results and discuss treatment plan.",
    "patient_mrn": "MRN-12345",
    "subject": "Follow-up appointment needed",
    "assignee_user_id": "74196090-5faa-11e9-9562-e12f6a3ce827",
}
NOTE = {
    "emr_task_id": "9bef4113-e9ce-4895-9a17-2c18cd625116",
    "note": "Patient called back, scheduled for next week.",
}
CLAIM = {"appointment_id": "a1b2c3d4e5f64g7h8i9jk0l1m2n3o4p5"}


def refused(message: str) -> dict[str, object]:
    return {"success": False, "message": message}


@run
async def test_the_task_of_the_page_gets_the_reply_of_the_page():
    async with cobalt() as vendor:
        answer = await vendor.post("/v1/tasks", TASK)
        body = answer.json()
        assert list(body) == ["success", "message", "task_id", "job_id"]
        assert body["success"] is True
        assert body["message"] == "Task processing. A webhook event will be sent upon completion."
        assert len(body["task_id"]) == 24
        assert type(body["job_id"]) is int


@run
async def test_the_note_of_the_page_gets_the_reply_of_the_page():
    async with cobalt() as vendor:
        body = (await vendor.post("/v1/tasks/notes", NOTE)).json()
        assert list(body) == ["success", "message", "task_note_id", "job_id"]
        assert body["message"] == "Task note processing. A webhook event will be sent upon completion."
        assert len(body["task_note_id"]) == 24
        assert type(body["job_id"]) is int


@run
async def test_the_claim_of_the_page_gets_the_reply_of_the_page_and_202():
    async with cobalt() as vendor:
        answer = await vendor.post("/v1/claims", CLAIM)
        body = answer.json()
        assert answer.status_code == 202
        assert list(body) == ["success", "message", "claim_id", "appointment_id", "job_id"]
        assert body["message"] == "Claim creation queued. A webhook event will be sent upon completion."
        assert body["appointment_id"] == CLAIM["appointment_id"]
        assert len(body["claim_id"]) == 32


@pytest.mark.parametrize("header", ["client_id", "client_secret", "access_token"])
@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/tasks/notes", "/v1/claims"])
@run
async def test_each_of_the_three_headers_is_needed_and_must_be_right(header: str, path: str):
    without = {name: value for name, value in LAKESIDE.items() if name != header}
    for headers in (without, {**LAKESIDE, header: "wrong"}, {**without, header.replace("_", "-"): LAKESIDE[header]}):
        async with cobalt(headers) as vendor:
            answer = await vendor.post(path, TASK)
            assert answer.status_code == 401
            assert answer.json()["success"] is False
            assert await vendor.count() == 0


@pytest.mark.parametrize("blank", [None, "", "  "])
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/tasks", TASK, "description"),
        ("/v1/tasks", TASK, "patient_mrn"),
        ("/v1/tasks/notes", NOTE, "emr_task_id"),
        ("/v1/tasks/notes", NOTE, "note"),
    ],
)
@run
async def test_a_missing_null_or_blank_field_is_refused_by_name(path: str, body: dict, field: str, blank: str | None):
    async with cobalt() as vendor:
        for sent in ({**body, field: blank}, {name: value for name, value in body.items() if name != field}):
            answer = await vendor.post(path, sent)
            assert answer.status_code == 400
            assert answer.json() == refused(f"Missing required field: {field}")
        assert await vendor.count() == 0


@run
async def test_what_else_is_required_depends_on_the_emr():
    bare = {"description": "Call back", "patient_mrn": "MRN-1"}
    async with cobalt() as lakeside:
        assert (await lakeside.post("/v1/tasks", bare)).is_success
    async with cobalt(RIVERBEND) as riverbend:
        answer = await riverbend.post("/v1/tasks", bare)
        assert (answer.status_code, answer.json()) == (400, refused("Missing required field: subject"))
        answer = await riverbend.post("/v1/tasks", {**bare, "subject": "Call"})
        assert (answer.status_code, answer.json()) == (400, refused("Missing required field: assignee_user_id"))
        assert (await riverbend.post("/v1/tasks", {**bare, "subject": "Call", "assignee_user_id": "7"})).is_success


@pytest.mark.parametrize("wrong", ["a", {"a": 1}, [1], ["a", None], None])
@run
async def test_a_notify_list_must_be_an_array_of_strings_if_provided(wrong: object):
    async with cobalt() as vendor:
        answer = await vendor.post("/v1/tasks", {**TASK, "notify_list": wrong})
        assert answer.status_code == 400
        assert "must be an array of strings if provided" in answer.json()["message"].lower()
        assert (await vendor.post("/v1/tasks", {**TASK, "notify_list": ["u1", "u2"]})).is_success


@run
async def test_an_unknown_assignee_is_user_not_found():
    async with cobalt() as vendor:
        answer = await vendor.post("/v1/tasks", {**TASK, "assignee_user_id": "missing-1"})
        assert answer.json() == refused("User not found.")
    links = {"at_lakeside": CobaltLink(emr="eclinicalworks", reference_id="r", users=frozenset({"u1"}))}
    async with cobalt(links=links) as vendor:
        assert (await vendor.post("/v1/tasks", TASK)).json() == refused("User not found.")
        assert (await vendor.post("/v1/tasks", {**TASK, "assignee_user_id": "u1"})).is_success
        assert await vendor.count() == 1


@run
async def test_a_note_takes_exactly_two_keys():
    async with cobalt() as vendor:
        answer = await vendor.post("/v1/tasks/notes", {**NOTE, "subject": "x"})
        assert (answer.status_code, answer.json()) == (400, refused("Unexpected fields in request body: subject"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"', b"\xff"])
@run
async def test_a_body_that_is_no_json_object_is_refused(content: bytes):
    async with cobalt() as vendor:
        answer = await vendor.http.post("/v1/tasks", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
        assert answer.json()["success"] is False


@pytest.mark.parametrize(
    ("appointment", "message"),
    [
        (None, "'appointment_id' is required."),
        ("a_b", "Invalid 'appointment_id' format. Please provide a valid UUID."),
        (7, "Invalid 'appointment_id' format. Please provide a valid UUID."),
        ("noemr-1", "Appointment is missing emr_appointment_id; cannot create claim."),
        ("absent-1", "Appointment not found."),
    ],
)
@run
async def test_a_claim_is_refused_in_the_words_of_the_page(appointment: object, message: str):
    async with cobalt() as vendor:
        answer = await vendor.post("/v1/claims", {"appointment_id": appointment})
        assert answer.is_client_error
        assert answer.json() == refused(message)
        assert await vendor.count() == 0


@run
async def test_claims_are_for_eclinicalworks_only():
    async with cobalt(RIVERBEND) as vendor:
        answer = await vendor.post("/v1/claims", CLAIM)
        assert answer.status_code == 400
        expected = "Claim creation is not supported for athenahealth. Currently supported: eClinicalWorks."
        assert answer.json() == refused(expected)


@run
async def test_a_second_claim_is_refused_while_the_first_is_pending_or_completed_and_not_once_it_failed():
    duplicate = refused("A claim for this appointment is already pending or completed.")
    async with cobalt() as vendor:
        assert (await vendor.post("/v1/claims", CLAIM)).is_success
        assert (await vendor.post("/v1/claims", CLAIM)).json() == duplicate
        await until(lambda: vendor.receiver.got)
        assert (await vendor.post("/v1/claims", CLAIM)).json() == duplicate
        assert (await vendor.post("/v1/claims", {"appointment_id": "fail-1"})).is_success
        assert (await vendor.post("/v1/claims", {"appointment_id": "fail-1"})).json() == duplicate
        await until(lambda: len(vendor.receiver.got) == 2)
        assert (await vendor.post("/v1/claims", {"appointment_id": "fail-1"})).is_success
        assert await vendor.count("claim") == 3


@run
async def test_an_expired_link_answers_login_required_until_it_is_mended():
    async with cobalt() as vendor:
        await vendor.http.put("/_sandbox/links/at_lakeside", json={"expired": True})
        answer = await vendor.post("/v1/tasks", TASK)
        assert answer.status_code == 403
        assert list(answer.json()) == ["success", "error", "message"]
        assert answer.json()["error"] == "login_required"
        await vendor.http.put("/_sandbox/links/at_lakeside", json={"expired": False})
        assert (await vendor.post("/v1/tasks", TASK)).is_success


@run
async def test_what_was_created_and_asked_is_listed_and_reset_forgets_it():
    async with cobalt() as vendor:
        ident = (await vendor.post("/v1/tasks", TASK)).json()["task_id"]
        await vendor.post("/v1/tasks", {})
        created = await vendor.get("/_sandbox/created")
        assert created["count"] == 1
        assert (created["items"][0]["kind"], created["items"][0]["id"]) == ("task", ident)
        assert created["items"][0]["body"] == TASK
        asked = await vendor.get("/_sandbox/requests")
        assert [(each["method"], each["path"]) for each in asked["items"]] == [("POST", "/v1/tasks")] * 2
        assert asked["items"][0]["headers"]["client_id"] == "ci_sandbox"
        assert asked["items"][1]["body"] == "{}"
        await vendor.http.post("/_sandbox/reset")
        assert await vendor.count() == 0
        assert (await vendor.get("/_sandbox/requests"))["count"] == 0
