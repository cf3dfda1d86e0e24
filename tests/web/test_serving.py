"""The server's end: requests under way are waited for, but none for ever."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from types import SimpleNamespace

from litestar import Litestar, get
from litestar.datastructures import State
from litestar.response import Stream
from ports import free_port
from running import run, until

from gateway.web import serving


async def endless(said: list[bytes]):
    while True:
        said.append(b"x" * 1_000_000)
        yield said[-1]


async def connected(port: int) -> socket.socket:
    """A client of the server that is just about to listen."""
    while True:
        with suppress(ConnectionRefusedError):
            return await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port))
        await asyncio.sleep(0.01)


@run
async def test_a_client_that_does_not_read_its_answer_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(serving, "REQUEST_SECONDS", 0.5)
    said, ceased, port = [], [], free_port()

    @get("/")
    async def answer() -> Stream:
        return Stream(endless(said))

    services = SimpleNamespace(cease=lambda: ceased.append(True))
    app = Litestar([answer], state=State({"services": services}))
    async with asyncio.timeout(20):
        async with serving.serving(app, "127.0.0.1", port):
            client = await connected(port)
            client.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            await until(lambda: said)
        client.close()

    assert ceased == [True]
