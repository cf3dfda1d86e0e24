"""What operators see and ask of apps' endpoints: how far each is behind, to tell it again, to call it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct, structs

from gateway.flows.notify import Notifier, Subscriber
from gateway.rules.clinic import App
from gateway.store.audit import Act
from gateway.store.backlog import Backlog, Told
from gateway.store.base import Store
from gateway.store.feed import Entry
from gateway.world import World


class EndpointState(Backlog, frozen=True, kw_only=True):
    """An app's endpoint, and how far it is behind.

    `working`: it takes what comes. `waiting`: it fails all the time, or asked for patience; not called before `until`.
    `disabled`: it answered 410, and is told nothing until it is resumed or has another URL.
    """

    app: str
    origin: str
    """Where it is, without the path: that may hold a token."""
    state: Literal["working", "waiting", "disabled"]
    until: datetime | None


class Redelivered(Struct, frozen=True, kw_only=True):
    """How many events are told again, and to how many endpoints in all."""

    events: int
    callbacks: int


class Endpoints:
    """The endpoints within an operator's reach: those of apps all of whose clinics the operator may touch."""

    def __init__(self, store: Store, notifier: Notifier, world: World) -> None:
        self._store = store
        self._notifier = notifier
        self._world = world

    def within_reach(self, by: App) -> Mapping[str, Subscriber]:
        """The apps with an endpoint that an operator may see, by name."""
        known = self._notifier.subscribers.items()
        return {name: each for name, each in known if "*" in by.clinics or each.app.clinics <= by.clinics}

    async def states(self, subscribers: Sequence[Subscriber]) -> list[EndpointState]:
        """Each endpoint as it is now."""
        backlogs = await self._store.backlogs([each.endpoint for each in subscribers])
        return [self._state(each, backlog) for each, backlog in zip(subscribers, backlogs, strict=True)]

    async def told(self, subscribers: Sequence[Subscriber], entry: Entry) -> Sequence[Told]:
        """Where an event stands at each endpoint that is to hear of it, or has."""
        return await self._store.told([each.endpoint for each in subscribers], entry)

    async def resume(self, subscriber: Subscriber, act: Act) -> EndpointState:
        """Call it at once, also where it said 410; it goes on where it stopped."""
        await self._store.resume_endpoint(subscriber.name, self._world.now(), act)
        self._notifier.pacer.forgive(subscriber)
        self._notifier.wake()
        (state,) = await self.states([subscriber])
        return state

    async def redeliver(
        self, to: Sequence[Subscriber], span: tuple[int, int], clinics: frozenset[str], act: Act
    ) -> Redelivered:
        """Tell again of these clinics' events after one place up to another, with the ids they had, and at once."""
        await self._store.acted(act, self._world.now())
        for each in to:
            self._notifier.pacer.forgive(each)
        endpoints = [each.endpoint for each in to]
        (after, until), events, callbacks = span, 0, 0
        while after < until:
            again = await self._store.redeliver(endpoints, (after, until), clinics, self._world.now())
            after, events, callbacks = again.seq, events + again.events, callbacks + again.callbacks
            self._notifier.wake()
        return Redelivered(events=events, callbacks=callbacks)

    def _state(self, subscriber: Subscriber, backlog: Backlog) -> EndpointState:
        url, until = urlsplit(subscriber.callback.url), self._notifier.pacer.reopens(subscriber)
        left_alone = until is not None or self._notifier.pacer.phase(subscriber) == "open"
        return EndpointState(
            **structs.asdict(backlog),
            app=subscriber.name,
            origin=f"{url.scheme}://{url.netloc}",
            state="disabled" if backlog.disabled_at else "waiting" if left_alone else "working",
            until=until,
        )
