from __future__ import annotations

import asyncio
import contextlib
import socket

import httpx
from sandbox.test_cobalt import TASK as COBALT_TASK
from sandbox.test_maxcare import TASK as MAXCARE_TASK
from sandbox.test_task_api import TASK as TASK_API_TASK
from sandbox.world import HARBOR, KEY, LAKESIDE, run

from gateway.sandbox import CobaltSettings, SandboxSettings, serve


def free_base() -> int:
    """A port after which three more are free."""
    while True:
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            base: int = first.getsockname()[1]
            try:
                for offset in (1, 2, 3):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", base + offset))
            except (OSError, OverflowError):
                continue
            return base


async def ready(url: str) -> None:
    async with httpx.AsyncClient() as http:
        while True:
            try:
                await http.get(f"{url}/_sandbox/faults")
            except httpx.ConnectError:
                await asyncio.sleep(0.01)
            else:
                return


@run
async def test_three_vendors_stand_on_the_three_ports_after_the_base_until_cancelled():
    base = free_base()
    settings = SandboxSettings(cobalt=CobaltSettings(completion_delay=0.01))
    server = asyncio.create_task(serve("127.0.0.1", base, settings))
    urls = [f"http://127.0.0.1:{base + offset}" for offset in (1, 2, 3)]
    await asyncio.wait_for(ready(urls[2]), 5)
    async with httpx.AsyncClient() as http:
        cobalt = await http.post(f"{urls[0]}/v1/tasks", json=COBALT_TASK, headers=LAKESIDE)
        task_api = await http.post(f"{urls[1]}/v1/tasks", json=TASK_API_TASK, headers=KEY)
        maxcare = await http.post(f"{urls[2]}/v4/tasks", json=MAXCARE_TASK, headers=HARBOR)
        assert (cobalt.status_code, task_api.status_code, maxcare.status_code) == (200, 201, 200)
        counts = [(await http.get(f"{url}/_sandbox/created")).json()["count"] for url in urls]
        assert counts == [1, 1, 1]
    server.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await server
    for url in urls:
        port = int(url.rsplit(":", 1)[1])
        with socket.socket() as again:
            assert again.connect_ex(("127.0.0.1", port)) != 0
