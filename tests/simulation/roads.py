"""The way to the vendors, below the real `Wire`: connecting, mark and bytes in their order, with faults in between."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

import httpx
from simulation.vendors import Asked, Raw, Vendor
from simulation.weather import Plan, Weather

from gateway.rules.clinic import Timeouts
from gateway.transport import TransportFault, Wire

_IN_FRONT: Mapping[str, Raw] = {
    "502": (502, {"content-type": "text/html"}, b"<html>Bad gateway</html>"),
    "503": (503, {}, b""),
    "408": (408, {}, b""),
    "302": (302, {"location": "https://elsewhere.example/"}, b""),
    "429": (429, {"retry-after": "7"}, b'{"message": "slow down"}'),
    "page": (200, {"content-type": "text/html"}, b"<html>Welcome</html>"),
    "empty": (200, {}, b""),
}


class Outside(Protocol):
    """The world beyond the gateway."""

    weather: Weather

    def spawn(self, story: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]: ...


class _Whole(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self):
        yield self._body


class NoEndpoints(httpx.AsyncBaseTransport):
    """The way to the apps: nobody there is at home."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - whoever it is
        raise TransportFault("ConnectError")


class Roads(httpx.AsyncBaseTransport):
    """A transport as `VendorTransport` is one. `flying` counts the creates that may yet be carried out, by delivery."""

    def __init__(self, outside: Outside, vendors: Mapping[tuple[str, int | None], Vendor]) -> None:
        self._outside = outside
        self._vendors = vendors
        self.flying: Counter[str] = Counter()

    def wire(self, timeouts: Timeouts) -> Wire:
        """Both ways out are this one."""
        return Wire(self, self, timeouts)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        weather, send = self._outside.weather, request.extensions["send"]
        is_create = request.method == "POST"
        plan = weather.create() if is_create else weather.read()
        longest = request.extensions["timeout"]["connect"]
        await asyncio.sleep(min(plan.connects or 0.01, longest))
        if plan.connects is None or plan.connects > longest:
            raise TransportFault("ConnectError")
        try:
            send.called = True
            await send.mark()
        except Exception as error:
            raise TransportFault(type(error).__name__) from error
        send.begun = True
        leased = getattr(send.mark, "leased", None)
        asked = Asked(
            request.method, str(request.url), dict(request.headers), request.content,
            leased.record.id if leased else "",
        )  # fmt: skip
        vendor = self._vendors[request.url.host, request.url.port]
        if plan.applied is not None:
            self.flying[asked.owner] += 1
        raw = await asyncio.shield(self._outside.spawn(self._answered(vendor, asked, plan)))
        if raw is None:
            raise TransportFault("ServerDisconnectedError")
        status, headers, body = raw
        return httpx.Response(status, headers=headers, stream=_Whole(body), request=request)

    async def _answered(self, vendor: Vendor, asked: Asked, plan: Plan) -> Raw | None:
        """What comes back, if anything; it goes on when nobody waits for it any more."""
        status, headers, body = 0, {}, b""
        if plan.applied is not None:
            await asyncio.sleep(plan.applied)
            self.flying[asked.owner] -= 1
            status, headers, body = vendor.answer(asked)
        await asyncio.sleep(plan.answers)
        if plan.answer in _IN_FRONT:
            status, headers, body = _IN_FRONT[plan.answer]
        elif plan.answer == "cut":
            body = body[: len(body) // 2]
            status = status or 200
        elif not status or plan.answer == "none":
            return None
        return status, headers, body
