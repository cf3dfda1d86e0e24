"""A wire to a vendor, and requests to send over it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from adapters.base import HttpRequest
from gateway.rules.clinic import Timeouts
from gateway.transport import Exchange, VendorTransport, Wire

DEADLINE = 0.3


class Mark:
    """A mark that is made at once, and how often it was asked for."""

    def __init__(self) -> None:
        self.made = 0

    async def __call__(self) -> None:
        self.made += 1


@asynccontextmanager
async def wired(
    tls: ssl.SSLContext | None = None, *, send: float = DEADLINE, connect: float = 0.2
) -> AsyncIterator[Wire]:
    """Both ways out, as the gateway has them."""
    known = tls or ssl.create_default_context()
    wire = Wire(VendorTransport(known), VendorTransport(known, kept=True), Timeouts(connect=connect, send=send))
    try:
        yield wire
    finally:
        await wire.aclose()


def post(url: str, body: Any = None, method: str = "POST") -> HttpRequest:
    """A create, as an adapter would build it."""
    headers = {"client_id": "ci", "access_token": "at", "X-API-Key": "key"}
    return HttpRequest(method=method, url=f"{url}/v1/tasks", headers=headers, json=body or {"description": "call back"})


async def send(wire: Wire, url: str, *, reuse: bool = False, mark: Any = None, **more: Any) -> Exchange:
    """One exchange."""
    return await wire.exchange(post(url, **more), mark or Mark(), reuse=reuse)
