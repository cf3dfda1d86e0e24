"""The crash points of a delivery's path, laid around the store and the wire from outside.

| point | where |
|---|---|
| K0 | everything of an acceptance is written, and not committed |
| K1 | the acceptance is committed, the caller has not heard |
| K2 | leased, before connecting |
| K3 | connected, before the mark; K3b: the mark is written, and not committed |
| K4 | the mark is committed, no byte has left |
| K5a | the first byte has left, and only that; K5b: the vendor has begun to answer, nothing of it is read |
| K6 | the answer is read; K6b: the outcome is written, and not committed |
| K7 | the outcome is committed |
| K8 | an event is leased for an app's endpoint, and not told |
| K9 | it is told, and nothing of that is kept; K9b: that is written, and not committed |
| K10 | that is committed |
| K11 | a webhook is here, and not stored |
| K12 | a webhook is stored, and not answered |
| K13 | a webhook is correlated, and nothing of that is committed |
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
from aiohttp.http_writer import StreamWriter

from adapters.base import HttpRequest
from gateway.courier import Courier
from gateway.rules.callbacks import Tried
from gateway.rules.change import Change
from gateway.rules.clinic import Limits
from gateway.rules.record import Record
from gateway.store.audit import Act
from gateway.store.deliveries import Accepted, Key
from gateway.store.outbox import Due, Endpoint, Taken
from gateway.store.recognising import Seen
from gateway.store.rows import Tx
from gateway.store.saving import NewId
from gateway.store.sqlite import SqliteStore
from gateway.store.transactions import nothing
from gateway.store.webhooks import Webhook, WebhookState
from gateway.transport import Exchange, Mark, Wire

T = TypeVar("T")

_before_commit: ContextVar[Callable[[], str | None]] = ContextVar("before_commit", default=lambda: None)
"""Which point a transaction has reached once all its statements have run."""


class Points:
    """Dies at the `after`th passage of `crash_at`; waits at the first `stalls` passages of `stall_at`.

    Who waits writes `<gates>/<number>.reached` and goes on once `<gates>/<number>.open` is there.
    """

    def __init__(
        self,
        crash_at: str | None = None,
        after: int = 1,
        stall_at: str | None = None,
        stalls: int = 0,
        gates: Path = Path(),
    ) -> None:
        self._crash_at = crash_at
        self._left = after
        self._stall_at = stall_at
        self._stalls = stalls
        self._passed = 0
        self._gates = gates

    def reach(self, point: str | None) -> None:
        """Die here, if this is the passage that was asked for."""
        if point is not None and point == self._crash_at:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    async def here(self, point: str) -> None:
        """Wait here or die here, if that was asked for."""
        self.reach(point)
        if point == self._stall_at and self._passed < self._stalls:
            self._passed += 1
            gate = self._gates / f"{self._passed}.open"
            (self._gates / f"{self._passed}.reached").touch()
            while not gate.exists():  # noqa: ASYNC110 - another process opens it
                await asyncio.sleep(0.005)


class MortalStore(SqliteStore):
    """The SQLite store, mortal between and within its transactions."""

    def __init__(self, path: Path, new_id: NewId, points: Points) -> None:
        super().__init__(path, new_id)
        self._points = points

    async def write(self, job: Callable[[Tx], T], then: Callable[[], None] = nothing) -> T:
        """The transaction; it may die when all is written and nothing is committed."""
        point = _before_commit.get()

        def mortal(tx: Tx) -> T:
            result = job(tx)
            self._points.reach(point())
            return result

        return await super().write(mortal, then)

    async def accept(self, record: Record, key: Key | None, lease: timedelta | None, limits: Limits) -> Accepted:
        """K0 and K1."""
        accepted = await _reaching(lambda: "K0", super().accept, record, key, lease, limits)
        await self._points.here("K1")
        return accepted

    async def change(
        self, delivery_id: str, decide: Callable[[Record], Change | None], now: datetime, act: Act | None = None
    ) -> Record | None:
        """K3b and K4 around a mark, K6b and K7 around an outcome."""
        made: list[Change | None] = []

        def watched(record: Record) -> Change | None:
            made[:] = [decide(record)]
            return made[0]

        within = lambda: {"mark": "K3b", "outcome": "K6b"}.get(_kind(made))  # noqa: E731 - a name for what is passed
        after = await _reaching(within, super().change, delivery_id, watched, now, act)
        kind = _kind(made)
        if kind:
            await self._points.here({"mark": "K4", "outcome": "K7"}[kind])
        return after

    async def take_callbacks(self, room: Sequence[tuple[Endpoint, int]], now: datetime) -> Sequence[Taken]:
        """K8."""
        taken = await super().take_callbacks(room, now)
        if any(each.due for each in taken):
            await self._points.here("K8")
        return taken

    async def settle_callback(self, due: Due, tried: Tried, url_digest: str, *, hurry: bool) -> None:
        """K9b and K10."""

        async def settle() -> None:
            await super(MortalStore, self).settle_callback(due, tried, url_digest, hurry=hurry)

        await _reaching(lambda: "K9b", settle)
        await self._points.here("K10")

    async def keep_webhook(self, hook: Webhook, digest: str) -> Webhook | None:
        """K11 and K12."""
        await self._points.here("K11")
        unread = await super().keep_webhook(hook, digest)
        await self._points.here("K12")
        return unread

    async def sight(self, webhook_id: str, event_id: str | None, seen: Sequence[Seen], now: datetime) -> WebhookState:
        """K13, of a webhook that tells something."""
        return await _reaching(lambda: "K13", super().sight, webhook_id, event_id, seen, now)

    async def recognise(self, hint: Seen, now: datetime) -> Record | None:
        """K13, of a webhook that says: go and look."""
        record = await super().recognise(hint, now)
        await self._points.here("K13")
        return record


async def _reaching(point: Callable[[], str | None], work: Callable[..., Awaitable[T]], *given: Any) -> T:
    token = _before_commit.set(point)
    try:
        return await work(*given)
    finally:
        _before_commit.reset(token)


def _kind(made: list[Change | None]) -> str | None:
    attempt = made[0].attempt if made and made[0] else None
    if attempt is None:
        return None
    return "outcome" if attempt.ended_at else "mark"


class MortalWire(Wire):
    """The wire; what is not read at the vendor but sent to it is mortal at K2, K3, K5 and K6."""

    def __init__(self, wire: Wire, points: Points) -> None:
        super().__init__(_Answering(wire._fresh, points), _Answering(wire._kept, points), wire.timeouts)
        self._points = points

    async def exchange(self, request: HttpRequest, mark: Mark, *, reuse: bool = False) -> Exchange:
        """One exchange."""
        if request.method == "GET":
            return await super().exchange(request, mark, reuse=reuse)
        await self._points.here("K2")

        async def marked() -> None:
            await self._points.here("K3")
            await mark()

        exchange = await super().exchange(request, marked, reuse=reuse)
        if exchange.response is not None:
            await self._points.here("K6")
        return exchange


class MortalCourier(Courier):
    """The way to apps' endpoints, mortal at K9."""

    def __init__(self, courier: Courier, points: Points) -> None:
        super().__init__(courier._transport)
        self._points = points

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Exchange:
        """One post."""
        exchange = await super().post(url, headers, body)
        await self._points.here("K9")
        return exchange


class _Answering(httpx.AsyncBaseTransport):
    def __init__(self, inner: httpx.AsyncBaseTransport, points: Points) -> None:
        self._inner = inner
        self._points = points

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if request.method != "GET":
            await self._points.here("K5b")
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def mortal_at_the_first_byte(points: Points) -> None:
    """K5a: the first byte of a POST goes into the socket by itself."""
    writes = {name: getattr(StreamWriter, name) for name in ("_write", "_writelines")}

    def dying(writer: StreamWriter, data: bytes) -> None:
        if data.startswith(b"POST ") and points._crash_at == "K5a" and writer.transport is not None:
            os.write(writer.transport.get_extra_info("socket").fileno(), data[:1])
            points.reach("K5a")

    def write(writer: StreamWriter, chunk: Any) -> None:
        dying(writer, bytes(chunk))
        writes["_write"](writer, chunk)

    def writelines(writer: StreamWriter, chunks: Any) -> None:
        whole = tuple(chunks)
        dying(writer, b"".join(whole))
        writes["_writelines"](writer, whole)

    StreamWriter._write = write
    StreamWriter._writelines = writelines
