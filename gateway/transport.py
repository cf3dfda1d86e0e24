"""The one way to a vendor: at most once, with a durable mark awaited before the first byte.

`VendorTransport` is an httpx transport over aiohttp. It awaits the request's mark after TCP and TLS are up and before
any byte of the request is written; aiohttp's own second try of a lost GET or PUT is refused there too. Whether a
failed exchange sent something is told by `Exchange.begun`, never by an exception's class: aiohttp's classes lie (a
connection dropped after reading the whole request comes as a connect error).

Creates go over a fresh connection each: on a kept one, a late surplus answer was taken for the next request's answer.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import lru_cache, partial
from typing import Any, cast
from urllib.parse import urlencode

import aiohttp
import certifi
import httpx
import msgspec
from yarl import URL

from adapters.base import HttpRequest, HttpResponse
from gateway.rules.addresses import may_call
from gateway.rules.clinic import Config, Timeouts
from gateway.telemetry import spans
from schemas.private import Private

MOST = 1024 * 1024
"""The longest answer that is read, in bytes."""

UNSENDABLE = "unsendable"
"""How the fault of a request begins that cannot be written as HTTP at all."""

_BREAKS = frozenset("\r\n\0")

Mark = Callable[[], Awaitable[None]]


class TransportFault(httpx.TransportError):
    """The request failed below HTTP; the text is the cause's class name and nothing of the request."""


class AddressRefused(OSError):  # noqa: N818 - what happened
    """The name leads to an address that may not be called."""


class Send:
    """One request's right to be sent, once: its mark, and how far it came."""

    __slots__ = ("begun", "called", "mark")

    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.called = False
        self.begun = False


class Exchange(Private, frozen=True, kw_only=True):
    """What became of one request: the complete answer, or the fault; and whether a byte may have left."""

    begun: bool
    response: HttpResponse | None = None
    fault: str = ""


async def _before_first_byte(_session: aiohttp.ClientSession, context: Any, _params: Any) -> None:
    """The hook `on_request_headers_sent`: despite its name, aiohttp awaits it before any byte is written."""
    send: Send | None = context.trace_request_ctx
    if send is None or send.called:
        raise RuntimeError("a request without a mark, or a second try of one")
    send.called = True
    await send.mark()
    send.begun = True  # nothing may be awaited after this


def _socket(info: tuple[Any, ...], may_call: Callable[[str], bool]) -> socket.socket:
    """A socket for the address that is about to be connected to. Raises AddressRefused."""
    family, kind, protocol, _, address = info
    if not may_call(address[0]):
        raise AddressRefused("the address may not be called")
    return socket.socket(family, kind, protocol)


_parsed = lru_cache(maxsize=512)(httpx.URL)
_as_it_is = lru_cache(maxsize=512)(partial(URL, encoded=True))
"""A vendor has few URLs, and to take one apart costs as much as all else of a request."""


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise TransportFault(type(error).__name__) from error

    async def aclose(self) -> None:
        self._response.close()


class VendorTransport(httpx.AsyncBaseTransport):
    """An httpx transport that sends a prepared request once. `kept`: connections may be used again.

    `may_call` is asked of every address before it is connected to, whatever the URL or the name server says.
    """

    def __init__(
        self, tls: ssl.SSLContext, *, kept: bool = False, may_call: Callable[[str], bool] = lambda _address: True
    ) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_before_first_byte)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=tls, limit=0, force_close=not kept, socket_factory=lambda info: _socket(info, may_call)
            ),
            cookie_jar=aiohttp.DummyCookieJar(),  # a jar would carry one clinic's cookies into another's request
            trust_env=False,
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            trace_configs=[trace],
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send once, after the mark in `request.extensions["send"]`. Raises TransportFault."""
        connect: float = request.extensions["timeout"]["connect"]
        try:
            response = await self._session.request(
                request.method,
                _as_it_is(str(request.url)),
                data=request.content or None,
                allow_redirects=False,
                headers=[(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw],
                timeout=aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=connect),
                trace_request_ctx=request.extensions["send"],
            )
        except Exception as error:
            refused = isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, AddressRefused)
            raise TransportFault(AddressRefused.__name__ if refused else type(error).__name__) from error
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response), request=request)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._session.close()


class Wire:
    """Both ways out: `fresh` connections for creates, `kept` ones for reads and accounts that allow it.

    `plain`: http:// may be spoken, whatever address an adapter makes.
    """

    def __init__(
        self,
        fresh: httpx.AsyncBaseTransport,
        kept: httpx.AsyncBaseTransport,
        timeouts: Timeouts,
        *,
        plain: bool = True,
    ) -> None:
        self._fresh = fresh
        self._kept = kept
        self.timeouts = timeouts
        self.plain = plain

    def adopt(self, config: Config) -> None:
        """Go by another configuration from now on."""
        self.timeouts = config.timeouts
        self.plain = config.mode == "development"

    async def exchange(self, request: HttpRequest, mark: Mark, *, reuse: bool = False) -> Exchange:
        """Send `request` once and read its whole answer, at most 1 MiB, within the outer deadline.

        `mark` is awaited when the connection is up, before the first byte; if it raises, nothing is sent and what it
        raised is raised here. Cancelling closes the connection; `begun` is lost then, so the mark alone counts.
        """
        send = Send(mark)
        try:
            prepared = _prepared(request, send, self.timeouts, plain=self.plain)
        except Exception as error:  # noqa: BLE001 - an adapter's request may be wrong in any way
            return Exchange(begun=False, fault=f"{UNSENDABLE}:{type(error).__name__}")
        try:
            async with asyncio.timeout(self.timeouts.send):
                response = await (self._kept if reuse else self._fresh).handle_async_request(prepared)
                return await _read(response)
        except TransportFault as fault:
            if isinstance(fault.__cause__, MarkRefused):
                raise fault.__cause__ from None
            return Exchange(begun=send.begun, fault=f"transport:{fault}")
        except TimeoutError:
            return Exchange(begun=send.begun, fault="deadline")

    async def aclose(self) -> None:
        """Close both."""
        await self._fresh.aclose()
        await self._kept.aclose()


class MarkRefused(Exception):  # noqa: N818 - what happened
    """The mark could not be made: the fence was lost, or the store did not take it. Nothing was sent."""

    def __init__(self, why: str, *, by_store: bool = False) -> None:
        super().__init__(why)
        self.by_store = by_store


def _prepared(request: HttpRequest, send: Send, timeouts: Timeouts, *, plain: bool) -> httpx.Request:
    """The request as it goes out. Raises for one that no server could read as it was meant, or anybody on the way."""
    if not plain and not request.url.startswith("https://"):
        raise ValueError("not over TLS")
    if not all(_BREAKS.isdisjoint(text) for header in request.headers.items() for text in header):
        raise ValueError("a line break in a header")
    headers = {**request.headers, "accept": "application/json", "accept-encoding": "identity"}
    if trace := spans.here():
        headers["traceparent"] = trace
    content: bytes | None = None
    if request.json is not None:
        content = msgspec.json.encode(request.json)
        headers["content-type"] = "application/json"
    elif request.form is not None:
        content = urlencode(request.form).encode()
        headers["content-type"] = "application/x-www-form-urlencoded"
    return httpx.Request(
        request.method,
        _parsed(request.url),
        headers=headers,
        content=content,
        extensions={"send": send, "timeout": {"connect": timeouts.connect}},
    )


async def _read(response: httpx.Response) -> Exchange:
    body = bytearray()
    try:
        async for chunk in cast(httpx.AsyncByteStream, response.stream):
            body += chunk
            if len(body) > MOST:
                return Exchange(begun=True, fault=f"oversized:{response.status_code}")
    finally:
        await response.aclose()
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Exchange(begun=True, response=HttpResponse(status=response.status_code, headers=headers, body=bytes(body)))


def wire(in_force: Callable[[], Config] | None = None) -> Wire:
    """The real wire, verifying TLS against the usual authorities. Must be called in a running event loop.

    It keeps to the configuration in force: its timeouts, and where it may call. Without one it may call anywhere, as a
    person's own tools do.
    """
    tls = ssl.create_default_context(cafile=certifi.where())

    def allowed(address: str) -> bool:
        return in_force is None or may_call(address, in_force())

    made = Wire(VendorTransport(tls, may_call=allowed), VendorTransport(tls, kept=True, may_call=allowed), Timeouts())
    if in_force is not None:
        made.adopt(in_force())
    return made
