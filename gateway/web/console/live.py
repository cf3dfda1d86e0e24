"""Telling an open page that something has changed, in a few bytes; what it shows, it asks for again itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from litestar import get
from litestar.params import FromQuery
from litestar.response import Stream
from litestar.response.sse import ServerSentEventMessage

from gateway.store.base import StoreUnavailable
from gateway.store.bell import EVENTS
from gateway.web.body import StrictRequest
from gateway.web.console import sessions
from gateway.web.console.pages import HEADERS
from gateway.web.quota import streamed
from gateway.web.services import Served, Services
from schemas.event import Event

AT_MOST_EVERY = 1.0
"""Seconds between two messages, however much happens."""
_SILENCE = 15.0
"""Seconds after which a stream says that it is still there."""
_AT_ONCE = 500
_RETRY = 2000


@get("/live", opt={"quiet": True}, media_type="text/event-stream")
async def live(request: StrictRequest, services: Served, delivery: FromQuery[str | None] = None) -> Stream:
    """Server-Sent Events whose data names what has changed within reach: deliveries, connections, table, delivery.

    The last is the one that was asked for. Ends with the session, and when the gateway stops.
    """
    token = request.cookies.get(sessions.name_of(services.configured.config), "")
    told = _messages(changes(services, request.user.clinics, delivery), token, services)
    return streamed(told, request.user, services, HEADERS)


async def _messages(told: AsyncIterator[frozenset[str]], token: str, services: Services) -> AsyncIterator[bytes]:
    yield ServerSentEventMessage(comment="here", data=None, retry=_RETRY).encode()
    with suppress(StoreUnavailable):  # whoever reads comes back
        async for changed in told:
            if await sessions.session_of(token, services) is None:
                return
            said = {"data": " ".join(sorted(changed))} if changed else {"comment": "still here", "data": None}
            yield ServerSentEventMessage(**said).encode()


async def changes(services: Services, clinics: frozenset[str], delivery: str | None) -> AsyncIterator[frozenset[str]]:
    """What has changed at these clinics each time, at once and then at most once a second; nothing, after a silence."""
    after, _ = await services.store.newest(clinics)
    with services.store.bell.listen(EVENTS) as rung:
        while not services.stopping.is_set():
            try:
                async with asyncio.timeout(_SILENCE):
                    await rung.wait()
            except TimeoutError:
                yield frozenset()
            rung.clear()
            page = await services.store.feed(after, _AT_ONCE, clinics)
            after = page.seq
            if page.entries:
                yield frozenset().union(*(names(entry.event, delivery) for entry in page.entries))
                await asyncio.sleep(AT_MOST_EVERY)
            if page.more:
                rung.set()


def names(event: Event, delivery: str | None) -> frozenset[str]:
    """What a page may show that an event has changed."""
    match event.type.partition(".")[0]:
        case "connection":
            return frozenset({"connections"})
        case "capability":
            return frozenset({"table"})
    return frozenset({"deliveries", "delivery"} if event.data.get("id") == delivery else {"deliveries"})
