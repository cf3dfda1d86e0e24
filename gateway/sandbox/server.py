"""The stand-ins on real sockets: one of them for a test, or all three in one process for a demo."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from gateway.errors import Stopped
from gateway.sandbox.cobalt import cobalt_app
from gateway.sandbox.maxcare import maxcare_app
from gateway.sandbox.settings import Clock, SandboxSettings, utc_now
from gateway.sandbox.task_api import task_api_app


@asynccontextmanager
async def serving(app: web.Application, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serves `app` and gives its URL; port 0 takes a free one."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            why = f"{host}:{port} cannot be listened on: {error.strerror or error}"
            raise Stopped(why, "others are named with --port-base") from error
        bound = runner.addresses[0][1]
        yield f"http://{host}:{bound}"
    finally:
        await runner.cleanup()


async def serve(
    host: str,
    port_base: int,
    settings: SandboxSettings | None = None,
    clock: Clock = utc_now,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serves Cobalt on `port_base` + 1, the task API on + 2 and MaxCare on + 3, until cancelled.

    `ready` is called when all three accept. Raises Stopped when a port is taken.
    """
    chosen = settings or SandboxSettings()
    apps = (
        cobalt_app(chosen.cobalt, clock),
        task_api_app(chosen.task_api, clock),
        maxcare_app(chosen.maxcare, clock),
    )
    async with AsyncExitStack() as stack:
        for offset, app in enumerate(apps, start=1):
            await stack.enter_async_context(serving(app, host, port_base + offset))
        ready()
        await asyncio.Event().wait()
