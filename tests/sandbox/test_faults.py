from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sandbox.test_cobalt import CLAIM, NOTE
from sandbox.test_cobalt import TASK as COBALT_TASK
from sandbox.test_maxcare import TASK as MAXCARE_TASK
from sandbox.test_task_api import TASK as TASK_API_TASK
from sandbox.world import HARBOR, KEY, LAKESIDE, Vendor, cobalt, maxcare, run, task_api, until

Opened = Callable[[], AbstractAsyncContextManager[Vendor]]
EACH = pytest.mark.parametrize(
    ("opened", "path", "body", "headers"),
    [
        (cobalt, "/v1/tasks", COBALT_TASK, LAKESIDE),
        (task_api, "/v1/tasks", TASK_API_TASK, KEY),
        (maxcare, "/v4/tasks", MAXCARE_TASK, HARBOR),
    ],
    ids=["cobalt", "task_api", "maxcare"],
)


async def raw(vendor: Vendor, path: str, body: dict, headers: dict) -> bytes:
    """Everything a bare socket gets for a POST; a reset is nothing."""
    at = urlsplit(vendor.url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    content = json.dumps(body).encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\n{head}".encode() + content)
    try:
        return await asyncio.wait_for(reader.read(), 2)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@EACH
@run
async def test_drop_after_read_creates_and_closes_without_a_byte(opened: Opened, path: str, body: dict, headers: dict):
    async with opened() as vendor:
        await vendor.fault({"on": "create_task", "kind": "drop_after_read"})
        assert await raw(vendor, path, body, headers) == b""
        assert await vendor.count() == 1
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await vendor.post(path, body)
        assert await vendor.count() == 2


@EACH
@run
async def test_drop_before_closes_without_a_byte_and_creates_nothing(
    opened: Opened, path: str, body: dict, headers: dict
):
    async with opened() as vendor:
        await vendor.fault({"on": "create_task", "kind": "drop_before"})
        assert await raw(vendor, path, body, headers) == b""
        assert await vendor.count() == 0
        assert (await vendor.get("/_sandbox/requests"))["count"] == 1


@EACH
@run
async def test_a_status_stands_in_for_the_answer_and_creates_nothing(
    opened: Opened, path: str, body: dict, headers: dict
):
    del headers
    async with opened() as vendor:
        fault = {"on": "create_task", "kind": "status", "times": 1, "status": 429, "body": '{"a":1}'}
        await vendor.fault({**fault, "headers": {"Retry-After": "7"}})
        answer = await vendor.post(path, body)
        assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (429, {"a": 1}, "7")
        assert await vendor.count() == 0
        assert (await vendor.post(path, body)).is_success


@EACH
@run
async def test_malformed_creates_and_answers_2xx_with_json_that_breaks_off(
    opened: Opened, path: str, body: dict, headers: dict
):
    del headers
    async with opened() as vendor:
        await vendor.fault({"on": "create_task", "kind": "malformed"})
        answer = await vendor.post(path, body)
        assert answer.is_success
        with pytest.raises(json.JSONDecodeError):
            answer.json()
        assert await vendor.count() == 1
        assert (await vendor.post(path, {})).json()
        await vendor.fault({"on": "create_task", "kind": "malformed", "body": "<html>"})
        assert (await vendor.post(path, body)).text == "<html>"


@EACH
@run
async def test_latency_creates_at_once_and_answers_late(opened: Opened, path: str, body: dict, headers: dict):
    del headers
    async with opened() as vendor:
        await vendor.fault({"on": "create_task", "kind": "latency", "seconds": 0.2})
        begun = time.monotonic()
        answer = asyncio.create_task(vendor.post(path, body))
        while await vendor.count() == 0:
            assert time.monotonic() - begun < 0.2
        assert (await answer).is_success
        assert time.monotonic() - begun >= 0.2


@EACH
@run
async def test_a_stall_creates_late_even_when_the_caller_has_gone(opened: Opened, path: str, body: dict, headers: dict):
    del headers
    async with opened() as vendor:
        await vendor.fault({"on": "create_task", "kind": "stall", "seconds": 0.2})
        with pytest.raises(httpx.ReadTimeout):
            await vendor.http.post(path, json=body, timeout=0.05)
        assert await vendor.count() == 0
        await asyncio.sleep(0.25)
        assert await vendor.count() == 1


@run
async def test_a_fault_hits_its_operation_only_and_a_star_hits_all():
    async with cobalt() as vendor:

        async def statuses() -> list[int]:
            answers = [
                await vendor.post("/v1/tasks", COBALT_TASK),
                await vendor.post("/v1/tasks/notes", NOTE),
                await vendor.post("/v1/claims", {**CLAIM, "appointment_id": "a" + str(await vendor.count("claim"))}),
                await vendor.http.get("/v1/webhook-events"),
                await vendor.http.get("/v1/webhook"),
            ]
            return [answer.status_code for answer in answers]

        good = [200, 200, 202, 200, 200]
        assert await statuses() == good
        for place, on in enumerate(["create_task", "add_note", "create_claim", "lookup", "webhooks"]):
            await vendor.fault({"on": on, "kind": "status", "status": 503})
            assert await statuses() == [*good[:place], 503, *good[place + 1 :]]
        await vendor.fault({"on": "*", "kind": "status", "status": 503})
        assert await statuses() == [503] * 5
        assert (await vendor.get("/_sandbox/faults"))["faults"][0]["on"] == "*"
        await vendor.http.delete("/_sandbox/faults")
        assert await statuses() == good


@run
async def test_faults_are_met_in_order_and_used_up():
    async with cobalt() as vendor:
        await vendor.fault(
            {"on": "create_task", "kind": "status", "status": 503, "times": 2},
            {"on": "create_task", "kind": "status", "status": 500, "times": 1},
        )
        got = [(await vendor.post("/v1/tasks", COBALT_TASK)).status_code for _ in range(4)]
        assert got == [503, 503, 500, 200]
        assert await vendor.count() == 1


@run
async def test_a_fault_of_the_answer_and_one_of_the_result_meet_in_one_request():
    async with cobalt() as vendor:
        await vendor.fault(
            {"on": "create_task", "kind": "drop_after_read", "times": 1},
            {"on": "create_task", "kind": "no_webhook", "times": 1},
        )
        assert await raw(vendor, "/v1/tasks", COBALT_TASK, LAKESIDE) == b""
        await asyncio.sleep(0.1)
        assert vendor.receiver.got == []
        assert (await vendor.get("/v1/webhook-events"))["pagination"]["total_count"] == 1


@pytest.mark.parametrize("wrong", [{"on": "create_task"}, {"on": "x", "kind": "latency"}, {"on": "*", "kind": "x"}])
@run
async def test_a_fault_that_is_none_is_refused(wrong: dict):
    async with cobalt() as vendor:
        assert (await vendor.http.put("/_sandbox/faults", json=wrong)).status_code == 400


@run
async def test_no_webhook_leaves_a_result_to_look_up_and_no_result_leaves_nothing():
    async with cobalt() as vendor:
        await vendor.fault({"on": "create_task", "kind": "no_webhook"}, {"on": "add_note", "kind": "no_result"})
        await vendor.post("/v1/tasks", COBALT_TASK)
        await vendor.post("/v1/tasks/notes", NOTE)
        await asyncio.sleep(0.1)
        assert vendor.receiver.got == []
        (item,) = (await vendor.get("/v1/webhook-events"))["webhook_events"]
        assert item["event_type"] == "task.created"


@pytest.mark.parametrize(("opened", "body"), [(cobalt, COBALT_TASK), (task_api, TASK_API_TASK)])
@run
async def test_duplicate_webhook_pushes_the_same_event_twice(opened: Opened, body: dict):
    async with opened() as vendor:
        await vendor.fault({"on": "create_task", "kind": "duplicate_webhook", "times": 1})
        await vendor.post("/v1/tasks", body)
        await until(lambda: len(vendor.receiver.got) == 2)
        assert vendor.receiver.got[0] == vendor.receiver.got[1]
        assert await vendor.count() == 1


@pytest.mark.parametrize(("opened", "body"), [(cobalt, COBALT_TASK), (task_api, TASK_API_TASK)])
@run
async def test_early_webhook_overtakes_the_answer(opened: Opened, body: dict):
    async with opened() as vendor:
        await vendor.fault({"on": "create_task", "kind": "early_webhook"})
        answer = await vendor.post("/v1/tasks", body)
        assert len(vendor.receiver.got) == 1
        (push,) = (await vendor.get("/_sandbox/pushes"))["items"]
        assert push["outcome"] == 200
        assert answer.is_success


@pytest.mark.parametrize(
    ("on", "path", "body", "type_"),
    [
        ("create_task", "/v1/tasks", COBALT_TASK, "task.failed"),
        ("add_note", "/v1/tasks/notes", NOTE, "task_note.failed"),
        ("create_claim", "/v1/claims", CLAIM, "claim.failed"),
    ],
)
@run
async def test_result_failed_takes_the_request_and_fails_it_later(on: str, path: str, body: dict, type_: str):
    async with cobalt() as vendor:
        await vendor.fault({"on": on, "kind": "result_failed", "body": "EMR said no"})
        assert (await vendor.post(path, body)).is_success
        await until(lambda: vendor.receiver.got)
        event: dict[str, Any] = json.loads(vendor.receiver.got[0][1])
        assert (event["type"], event["data"]["failure_reason"]) == (type_, "EMR said no")


@run
async def test_reset_clears_faults_and_what_was_still_to_come():
    async with cobalt(completion_delay=0.1) as vendor:
        await vendor.post("/v1/tasks", COBALT_TASK)
        await vendor.fault({"on": "*", "kind": "status"})
        await vendor.http.post("/_sandbox/reset")
        assert (await vendor.get("/_sandbox/faults"))["faults"] == []
        await asyncio.sleep(0.2)
        assert vendor.receiver.got == []
