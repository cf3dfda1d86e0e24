"""The way to an app's endpoint: the vendors' transport, without a mark to make, since an event may be told twice."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress

import certifi
import httpx

from adapters.base import HttpResponse
from gateway.telemetry import spans
from gateway.transport import UNSENDABLE, Exchange, Send, TransportFault, VendorTransport

CONNECT_SECONDS = 5.0
DEADLINE = 15.0
"""Seconds that an endpoint has to answer, as Standard Webhooks advises."""
MOST = 64 * 1024
"""So many bytes of an answer are taken in, and thrown away: all that counts is its status."""


class Courier:
    """Posts bodies, each over a connection of its own; a redirect is an answer like any other."""

    def __init__(self, transport: httpx.AsyncBaseTransport, deadline: float = DEADLINE) -> None:
        self._transport = transport
        self._deadline = deadline

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Exchange:
        """What became of one post. The answer's body is left out."""
        send = Send(_unmarked)
        end = asyncio.get_running_loop().time() + self._deadline
        try:
            request = _prepared(url, headers, body, send)
        except Exception as error:  # noqa: BLE001 - a URL may be wrong in any way
            return Exchange(begun=False, fault=f"{UNSENDABLE}:{type(error).__name__}")
        try:
            async with asyncio.timeout_at(end):
                response = await self._transport.handle_async_request(request)
        except TransportFault as fault:
            return Exchange(begun=send.begun, fault=f"transport:{fault}")
        except TimeoutError:
            return Exchange(begun=send.begun, fault="deadline")
        await _drain(response, end)
        told = {name.lower(): value for name, value in response.headers.items()}
        return Exchange(begun=True, response=HttpResponse(status=response.status_code, headers=told))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()


async def _unmarked() -> None:
    """Nothing is to be kept before the first byte."""


def _prepared(url: str, headers: Mapping[str, str], body: bytes, send: Send) -> httpx.Request:
    own = {"content-type": "application/json", "user-agent": "task-gateway"}
    if trace := spans.here():
        own["traceparent"] = trace
    extensions = {"send": send, "timeout": {"connect": CONNECT_SECONDS}}
    return httpx.Request("POST", url, headers={**headers, **own}, content=body, extensions=extensions)


async def _drain(response: httpx.Response, end: float) -> None:
    """Let the endpoint finish what it has to say, up to a limit."""
    taken = 0
    try:
        with suppress(TransportFault, TimeoutError):
            async with asyncio.timeout_at(end):
                async for chunk in response.aiter_raw():
                    taken += len(chunk)
                    if taken > MOST:
                        return
    finally:
        await response.aclose()


def courier(may_call: Callable[[str], bool]) -> Courier:
    """The real one, verifying TLS against the usual authorities. Must be called in a running event loop."""
    tls = ssl.create_default_context(cafile=certifi.where())
    return Courier(VendorTransport(tls, may_call=may_call))
