"""Serving the app over HTTP, in one process and one event loop, with the safe settings."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import AsyncIterator

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from litestar import Litestar

from gateway.errors import ConfigErrors, Stopped
from gateway.store.audit import Act
from gateway.web.services import Services

HEADER_SECONDS = 5
"""How long a client may take to send its headers, and how long a connection may lie idle."""
HEADER_BYTES = 64 * 1024
"""How long a request's line and headers may be."""
CONNECTIONS = 1024
"""How many may be open at once; more wait in the system's queue, as many again."""
REQUEST_SECONDS = 30
"""How long requests under way may take to end at a stop; who waits for longer asks again later what came of it."""

_YOUNG = 20_000
"""Objects made and not freed after which the collector looks at the young ones."""

log = structlog.get_logger("serving")


@contextlib.asynccontextmanager
async def serving(app: Litestar, host: str, port: int) -> AsyncIterator[asyncio.Task[None]]:
    """The app at work and its server accepting; on leaving, requests under way are finished and the app is stopped.

    A client that does not read its answer is not waited for longer than REQUEST_SECONDS.

    Gives the server's task, which ends only when the server breaks. Raises Stopped when the port is taken.
    """
    _check_free(host, port)
    async with _at_work(app):
        server = Server(
            app,
            address=host,
            port=port,
            interface=Interfaces.ASGINL,  # the app's own start and stop are run here, so that what they raise is seen
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=HEADER_BYTES),
            backlog=CONNECTIONS,
            backpressure=CONNECTIONS,
            websockets=False,
            log_enabled=False,
        )
        task = asyncio.create_task(server.serve())
        try:
            yield task
        finally:
            app.state.services.cease()
            server.stop()  # type: ignore[no-untyped-call]  # granian leaves it untyped
            await _ended(task)


async def _ended(server: asyncio.Task[None]) -> None:
    """Granian itself waits for every answer to be read, and if it takes for ever."""
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            await server
    except TimeoutError:
        log.warning("serving.cut_off")


@contextlib.asynccontextmanager
async def _at_work(app: Litestar) -> AsyncIterator[None]:
    """The app started, and stopped at the end; what it raises comes bare, out of the framework's task group."""
    try:
        async with app.lifespan():
            yield
    except ExceptionGroup as group:
        error: Exception = group
        while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from None


def _check_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = f"{host}:{port} cannot be listened on: {error.strerror}"
            raise Stopped(why, "another one is named with --port") from error


async def serve(app: Litestar, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reloads the configuration. Raises Stopped when it cannot start."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serving(app, host, port) as server, asyncio.TaskGroup() as reloads:
        loop.add_signal_handler(signal.SIGHUP, lambda: reloads.create_task(_reload(app)))
        _spare_the_collector()
        log.info("serving", host=host, port=port)
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({stopped, server}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()


def _spare_the_collector() -> None:
    """What is there once all has started is there to stay, and is not looked through again and again for garbage.

    What a request leaves behind is nearly always freed by itself, so the rest is looked for more rarely too.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG)


async def _reload(app: Litestar) -> None:
    """A reload asked for by signal: mistakes are in the log, and nobody waits for an answer."""
    services: Services = app.state.services
    act = Act(app="SIGHUP", key_id="", action="reload", about="configuration")
    try:
        await services.store.acted(act, services.world.now())
        await services.reloader.reload(act.app)
    except ConfigErrors:
        return
    except Exception:  # it would take the server with it
        log.exception("reload.broke")
