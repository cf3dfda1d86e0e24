"""The one place that builds everything and hands it down."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog
from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers.base import BaseRouteHandler
from msgspec import structs

from gateway.courier import Courier, courier
from gateway.errors import Stopped
from gateway.flows.ask import Asking
from gateway.flows.configured import Configured
from gateway.flows.dispatch import Dispatcher
from gateway.flows.endpoints import Endpoints
from gateway.flows.feed import Readers, Streams
from gateway.flows.follow import Follower
from gateway.flows.forget import Forgetter
from gateway.flows.gauges import Gauges, watch_lag
from gateway.flows.notify import Notifier
from gateway.flows.quotas import Quotas
from gateway.flows.receive import Mailbox
from gateway.flows.reload import Reloader
from gateway.flows.sampling import take_samples
from gateway.flows.submit import Desk
from gateway.flows.tokens import Tokens
from gateway.rules.addresses import may_call
from gateway.rules.clinic import Config
from gateway.store.base import Store
from gateway.store.postgres import PostgresStore
from gateway.store.sqlite import SqliteStore
from gateway.store.vault import Vault
from gateway.transport import Wire, wire
from gateway.web import openapi
from gateway.web.admin import Admin
from gateway.web.audit import AuditTrail
from gateway.web.auth import authenticated
from gateway.web.body import LARGEST, StrictRequest
from gateway.web.callbacks import CallbackStates
from gateway.web.clinics import About
from gateway.web.command_schemas import CommandSchemas
from gateway.web.console import console
from gateway.web.deliveries import Claims, Notes, Tasks
from gateway.web.documents import documents
from gateway.web.drift import CapabilityTable
from gateway.web.events import Feed
from gateway.web.health import live, ready
from gateway.web.hosts import hosted
from gateway.web.lines import RequestLines
from gateway.web.metrics import metrics
from gateway.web.options import name_all_methods
from gateway.web.overview import Overview
from gateway.web.problems import HANDLERS, front_door, problem_index, problem_page
from gateway.web.quota import within_quota
from gateway.web.safe_headers import safe_headers
from gateway.web.services import Services
from gateway.web.webhooks import Webhooks
from gateway.world import World

DRAIN_SECONDS = 30.0
"""How long a stop waits for sends under way."""

ROUTES = (
    Tasks, Notes, Claims, Overview, Feed, CallbackStates, About, CommandSchemas, CapabilityTable, Webhooks, Admin,
    AuditTrail,
    live, ready, metrics, problem_page, problem_index, documents, front_door, console,
)  # fmt: skip

log = structlog.get_logger("app")


def store_of(config: Config, world: World) -> Store:
    """The store that the configuration names, sealed with its keys. Raises Stopped for a kind that is not supported."""
    scheme, _, rest = config.database.partition("://")
    if scheme == "sqlite" and rest.startswith("/"):
        return SqliteStore(Path(rest.removeprefix("/")), world.new_id, Vault(config.encryption), world.meters)
    if scheme in {"postgresql", "postgres"}:
        return PostgresStore(config.database, world.new_id, Vault(config.encryption), world.meters)
    raise Stopped(f"database: {scheme}:// is not supported; sqlite:///PATH and postgresql://... are")


async def _admitted(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guards of every route as one, since the framework copies the handler for each. Raises Refused."""
    for guard in (hosted, authenticated, within_quota):
        await guard(connection, handler)


def build(  # noqa: PLR0913 - what tests bring
    config: Config,
    *,
    read: Callable[[], Config] | None = None,
    world: World | None = None,
    store: Store | None = None,
    make_wire: Callable[[], Wire] | None = None,
    make_courier: Callable[[], Courier] | None = None,
) -> Litestar:
    """The gateway as an ASGI app. Starting it opens the store and begins to send; stopping it drains.

    `read` reads the configuration anew, for a reload; without it a reload changes nothing.
    Tests pass their own world, store, wire and courier; the last two are made in the running loop.
    """
    world = world or World()
    kept = store or store_of(config, world)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with running(config, world, kept, make_wire, read, make_courier=make_courier) as services:
            app.state.services = services
            async with observed(services):
                yield

    def services(state: State) -> Services:
        found: Services = state.services
        return found

    app = Litestar(
        [*ROUTES],
        request_class=StrictRequest,
        request_max_body_size=LARGEST,
        dependencies={"services": Provide(services, sync_to_thread=False)},
        guards=[_admitted],
        exception_handlers=dict(HANDLERS),
        openapi_config=openapi.config(version("task-gateway")),
        plugins=[openapi.ClosedBodies()],
        lifespan=[lifespan],
        logging_config=None,
        debug=False,
    )
    name_all_methods(app)
    app.asgi_handler = RequestLines(  # a middleware would see only what a route takes
        app.asgi_handler, world, safe_headers(production=config.mode == "production")
    )
    return app


@asynccontextmanager
async def running(  # noqa: PLR0913 - likewise
    config: Config,
    world: World,
    store: Store,
    make_wire: Callable[[], Wire] | None,
    read: Callable[[], Config] | None = None,
    *,
    make_courier: Callable[[], Courier] | None = None,
) -> AsyncIterator[Services]:
    """The flows at work: what a stop left behind is proved first, then sending begins."""
    await store.open()
    if store.clock is not None:
        world = structs.replace(world, now=store.clock)
    configured = Configured(config)
    way_out = make_wire() if make_wire else wire(lambda: configured.config)
    runner = make_courier() if make_courier else courier(lambda address: may_call(address, configured.config))
    tokens = Tokens(way_out, world)
    dispatcher = Dispatcher(store, way_out, configured, world, tokens)
    follower = Follower(store, way_out, configured, world, tokens)
    forgetter = Forgetter(store, configured, world)
    notifier = Notifier(store, runner, configured, world)
    desk = Desk(store, dispatcher, configured, world)
    mailbox = Mailbox(store, configured, world)
    streams = Streams(store)

    async def begin_anew() -> None:
        await store.try_connections(world.now())
        await notifier.open()
        dispatcher.wake()

    def adopt(fresh: Config) -> Callable[[], Awaitable[None]]:
        streams.look_again()
        way_out.adopt(fresh)
        tokens.drop_all()
        store.vault.use(fresh.encryption)
        return begin_anew

    await notifier.open(every_lease=store.is_alone)
    await store.pass_time(world.now(), every_lease=store.is_alone)
    await store.try_connections(world.now())
    await mailbox.catch_up()
    services = Services(
        configured=configured,
        store=store,
        desk=desk,
        asking=Asking(store, desk, dispatcher, world),
        mailbox=mailbox,
        dispatcher=dispatcher,
        notifier=notifier,
        endpoints=Endpoints(store, notifier, world),
        streams=streams,
        readers=Readers(),
        reloader=Reloader(read or (lambda: config), configured, adopt, world, store.bell),
        gauges=Gauges(store, configured, world),
        quotas=Quotas(world),
        strangers=Quotas(world),
        world=world,
        salt=await store.salt(secrets.token_hex(32)),
        stopping=asyncio.Event(),
    )
    endless = [dispatcher.run(), follower.run(), notifier.run(), forgetter.run()]
    if not store.is_alone:
        endless.append(mailbox.watch())
    at_work = [asyncio.create_task(each) for each in endless]
    reloading = [asyncio.create_task(each) for each in (services.reloader.follow(), services.reloader.insist())]
    log.info("gateway.started", count=len(config.clinics), version=version("task-gateway"))
    try:
        yield services
    finally:
        for task in reloading:
            task.cancel()
        await follower.stop()
        await forgetter.stop()
        await notifier.stop()
        await dispatcher.stop(DRAIN_SECONDS)
        await mailbox.stop()
        await asyncio.gather(*at_work)
        await way_out.aclose()
        await runner.aclose()
        await store.close()
        log.info("gateway.stopped")


@asynccontextmanager
async def observed(services: Services) -> AsyncIterator[None]:
    """Samples of how it fares are taken, all the time that it runs."""
    world = services.world
    endless = (watch_lag(world.meters), take_samples(services.store, world))
    tasks = [asyncio.create_task(each) for each in endless]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
