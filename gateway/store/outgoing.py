"""The store's side of telling what happened: the feed, and the callbacks to apps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TypeVar

from gateway.rules.callbacks import Tried
from gateway.store import audit, backlog, feed, outbox
from gateway.store.audit import Act
from gateway.store.backlog import Backlog, Told, Untold
from gateway.store.feed import Entry, Page
from gateway.store.outbox import Again, Due, Endpoint, Taken
from gateway.store.rows import Tx
from gateway.store.transactions import Transactions

T = TypeVar("T")


class Outgoing(Transactions):
    """Events as they are read, and what is still to be told of them."""

    async def _read_feed(self, job: Callable[[Tx], T]) -> T:
        """Run `job` when everything that is committed has its place."""
        await self.placed()
        return await self.read(job)

    async def feed(self, after: int, limit: int, clinics: frozenset[str]) -> Page:
        """The events of these clinics ("*": all) after a place, in order. None is ever passed over."""
        return await self._read_feed(lambda tx: feed.page(tx, after, limit, clinics))

    async def event(self, event_id: str, clinics: frozenset[str]) -> Entry | None:
        """The event of that id, if it is of these clinics."""
        return await self._read_feed(lambda tx: feed.entry(tx, event_id, clinics))

    async def place(self, event_id: str, clinics: frozenset[str]) -> int | None:
        """An event's place in the feed, if it is of these clinics."""
        return await self._read_feed(lambda tx: feed.place(tx, event_id, clinics))

    async def newest(self, clinics: frozenset[str]) -> tuple[int, str]:
        """The end of the feed, and the id from which a reader of these clinics misses nothing of what comes."""
        return await self._read_feed(lambda tx: feed.newest(tx, clinics))

    async def open_endpoints(self, apps: Collection[str], now: datetime, *, every_lease: bool = False) -> None:
        """Endpoints that are new hear of what happens from now on; known ones are tried at once.

        `every_lease`: at start-up of the only process, when no try has an owner any more.
        """

        def opened(tx: Tx) -> None:
            if every_lease:
                outbox.free(tx)
            outbox.open_endpoints(tx, apps)
            for app in apps:
                outbox.hurry(tx, app, now)

        await self.placed()
        await self.write(opened)

    async def take_callbacks(self, room: Sequence[tuple[Endpoint, int]], now: datetime) -> Sequence[Taken]:
        """Lease what endpoints are to be told now, each as much as it has room for; in the order of each delivery."""
        await self.placed()
        return await self.write(lambda tx: [outbox.take(tx, endpoint, most, now) for endpoint, most in room])

    async def settle_callback(self, due: Due, tried: Tried, url_digest: str, *, hurry: bool) -> None:
        """Keep a try and what follows from it. `hurry`: all that the endpoint waits for is due now."""

        def settle(tx: Tx) -> None:
            outbox.settle(tx, due, tried, url_digest)
            if hurry:
                outbox.hurry(tx, due.app, tried.ended_at)

        await self.write(settle)

    async def next_callback(self, apps: Sequence[str], now: datetime) -> datetime | None:
        """When these apps' endpoints come to be due next."""
        return await self.read(lambda tx: outbox.next_due(tx, apps, now))

    async def redeliver(
        self, endpoints: Sequence[Endpoint], span: tuple[int, int], clinics: frozenset[str], now: datetime
    ) -> Again:
        """Tell again of these clinics' events after one place up to another; a part of them, in order."""
        return await self.write(lambda tx: outbox.redeliver(tx, endpoints, span, clinics, now))

    async def resume_endpoint(self, app: str, now: datetime, act: Act) -> None:
        """An endpoint that wanted no more is told again, from where it stopped. `act` is kept in the audit trail."""

        def resumed(tx: Tx) -> None:
            audit.record(tx, act, now)
            outbox.enable(tx, app)
            outbox.hurry(tx, app, now)

        await self.write(resumed)

    async def backlogs(self, endpoints: Sequence[Endpoint]) -> Sequence[Backlog]:
        """How far each endpoint is behind."""
        return await self._read_feed(lambda tx: [backlog.backlog(tx, endpoint) for endpoint in endpoints])

    async def untold(self, app: str, span: tuple[int, int], clinics: frozenset[str], *, given_up: bool) -> Untold:
        """What an app's endpoint waits for, or did not take, of these clinics' events: after a place, so many."""
        return await self._read_feed(lambda tx: backlog.untold(tx, app, span, clinics, given_up=given_up))

    async def told(self, endpoints: Sequence[Endpoint], entry: Entry) -> Sequence[Told]:
        """Where an event stands at each endpoint that is to hear of it, or has."""
        return await self.read(lambda tx: backlog.told(tx, endpoints, entry))
