from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from typing import Any

import pytest
from sandbox.test_cobalt import CLAIM, NOTE, TASK
from sandbox.world import RIVERBEND, Vendor, cobalt, run, until


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def event_of(vendor: Vendor, number: int = 1) -> dict[str, Any]:
    await until(lambda: len(vendor.receiver.got) >= number)
    event: dict[str, Any] = json.loads(vendor.receiver.got[number - 1][1])
    return event


@run
async def test_a_created_task_is_told_in_the_event_of_the_page():
    async with cobalt() as vendor:
        reply = (await vendor.post("/v1/tasks", TASK)).json()
        event = await event_of(vendor)
        assert list(event) == ["id", "access_token_reference_id", "object", "created", "type", "job_id", "data"]
        assert event["access_token_reference_id"] == "user_lakeside"
        assert (event["object"], event["type"]) == ("event", "task.created")
        assert event["job_id"] == str(reply["job_id"])
        assert re.fullmatch(r"evt_\w{24}", event["id"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["created"])
        names = ["task_id", "emr_task_id", "subject", "description", "assignee_user_id", "patient_mrn"]
        assert list(event["data"]) == names
        assert event["data"]["task_id"] == reply["task_id"]
        assert {name: event["data"][name] for name in TASK} == TASK


@run
async def test_a_created_note_is_told_in_the_event_of_the_page():
    async with cobalt() as vendor:
        reply = (await vendor.post("/v1/tasks/notes", NOTE)).json()
        event = await event_of(vendor)
        assert event["type"] == "task_note.created"
        assert list(event["data"]) == ["task_note_id", "emr_note_id", "emr_task_id", "note"]
        assert event["data"]["task_note_id"] == reply["task_note_id"]
        assert {name: event["data"][name] for name in NOTE} == NOTE


@run
async def test_a_created_claim_is_told_in_the_event_of_the_page():
    async with cobalt() as vendor:
        reply = (await vendor.post("/v1/claims", CLAIM)).json()
        event = await event_of(vendor)
        assert event["type"] == "claim.created"
        ids = ["claim_id", "appointment_id", "patient_mrn"]
        assert list(event["data"]) == [*ids, "emr_claim_id", "emr_appointment_id", "emr_patient_id"]
        assert event["data"]["claim_id"] == reply["claim_id"]


NOTE_FAILED = ("task_note", ["task_note_id"], "Failed to create task note")


@pytest.mark.parametrize(
    ("path", "body", "type_", "ids", "reason"),
    [
        ("/v1/tasks", {**TASK, "description": "[sandbox:fail]"}, "task", ["task_id"], "Failed to create task"),
        ("/v1/tasks/notes", {**NOTE, "note": "[sandbox:fail]"}, *NOTE_FAILED),
        ("/v1/tasks/notes", {**NOTE, "emr_task_id": "x"}, *NOTE_FAILED),
        (
            "/v1/claims",
            {"appointment_id": "fail-1"},
            "claim",
            ["claim_id", "appointment_id", "patient_mrn"],
            "Failed to create claim",
        ),
    ],
)
@run
async def test_a_failure_is_told_in_the_event_of_the_page(path: str, body: dict, type_: str, ids: list, reason: str):
    async with cobalt() as vendor:
        assert (await vendor.post(path, body)).is_success
        event = await event_of(vendor)
        assert event["type"] == f"{type_}.failed"
        assert list(event["data"]) == [*ids, "failure_reason"]
        assert event["data"]["failure_reason"] == reason


@run
async def test_a_note_can_follow_the_task_that_was_created():
    async with cobalt() as vendor:
        await vendor.post("/v1/tasks", TASK)
        emr_task_id = (await event_of(vendor))["data"]["emr_task_id"]
        await vendor.post("/v1/tasks/notes", {"emr_task_id": emr_task_id, "note": "Done"})
        assert (await event_of(vendor, 2))["type"] == "task_note.created"


@run
async def test_a_webhook_is_compact_json_signed_in_hex_with_the_documented_headers():
    async with cobalt() as vendor:
        await vendor.post("/v1/tasks", {**TASK, "description": 'Añadir "nota" / 日本\n'})
        event = await event_of(vendor)
        headers, body = vendor.receiver.got[0]
        assert body == json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
        assert headers["content-type"] == "application/json"
        assert headers["cobalt-verification"] == signature("whsec_cobalt_sandbox", body)
        assert headers["webhook-id"] == event["id"]
        assert headers["webhook-timestamp"] == event["created"]
        assert headers["webhook-attempt"] == "1"


@pytest.mark.parametrize("status", [500, 503, 429])
@run
async def test_a_push_is_tried_once_more_after_a_5xx_or_429(status: int):
    async with cobalt() as vendor:
        vendor.receiver.answers = [status] * 3
        await vendor.post("/v1/tasks", TASK)
        await until(lambda: len(vendor.receiver.got) == 2)
        await asyncio.sleep(0.1)
        assert [headers["webhook-attempt"] for headers, _ in vendor.receiver.got] == ["1", "2"]
        assert vendor.receiver.got[0][1] == vendor.receiver.got[1][1]
        assert (await vendor.get("/v1/webhook-events"))["webhook_events"][0]["delivery_status"] == "failed"


@pytest.mark.parametrize("status", [400, 404, 302])
@run
async def test_a_push_is_not_tried_again_after_another_refusal(status: int):
    async with cobalt() as vendor:
        vendor.receiver.answers = [status]
        await vendor.post("/v1/tasks", TASK)
        await until(lambda: vendor.receiver.got)
        await asyncio.sleep(0.1)
        assert [push["outcome"] for push in (await vendor.get("/_sandbox/pushes"))["items"]] == [status]


@run
async def test_a_push_that_finds_nobody_is_tried_once_more():
    async with cobalt(webhook_urls=("http://127.0.0.1:9/hook",)) as vendor:
        await vendor.post("/v1/tasks", TASK)
        await asyncio.sleep(0.2)
        assert [push["outcome"] for push in (await vendor.get("/_sandbox/pushes"))["items"]] == ["network"] * 2


@run
async def test_a_result_is_looked_up_by_its_job_and_an_unfinished_job_finds_nothing():
    async with cobalt(completion_delay=0.2) as vendor:
        job = (await vendor.post("/v1/tasks", TASK)).json()["job_id"]
        await vendor.post("/v1/tasks/notes", NOTE)
        assert (await vendor.get("/v1/webhook-events", job_id=job))["webhook_events"] == []
        event = await event_of(vendor)
        await event_of(vendor, 2)
        found = await vendor.get("/v1/webhook-events", job_id=job)
        assert list(found) == ["success", "webhook_events", "pagination"]
        assert found["pagination"] == {"current_page": 1, "total_pages": 1, "total_count": 1, "page_size": 50}
        (item,) = found["webhook_events"]
        assert item == {
            "event_id": event["id"],
            "event_type": "task.created",
            "webhook_url": vendor.receiver.url,
            "delivery_status": "success",
            "data": event["data"],
            "created_at": event["created"],
            "job_id": str(job),
            "access_token_reference_id": "user_lakeside",
        }


@run
async def test_results_can_be_looked_up_without_any_webhook():
    async with cobalt(webhook_urls=()) as vendor:
        job = (await vendor.post("/v1/tasks", TASK)).json()["job_id"]
        await asyncio.sleep(0.1)
        (item,) = (await vendor.get("/v1/webhook-events", job_id=job))["webhook_events"]
        assert (item["event_type"], item["webhook_url"]) == ("task.created", None)


@run
async def test_the_lookup_pages_filters_and_sorts():
    async with cobalt() as vendor:
        jobs = [str((await vendor.post("/v1/tasks", TASK)).json()["job_id"]) for _ in range(3)]
        await vendor.post("/v1/claims", CLAIM)
        await until(lambda: len(vendor.receiver.got) == 4)

        async def look(**query: Any) -> list[str]:
            return [each["job_id"] for each in (await vendor.get("/v1/webhook-events", **query))["webhook_events"]]

        assert await look(event_type="task.created", sort="created_at") == jobs
        assert await look(event_type="task.created") == jobs[::-1]
        assert await look(event_type="task.created", page=2, page_size=2) == jobs[:1]
        assert (await vendor.get("/v1/webhook-events", page_size=3))["pagination"]["total_pages"] == 2
        assert await look(start_date="2999-01-01") == []
        assert await look(end_date="2000-01-01") == []
        assert len(await look(start_date="2000-01-01", end_date="2999-01-01")) == 4
        for bad in ({"page_size": 101}, {"page": 0}, {"sort": "id"}, {"start_date": "1.1.2026"}):
            assert (await vendor.http.get("/v1/webhook-events", params=bad)).status_code == 400


@run
async def test_a_link_sees_its_own_events_and_claims_only():
    async with cobalt() as vendor:
        await vendor.post("/v1/claims", CLAIM)
        await event_of(vendor)
        mine, foreign = await vendor.get("/v1/claims"), await vendor.http.get("/v1/claims", headers=RIVERBEND)
        (claim,) = mine["claims"]
        assert claim["appointment_id"] == CLAIM["appointment_id"]
        assert claim["emr_claim_id"]
        assert claim["emr_appointment_id"]
        assert foreign.json()["claims"] == []
        events = await vendor.http.get("/v1/webhook-events", headers=RIVERBEND)
        assert events.json()["webhook_events"] == []


@run
async def test_webhook_urls_are_registered_listed_removed_and_share_a_secret_that_rotates():
    async with cobalt(webhook_urls=()) as vendor:
        client = {"client_id": "ci_sandbox", "client_secret": "cs_sandbox", "access_token": ""}
        made = (await vendor.post("/v1/webhook", {"webhook_url": vendor.receiver.url}, **client)).json()
        shown = await vendor.get("/v1/webhook")
        assert shown["webhook_urls"] == [{"id": made["webhook_id"], "url": vendor.receiver.url}]
        assert shown["webhook_url"] == vendor.receiver.url
        assert shown["webhook_secret_key"] == made["webhook_secret"] == "whsec_cobalt_sandbox"
        rotated = (await vendor.post("/v1/webhook/rotate-secret", {})).json()["webhook_secret_key"]
        await vendor.post("/v1/tasks", TASK)
        await event_of(vendor)
        headers, body = vendor.receiver.got[0]
        assert headers["cobalt-verification"] == signature(rotated, body)
        assert (await vendor.http.delete(f"/v1/webhook/{made['webhook_id']}")).json()["success"] is True
        assert (await vendor.http.delete(f"/v1/webhook/{made['webhook_id']}")).status_code == 404
        assert (await vendor.get("/v1/webhook"))["webhook_urls"] == []
        missing = await vendor.post("/v1/webhook", {"url": "https://example.org"})
        assert missing.json() == {"success": False, "message": "Missing required field: webhook_url"}
        wrong = await vendor.post("/v1/webhook", {"webhook_url": "x"}, client_secret="no")
        assert wrong.status_code == 401


@run
async def test_every_registered_url_gets_every_event():
    async with cobalt() as vendor:
        await vendor.post("/v1/webhook", {"webhook_url": vendor.receiver.url})
        await vendor.post("/v1/tasks", TASK)
        await until(lambda: len(vendor.receiver.got) == 2)
        assert vendor.receiver.got[0][1] == vendor.receiver.got[1][1]
        await asyncio.sleep(0.05)
        assert (await vendor.get("/v1/webhook-events"))["pagination"]["total_count"] == 2


@run
async def test_an_expired_link_is_told_in_an_account_event_without_a_job():
    async with cobalt() as vendor:
        await vendor.http.put("/_sandbox/links/at_lakeside", json={"expired": True})
        event = await event_of(vendor)
        assert event["type"] == "access_token.login_required"
        assert "job_id" not in event
        assert event["data"]["access_token_reference_id"] == "user_lakeside"
        assert list(event["data"]) == ["access_token_reference_id", "emr_instance_domain", "message"]


@run
async def test_an_event_can_be_pushed_again():
    async with cobalt() as vendor:
        await vendor.post("/v1/tasks", TASK)
        event = await event_of(vendor)
        assert (await vendor.get("/_sandbox/events"))["items"] == [event]
        await vendor.http.post(f"/_sandbox/events/{event['id']}/push")
        assert vendor.receiver.got[1][1] == vendor.receiver.got[0][1]
