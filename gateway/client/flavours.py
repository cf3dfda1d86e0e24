"""The two flavours of the client: the same stories, awaited or not."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from gateway.client import stories
from gateway.client.stories import Answer, Ask, Pause, Story
from gateway.errors import Unreachable
from schemas.command import AddNote, Command, CreateClaim, CreateTask
from schemas.delivery import Delivery, Explanation
from schemas.event import Event
from schemas.private import Secret

T = TypeVar("T")

_FOLLOW = 1.0
"""Seconds between two looks at a feed that had no more."""


class Client:
    """Calls a gateway at `url` with an app's key, and waits for the answer.

    Submits and reads are tried again after a lost answer, a 408, a 429 and a 5xx, later and later, and not before the
    gateway asks for it; a submit's key makes one delivery of all tries. Every call raises `ProblemError` (see
    `gateway.client.errors`), and `Unreachable` where no gateway answers. `seconds`: how long one try may take.
    `waits_for_gateway`: whether one that cannot be reached is tried again as well, over about a quarter of a minute.
    `transport`: for tests, such as `FakeGateway`.
    """

    def __init__(
        self, url: str, key: Secret | str, *, seconds: float = 40.0, waits_for_gateway: bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:  # fmt: skip
        self._seconds = seconds
        self._waits_for_gateway = waits_for_gateway
        self._http = httpx.Client(**_settings(url, key), transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._http.close()

    def create_task(
        self, task: CreateTask, *, idempotency_key: str | None = None, prefer: str | None = None
    ) -> Delivery:
        """Submit a task. The same key gives the same delivery; without one, a new key is made."""
        return self._run(stories.submit(task, idempotency_key or new_key(), prefer))

    def add_note(self, note: AddNote, *, idempotency_key: str | None = None, prefer: str | None = None) -> Delivery:
        """Submit a note."""
        return self._run(stories.submit(note, idempotency_key or new_key(), prefer))

    def create_claim(
        self, claim: CreateClaim, *, idempotency_key: str | None = None, prefer: str | None = None
    ) -> Delivery:
        """Submit a claim."""
        return self._run(stories.submit(claim, idempotency_key or new_key(), prefer))

    def submit(self, path: str, posted: Mapping[str, Any], *, idempotency_key: str) -> Delivery:
        """Submit a command as it would be posted, checked by nobody before the gateway."""
        return self._run(stories.submit_to(path, posted, idempotency_key, None))

    def explain(self, command: Command, *, prefer: str | None = None) -> Explanation:
        """What submitting the command would do; nothing is sent or stored."""
        return self._run(stories.explain(command, prefer))

    def get(self, delivery_id: str) -> Delivery:
        """The delivery as it is now."""
        return self._run(stories.get(delivery_id))

    def wait(self, delivery_id: str, *, within: float = 60.0) -> Delivery:
        """The delivery once it is final, or as it is after `within` seconds."""
        return self._run(stories.wait(delivery_id, within, time.monotonic))

    def events(self, after: str | None = None, *, follow: bool = False) -> Iterator[Event]:
        """Every event after `after` (none: from the first), in order; `follow`: and those to come, without end.

        Whoever remembers the last event's id goes on from there, and misses none.
        """
        while True:
            page = self._run(stories.events(after))
            yield from page.items
            after = page.items[-1].id if page.items else after
            if page.next_cursor is None:
                if not follow:
                    return
                time.sleep(_FOLLOW)

    def read(self, path: str, wanted: type[T]) -> T:
        """What GET `path` answers."""
        return self._run(stories.read(path, wanted))

    def post(self, path: str, body: Mapping[str, Any], wanted: type[T], headers: Mapping[str, str] = {}) -> T:
        """What POST `path` answers; tried once."""
        return self._run(stories.post(path, body, wanted, headers))

    def _run(self, story: Story[T]) -> T:
        answer: Answer | None = None
        lost: Unreachable | None = None
        try:
            while True:
                step = story.throw(lost) if lost else story.send(answer)
                answer, lost = None, None
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    continue
                try:
                    answer = _answer(self._http.request(**_request(step, self._seconds)))
                except httpx.RequestError as error:
                    lost = _lost(self._http.base_url, error)
                    if isinstance(error, httpx.ConnectError) and not self._waits_for_gateway:
                        raise lost from error
        except StopIteration as end:
            told: T = end.value
            return told


class AsyncClient:
    """`Client`, awaited."""

    def __init__(
        self, url: str, key: Secret | str, *, seconds: float = 40.0, waits_for_gateway: bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:  # fmt: skip
        self._seconds = seconds
        self._waits_for_gateway = waits_for_gateway
        self._http = httpx.AsyncClient(**_settings(url, key), transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def create_task(
        self, task: CreateTask, *, idempotency_key: str | None = None, prefer: str | None = None
    ) -> Delivery:
        """Submit a task. The same key gives the same delivery; without one, a new key is made."""
        return await self._run(stories.submit(task, idempotency_key or new_key(), prefer))

    async def add_note(
        self, note: AddNote, *, idempotency_key: str | None = None, prefer: str | None = None
    ) -> Delivery:
        """Submit a note."""
        return await self._run(stories.submit(note, idempotency_key or new_key(), prefer))

    async def create_claim(
        self, claim: CreateClaim, *, idempotency_key: str | None = None, prefer: str | None = None
    ) -> Delivery:
        """Submit a claim."""
        return await self._run(stories.submit(claim, idempotency_key or new_key(), prefer))

    async def submit(self, path: str, posted: Mapping[str, Any], *, idempotency_key: str) -> Delivery:
        """Submit a command as it would be posted, checked by nobody before the gateway."""
        return await self._run(stories.submit_to(path, posted, idempotency_key, None))

    async def explain(self, command: Command, *, prefer: str | None = None) -> Explanation:
        """What submitting the command would do; nothing is sent or stored."""
        return await self._run(stories.explain(command, prefer))

    async def get(self, delivery_id: str) -> Delivery:
        """The delivery as it is now."""
        return await self._run(stories.get(delivery_id))

    async def wait(self, delivery_id: str, *, within: float = 60.0) -> Delivery:
        """The delivery once it is final, or as it is after `within` seconds."""
        return await self._run(stories.wait(delivery_id, within, time.monotonic))

    async def events(self, after: str | None = None, *, follow: bool = False) -> AsyncIterator[Event]:
        """Every event after `after` (none: from the first), in order; `follow`: and those to come, without end."""
        while True:
            page = await self._run(stories.events(after))
            for event in page.items:
                yield event
            after = page.items[-1].id if page.items else after
            if page.next_cursor is None:
                if not follow:
                    return
                await asyncio.sleep(_FOLLOW)

    async def read(self, path: str, wanted: type[T]) -> T:
        """What GET `path` answers."""
        return await self._run(stories.read(path, wanted))

    async def post(self, path: str, body: Mapping[str, Any], wanted: type[T], headers: Mapping[str, str] = {}) -> T:
        """What POST `path` answers; tried once."""
        return await self._run(stories.post(path, body, wanted, headers))

    async def _run(self, story: Story[T]) -> T:
        answer: Answer | None = None
        lost: Unreachable | None = None
        try:
            while True:
                step = story.throw(lost) if lost else story.send(answer)
                answer, lost = None, None
                if isinstance(step, Pause):
                    await asyncio.sleep(step.seconds)
                    continue
                try:
                    answer = _answer(await self._http.request(**_request(step, self._seconds)))
                except httpx.RequestError as error:
                    lost = _lost(self._http.base_url, error)
                    if isinstance(error, httpx.ConnectError) and not self._waits_for_gateway:
                        raise lost from error
        except StopIteration as end:
            told: T = end.value
            return told


def new_key() -> str:
    """A key for one command; keep it beside the command to be able to try again after a crash."""
    return uuid.uuid4().hex


def _settings(url: str, key: Secret | str) -> dict[str, Any]:
    text = key.reveal() if isinstance(key, Secret) else key
    return {
        "base_url": url,
        "headers": {"Authorization": f"Bearer {text}", "User-Agent": "task-gateway-client"},
        "trust_env": False,
    }


def _request(ask: Ask, seconds: float) -> dict[str, Any]:
    return {
        "method": ask.method,
        "url": ask.path,
        "json": ask.json,
        "headers": dict(ask.headers),
        "timeout": min(ask.within, seconds),
    }


def _answer(response: httpx.Response) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(at=datetime.now(UTC), status=response.status_code, headers=headers, content=response.content)


def _lost(url: httpx.URL, error: httpx.RequestError) -> Unreachable:
    lost = Unreachable(f"{url}: no gateway answers there ({type(error).__name__})")
    lost.__cause__ = error
    return lost
