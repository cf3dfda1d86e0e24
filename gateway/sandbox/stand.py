"""What the three stand-ins have in common: they note every request and creation, and meet faults.

They run on aiohttp's server because a vendor that closes a connection without an answer is one of the faults, and
an ASGI application cannot do that: its server answers 500 for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from gateway.sandbox.faults import BEFORE, Fault, Faults, Operation
from gateway.sandbox.push import Pusher
from gateway.sandbox.settings import Clock

Handler = Callable[[web.Request], Awaitable[web.Response]]
Onward = Callable[[web.Request], Awaitable[web.StreamResponse]]
Json = dict[str, Any]

FIRST_NOT_GOOD = 300
REQUESTS_KEPT = 50_000
"""A long load test must not fill the memory with bodies."""


class Received(Struct, frozen=True):
    """A request as it came; `path` includes the query, header names are as sent."""

    at: datetime
    method: str
    path: str
    headers: Mapping[str, str]
    body: str


class Created(Struct, frozen=True):
    """A thing that now exists at the vendor; `body` is the request's."""

    at: datetime
    kind: str
    id: str
    body: Json


class Refusal(Exception):  # noqa: N818 - it is the vendor's answer
    """A vendor's refusal, raised where it is found and answered as it is."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(body)
        self.status = status
        self.body = body

    def reply(self) -> web.Response:
        """The refusal as an answer."""
        return reply(self.body, self.status)


class Stand:
    """One vendor's stand-in: the memory behind its routes, all of it in this process."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.faults = Faults()
        self.demands: Sequence[str] = ()
        self.pusher = Pusher(clock)
        self.requests: deque[Received] = deque(maxlen=REQUESTS_KEPT)
        self.created: list[Created] = []
        self._later: set[asyncio.Task[None]] = set()

    def reset(self) -> None:
        """Forgets everything but the settings; what was still to come no longer comes."""
        for task in self._later:
            task.cancel()
        self.faults.replace(())
        self.demands = ()
        self.pusher.pushes.clear()
        self.requests.clear()
        self.created.clear()

    def missing(self, task: Json) -> list[str]:
        """The fields that are demanded of a task beyond what the page requires, and that it does not give."""
        return [name for name in self.demands if task.get(name) in (None, "")]

    def create(self, kind: str, ident: str, body: Json) -> None:
        """Notes that a thing was created."""
        self.created.append(Created(self.clock(), kind, ident, body))

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Does `work` beside the requests; `reset` and the server's end cancel it."""
        task = asyncio.get_running_loop().create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def operation(self, name: Operation, handler: Handler) -> Handler:
        """`handler` as a vendor's operation: its refusals answered, and the faults on `name` met."""

        async def operate(request: web.Request) -> web.Response:
            return await self._operate(name, handler, request)

        return operate

    async def _operate(self, name: Operation, handler: Handler, request: web.Request) -> web.Response:
        fault = self.faults.take_answer(name)
        if fault is None:
            return await answer(handler, request)
        if fault.kind in BEFORE:
            await asyncio.sleep(fault.seconds)
        if fault.kind == "drop_before":
            return hang_up(request)
        if fault.kind == "status":
            return faked(fault)
        response = await answer(handler, request)
        if fault.kind not in BEFORE:
            await asyncio.sleep(fault.seconds)
        if fault.kind == "drop_after_read":
            return hang_up(request)
        return broken(response, fault) if fault.kind == "malformed" else response

    @web.middleware
    async def note(self, request: web.Request, handler: Onward) -> web.StreamResponse:
        """The middleware that notes each request for the vendor; the control API's own are left out."""
        if not request.path.startswith("/_sandbox/"):
            headers = {name.decode(): value.decode(errors="replace") for name, value in request.raw_headers}
            body = (await request.read()).decode(errors="replace")
            self.requests.append(Received(self.clock(), request.method, request.path_qs, headers, body))
        return await handler(request)

    def application(self) -> web.Application:
        """An application with this stand-in's middleware, and without routes yet."""
        app = web.Application(middlewares=[self.note])
        app.cleanup_ctx.append(self._running)
        return app

    async def _running(self, _app: web.Application) -> AsyncIterator[None]:
        async with self.pusher:
            yield
            for task in self._later:
                task.cancel()
            await asyncio.gather(*self._later, return_exceptions=True)


async def answer(handler: Handler, request: web.Request) -> web.Response:
    """The handler's answer, or the refusal it raised."""
    try:
        return await handler(request)
    except Refusal as refusal:
        return refusal.reply()


def reply(body: Any, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")


def read_object(body: bytes) -> Json | None:
    """The JSON object that `body` is, or None where it is anything else."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def number(query: Mapping[str, str], name: str, default: int, most: int | None = None) -> int | None:
    """A page number or size from a query: `default` where absent, None where it is no number from 1 to `most`."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        return None
    value = int(text)
    return value if value >= 1 and (most is None or value <= most) else None


def faked(fault: Fault) -> web.Response:
    """The answer that a `status` fault gives in the vendor's place."""
    response = web.Response(status=fault.status, text=fault.body or "")
    response.content_type = "application/json" if (fault.body or "").startswith(("{", "[")) else "text/plain"
    response.headers.update(fault.headers)
    return response


def broken(response: web.Response, fault: Fault) -> web.Response:
    """A good answer with JSON that breaks off half way, or with the fault's own body; a refusal as it is."""
    if response.status >= FIRST_NOT_GOOD:
        return response
    whole = response.body if isinstance(response.body, bytes) else b""
    response.body = fault.body.encode() if fault.body is not None else whole[: len(whole) // 2]
    return response


def hang_up(request: web.Request) -> web.Response:
    """Closes the connection: the caller gets no status line, and what is returned here is never written."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
