"""Telling apps what happened: at least once, in the order of each delivery, and no endpoint waits for another."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from hashlib import sha256

import msgspec
import structlog
from msgspec import UNSET, Struct

from gateway.courier import Courier
from gateway.flows.configured import Configured
from gateway.flows.pacing import Pacer
from gateway.flows.rounds import Rounds
from gateway.rules import callbacks, signing
from gateway.rules.callbacks import Tried
from gateway.rules.clinic import App, Callback, Limits
from gateway.rules.record import present
from gateway.store.base import Store, StoreUnavailable
from gateway.store.bell import EVENTS
from gateway.store.feed import Entry
from gateway.store.outbox import Due, Endpoint
from gateway.telemetry import spans
from gateway.transport import Exchange
from gateway.world import World
from schemas.event import Notice
from schemas.outcome import Applied

_AT_ONCE = 16
"""So many events are told to one endpoint at a time, each of another delivery."""
_GRACE = 2.0
"""Seconds that a stop waits for endpoints to answer; what is cut off is told again at the next start."""

log = structlog.get_logger("notify")


class Subscriber(Struct, frozen=True, kw_only=True):
    """An app with an endpoint."""

    app: App
    callback: Callback
    limits: Limits = Limits(concurrency=_AT_ONCE)

    @property
    def name(self) -> str:
        """The app's."""
        return self.app.name

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint as the store knows it."""
        return Endpoint(
            app=self.name, url_digest=sha256(self.callback.url.encode()).hexdigest(), concerns=self._concerns
        )

    def _concerns(self, entry: Entry) -> bool:
        return callbacks.concerns(self.app, self.callback, entry.event.type, entry.event.clinic_id, entry.app)


class Notifier(Rounds):
    """Looks through the feed for each endpoint and tells it what concerns it, as fast as it takes it."""

    bell = EVENTS

    def __init__(self, store: Store, courier: Courier, configured: Configured, world: World) -> None:
        super().__init__(store, world)
        self._courier = courier
        self._configured = configured
        self.pacer = Pacer(world)

    @property
    def subscribers(self) -> Mapping[str, Subscriber]:
        """The apps with an endpoint, by name."""
        apps = self._configured.config.apps.values()
        return {app.name: Subscriber(app=app, callback=app.callback) for app in apps if app.callback}

    async def open(self, *, every_lease: bool = False) -> None:
        """The configuration is a new one: what is new begins to be told, what was in trouble is tried at once.

        `every_lease`: at start-up of the only process.
        """
        for subscriber in self.subscribers.values():
            self.pacer.forgive(subscriber)
        await self._store.open_endpoints(list(self.subscribers), self._world.now(), every_lease=every_lease)
        self.wake()

    async def stop(self) -> None:
        """Tell nobody any more."""
        await self._end(_GRACE)

    async def round(self) -> datetime | None:
        """Tell every endpoint what is due, as far as it has room."""
        subscribers = list(self.subscribers.values())
        if not subscribers:
            return None
        now = self._world.now()
        room = [(each, free) for each in subscribers if (free := self.pacer.room(each))]
        taken = await self._store.take_callbacks([(each.endpoint, free) for each, free in room], now) if room else ()
        if self.stopping:
            return None  # nobody would wait for these; they are told at the next start
        for (subscriber, _), found in zip(room, taken, strict=True):
            for due in found.due:
                self.pacer.take(subscriber)
                self._in_background(self._tell(subscriber, due))
            if found.more:
                self.wake()
        full = [each for each in subscribers if not self.pacer.room(each)]
        due_at = await self._store.next_callback([each.name for each in subscribers if each not in full], now)
        times = [due_at, *(self.pacer.reopens(each) for each in full)]
        return min((at for at in times if at is not None), default=None)

    async def _tell(self, to: Subscriber, due: Due) -> None:
        try:
            with (
                suppress(StoreUnavailable),  # its lease ends, and it is told again
                spans.span("callback", of=due.entry.trace, role=spans.CALL, delivery_id=due.entry.delivery_id),
            ):
                began = self._world.now()
                exchange = await self._post(to, due.entry, began)
                await self._settle(to, due, exchange, began)
        finally:
            self.pacer.ended(to)
            self.wake()

    async def _post(self, to: Subscriber, entry: Entry, at: datetime) -> Exchange:
        try:
            body = await self._body(to.callback, entry)
            headers = signing.signed(entry.event.id, at, body, to.callback.secrets)
            return await self._courier.post(to.callback.url, headers, body)
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("callback.broke", app=to.name, delivery_id=entry.delivery_id)
            return Exchange(begun=False, fault=f"internal:{type(error).__name__}")

    async def _body(self, callback: Callback, entry: Entry) -> bytes:
        record = None
        if callback.body == "full" and entry.delivery_id is not None:
            record = await self._store.get(entry.delivery_id)
        event = {name: getattr(entry.event, name) for name in entry.event.__struct_fields__}
        return msgspec.json.encode(Notice(**event, delivery=present(record) if record else UNSET))

    async def _settle(self, to: Subscriber, due: Due, exchange: Exchange, began: datetime) -> None:
        """Keep what became of a try."""
        now, answer = self._world.now(), exchange.response
        proved = callbacks.verdict(answer, exchange.fault)
        follows = callbacks.follows(proved, due.tries, now, self._world.roll())
        error = None if isinstance(proved, Applied) else proved.code
        tried = Tried(at=began, ended_at=now, status=answer.status if answer else None, error=error, next=follows)
        came_back = self.pacer.proved(to, proved, follows.due_at or now)
        await self._store.settle_callback(due, tried, to.endpoint.url_digest, hurry=came_back)
        self._world.meters.called_back(to.name, follows.what)
        told = {"app": to.name, "attempt": due.tries + 1, "status": tried.status, "code": error}
        spans.note(**told)
        notice = log.warning if follows.what in {"given_up", "gone"} else log.info
        notice(f"callback.{follows.what}", **told, delivery_id=due.entry.delivery_id, kind=due.entry.event.type)
