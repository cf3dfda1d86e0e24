"""Sandbox vendors in this process, so that they outlive the gateway; the gateway in processes that can be killed."""

from __future__ import annotations

import asyncio
import functools
import multiprocessing
import os
import shutil
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from multiprocessing import forkserver
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import msgspec
import pytest
from aiohttp import web
from chaos import server
from ports import free_port

from gateway.sandbox import CobaltSettings, MaxCareSettings, TaskApiSettings, cobalt_app, maxcare_app, serving
from gateway.sandbox import task_api_app as solum_app

ROOT = Path(__file__).parents[2]
KEY = "tgk_operator_sandbox-key-not-for-production"
TOKENS = {
    name: (ROOT / "config/sandbox-secrets" / f"{name}-webhook-token").read_text().strip()
    for name in ("cobalt", "task-api")
}
VENDORS = ("cobalt", "task_api", "maxcare")
QUICK = {
    "submitted": "[0.1, 0.2]",
    "submitted_without_webhook": "[0.1, 0.2]",
    "unknown": "[0.05, 0.1]",
    "absence_gap": "0.2",
}
SLOW = {**dict.fromkeys(QUICK, "[600]"), "absence_gap": "600"}
PATIENCE = 30.0
"""Seconds until what should come is held to come no more; nothing takes this long unless it is stuck."""


@functools.cache
def nursery() -> Any:
    """Where the gateway's processes are forked from: one that has imported everything and started nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["chaos.server", "pytest"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{ROOT / 'tests'}")  # it gets no other word of where to find them
        forkserver.ensure_running()
    return context


class Gateway:
    """One life of the gateway: a process of its own, with sockets, threads and a database connection of its own."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._process = nursery().Process(target=server.main, args=(list(arguments),))
        self._process.start()

    def is_alive(self) -> bool:
        return self._process.is_alive()

    async def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        await asyncio.to_thread(self._process.join, PATIENCE)
        code = self._process.exitcode
        assert code is not None, "it has not ended"
        self._process.close()
        return code

    async def killed(self) -> None:
        self.signal(signal.SIGKILL)
        assert await self.ended() == -signal.SIGKILL

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)

    async def stopped(self) -> None:
        self._process.terminate()
        assert await self.ended() == 0


class Place:
    """The vendors, and how the gateway is asked, wherever it is."""

    def __init__(self, directory: Path, vendors: Mapping[str, str]) -> None:
        self.directory = directory
        self.vendors = vendors
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=PATIENCE,
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
        )
        self._control = httpx.AsyncClient(trust_env=False)

    def address(self) -> str:
        """Where the gateway is asked."""
        raise NotImplementedError

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the database holds, whether or not a gateway is alive."""
        raise NotImplementedError

    async def aclose(self) -> None:
        await self._http.aclose()
        await self._control.aclose()

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """A request to the gateway. Raises httpx.TransportError when it is not there, or dies."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._http.request(method, f"{self.address()}{path}", json=body, headers=named)

    async def control(self, vendor: str, method: str, path: str, body: Any = None) -> Any:
        """A request to a vendor's control API."""
        answer = await self._control.request(method, f"{self.vendors[vendor]}/_sandbox/{path}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def created(self, vendor: str) -> list[dict[str, Any]]:
        """The bodies of everything that was created there."""
        return [each["body"] for each in (await self.control(vendor, "GET", "created"))["items"]]

    async def requests(self, vendor: str, method: str) -> int:
        """How many requests of that method came in there."""
        return sum(each["method"] == method for each in (await self.control(vendor, "GET", "requests"))["items"])

    async def until(self, delivery_id: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The delivery, once it is so."""
        delivery: dict[str, Any] = {}

        async def seen() -> bool:
            nonlocal delivery
            delivery = (await self.ask("GET", f"/v1/tasks/{delivery_id}")).json()
            return is_so(delivery)

        await until(seen, lambda: f"{delivery}")
        return delivery


class Town(Place):
    """A directory of configuration and data, and one gateway after the other on the same port."""

    def __init__(self, directory: Path, vendors: Mapping[str, str], port: int) -> None:
        super().__init__(directory, vendors)
        self._port = port
        self._gateway: Gateway | None = None

    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def begin(self, *arguments: str, ready: bool = True) -> Gateway:
        """A gateway's life begins; `ready`: it takes commands when this returns."""
        log = self.directory / "gateway.log"
        gateway = self._gateway = Gateway(
            [str(self.directory / "config"), "--port", str(self._port), "--log", str(log), *arguments]
        )
        while ready:
            assert gateway.is_alive(), log.read_text()[-4000:]
            with suppress(httpx.TransportError):
                if (await self.ask("GET", "/health/ready")).status_code == 200:
                    break
            await asyncio.sleep(0.01)
        return gateway

    async def aclose(self) -> None:
        if self._gateway is not None:
            with suppress(ValueError):  # it has ended, and was closed
                self._gateway._process.kill()
                await self._gateway.ended()
        await super().aclose()

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.directory / "gateway.db")) as looked:
            looked.execute("PRAGMA query_only = ON")
            return looked.execute(query, parameters).fetchall()


async def until(happened: Callable[[], Awaitable[Any]], told: Callable[[], str] = lambda: "it did not happen") -> None:
    """Waits for it; how long it takes is not what is tested."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while not await happened():
        assert asyncio.get_running_loop().time() < end, told()
        await asyncio.sleep(0.02)


@asynccontextmanager
async def town(
    directory: Path,
    *,
    follow: Mapping[str, str] | None = None,
    answered: Callable[[web.Application], None] = lambda _app: None,
) -> AsyncIterator[Town]:
    """All of it.

    `follow` is how soon the gateway looks at the vendors, and under `send` an attempt's deadline; `answered` may spoil
    the vendors' answers further.
    """
    port = free_port()
    async with AsyncExitStack() as stack:
        vendors = await stack.enter_async_context(
            sandbox(f"http://127.0.0.1:{port}", lambda _vendor, app: answered(app))
        )
        configure(directory, vendors, follow or QUICK, f"sqlite:///{directory / 'gateway.db'}")
        here = Town(directory, vendors, port)
        stack.push_async_callback(here.aclose)
        yield here


@asynccontextmanager
async def sandbox(pushed_to: str, answered: Callable[[str, web.Application], None]) -> AsyncIterator[Mapping[str, str]]:
    """Where the vendors are, by name; they tell the gateway at `pushed_to`."""
    hooks = f"{pushed_to}/v1/webhooks"
    apps = {
        "cobalt": cobalt_app(
            CobaltSettings(
                completion_delay=0.05,
                retry_after=0.05,
                webhook_urls=(f"{hooks}/cobalt-main/{TOKENS['cobalt']}",),
            )
        ),
        "task_api": solum_app(
            TaskApiSettings(retry_after=(0.05,), webhook_urls=(f"{hooks}/solum/{TOKENS['task-api']}",))
        ),
        "maxcare": maxcare_app(MaxCareSettings(per_minute=1_000_000)),
    }
    async with AsyncExitStack() as stack:
        vendors = {}
        for name, app in apps.items():
            answered(name, app)
            vendors[name] = await stack.enter_async_context(serving(app))
        yield vendors


def played(directory: Path, story: Callable[[Town], Awaitable[None]], **settings: Any) -> None:
    """The story, from beginning to end, in a town of its own."""

    async def play() -> None:
        async with town(directory, **settings) as here:
            await story(here)

    asyncio.run(play())


def configure(
    directory: Path,
    vendors: Mapping[str, str],
    follow: Mapping[str, str],
    database: str,
    limits: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """The shipped configuration with the vendors at these URLs, another database, and other waits and limits."""
    config = directory / "config"
    shutil.copytree(ROOT / "config", config)
    lines = []
    base_urls = iter(vendors[name] for name in VENDORS)
    for line in (config / "gateway.yaml").read_text().splitlines():
        key = line.split("#")[0].split(":")[0].strip()
        indent = line[: len(line) - len(line.lstrip())]
        settings = {
            "database": lambda: database,
            "base_url": lambda: next(base_urls),
            "timeouts": lambda: "{{connect: {0}, send: {0}}}".format(follow.get("send", "0.5")),
            "answer_within": lambda: "0.2",
            **{name: lambda name=name: follow[name] for name in follow},
        }
        if key != "limits":
            lines.append(f"{indent}{key}: {settings[key]()}" if key in settings and ":" in line else line)
        if key == "adapter" and line.split(":")[1].strip() in limits:
            lines.append(f"{indent}limits: {limits[line.split(':')[1].strip()]}")
    (config / "gateway.yaml").write_text("\n".join(lines))


def task(vendor: str, text: str) -> dict[str, Any]:
    """A task for a vendor; `text` tells it from all others."""
    note = "nte_" + msgspec.json.encode(text).hex().rjust(32, "0")[-32:]
    return {
        "clinic_id": "harbor-dermatology" if vendor == "maxcare" else "lakeside-family",
        **({"connection": "front-desk"} if vendor == "task_api" else {}),
        "title": "Follow-up appointment needed",
        "description": f"Call the patient back about the lab results ({text}).",
        "patient": {"mrn": "MRN-12345"},
        "assignees": ["dr-wilson"],
        "due_at": "2027-03-01T09:00:00-06:00",
        **({"encounter_note_id": note} if vendor == "maxcare" else {}),
    }
