"""What the handlers work with; built once in `gateway.app`."""

from __future__ import annotations

import asyncio

from litestar.di import NamedDependency
from msgspec import Struct

from gateway.flows.ask import Asking
from gateway.flows.configured import Configured
from gateway.flows.dispatch import Dispatcher
from gateway.flows.endpoints import Endpoints
from gateway.flows.feed import Readers, Streams
from gateway.flows.gauges import Gauges
from gateway.flows.notify import Notifier
from gateway.flows.quotas import Quotas
from gateway.flows.receive import Mailbox
from gateway.flows.reload import Reloader
from gateway.flows.submit import Desk
from gateway.store.base import Store
from gateway.world import World


class Services(Struct, frozen=True, kw_only=True):
    """The flows, the store for plain reads, and the configuration in force.

    `quotas` are those of apps, `strangers` those of addresses that come without a valid key; `salt` keys fingerprints;
    `stopping` is set when the server begins to stop.
    """

    configured: Configured
    store: Store
    desk: Desk
    asking: Asking
    mailbox: Mailbox
    dispatcher: Dispatcher
    notifier: Notifier
    endpoints: Endpoints
    streams: Streams
    readers: Readers
    reloader: Reloader
    gauges: Gauges
    quotas: Quotas
    strangers: Quotas
    world: World
    salt: str
    stopping: asyncio.Event

    def cease(self) -> None:
        """The server begins to stop: nothing more is taken from the queue or told, what is being sent goes on."""
        self.stopping.set()
        self.streams.cease()
        self.notifier.cease()
        self.dispatcher.cease()


Served = NamedDependency[Services]
"""Services as a handler takes them."""
