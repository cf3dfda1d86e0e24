"""How much an app may ask for, told in the RateLimit fields (draft-ietf-httpapi-ratelimit-headers)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

from litestar.background_tasks import BackgroundTask
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.response import Stream

from gateway.errors import Refused
from gateway.rules.clinic import App
from gateway.rules.quota import WINDOW, Allowance
from gateway.web.services import Services
from schemas.problem import problem

_AT_ONCE = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Whoever stands between passes each message on as it comes, and keeps none."""


async def within_quota(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """The guard of every route: one request more of the calling app, before anything of it is read.

    Raises Refused with 429. An app without a limit is told nothing of one.
    """
    app: App | None = connection.scope.get("user")
    if app is None or app.per_minute is None:
        return
    services: Services = connection.app.state.services
    allowance = services.quotas.spend(app.name, app.per_minute)
    connection.scope["state"]["headers"] |= {
        "RateLimit-Policy": f'"app";q={allowance.quota};w={WINDOW}',
        "RateLimit": f'"app";r={allowance.left};t={allowance.full_in}',
    }
    if not allowance.granted:
        raise refusal(allowance, f"this app may make {allowance.quota} requests a minute")


def streamed(told: AsyncIterator[bytes], app: App, services: Services, headers: Mapping[str, str]) -> Stream:
    """The stream that tells the app this, which has room for one more. Raises Refused with 429.

    One that is cut off in the middle of a message is closed too: Litestar would leave that to the collector, and with
    it the room that the stream takes.
    """
    readers = services.readers
    if not readers.has_room(app.name):
        detail = f"this app has {readers.most} streams open; close one"
        raise Refused(problem("rate-limited", detail), {"Retry-After": str(WINDOW)})
    counted = readers.counted(app.name, told)
    return Stream(counted, headers={**headers, **_AT_ONCE}, background=BackgroundTask(_close, counted))


async def _close(told: AsyncGenerator[bytes, None]) -> None:
    await told.aclose()


def refusal(allowance: Allowance, detail: str) -> Refused:
    """The 429 that says when the next request may come."""
    return Refused(problem("rate-limited", detail), {"Retry-After": str(allowance.next_in)})
