"""kill -9 while an app is told what happened: before it is told, before that is kept, and after."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from chaos.load import Load
from chaos.town import Town, played, task, until
from standardwebhooks import Webhook

SECRET = f"whsec_{b64encode(b's' * 32).decode()}"
TOLD = {"K8": 0, "K9": 1, "K9b": 1, "K10": 1}
"""The points, and how often the event was told by then."""
TWICE = {"K8": 1, "K9": 2, "K9b": 2, "K10": 1}
"""And how often in the end."""


@asynccontextmanager
async def endpoint(here: Town, is_well: Callable[[], bool] = lambda: True) -> AsyncIterator[list[str]]:
    """An app's endpoint; the ids of what it has taken, each verified by the standard's library."""
    told: list[str] = []

    async def take(request: web.Request) -> web.Response:
        event = Webhook(SECRET).verify(await request.read(), dict(request.headers))
        assert event["id"] == request.headers["webhook-id"]
        if not is_well():
            return web.Response(status=500)
        told.append(event["id"])
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hooks", take)
    async with TestServer(app) as server:
        _hook(here, str(server.make_url("/hooks")))
        yield told


def _hook(here: Town, url: str) -> None:
    """The app that submits is told at `url`."""
    file = here.directory / "config" / "gateway.yaml"
    roles = "    roles: [submit, read, operate, admin]"
    callback = json.dumps({"url": url, "secrets": [SECRET]})
    text = file.read_text()
    assert text.count(roles) == 1
    file.write_text(text.replace(roles, f"{roles}\n    callback: {callback}"))


def events(here: Town) -> list[str]:
    """The ids of everything that happened, in order."""
    return [event_id for (event_id,) in here.rows("SELECT id FROM events ORDER BY seq")]


async def submitted(here: Town) -> str:
    answer = await here.ask(
        "POST", "/v1/tasks", task("task_api", "one and only"), Idempotency_Key="the key", Prefer="respond-async"
    )
    delivery_id: str = answer.json()["id"]
    return delivery_id


@pytest.mark.parametrize("after", [1, 2, 3])
@pytest.mark.parametrize("point", TOLD)
def test_what_was_cut_short_is_told_again_under_the_same_id_and_nothing_is_left_out(
    tmp_path: Path, point: str, after: int
):
    async def story(here: Town) -> None:
        async with endpoint(here) as told:
            gateway = await here.begin("--crash-at", point, "--after", str(after))
            with suppress(httpx.TransportError):  # it may die before it has answered
                await submitted(here)
            assert await gateway.ended() == -signal.SIGKILL
            assert len(told) == after - 1 + TOLD[point]

            await here.begin()
            await here.until(await submitted(here), lambda delivery: delivery["final"])

            async def all_told() -> bool:
                return set(told) == set(events(here)) and here.rows("SELECT * FROM callbacks") == []

            await until(all_told, lambda: f"{told} of {events(here)}")
            assert list(dict.fromkeys(told)) == events(here)
            assert [told.count(event_id) for event_id in events(here)] == [
                TWICE[point] if number == after else 1 for number in range(1, len(events(here)) + 1)
            ]

    played(tmp_path, story)


@pytest.mark.parametrize("seed", [1, 2])
def test_through_random_deaths_under_load_an_endpoint_that_fails_now_and_then_hears_of_everything_in_order(
    tmp_path: Path, seed: int
):
    chance = random.Random(seed)  # noqa: S311 - luck of the same kind each time

    async def story(here: Town) -> None:
        is_well = False
        async with endpoint(here, lambda: is_well or chance.random() < 0.9) as told:
            load = Load(here, chance)
            callers = asyncio.create_task(load.run())
            for _ in range(10):
                gateway = await here.begin()
                await asyncio.sleep(chance.uniform(0.1, 0.6))
                await gateway.killed()
            is_well = True
            await here.begin()
            load.stop()
            await callers

            async def all_told() -> bool:
                return set(told) == set(events(here)) and here.rows(OPEN) == here.rows("SELECT * FROM callbacks") == []

            await until(all_told, lambda: f"{len(set(told))} of {len(events(here))}")
            for (delivery_id,) in here.rows("SELECT id FROM deliveries"):
                happened = [row[0] for row in here.rows(EVENTS_OF, delivery_id)]
                assert [each for each in dict.fromkeys(told) if each in happened] == happened

    played(tmp_path, story)


OPEN = "SELECT id FROM deliveries WHERE state IN ('queued', 'sending', 'submitted')"
EVENTS_OF = "SELECT id FROM events WHERE delivery_id = ? ORDER BY seq"
