"""A vendor on a raw socket that can do everything wrong; every byte it gets is counted."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Answering = Callable[["Line"], Awaitable[None]]

OK = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}'


class Line:
    """One accepted connection."""

    def __init__(self, vendor: Vendor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._vendor = vendor
        self._reader = reader
        self._writer = writer
        self._buffer = b""

    async def _more(self) -> bool:
        chunk = await self._reader.read(65536)
        self._vendor.received += len(chunk)
        self._buffer += chunk
        return bool(chunk)

    async def head(self) -> bytes:
        """The next request's head; raises EOFError when the other side is done."""
        while b"\r\n\r\n" not in self._buffer:
            if not await self._more():
                raise EOFError
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n"

    async def request(self) -> bytes:
        """The next whole request; it is counted."""
        head = await self.head()
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        size = int(length[1]) if length else 0
        while len(self._buffer) < size:
            if not await self._more():
                raise EOFError
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        self._vendor.requests.append(head + body)
        return head + body

    async def say(self, text: bytes) -> None:
        """Send bytes, whatever they are; raises ConnectionError when the other side is gone."""
        if self._writer.transport.is_closing():
            raise ConnectionResetError
        self._writer.write(text)
        await self._writer.drain()

    def reset(self) -> None:
        """Close with an RST."""
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def close(self) -> None:
        """Close in good order."""
        self._writer.close()
        with suppress(OSError, ssl.SSLError):
            await self._writer.wait_closed()


class Vendor:
    """The server: `answering` is what it does with each connection."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.connections = 0
        self.received = 0
        self.requests: list[bytes] = []
        self.url = ""
        self._lines: set[asyncio.Task[None]] = set()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        self.connections += 1
        line = Line(self, reader, writer)
        try:
            await self.answering(line)
        except (OSError, EOFError, ssl.SSLError, asyncio.CancelledError):
            pass
        finally:
            self._lines.discard(task)
            await line.close()

    @asynccontextmanager
    async def open(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Vendor]:
        """Serve until the block ends."""
        server = await asyncio.start_server(self._take, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        try:
            yield self
        finally:
            server.close()
            for task in list(self._lines):
                task.cancel()
            await asyncio.gather(*self._lines, return_exceptions=True)
            await server.wait_closed()


def answers(text: bytes) -> Answering:
    """Answer each whole request with `text`, and keep the connection."""

    async def answering(line: Line) -> None:
        while True:
            await line.request()
            await line.say(text)

    return answering


def once(first: Answering, then: Answering) -> Answering:
    """The first connection gets `first`, all others `then`."""
    turns = iter([first])

    async def answering(line: Line) -> None:
        await next(turns, then)(line)

    return answering


def warmed(fault: Answering) -> Answering:
    """A first request is answered well; what comes next on the same connection meets `fault`."""

    async def answering(line: Line) -> None:
        await line.request()
        await line.say(OK)
        await fault(line)

    return answering
