"""What the sandbox's tests stand on: a stand-in on a real socket, a client, and a receiver of webhooks."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiohttp import web

from gateway.sandbox import (
    CobaltSettings,
    MaxCareSettings,
    TaskApiSettings,
    cobalt_app,
    maxcare_app,
    serving,
    task_api_app,
)

LAKESIDE = {"client_id": "ci_sandbox", "client_secret": "cs_sandbox", "access_token": "at_lakeside"}
RIVERBEND = {**LAKESIDE, "access_token": "at_riverbend"}
KEY = {"X-API-Key": "sk_sandbox"}
HARBOR = {"Authorization": "Bearer max_dev_ak_sandbox", "X-Organization-Id": "org_harbor"}


def run(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """An async test as one that pytest can call."""

    @functools.wraps(test)
    def called(**given: Any) -> None:
        asyncio.run(test(**given))

    return called


async def until(condition: Callable[[], Any], seconds: float = 3.0) -> None:
    """Waits for `condition`, and fails when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.005)


@dataclass
class Receiver:
    """What receives webhooks: every one it got, and the statuses with which it answers the next ones."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append((headers, await request.read()))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    async with serving(app) as url:
        receiver.url = f"{url}/hook"
        yield receiver


@dataclass
class Vendor:
    """A stand-in at work."""

    url: str
    http: httpx.AsyncClient
    receiver: Receiver

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.http.post(path, json=body, headers=headers)

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def fault(self, *faults: dict[str, Any]) -> None:
        answer = await self.http.put("/_sandbox/faults", json=list(faults))
        assert answer.status_code == 200, answer.text

    async def count(self, kind: str | None = None) -> int:
        created = await self.get("/_sandbox/created", **({} if kind is None else {"kind": kind}))
        count: int = created["count"]
        return count


@asynccontextmanager
async def vendor(app: Callable[[str], web.Application], headers: dict[str, str]) -> AsyncIterator[Vendor]:
    async with (
        receiving() as receiver,
        serving(app(receiver.url)) as url,
        httpx.AsyncClient(base_url=url, headers=headers) as http,
    ):
        yield Vendor(url, http, receiver)


@asynccontextmanager
async def cobalt(headers: dict[str, str] = LAKESIDE, **settings: Any) -> AsyncIterator[Vendor]:
    given = {"completion_delay": 0.02, "retry_after": 0.02, **settings}

    def app(hook: str) -> web.Application:
        return cobalt_app(CobaltSettings(**{"webhook_urls": (hook,), **given}))

    async with vendor(app, headers) as at_work:
        yield at_work


@asynccontextmanager
async def task_api(**settings: Any) -> AsyncIterator[Vendor]:
    given = {"retry_after": (0.01, 0.01), **settings}

    def app(hook: str) -> web.Application:
        return task_api_app(TaskApiSettings(**{"webhook_urls": (hook,), **given}))

    async with vendor(app, KEY) as at_work:
        yield at_work


@asynccontextmanager
async def maxcare(**settings: Any) -> AsyncIterator[Vendor]:
    async with vendor(lambda _hook: maxcare_app(MaxCareSettings(**settings)), HARBOR) as at_work:
        yield at_work
