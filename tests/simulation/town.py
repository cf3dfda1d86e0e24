"""A seeded town: the gateway in life after life on one database, its vendors, its callers and its operator."""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import new as hmac
from pathlib import Path
from random import Random
from typing import Any

import structlog
from simulation.clockwork import ALIVE_IN, Clockwork
from simulation.cobalt_vendor import CobaltVendor
from simulation.history import Broken, History
from simulation.roads import NoEndpoints, Roads
from simulation.synchronous import SimStore, database
from simulation.vendors import Json, Made, MaxCareVendor, TaskApiVendor, Vendor
from simulation.weather import Weather
from structlog.typing import EventDict

from gateway.app import running
from gateway.clinics import load
from gateway.courier import Courier
from gateway.flows import rounds
from gateway.rules.clinic import Config
from gateway.store.base import StoreUnavailable
from gateway.web.services import Services
from gateway.world import World

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
CONFIG = Path(__file__).parents[2] / "config"


@functools.cache
def config() -> Config:
    """The example configuration."""
    return load(CONFIG, {})


class Life:
    """One run of the gateway, from its start to its end."""

    def __init__(self, number: int, services: Services, store: SimStore) -> None:
        self.number = number
        self.services = services
        self.store = store

    def spawn(self, story: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let a story run inside the gateway; it dies with it."""
        context = copy_context()
        context.run(ALIVE_IN.set, self.number)
        return asyncio.get_running_loop().create_task(story, context=context)


class Town:
    """The world around the gateway. All chance comes from the seed."""

    def __init__(self, seed: int) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Clockwork)
        self.loop = loop
        self.seed = seed
        self.chance = Random(seed)  # noqa: S311 - the same seed, the same story
        self.weather = Weather(chance=self.chance)
        self.connection = database()
        self.history = History(self.connection, loop.time)
        self._numbers = itertools.count(1)
        self._outside = copy_context()
        self._outside.run(ALIVE_IN.set, None)
        self._lives = itertools.count(1)
        self.in_turn = seed % 2 == 0
        self.life: Life | None = None
        self.world = World(now=self.now, new_id=self._new_id, roll=self.chance.random)
        self.config = config()
        self.breaks: list[str] = []
        self.doubtful: set[bytes] = set()
        """Webhooks that were refused, or whose taking was not heard of."""
        self._vendors()

    def _vendors(self) -> None:
        accounts = self.config.accounts
        emr = [self.config.clinics[name].connections["emr"] for name in ("lakeside-family", "riverbend-pediatrics")]
        references = {one.credentials.access_token.reveal(): one.reference_id or "" for one in emr}
        self.cobalt = CobaltVendor(self, references)
        self.task_api = TaskApiVendor(self)
        self.maxcare = MaxCareVendor(self)
        self.vendors: dict[str, Vendor] = {
            "cobalt": self.cobalt, "task_api": self.task_api, "maxcare": self.maxcare,
        }  # fmt: skip
        places = {}
        for account in accounts.values():
            host, port = account.base_url.removeprefix("http://").split(":")
            places[host, int(port)] = self.vendors[account.adapter.name]
        self.accounts = {account.adapter.name: account for account in accounts.values()}
        self.roads = Roads(self, places)

    def now(self) -> datetime:
        return START + timedelta(microseconds=round(self.loop.time() * 1_000_000))

    def _new_id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers):08d}"

    def spawn(self, story: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let a story run outside the gateway."""
        return self.loop.create_task(self._guarded(story), context=self._outside.copy())

    async def _guarded(self, story: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await story
        except Broken as broken:
            self.breaks.append(str(broken))
            raise

    def made(self, thing: Made) -> None:
        """A vendor has made something."""
        try:
            self.history.create(thing)
        except Broken as broken:
            self.breaks.append(str(broken))

    def _committed(self) -> None:
        try:
            self.history.committed()
        except Broken as broken:
            self.breaks.append(str(broken))

    async def push(self, adapter: str, body: Json) -> None:
        """A webhook of a vendor, tried twice."""
        raw = json.dumps(body, separators=(",", ":")).encode()
        for wait in (self.chance.random() * self.chance.choice([0.0, 2.0, 100.0]), 1.0):
            await asyncio.sleep(wait)
            if not self.weather.hook_is_lost() and await self.post(adapter, raw):
                return

    async def post(self, adapter: str, raw: bytes, secret: str | None = None) -> bool:
        """Post a webhook, signed as the vendor signs; whether it was taken."""
        account = self.accounts[adapter]
        if self.life is None:
            return False
        signed = hmac((secret or account.webhook_secrets[0].reveal()).encode(), raw, sha256).hexdigest()
        named = {"cobalt": ("cobalt-verification", signed), "task_api": ("x-solum-signature", f"sha256={signed}")}
        receiving = self.life.spawn(self.life.services.mailbox.receive(account, dict([named[adapter]]), raw))
        await asyncio.wait([receiving])
        taken = not receiving.cancelled() and receiving.exception() is None
        if not taken:
            self.doubtful.add(raw)
        return taken

    async def start(self) -> None:
        """A life begins; where the database does not let it, again a little later."""
        while self.life is None:
            number = next(self._lives)
            store = SimStore(
                self.connection, self.world.new_id, self.weather, in_turn=self.in_turn, committed=self._committed
            )
            ready: asyncio.Future[Services] = self.loop.create_future()
            self.history.note(f"life {number} begins")
            context = copy_context()
            context.run(ALIVE_IN.set, number)
            self._stop = asyncio.Event()
            self._living = self.loop.create_task(self._live(store, ready, self._stop), context=context)
            await asyncio.wait([self._living, ready], return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                self.life = Life(number, ready.result(), store)
            else:
                await self.loop.end(number)
                await asyncio.sleep(1)

    async def _live(self, store: SimStore, ready: asyncio.Future[Services], stop: asyncio.Event) -> None:
        with suppress(StoreUnavailable):
            wire, courier = self.roads.wire(self.config.timeouts), Courier(NoEndpoints())
            async with running(self.config, self.world, store, lambda: wire, make_courier=lambda: courier) as made:
                ready.set_result(made)
                await stop.wait()

    async def crash(self) -> None:
        """Whatever is in memory is gone; what has left for a vendor goes on there."""
        life, self.life = self.life, None
        if life is not None:
            self.history.note(f"life {life.number} is killed")
            life.store.ended = True
            await self.loop.end(life.number)

    async def stop(self) -> None:
        """A stop in good order."""
        life, self.life = self.life, None
        if life is not None:
            self.history.note(f"life {life.number} is stopped")
            self._stop.set()
            await asyncio.wait([self._living], timeout=60)
            life.store.ended = True
            await self.loop.end(life.number)

    def check(self) -> None:
        """Everything that holds at any time. Raises Broken."""
        if self.breaks:
            raise Broken(self.breaks[0])
        self.history.look()
        if self.life and self._living.done():
            self._living.result()
            raise Broken("the gateway has ended by itself")

    def heard(self, line: EventDict) -> None:
        """A log line of the gateway: nothing may break in it."""
        unreadable = isinstance(line.get("exc_info"), ValueError) and line["event"] == "look.broke"
        if str(line["event"]).endswith((".broke", "cannot_build", "cannot_verify")) and not unreadable:
            self.breaks.append(f"{line['event']}: {line.get('exc_info')!r}")


@contextmanager
def listening(town: Town, sleep: float) -> Iterator[None]:
    """The gateway's log goes to the town, and what it sleeps without a reason is longer than in earnest."""

    def hear(_logger: Any, method: str, line: EventDict) -> EventDict:
        if method == "exception":
            line["exc_info"] = sys.exc_info()[1]
        town.heard(line)
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[hear], wrapper_class=structlog.BoundLogger)
    kept = rounds.LONGEST_SLEEP
    rounds.LONGEST_SLEEP = sleep
    try:
        yield
    finally:
        rounds.LONGEST_SLEEP = kept
        structlog.configure(**before)


@asynccontextmanager
async def town_of(seed: int) -> AsyncIterator[Town]:
    """A town in which the gateway has begun to live."""
    town = Town(seed)
    with listening(town, 300.0):
        await town.start()
        try:
            yield town
        finally:
            await town.crash()
            town.connection.close()
