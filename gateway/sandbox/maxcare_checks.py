"""What MaxCare refuses: bodies, in the words of the errors guide, and the 1,001st request of a minute."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from aiohttp import web

from gateway.sandbox.settings import Clock
from gateway.sandbox.stand import Handler, Json, Refusal, answer

MINUTE = 60.0


def refused(status: int, code: str, message: str) -> Refusal:
    """An error in MaxCare's envelope; it shares the key `code` with success."""
    return Refusal(status, {"code": code, "message": message, "trace_id": uuid4().hex})


def check_task(body: Json, missing: Sequence[str]) -> None:
    """Refuses a body without the page's four fields or what is demanded besides, or with ids that are none."""
    for name in ("noteId", "providerId", "notes", *missing):
        value = body.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            raise refused(400, "bad_request", f"'{name}' is required")
    check_id("noteId", body["noteId"], "nte_")
    check_id("providerId", body["providerId"], "prv_")
    if not isinstance(body["notes"], str):
        raise refused(400, "bad_request", "'notes' must be a string")
    assignees = body.get("assigneeIds")
    if not assignees:
        raise refused(400, "bad_request", "'assigneeIds' is required")
    if not isinstance(assignees, list):
        raise refused(400, "bad_request", "'assigneeIds' must be an array")
    for each in assignees:
        check_id("assigneeIds", each, "prv_")


def check_id(name: str, value: Any, prefix: str) -> None:
    """Refuses an id without its v4 prefix."""
    if not isinstance(value, str) or not value.startswith(prefix):
        raise refused(400, "bad_request", f"'{name}' must be a valid ID")


class RateLimit:
    """The documented cap: a sliding minute over all of an app's requests, told in headers (rate-limits guide)."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self.per_minute = per_minute
        self.clock = clock
        self.recent: deque[float] = deque()

    async def answer(self, handler: Handler, request: web.Request) -> web.Response:
        """The handler's answer, or a 429 with `Retry-After`; both say how much of the minute is left."""
        now = self.clock().timestamp()
        while self.recent and self.recent[0] <= now - MINUTE:
            self.recent.popleft()
        free = self.per_minute - len(self.recent)
        if free > 0:
            self.recent.append(now)
            response = await answer(handler, request)
        else:
            response = refused(429, "rate_limit_exceeded", "Rate limit exceeded").reply()
            response.headers["Retry-After"] = str(max(1, round(self.recent[0] + MINUTE - now)))
        response.headers["X-RateLimit-Limit"] = str(self.per_minute)
        response.headers["X-RateLimit-Remaining"] = str(max(0, free - 1))
        response.headers["X-RateLimit-Reset"] = str(round((self.recent or [now])[0] + MINUTE))
        return response
