"""Access tokens for vendors that have a token call: fetched once, kept until shortly before their end."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta

from msgspec import Struct

from adapters.base import HttpRequest
from gateway.rules.clinic import Connection
from gateway.transport import Wire
from gateway.world import World
from schemas.outcome import Token
from schemas.private import Secret

_EARLY = timedelta(seconds=60)
_REFUSALS = frozenset({400, 401, 403})
_Key = tuple[str, str, str]


class NoToken(Exception):  # noqa: N818 - what it is
    """No token could be had; `refused` when the vendor said so, else it may be had later."""

    def __init__(self, code: str, *, refused: bool) -> None:
        super().__init__(code)
        self.code = code
        self.refused = refused


class Held(Struct, frozen=True):
    """A token, and whether it had been kept from an earlier call."""

    value: Secret
    kept: bool


class Tokens:
    """The tokens kept, by account and connection. A token call creates nothing, so it needs no mark."""

    def __init__(self, wire: Wire, world: World) -> None:
        self._wire = wire
        self._world = world
        self._kept: dict[_Key, tuple[Secret, datetime]] = {}
        self._calling: defaultdict[_Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def token(self, connection: Connection) -> Held | None:
        """The connection's token, fetched if none is kept; None for a vendor without tokens. Raises NoToken."""
        try:
            request = connection.adapter.build_token(connection.link())
        except Exception as error:
            raise NoToken("token:unbuildable", refused=True) from error
        if request is None:
            return None
        key = (connection.account.name, connection.clinic_id, connection.name)
        here = self._kept  # `drop_all` begins another one: what old credentials bring while we wait is not for later
        async with self._calling[key]:
            kept = here.get(key)
            if kept is not None and kept[1] > self._world.now():
                return Held(kept[0], kept=True)
            token = await self._fetched(request, connection)
            here[key] = (token.value, self._world.now() + timedelta(seconds=token.expires_in) - _EARLY)
            return Held(token.value, kept=False)

    async def _fetched(self, request: HttpRequest, connection: Connection) -> Token:
        exchange = await self._wire.exchange(request, unmarked, reuse=True)
        if exchange.response is None:
            raise NoToken(exchange.fault, refused=False)
        status = exchange.response.status
        try:
            token = connection.adapter.parse_token(exchange.response)
            return Token(value=Secret(token.value.reveal()), expires_in=max(int(token.expires_in), 0))
        except Exception as error:
            raise NoToken(f"token:http-{status}", refused=status in _REFUSALS) from error

    def drop(self, connection: Connection) -> None:
        """Forget a token that the vendor did not accept."""
        self._kept.pop((connection.account.name, connection.clinic_id, connection.name), None)

    def drop_all(self) -> None:
        """Forget every token: the credentials behind them may be others now."""
        self._kept = {}


async def unmarked() -> None:
    """A read leaves no trace at the vendor, so nothing is marked."""
