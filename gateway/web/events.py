"""The feed of events: by the page, as a stream, and told again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody
from litestar.response import Stream
from litestar.response.sse import ServerSentEventMessage

from gateway.errors import Refused
from gateway.flows.endpoints import Redelivered
from gateway.flows.notify import Subscriber
from gateway.store.audit import Act
from gateway.store.feed import START, Entry
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.lists import limit_of, only
from gateway.web.parameters import LastEventId, Limit, Text
from gateway.web.problems import problems
from gateway.web.quota import streamed
from gateway.web.replies import Events, Redelivery, RedeliveryOfRange, ToldEvents
from gateway.web.services import Served, Services
from schemas.event import Event
from schemas.problem import FieldError, problem, problem_of

_RETRY = 2000
"""Milliseconds after which the reader of a stream that ended comes back."""
_STREAM = "Server-Sent Events: `data` is an event as the feed lists it, `id` its id; a comment after 15 s of silence"


class Feed(Controller):
    """What happened, in order."""

    path = "/v1/events"
    tags = ("events",)

    @get("/", guards=[needs("read")], responses=problems(400), summary="What happened, oldest first")
    async def list_(
        self, request: StrictRequest, services: Served, after: Text = None,
        limit: Limit = None,
    ) -> Events:  # fmt: skip
        """The events of the key's clinics after the event `after`; left out, or `evt_0`: from the first one.

        No event is ever passed over: whoever goes on after the last one seen sees each exactly once. `next_cursor` is
        the next page's `after`; null: there is no more now. An `after` that is no event of these clinics is a 400.
        """
        only(request, ("after", "limit"))
        clinics = request.user.clinics
        found = await services.store.feed(await place_of(services, after or START, clinics), limit_of(limit), clinics)
        events = [entry.event for entry in found.entries]
        return Events(items=events, next_cursor=events[-1].id if found.more else None)

    @get(
        "/stream", guards=[needs("read")], responses=problems(400), media_type="text/event-stream",
        response_description=_STREAM, summary="What happens, as it happens",
    )  # fmt: skip
    async def stream(
        self, request: StrictRequest, services: Served, after: Text = None,
        last_event_id: LastEventId = None,
    ) -> Stream:  # fmt: skip
        """Server-Sent Events of the key's clinics: after `Last-Event-ID`, else after `after`, else from now on.

        Ends after 15 minutes, when the gateway stops, and when a reload changes the key or its app; its reader comes
        back to where it was. The first message has an id and no data, so that this holds from the beginning.
        """
        only(request, ("after",))
        clinics, key = request.user.clinics, services.configured.key(request.auth)
        seen = last_event_id or after
        place, seen = (await place_of(services, seen, clinics), seen) if seen else await services.store.newest(clinics)
        events = services.streams.events(place, clinics, lambda: services.configured.key(request.auth) == key)
        return streamed(_told(seen, events), request.user, services, {})

    @get(
        "/{event_id:str}/callbacks",
        guards=[needs("operate")],
        responses=problems(404),
        summary="Who was told of an event",
    )
    async def callbacks(self, request: StrictRequest, services: Served, event_id: FromPath[str]) -> ToldEvents:
        """Where it stands at each endpoint within reach that is to hear of it, with every try of the last 90 days."""
        entry = await _entry(services, event_id, request.user.clinics)
        return ToldEvents(items=await services.endpoints.told(_subscribers(request, services, None), entry))

    @post(
        "/{event_id:str}/redeliver", guards=[needs("operate")], status_code=202,
        responses=problems(400, 404, 413, 415, 422), summary="Tell an event again",
    )  # fmt: skip
    async def redeliver(
        self, request: StrictRequest, services: Served, event_id: FromPath[str], data: JSONBody[Redelivery]
    ) -> Redelivered:
        """To the endpoint of `app`, or of every app that it concerns, with the id that it had.

        One that is disabled is told once it is resumed.
        """
        clinics = request.user.clinics
        entry = await _entry(services, event_id, clinics)
        act = Act(
            app=request.user.name, key_id=request.auth, action="redeliver", about=entry.delivery_id or event_id,
            clinic_id=entry.event.clinic_id, reason=f"{event_id}: {data.reason}",
        )  # fmt: skip
        to = _subscribers(request, services, data.app)
        return await services.endpoints.redeliver(to, (entry.seq - 1, entry.seq), clinics, act)

    @post(
        "/redeliver", guards=[needs("operate")], status_code=202, responses=problems(400, 413, 415, 422),
        summary="Tell a range of events again",
    )  # fmt: skip
    async def redeliver_range(
        self, request: StrictRequest, services: Served, data: JSONBody[RedeliveryOfRange]
    ) -> Redelivered:
        """Those after `after`, up to and with `until` (left out: the newest), of the key's clinics."""
        clinics = request.user.clinics
        after, until = await _ends(services, data, clinics)
        act = Act(
            app=request.user.name, key_id=request.auth, action="redeliver", reason=data.reason,
            about=f"events/{data.after}..{data.until or ''}",
        )  # fmt: skip
        return await services.endpoints.redeliver(
            _subscribers(request, services, data.app), (after, until), clinics, act
        )


async def place_of(services: Services, event_id: str, clinics: frozenset[str]) -> int:
    """An event's place in the feed. Raises Refused."""
    place = await services.store.place(event_id, clinics)
    if place is None:
        detail = "after: the id of an event of this key's clinics, or evt_0"
        raise Refused(problem("invalid-parameter", detail))
    return place


async def _entry(services: Services, event_id: str, clinics: frozenset[str]) -> Entry:
    entry = await services.store.event(event_id, clinics)
    if entry is None:
        raise Refused(problem("not-found"))
    return entry


async def _ends(services: Services, data: RedeliveryOfRange, clinics: frozenset[str]) -> tuple[int, int]:
    """The range's ends in the feed. Raises Refused."""
    newest, _ = await services.store.newest(clinics)
    after = await services.store.place(data.after, clinics)
    until = await services.store.place(data.until, clinics) if data.until else newest
    if after is None or until is None:
        name = "after" if after is None else "until"
        raise _invalid(name, "the id of an event of this key's clinics")
    return after, until


def _subscribers(request: StrictRequest, services: Services, app: str | None) -> list[Subscriber]:
    """The endpoints that are to be told again. Raises Refused."""
    known = services.endpoints.within_reach(request.user)
    if app is not None and app not in known:
        raise _invalid("app", "an app with a callback, within this key's reach")
    return [each for name, each in known.items() if app in {None, name}]


def _invalid(field: str, takes: str) -> Refused:
    error = FieldError(code="invalid-value", pointer=f"/{field}", field=field, detail=takes)
    return Refused(problem_of((error,)))


async def _told(seen: str, events: AsyncIterator[Event | None]) -> AsyncIterator[bytes]:
    """The stream's messages."""
    yield ServerSentEventMessage(id=seen, data=None, retry=_RETRY).encode()
    async for event in events:
        if event is None:
            yield ServerSentEventMessage(comment="still here", data=None).encode()
        else:
            yield ServerSentEventMessage(id=event.id, data=msgspec.json.encode(event)).encode()
