from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from sandbox.world import maxcare, run

from gateway.sandbox.maxcare import stamp

PROVIDER = "prv_d4e5f6a7b8c94d0e1f2a3b4c5d6e7f8a"
TASK = {
    "noteId": "nte_3cc73cb69c59403ca9108af6c5693b25",
    "providerId": PROVIDER,
    "notes": "Review missing plan for Impression #3: Irritant Contact Dermatitis",
    "assigneeIds": [PROVIDER],
}
WILSON = {
    "id": PROVIDER,
    "firstName": "James",
    "lastName": "Wilson",
    "displayFirstName": "Dr. James",
    "displayLastName": "Wilson, MD",
    "username": "jwilson",
    "roles": ["Physician"],
    "individualNpi": "1234567890",
    "canFinalize": True,
    "canCosign": False,
}


@run
async def test_the_task_of_the_page_gets_the_reply_of_the_page():
    async with maxcare() as vendor:
        answer = await vendor.post("/v4/tasks", TASK)
        body = answer.json()
        assert answer.status_code == 200
        assert list(body) == ["code", "data"]
        assert body["code"] == "success"
        data = body["data"]
        names = ["id", "status", "syncStatus", "notes", "noteId", "ehrType", "assignedProviders"]
        assert list(data) == [*names, "createdAt", "updatedAt"]
        assert re.fullmatch(r"tsk_[0-9a-f]{32}", data["id"])
        assert (data["status"], data["syncStatus"], data["ehrType"]) == ("not_started", "synced", "modmed")
        assert data["assignedProviders"] == [WILSON]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00", data["createdAt"])


@pytest.mark.parametrize(
    ("microsecond", "text"),
    [
        (209452, "2026-03-20 18:35:10.209452+00"),
        (285000, "2026-03-20 18:35:10.285+00"),
        (0, "2026-03-20 18:35:10+00"),
    ],
)
def test_times_are_written_as_postgresql_writes_them(microsecond: int, text: str):
    assert stamp(datetime(2026, 3, 20, 18, 35, 10, microsecond, tzinfo=UTC)) == text


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": ""}, 401, "unauthorized"),
        ({"Authorization": "Bearer wrong"}, 401, "unauthorized"),
        ({"Authorization": "max_dev_ak_sandbox"}, 401, "unauthorized"),
        ({"X-Organization-Id": ""}, 400, "bad_request"),
        ({"X-Organization-Id": "org_other"}, 403, "forbidden"),
    ],
)
@run
async def test_key_and_organization_are_needed_on_every_call(headers: dict, status: int, code: str):
    async with maxcare() as vendor:
        for answer in (
            await vendor.post("/v4/tasks", TASK, **headers),
            await vendor.http.get("/v4/tasks", headers=headers),
            await vendor.http.get("/v4/tasks/tsk_1", headers=headers),
        ):
            assert answer.status_code == status
            assert list(answer.json()) == ["code", "message", "trace_id"]
            assert answer.json()["code"] == code
        assert await vendor.count() == 0


@pytest.mark.parametrize("field", list(TASK))
@pytest.mark.parametrize("blank", [None, ""])
@run
async def test_a_missing_field_is_refused_in_the_words_of_the_errors_guide(field: str, blank: str | None):
    async with maxcare() as vendor:
        answer = await vendor.post("/v4/tasks", {**TASK, field: blank})
        assert answer.status_code == 400
        assert answer.json()["message"] == f"'{field}' is required"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("noteId", "3cc73cb6-9c59-403c-a910-8af6c5693b25"),
        ("providerId", 7),
        ("assigneeIds", ["nte_1"]),
    ],
)
@run
async def test_an_id_of_another_version_is_no_valid_id(field: str, value: object):
    async with maxcare() as vendor:
        answer = await vendor.post("/v4/tasks", {**TASK, field: value})
        assert answer.json()["code"] == "bad_request"
        assert answer.json()["message"] == f"'{field}' must be a valid ID"


@run
async def test_a_task_needs_at_least_one_assignee_in_an_array():
    async with maxcare() as vendor:
        for wrong in ([], PROVIDER):
            answer = await vendor.post("/v4/tasks", {**TASK, "assigneeIds": wrong})
            assert answer.json()["code"] == "bad_request"
        assert await vendor.count() == 0


@run
async def test_a_task_is_read_back_by_id_and_another_organizations_is_absent():
    async with maxcare(organizations=("org_harbor", "org_other")) as vendor:
        made = (await vendor.post("/v4/tasks", TASK)).json()
        path = f"/v4/tasks/{made['data']['id']}"
        assert await vendor.get(path) == made
        answer = await vendor.http.get(path, headers={"X-Organization-Id": "org_other"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@run
async def test_the_list_pages_and_filters():
    async with maxcare() as vendor:
        ids = [(await vendor.post("/v4/tasks", TASK)).json()["data"]["id"] for _ in range(3)]
        foreign = {**TASK, "noteId": "nte_2", "assigneeIds": ["prv_2", "prv_3"]}
        other = (await vendor.post("/v4/tasks", foreign)).json()["data"]["id"]
        await vendor.http.patch(f"/_sandbox/tasks/{other}", json={"status": "in_progress"})

        async def look(**query: object) -> list[str]:
            answer = await vendor.get("/v4/tasks", **query)
            assert answer["code"] == "success"
            return [each["id"] for each in answer["data"]["tasks"]]

        assert await look() == [other, *ids[::-1]]
        assert await look(noteId="nte_2") == [other]
        assert await look(providerId="prv_3") == [other]
        assert await look(status="done,in_progress") == [other]
        assert await look(page=2, pageSize=3) == ids[:1]
        pagination = (await vendor.get("/v4/tasks", pageSize=3))["data"]["pagination"]
        assert pagination == {"page": 1, "pageSize": 3, "totalCount": 4, "totalPages": 2}
        assert (await vendor.get("/v4/tasks"))["data"]["pagination"]["pageSize"] == 100
        for bad in ({"pageSize": 101}, {"page": 0}):
            assert (await vendor.http.get("/v4/tasks", params=bad)).json()["code"] == "bad_request"


@run
async def test_tasks_can_start_unsynced_and_be_synced_later():
    async with maxcare() as vendor:
        await vendor.http.put("/_sandbox/sync", json={"syncStatus": "pending", "syncedAfter": 0.05})
        made = (await vendor.post("/v4/tasks", TASK)).json()["data"]
        assert made["syncStatus"] == "pending"
        seen = made
        while seen["syncStatus"] == "pending":
            seen = (await vendor.get(f"/v4/tasks/{made['id']}"))["data"]
        assert seen["syncStatus"] == "synced"
        await vendor.http.put("/_sandbox/sync", json={"syncStatus": "pending"})
        stuck = (await vendor.post("/v4/tasks", TASK)).json()["data"]["id"]
        changed = await vendor.http.patch(f"/_sandbox/tasks/{stuck}", json={"syncStatus": "synced"})
        assert (changed.json()["status"], changed.json()["syncStatus"]) == ("not_started", "synced")


@run
async def test_a_failed_result_is_a_task_that_did_not_reach_the_ehr():
    async with maxcare() as vendor:
        await vendor.fault({"on": "create_task", "kind": "result_failed", "times": 1})
        assert (await vendor.post("/v4/tasks", TASK)).json()["data"]["syncStatus"] == "failed"
        assert (await vendor.post("/v4/tasks", TASK)).json()["data"]["syncStatus"] == "synced"


@run
async def test_the_reply_can_cut_the_text_as_the_sample_does():
    async with maxcare(reply_notes_length=36) as vendor:
        assert (await vendor.post("/v4/tasks", TASK)).json()["data"]["notes"] == TASK["notes"][:36]


@run
async def test_a_minute_has_so_many_requests_and_every_answer_says_how_many_are_left():
    async with maxcare(per_minute=2) as vendor:
        answers = [await vendor.post("/v4/tasks", TASK) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
        assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"2"}
        assert "Retry-After" not in answers[0].headers
        assert 1 <= int(answers[2].headers["Retry-After"]) <= 60
        assert answers[2].json()["code"] == "rate_limit_exceeded"
        assert await vendor.count() == 2
