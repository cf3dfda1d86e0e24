"""Three gateways on one PostgreSQL, each started again whenever it ended, and what befalls them all."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
from aiohttp import web
from chaos.counting import Counted
from chaos.load import behind_a_proxy
from chaos.town import QUICK, Gateway, Place, configure, sandbox, until
from ports import free_port
from postgres import Server, server

from gateway.sandbox import serving

LEASE = 3.0
"""Seconds; longer than an attempt may last, as in earnest."""
MINUTE = 2.0
"""Seconds that the minute of a rate lasts."""
FOLLOW = {**QUICK, "send": "1.5"}
CONCURRENCY = {"cobalt": 3, "task_api": 2, "maxcare": 2}
PER_MINUTE = {"cobalt": 40, "task_api": 16, "maxcare": 16}
AT_WORK = 0.8
"""How often the one that dies was at work, and not only starting."""
AHEAD = (0, 0, 3600)
"""By how many seconds each replica's own clock is ahead of the time."""


class Replica:
    """One of them: a process, and the next one when that has ended, as a service manager has it."""

    def __init__(self, port: int, arguments: list[str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.lives = 0
        self.is_asleep = False
        self._arguments = [*arguments, "--port", str(port)]
        self._gateway: Gateway | None = None
        self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            self._gateway = Gateway(self._arguments)
            self.lives += 1
            while self._gateway.is_alive():  # noqa: ASYNC110 - a process tells of its end to nobody
                await asyncio.sleep(0.02)
            await self._gateway.ended()
            await asyncio.sleep(0.1)

    def signal(self, number: signal.Signals) -> None:
        """Nothing happens to one that is dead at the moment."""
        with suppress(ValueError, ProcessLookupError):
            if self._gateway is not None:
                self._gateway.signal(number)

    async def stopped(self) -> None:
        """For good; its exit code is 0."""
        self._keeping.cancel()
        if self._gateway is not None:
            await self._gateway.stopped()

    async def aclose(self) -> None:
        """At once, if it has not ended yet."""
        self._keeping.cancel()
        self.signal(signal.SIGKILL)


class Fleet(Place):
    """All of it. Whoever asks is sent to any replica, alive or not, as by a load balancer that knows nothing."""

    def __init__(self, directory: Path, vendors: Mapping[str, str], postgres: Server, chance: random.Random) -> None:
        super().__init__(directory, vendors)
        self.postgres = postgres
        self.replicas: list[Replica] = []
        self.counted: dict[str, Counted] = {}
        self.befell: Counter[str] = Counter()
        self.is_over = False
        self._chance = chance

    def begin(self) -> None:
        """All lives begin."""
        log = str(self.directory / "gateway.log")
        common = [str(self.directory / "config"), "--log", log, "--lease", str(LEASE), "--minute", str(MINUTE)]
        self.replicas = [Replica(free_port(), [*common, "--ahead", str(ahead)]) for ahead in AHEAD]

    def address(self) -> str:
        return self._chance.choice(self.replicas).url

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.url("postgres")) as looked:
            return looked.execute(query.encode()).fetchall()

    async def deaths(self) -> None:
        """Some replica dies, again and again; mostly at work, sometimes while it starts."""
        while not self.is_over:
            await asyncio.sleep(self._chance.uniform(0.2, 2))
            replica = self._chance.choice([each for each in self.replicas if not each.is_asleep])
            if self._chance.random() < AT_WORK:
                with suppress(AssertionError):  # it has enough of a life in so long a time
                    await until(partial(self._is_ready, replica))
            replica.signal(signal.SIGKILL)
            self.befell["kills"] += 1

    async def sleeps(self) -> None:
        """Some replica stands still for longer than its leases last, and goes on as if nothing had happened."""
        while not self.is_over:
            await asyncio.sleep(self._chance.uniform(0.5, 2))
            replica = self._chance.choice(self.replicas)
            replica.is_asleep = True
            replica.signal(signal.SIGSTOP)
            await asyncio.sleep(LEASE * self._chance.uniform(1.2, 1.6))
            replica.signal(signal.SIGCONT)
            replica.is_asleep = False
            self.befell["sleeps past the lease"] += 1

    async def outages(self) -> None:
        """PostgreSQL is stopped, or crashes, and is there again soon."""
        while not self.is_over:
            await asyncio.sleep(self._chance.uniform(1.5, 4))
            how = self._chance.choice([signal.SIGINT, signal.SIGQUIT])
            await asyncio.to_thread(self.postgres.stop, how)
            await asyncio.sleep(self._chance.uniform(0, 0.5))
            await asyncio.to_thread(self.postgres.start)
            self.befell["restarts of PostgreSQL"] += 1

    async def ready(self) -> None:
        """Until every replica takes commands."""
        for each in self.replicas:
            await until(partial(self._is_ready, each), (self.directory / "gateway.log").read_text)

    async def _is_ready(self, replica: Replica) -> bool:
        if replica.is_asleep:
            return False
        with suppress(httpx.TransportError):
            return (await self._http.get(f"{replica.url}/health/ready")).status_code == httpx.codes.OK
        return False

    async def aclose(self) -> None:
        for each in self.replicas:
            await each.aclose()
        await super().aclose()


@asynccontextmanager
async def fleet(directory: Path, chance: random.Random) -> AsyncIterator[Fleet]:
    """Its vendors tell whichever replica comes; what they saw is counted."""
    here: Fleet

    async def pass_on(request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        try:
            answer = await http.post(f"{here.address()}{request.path}", content=await request.read(), headers=headers)
        except httpx.TransportError:
            return web.Response(status=502)
        return web.Response(status=answer.status_code)

    balancer = web.Application()
    balancer.router.add_post("/{path:.*}", pass_on)
    counted: dict[str, Counted] = {}

    def spoilt(vendor: str, app: web.Application) -> None:
        counted[vendor] = Counted(app, MINUTE)
        behind_a_proxy(lambda: True)(app)

    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=10))
        postgres = stack.enter_context(server())
        front = await stack.enter_async_context(serving(balancer))
        vendors = await stack.enter_async_context(sandbox(front, spoilt))
        caps = {each: f"{{concurrency: {CONCURRENCY[each]}, per_minute: {PER_MINUTE[each]}}}" for each in vendors}
        configure(directory, vendors, FOLLOW, postgres.url("postgres"), caps)
        here = Fleet(directory, vendors, postgres, chance)
        here.counted = counted
        stack.push_async_callback(here.aclose)
        here.begin()
        yield here
