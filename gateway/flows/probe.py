"""Probing: each connection is asked one harmless question, to see whether its credentials work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct, structs

from gateway.flows.tokens import NoToken, Tokens, unmarked
from gateway.rules.clinic import Config, Connection
from gateway.rules.probing import ProbeStatus, Proved, ahead, asked, proved
from gateway.transport import UNSENDABLE, Wire
from gateway.world import World

_AT_ONCE = 4
"""How many questions an account is asked side by side; fewer where it is capped lower."""


class Probe(Struct, frozen=True, kw_only=True):
    """What one connection answered, and how long that took."""

    clinic_id: str
    connection: str
    account: str
    adapter: str
    status: ProbeStatus
    detail: str
    milliseconds: int
    ahead: float | None = None
    """By how many seconds the vendor's clock is ahead of ours; None: it did not tell."""

    @property
    def sound(self) -> bool:
        """Whether the vendor knows us, as far as it can be asked."""
        return self.status in {"works", "no-read"}


async def probe(config: Config, wire: Wire, world: World, told: Callable[[], None]) -> Sequence[Probe]:
    """Ask every connection, and call `told` after each answer."""
    tokens = Tokens(wire, world)
    lanes = {
        name: asyncio.Semaphore(min(_AT_ONCE, account.limits.concurrency or _AT_ONCE))
        for name, account in config.accounts.items()
    }

    async def one(connection: Connection) -> Probe:
        async with lanes[connection.account.name]:
            begun = world.now()
            found = await _tried(connection, wire, tokens, world)
            took = world.now() - begun
        told()
        return Probe(
            clinic_id=connection.clinic_id,
            connection=connection.name,
            account=connection.account.name,
            adapter=connection.adapter.name,
            status=found.status,
            detail=found.detail,
            milliseconds=round(took.total_seconds() * 1000),
            ahead=found.ahead,
        )

    connections = [each for clinic in config.clinics.values() for each in clinic.connections.values()]
    return await asyncio.gather(*map(one, connections))


async def _tried(connection: Connection, wire: Wire, tokens: Tokens, world: World) -> Proved:
    """The token call where there is one, then the look."""
    try:
        held = await tokens.token(connection)
    except NoToken as none:
        answered: ProbeStatus = "unclear" if none.code.startswith("token:") else "unreachable"
        return Proved("refused" if none.refused else answered, none.code)
    link, sent = connection.link(held.value if held else None), asked(connection, world.now())
    try:
        request = connection.adapter.build_lookup(sent, link, 1)
    except Exception as error:  # noqa: BLE001 - an adapter may break in any way
        return Proved("unclear", f"the adapter cannot build a look ({type(error).__name__})")
    if request is None:
        return Proved("works", "a token was granted; there is no read") if held else Proved("no-read")
    exchange = await wire.exchange(request, unmarked, reuse=True)
    if exchange.fault.startswith(UNSENDABLE):
        return Proved("unclear", "the adapter's request cannot be written as HTTP")
    if exchange.response is None:
        return Proved("unreachable", f"{'no answer' if exchange.begun else 'no connection'} ({exchange.fault})")
    found = proved(connection.adapter, link, sent, exchange.response)
    return structs.replace(found, ahead=ahead(exchange.response.headers, world.now()))
