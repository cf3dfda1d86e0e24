"""Callers that submit through any number of deaths: each repeats its command with the same key until it is answered."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx
from aiohttp import web
from chaos.town import Place, task
from msgspec import Struct

CALLERS = 8
SHARES = ("cobalt", "task_api", "maxcare", "cobalt", "task_api", "maxcare", "claim", "note")
"""What is submitted, by turns of chance."""


class Submitted(Struct, kw_only=True):
    """One command, and the delivery that its caller was told of."""

    key: str
    vendor: str
    path: str
    body: dict[str, Any]
    told: str
    """What tells it from all others at the vendor."""
    delivery_id: str | None = None

    def is_task_of(self, vendor: str) -> bool:
        return self.vendor == vendor and self.path == "/v1/tasks"


class Load:
    """Commands over all vendors, until `stop`, or until there are `most`."""

    def __init__(self, here: Place, chance: random.Random, most: int | None = None, callers: int = CALLERS) -> None:
        self.submitted: list[Submitted] = []
        self._here = here
        self._chance = chance
        self._most = most
        self._callers = callers
        self._stopping = False

    async def run(self) -> None:
        """All callers, until each has its last answer."""
        await asyncio.gather(*(self._caller() for _ in range(self._callers)))

    def stop(self) -> None:
        self._stopping = True

    async def _caller(self) -> None:
        while not self._stopping and len(self.submitted) != self._most:
            command = self._next()
            self.submitted.append(command)
            command.delivery_id = await self.answered(command)
            await asyncio.sleep(self._chance.uniform(0, 0.05))

    def _next(self) -> Submitted:
        number = len(self.submitted)
        told = f"no. {number:05d} of this round"
        what = self._chance.choice(SHARES)
        tasks = [each.delivery_id for each in self.submitted if each.is_task_of("cobalt") and each.delivery_id]
        if what == "note" and tasks:
            path = f"/v1/tasks/{self._chance.choice(tasks[-20:])}/notes"
            return Submitted(key=told, vendor="cobalt", path=path, body={"text": told}, told=told)
        if what == "claim":
            body = {"clinic_id": "lakeside-family", "appointment_id": f"appointment-{number:05d}"}
            return Submitted(key=told, vendor="cobalt", path="/v1/claims", body=body, told=body["appointment_id"])
        vendor = "cobalt" if what == "note" else what
        return Submitted(key=told, vendor=vendor, path="/v1/tasks", body=task(vendor, told), told=told)

    async def answered(self, command: Submitted) -> str:
        """The id of the command's delivery, as soon as there is a gateway to tell it."""
        prefer = self._chance.choice(["respond-async"] * 4 + ["wait=1", "handling=lenient"])
        wishes = {"Idempotency_Key": command.key, "Prefer": prefer}
        while True:
            with suppress(httpx.TransportError):
                answer = await self._here.ask("POST", command.path, command.body, **wishes)
                if answer.status_code != 503:
                    break
            await asyncio.sleep(0.01)
        assert answer.status_code in {201, 202, 422}, answer.text
        said = answer.json()
        delivery_id: str = (said.get("delivery") or said)["id"]
        return delivery_id


FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "drop_after_read"},
    {"kind": "drop_before"},
    {"kind": "latency", "seconds": 0.1},
    {"kind": "latency", "seconds": 0.8},  # longer than an attempt may last
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "0"}},
    {"kind": "malformed"},
    {"kind": "no_webhook"},
    {"kind": "duplicate_webhook"},
    {"kind": "early_webhook"},
)


async def bad_luck(here: Place, chance: random.Random) -> None:
    """Some of what comes to the vendors goes wrong, until cancelled."""
    while True:
        for vendor in here.vendors:
            faults = [{"on": "*", "times": 1, **chance.choice(FAULTS)} for _ in range(chance.randint(0, 2))]
            await here.control(vendor, "PUT", "faults", faults)
        await asyncio.sleep(0.1)


def behind_a_proxy(is_on: Callable[[], bool]) -> Callable[[web.Application], None]:
    """A proxy before each vendor, impatient with every eighth create: it is done, and the answer is the proxy's 502."""

    def before(app: web.Application) -> None:
        creates = itertools.count(1)

        @web.middleware
        async def proxy(request: web.Request, handler: Callable[[web.Request], Awaitable[Any]]) -> Any:
            answer = await handler(request)
            is_create = request.method == "POST" and not request.path.startswith("/_sandbox/")
            if is_create and is_on() and next(creates) % 8 == 0:
                return web.Response(status=502, text="<h1>502 Bad Gateway</h1>", content_type="text/html")
            return answer

        app.middlewares.append(proxy)

    return before
