from __future__ import annotations

import hashlib
import hmac
import json
from uuid import UUID

import pytest
from sandbox.world import KEY, run, task_api, until

TASK = {
    "title": "Verify benefits",
    "description": "Call the payor",
    "assigned_user_ids": ["7f3c", "91aa"],
    "created_by_id": "b0b0",
    "deadline": "2023-11-07T05:31:56Z",
}
WHOLE = {
    **TASK,
    "tags": ["a"],
    "call_id": "c",
    "fax_id": "f",
    "assistant_id": "as",
    "session_id": "s",
    "patient_id": "p",
    "status": "in_progress",
    "priority": "high",
    "type": "vob",
}
REPLY = [
    "id", "title", "description", "tags", "deadline", "created_at", "updated_at", "priority", "created_by_id",
    "company_id", "version", "status", "call_id", "fax_id", "assistant_id", "session_id", "patient_id", "type",
    "external_message_ids",
]  # fmt: skip


def signed(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@run
async def test_the_task_of_the_page_gets_the_reply_of_the_page():
    async with task_api() as vendor:
        answer = await vendor.post("/v1/tasks", WHOLE)
        body = answer.json()
        assert answer.status_code == 201
        assert list(body) == REPLY
        assert {name: body[name] for name in WHOLE if name in body} == {
            name: value for name, value in WHOLE.items() if name != "assigned_user_ids"
        }
        assert str(UUID(body["id"])) == body["id"]
        assert type(body["version"]) is int


@run
async def test_what_is_left_out_gets_the_defaults_of_the_page():
    async with task_api() as vendor:
        body = (await vendor.post("/v1/tasks", TASK)).json()
        assert (body["status"], body["priority"], body["tags"]) == ("pending", "medium", [])
        assert [body[name] for name in ("call_id", "fax_id", "patient_id", "type")] == [None] * 4


@run
async def test_unknown_keys_are_dropped_without_a_word():
    async with task_api() as vendor:
        answer = await vendor.post("/v1/tasks", {**TASK, "assignee": "x", "reference": "y"})
        assert answer.status_code == 201
        assert list(answer.json()) == REPLY


@pytest.mark.parametrize("headers", [{"X-API-Key": "wrong"}, {"X-API-Key": ""}])
@run
async def test_a_wrong_or_missing_key_is_401_in_the_documented_envelope(headers: dict):
    async with task_api() as vendor:
        for answer in (
            await vendor.post("/v1/tasks", TASK, **headers),
            await vendor.http.get("/v1/tasks", headers=headers),
        ):
            assert answer.status_code == 401
            assert list(answer.json()["detail"]) == ["type", "code", "message", "param"]
        assert await vendor.count() == 0


@pytest.mark.parametrize("field", list(TASK))
@run
async def test_a_missing_required_field_is_a_422_that_names_it(field: str):
    async with task_api() as vendor:
        answer = await vendor.post("/v1/tasks", {name: value for name, value in TASK.items() if name != field})
        (error,) = answer.json()["detail"]
        assert answer.status_code == 422
        assert (error["type"], error["loc"], error["msg"]) == ("missing", ["body", field], "Field required")


@pytest.mark.parametrize(
    ("field", "value", "type_"),
    [
        ("title", "", "string_too_short"),
        ("description", "", "string_too_short"),
        ("title", None, "string_type"),
        ("assigned_user_ids", [], "too_short"),
        ("assigned_user_ids", "7f3c", "list_type"),
        ("assigned_user_ids", [7], "string_type"),
        ("created_by_id", 7, "string_type"),
        ("deadline", "tomorrow", "datetime_from_date_parsing"),
        ("deadline", None, "datetime_from_date_parsing"),
        ("tags", "a", "list_type"),
        ("call_id", 7, "string_type"),
        ("status", "done", "literal_error"),
        ("status", None, "string_type"),
        ("priority", "asap", "literal_error"),
    ],
)
@run
async def test_a_wrong_value_is_a_422_that_names_its_field(field: str, value: object, type_: str):
    async with task_api() as vendor:
        answer = await vendor.post("/v1/tasks", {**TASK, field: value})
        (error,) = answer.json()["detail"]
        assert answer.status_code == 422
        assert (error["type"], error["loc"][:2]) == (type_, ["body", field])
        assert await vendor.count() == 0


@run
async def test_all_that_is_wrong_is_told_at_once():
    async with task_api() as vendor:
        answer = await vendor.post("/v1/tasks", {})
        assert [error["loc"][1] for error in answer.json()["detail"]] == list(TASK)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
@run
async def test_a_body_that_is_no_object_is_a_422(content: bytes):
    async with task_api() as vendor:
        answer = await vendor.http.post("/v1/tasks", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422


@run
async def test_a_deadline_comes_back_as_the_same_instant_in_utc():
    async with task_api() as vendor:
        body = (await vendor.post("/v1/tasks", {**TASK, "deadline": "2026-03-20T10:00:00-05:00"})).json()
        assert body["deadline"] == "2026-03-20T15:00:00Z"


@run
async def test_a_task_is_read_back_by_id_and_an_absent_one_is_404():
    async with task_api() as vendor:
        made = (await vendor.post("/v1/tasks", TASK)).json()
        assert await vendor.get(f"/v1/tasks/{made['id']}") == made
        answer = await vendor.http.get("/v1/tasks/3c90c3cc-0d44-4b50-8888-8dd25736052a")
        assert answer.status_code == 404
        assert answer.json()["detail"]["code"] == "not_found"


@run
async def test_the_list_pages_and_filters():
    async with task_api() as vendor:
        ids = [(await vendor.post("/v1/tasks", TASK)).json()["id"] for _ in range(3)]
        other = (await vendor.post("/v1/tasks", {**WHOLE, "assigned_user_ids": ["zz"]})).json()["id"]
        first = await vendor.get("/v1/tasks", page=1, limit=3)
        assert first["pagination"] == {"has_more": True, "total": 4, "page": 1, "limit": 3}
        second = await vendor.get("/v1/tasks", page=2, limit=3)
        assert second["pagination"]["has_more"] is False
        assert [each["id"] for each in first["data"] + second["data"]] == [other, *ids[::-1]]
        assert list(first["data"][0]) == REPLY
        for query in (
            {"patient_id": "p"},
            {"status": "in_progress"},
            {"priority": "high"},
            {"assigned_user_id": "zz"},
            {"type": "vob"},
        ):
            assert [each["id"] for each in (await vendor.get("/v1/tasks", **query))["data"]] == [other]
        assert (await vendor.get("/v1/tasks"))["pagination"]["limit"] == 50
        for bad in ({"limit": 101}, {"limit": 0}, {"page": 0}, {"page": "x"}):
            assert (await vendor.http.get("/v1/tasks", params=bad)).status_code == 422


@run
async def test_a_change_is_pushed_as_ids_only_and_signed_over_the_raw_bytes():
    async with task_api(webhook_urls=()) as vendor:
        wish = {"url": vendor.receiver.url, "event_types": ["task_updated"]}
        subscription = await vendor.post("/v1/webhooks", wish)
        made = subscription.json()
        assert subscription.status_code == 201
        assert made["secret_key"].startswith("whsec_")
        assert (made["url"], made["event_types"], made["is_active"]) == (*wish.values(), True)
        task = (await vendor.post("/v1/tasks", TASK)).json()
        changed = await vendor.http.patch(f"/_sandbox/tasks/{task['id']}", json={"status": "completed"})
        assert (changed.json()["status"], changed.json()["version"]) == ("completed", 2)
        await until(lambda: vendor.receiver.got)
        headers, body = vendor.receiver.got[0]
        assert headers["x-solum-signature"] == signed(made["secret_key"], body)
        event = json.loads(body)
        assert body == json.dumps(event, separators=(",", ":")).encode()
        assert event["event_type"] == "task_updated"
        assert event["data"] == {"id": task["id"], "company_id": task["company_id"]}
        assert (await vendor.get(f"/v1/tasks/{task['id']}"))["status"] == "completed"
        assert len(vendor.receiver.got) == 1


@run
async def test_a_subscription_of_the_settings_hears_of_creations_under_its_own_secret():
    async with task_api() as vendor:
        await vendor.post("/v1/tasks", TASK)
        await until(lambda: vendor.receiver.got)
        headers, body = vendor.receiver.got[0]
        assert json.loads(body)["event_type"] == "task_created"
        assert headers["x-solum-signature"] == signed("whsec_task_api_sandbox", body)


@run
async def test_a_push_is_repeated_until_it_is_answered_2xx():
    async with task_api() as vendor:
        vendor.receiver.answers = [404, 500, 200]
        await vendor.post("/v1/tasks", TASK)
        await until(lambda: len(vendor.receiver.got) == 3)
        assert len({body for _, body in vendor.receiver.got}) == 1


@run
async def test_the_key_is_among_the_headers_that_were_noted():
    async with task_api() as vendor:
        await vendor.post("/v1/tasks", TASK)
        (asked,) = (await vendor.get("/_sandbox/requests"))["items"]
        assert asked["headers"]["X-API-Key"] == KEY["X-API-Key"]
        assert json.loads(asked["body"]) == TASK
