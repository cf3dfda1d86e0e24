"""The outermost layer: each request gets an id and a span, its answer safe headers, and the log a line.

Whatever takes the request, and also where nothing does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import structlog
from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from gateway.telemetry import spans
from gateway.world import World

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})

log = structlog.get_logger("web")


class RequestLines:
    """Wraps the whole app, not its routes: what no route takes is named and logged like all else.

    The id is sent as `X-Request-Id`. What the request's state holds as `headers` (str to str) goes with its answer, and
    what it holds as `facts` into its line; see `tell`. Of `safe` an answer gets what it does not say itself.
    """

    def __init__(self, app: ASGIApp, world: World, safe: Mapping[bytes, bytes]) -> None:
        self._app = app
        self._world = world
        self._safe = safe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and note how it was answered."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = self._world.new_id("req")
        scope["state"] |= {"request_id": request_id, "headers": {}, "facts": {}}
        begun = time.perf_counter()
        answer = _Answer()

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status, answer.seconds = message["status"], time.perf_counter() - begun
                own = {"x-request-id": request_id, **scope["state"]["headers"]}
                message["headers"] = _told(own, self._safe, message)
            await send(message)

        with spans.span("request", of=_traceparent(scope), role=spans.ANSWER) as span:
            try:
                await self._app(scope, receive, named)
            except Exception:
                log.exception("request.broke", request_id=request_id)
                raise
            finally:
                answer.seconds = answer.seconds or time.perf_counter() - begun
                span.update_name(f"{_method(scope)} {_template(scope)}")
                self._tell(scope, answer)

    def _tell(self, scope: Scope, answer: _Answer) -> None:
        """The request's line, its counts, and what its span says of it. Streams count until their beginning."""
        method, route = _method(scope), _template(scope)
        told = {"method": method, "route": route, "status": answer.status, "request_id": scope["state"]["request_id"]}
        told |= {"app": getattr(scope.get("user"), "name", None), "key_id": scope.get("auth")}
        told |= scope["state"]["facts"]
        spans.note(**told)
        log.info("request", **told, milliseconds=round(answer.seconds * 1000, 1))
        self._world.meters.answered(route, method, answer.status, answer.seconds)


class _Answer:
    """What began to be sent, and when; status 0: nothing."""

    def __init__(self) -> None:
        self.status = 0
        self.seconds = 0.0


def tell(request: Request[Any, Any, Any], **facts: Any) -> None:
    """Add facts to the request's line and span: ids and codes of ours, never what the caller sent."""
    request.scope["state"]["facts"].update(facts)


def _traceparent(scope: Scope) -> str | None:
    """The trace the caller wants this to be a part of."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)


def _told(own: Mapping[str, str], safe: Mapping[bytes, bytes], message: Any) -> list[tuple[bytes, bytes]]:
    """The answer's headers with ours, and the safe ones that it does not have itself."""
    given = list(message["headers"])
    names = {name.lower() for name, _ in given}
    missing = [(name, value) for name, value in safe.items() if name not in names]
    return [*given, *missing, *((name.lower().encode(), value.encode()) for name, value in own.items())]


def _method(scope: Any) -> str:
    """The method, if it is one: any word may come."""
    return str(scope["method"]) if scope["method"] in _METHODS else "other"


def _template(scope: Any) -> str:
    """The route's template, never the path itself: it may hold anything."""
    return str(scope.get("path_template") or "unrouted")
