"""The outermost layer: each request gets an id, its answer safe headers, and the log a line, whatever takes it."""

from __future__ import annotations

import time
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from gateway.world import World

_SAFE = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}
"""What every answer says unless it says otherwise: keep no copy, run nothing, be framed nowhere."""

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})

log = structlog.get_logger("web")


class RequestLines:
    """Wraps the whole app, not its routes: what no route takes is named and logged like all else.

    The id is sent as `X-Request-Id`. What the request's state holds as `headers` (str to str) goes with its answer.
    """

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and note how it was answered; status 0: not at all."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = self._world.new_id("req")
        scope["state"] |= {"request_id": request_id, "headers": {}}
        begun = time.perf_counter()
        status = 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _told({"x-request-id": request_id, **scope["state"]["headers"]}, message)
            await send(message)

        try:
            await self._app(scope, receive, named)
        finally:
            log.info(
                "request",
                request_id=request_id, method=_method(scope), route=_template(scope), status=status,
                app=getattr(scope.get("user"), "name", None),
                milliseconds=round((time.perf_counter() - begun) * 1000, 1),
            )  # fmt: skip


def _told(own: dict[str, str], message: Any) -> list[tuple[bytes, bytes]]:
    """The answer's headers with ours."""
    given = list(message["headers"])
    names = {name.lower() for name, _ in given}
    safe = [(name, value) for name, value in _SAFE.items() if name not in names]
    return [*given, *safe, *((name.lower().encode(), value.encode()) for name, value in own.items())]


def _method(scope: Any) -> str:
    """The method, if it is one: any word may come."""
    return str(scope["method"]) if scope["method"] in _METHODS else "other"


def _template(scope: Any) -> str:
    """The route's template, never the path itself: it may hold anything."""
    return str(scope.get("path_template") or "unrouted")
