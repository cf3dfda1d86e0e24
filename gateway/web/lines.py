"""One log line for each request, by its route's template, and the request's id."""

from __future__ import annotations

import time
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from gateway.world import World

log = structlog.get_logger("web")


class RequestLines(ASGIMiddleware):
    """Names each request, sends the name back as `X-Request-Id`, and writes its line when it is answered."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass the request on, and note how it was answered."""
        request_id = self._world.new_id("req")
        scope.setdefault("state", {})["request_id"] = request_id
        begun = time.perf_counter()
        status = 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        await next_app(scope, receive, named)
        milliseconds = round((time.perf_counter() - begun) * 1000, 1)
        log.info(
            "request",
            request_id=request_id, method=scope.get("method"), route=_template(scope), status=status,
            milliseconds=milliseconds, app=getattr(scope.get("user"), "name", None),
        )  # fmt: skip


def _template(scope: Any) -> str:
    """The route's template, never the path itself: it may hold anything."""
    return str(scope.get("path_template") or "unrouted")
