"""What stands now, for whoever scrapes: read from the store, at most once in five seconds."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from itertools import product
from typing import get_args

from gateway.flows.configured import Configured
from gateway.rules import breaker
from gateway.rules.breaker import Phase
from gateway.rules.callbacks import Fate
from gateway.rules.pace import Luck
from gateway.store.base import Store, StoreUnavailable
from gateway.store.counting import Standing
from gateway.store.webhooks import WebhookState
from gateway.telemetry.meters import Meters
from gateway.world import World
from schemas.delivery import FINAL, State

_FRESH = timedelta(seconds=5)
_TICK = 0.5
_OF_THE_STORE = ("deliveries", "oldest_seconds", "needs_person", "connections_paused", "in_flight", "breaker")
_OPEN = tuple(state for state in get_args(State) if state not in FINAL)


class Gauges:
    """Shows the meters where the work stands, and gives their text."""

    def __init__(self, store: Store, configured: Configured, world: World) -> None:
        self._store = store
        self._configured = configured
        self._world = world
        self._read_at: datetime | None = None
        self._one_at_a_time = asyncio.Lock()

    async def text(self) -> bytes:
        """All that is counted, as Prometheus reads it; what only the database knows is left out while that is gone."""
        async with self._one_at_a_time:
            now = self._world.now()
            if self._read_at is None or abs(now - self._read_at) >= _FRESH:
                await self._read(now)
                self._read_at = now
        return self._world.meters.text()

    async def _read(self, now: datetime) -> None:
        self._expect_all()
        self._world.meters.show("disk_reserve", {(): float(self._store.has_reserve())})
        try:
            standing = await self._store.standing()
        except StoreUnavailable:
            self._world.meters.show("store_readable", {(): 0.0})
            for gauge in _OF_THE_STORE:
                self._world.meters.show(gauge, {})
        else:
            self._world.meters.show("store_readable", {(): 1.0})
            self._show_standing(standing, now)
            self._show_accounts(standing)

    def _expect_all(self) -> None:
        """What alerts watch for its first increase."""
        meters, config = self._world.meters, self._configured.config
        told = (app.name for app in config.apps.values() if app.callback)
        adapters = {account.adapter.name: account.adapter for account in config.accounts.values()}
        meters.expect("webhooks", product(config.accounts, (*sorted({*get_args(WebhookState)} - {"new"}), "known")))
        meters.expect("callbacks", product(told, get_args(Fate)))
        meters.expect("drift", ((name, each.name) for name, adapter in adapters.items() for each in adapter.operations))
        meters.expect("reloads", (("done",), ("refused",)))

    def _show_accounts(self, standing: Standing) -> None:
        accounts = self._configured.config.accounts
        phases = {name: breaker.phase(standing.luck.get(name, Luck()).breaker) for name in accounts}
        self._world.meters.show("in_flight", {(name,): standing.in_flight.get(name, 0) for name in accounts})
        self._world.meters.show(
            "breaker",
            {(name, phase): float(phases[name] == phase) for name, phase in product(accounts, get_args(Phase))},
        )

    def _show_standing(self, standing: Standing, now: datetime) -> None:
        """Every configured account shows its zeros, so that "none" can be told from "not known"."""
        accounts = self._configured.config.accounts
        none: dict[tuple[str, ...], float] = dict.fromkeys(product(accounts, _OPEN), 0)
        counts, ages = dict(none), dict(none)
        for each in standing.waiting:
            counts[each.account, each.state] = each.count
            ages[each.account, each.state] = (now - each.oldest).total_seconds()
        self._world.meters.show("deliveries", counts)
        self._world.meters.show("oldest_seconds", ages)
        nothing = dict.fromkeys(accounts, 0)
        paused = (self._configured.connection(*each) for each in standing.paused)
        of_accounts = Counter(connection.account.name for connection in paused if connection)
        for gauge, found in (("needs_person", standing.needs_person), ("connections_paused", of_accounts)):
            self._world.meters.show(gauge, {(name,): count for name, count in {**nothing, **found}.items()})


async def watch_lag(meters: Meters) -> None:
    """Note how late the event loop comes back, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _TICK
        await asyncio.sleep(_TICK)
        meters.lagged(max(loop.time() - due, 0.0))
