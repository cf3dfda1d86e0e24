"""What the flows' tests stand on: a road to vendors without sockets, a clock that is set, and the gateway between."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
from running import until

from gateway.app import running
from gateway.clinics import load
from gateway.courier import Courier
from gateway.flows.planner import Submission
from gateway.flows.submit import Submitted
from gateway.rules.clinic import App, Caller, Timeouts
from gateway.rules.reading import read
from gateway.rules.record import Record
from gateway.store.bell import EVENTS, LOOK
from gateway.store.deliveries import Key
from gateway.store.sqlite import SqliteStore
from gateway.transport import TransportFault, Wire
from gateway.web.services import Services
from gateway.world import World
from schemas.command import Command, CreateTask

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
HOUSE = Path(__file__).parent / "house"

Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]


def reply(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """An answer as it comes off the wire, not yet read."""
    content = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))


def receipt(number: int | str = 1) -> httpx.Response:
    """Cobalt's receipt of a create."""
    return reply(202, {"success": True, "message": "Task processing.", "task_id": f"v-{number}", "job_id": 12345})


class Road(httpx.AsyncBaseTransport):
    """The double of `VendorTransport`: mark, then the vendor's answer; `connect` stands for all that comes before."""

    def __init__(self) -> None:
        self.sent: list[httpx.Request] = []
        """Every request of which a byte has left."""
        self.touched = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.connect: Callable[[], Awaitable[None]] | None = None
        self.answer: Answer | None = None
        self._turn = itertools.count(1)

    @property
    def creates(self) -> list[httpx.Request]:
        """The requests that may create something."""
        return [request for request in self.sent if request.method == "POST" and request.url.path != "/token"]

    def answers(self, *each: httpx.Response | Exception | Callable[[], httpx.Response]) -> None:
        """Answer creates with these, in turn; looks find nothing; what comes beyond fails the test."""
        turns = iter(each)

        async def answer(request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                return reply(200, {"webhook_events": [], "data": [], "pagination": {"has_more": False}})
            turn = next(turns)
            if isinstance(turn, Exception):
                raise turn
            return turn() if callable(turn) else turn

        self.answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.touched += 1
        send = request.extensions["send"]
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.connect is not None:
                await self.connect()
            assert not send.called, "a second try"
            send.called = True
            await send.mark()
            send.begun = True
            self.sent.append(request)
            if self.answer is None:
                return receipt(next(self._turn))
            return await self.answer(request)
        except Exception as error:
            raise TransportFault(type(error).__name__) from error
        finally:
            self.in_flight -= 1


class Endpoints(httpx.AsyncBaseTransport):
    """The double of the road to apps: every endpoint by its host, and what each was told."""

    def __init__(self) -> None:
        self.told: list[httpx.Request] = []
        self.answer: Answer | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.told.append(request)
        try:
            return await self.answer(request) if self.answer else reply(204)
        except OSError as error:
            raise TransportFault(type(error).__name__) from error


class House:
    """The gateway on a real database, its clock and its vendors in the test's hands."""

    def __init__(self, path: Path, *, send: float = 5.0, directory: Path = HOUSE) -> None:
        self.road = Road()
        self.endpoints = Endpoints()
        self.clock = NOW
        self.path = path
        self.config = load(directory, {})
        self._directory = directory
        self.intake = self.config.apps["intake"]
        self.operator = Caller(app=self.config.apps["operator"], key_id="o1")
        self._timeouts = Timeouts(send=send)
        self._ids = itertools.count(1)
        self.services: Services = None  # type: ignore[assignment]

    def _new_id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._ids):06d}"

    @property
    def store(self) -> Any:
        return self.services.store

    @asynccontextmanager
    async def open(self, *, alone: bool = True) -> AsyncIterator[House]:
        """At work until the block ends; `alone`: no other process works on its database."""
        world = World(now=lambda: self.clock, new_id=self._new_id, roll=lambda: 0.5)
        store = SqliteStore(self.path, self._new_id)
        store.is_alone = alone
        wire = Wire(self.road, self.road, self._timeouts)
        read, apps = lambda: load(self._directory, {}), lambda: Courier(self.endpoints)
        async with running(self.config, world, store, lambda: wire, read, make_courier=apps) as self.services:
            yield self

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a file of the configuration; a reload puts it in force."""
        file = self._directory / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def advance(self, **more: float) -> None:
        """Let time pass, and wake who waits for it."""
        self.clock += timedelta(**more)
        self.services.dispatcher.wake()
        self.store.bell.ring(LOOK)
        self.store.bell.ring(EVENTS)

    def submission(self, body: Mapping[str, Any], kind: type[Command] = CreateTask, **more: Any) -> Submission:
        app: App = more.pop("app", self.intake)
        key = more.pop("key", None)
        fingerprint = sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        asked_with = Key(key=key, fingerprint=fingerprint) if key else None
        return Submission(app=app, draft=read(body, kind), kind=kind, posted=body, key=asked_with, **more)

    async def hand_in(self, body: Mapping[str, Any], kind: type[Command] = CreateTask, **more: Any) -> Submitted:
        """Submit, and not wait for the vendor."""
        return await self.services.desk.submit(self.submission(body, kind, **more))

    async def submit(self, body: Mapping[str, Any], kind: type[Command] = CreateTask, **more: Any) -> Record:
        """Submit, and wait for the vendor's first reply."""
        submitted = await self.hand_in(body, kind, **more)
        return await self.services.desk.settled(submitted.record, final=False, within=5)

    async def now(self, record: Record | str) -> Record:
        """The delivery as it is."""
        found: Record = await self.store.get(record if isinstance(record, str) else record.id)
        assert found is not None
        return found

    async def comes_to(self, record: Record | str, state: str) -> Record:
        """The delivery once it is in that state."""
        for _ in range(2000):
            found = await self.now(record)
            if found.state == state:
                return found
            await asyncio.sleep(0.002)
        raise AssertionError(f"it is {found.state}, not {state}")

    async def rests(self) -> None:
        """Until nothing is in flight and what could go has gone."""
        await until(lambda: not self.services.dispatcher._tasks and not self.services.mailbox._readings)
        await asyncio.sleep(0.03)
        await until(lambda: not self.services.dispatcher._tasks)

    async def events(self, record: Record | str) -> list[str]:
        """The types of its events."""
        timeline = await self.store.timeline(await self.now(record))
        return [line.facts["type"] for line in timeline if line.what == "event"]

    async def push(self, event: Mapping[str, Any], *, signed_with: str = "hook-secret") -> None:
        """A signed webhook of Cobalt's comes in, and is read."""
        body = json.dumps(event, separators=(",", ":")).encode()
        signature = hmac.new(signed_with.encode(), body, sha256).hexdigest()
        account = self.services.mailbox.account("cobalt-main", "hook-token")
        assert account is not None
        await self.services.mailbox.receive(account, {"cobalt-verification": signature}, body)
        await until(lambda: not self.services.mailbox._readings)


def call_back(number: int = 1, **more: Any) -> dict[str, Any]:
    """A task that goes to Cobalt."""
    return {
        "clinic_id": "lakeside", "description": f"Call the patient back about result number {number}",
        "patient": {"mrn": f"MRN-{number}"}, **more,
    }  # fmt: skip


def event(type_: str, number: int = 1, **data: Any) -> dict[str, Any]:
    """Cobalt's event about the task of that receipt."""
    return {
        "id": f"evt-{type_}-{number}", "type": type_, "job_id": "12345", "access_token_reference_id": "user_lakeside",
        "data": {"task_id": f"v-{number}", **data},
    }  # fmt: skip
