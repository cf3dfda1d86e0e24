"""The bell of a database that other replicas work on too: what is rung here is heard there, by LISTEN and NOTIFY.

It is told of after the commit, in messages of its own, and of many changes at once. A transaction that notifies would
wait in line with all others that do. So a ring may be lost with its process, and whoever listens looks by itself too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

import msgspec
import psycopg
import structlog

from gateway.store.bell import Bell
from gateway.store.postgres_session import parameters

_CHANNEL = "task_gateway"
_AT_ONCE = 100
"""So many names in one message, which may be 8000 bytes long."""
_PAUSE = 0.5

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

log = structlog.get_logger("bell")


class SharedBell(Bell):
    """Rings here and elsewhere. `name` tells its own messages from others'."""

    def __init__(self, url: str, name: Callable[[], str]) -> None:
        super().__init__()
        self._url = url
        self._name = name
        self._told: set[str] = set()
        self._something = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._heard: Connection | None = None

    def ring(self, name: str) -> None:
        """Wake those who listen for `name`, here and elsewhere."""
        super().ring(name)
        self.tell(name)

    def tell(self, name: str) -> None:
        """Wake those who listen for `name` elsewhere."""
        self._told.add(name)
        self._something.set()

    async def begin(self) -> None:
        """Hear and be heard from now on. Raises psycopg.Error."""
        self._heard = await self._listening()
        self._tasks = (asyncio.create_task(_for_ever(self._hear)), asyncio.create_task(_for_ever(self._send)))

    async def end(self) -> None:
        """Be still."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._heard is not None:
            await self._heard.close()

    async def _listening(self) -> Connection:
        async with AsyncExitStack() as undo:
            connection = await _connected(self._url)
            undo.push_async_callback(connection.close)
            await connection.execute(f"LISTEN {_CHANNEL}")
            undo.pop_all()
        return connection

    async def _hear(self) -> None:
        """Ring here what others have told; after a silence everything, since some of it was missed."""
        if self._heard is None or self._heard.closed:
            self._heard = await self._listening()
            for name in self.names():
                super().ring(name)
        async with self._heard:
            async for message in self._heard.notifies():
                teller, *names = msgspec.json.decode(message.payload, type=list[str])
                for name in names if teller != self._name() else ():
                    super().ring(name)

    async def _send(self) -> None:
        async with await _connected(self._url) as connection:
            while await self._something.wait():
                names = [self._told.pop() for _ in range(min(len(self._told), _AT_ONCE))]
                payload = msgspec.json.encode([self._name(), *names]).decode()
                try:
                    await connection.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, payload))
                except psycopg.Error:
                    self._told.update(names)
                    raise
                if not self._told:
                    self._something.clear()


async def _connected(url: str) -> Connection:
    return await psycopg.AsyncConnection.connect(**parameters(url), autocommit=True)


async def _for_ever(work: Callable[[], Awaitable[None]]) -> None:
    """Work, and again on a new connection when the one it had broke, or brought what nobody here can read."""
    while True:
        with suppress(psycopg.Error, msgspec.MsgspecError):
            await work()
        log.warning("bell.connection_lost")
        await asyncio.sleep(_PAUSE)
