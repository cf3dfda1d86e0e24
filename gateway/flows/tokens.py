"""Access tokens for vendors that have a token call: fetched once, kept until shortly before their end."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.rules.clinic import Connection
from gateway.transport import Wire
from gateway.world import World
from schemas.outcome import Token
from schemas.private import Secret

_EARLY = timedelta(seconds=60)
_REFUSALS = frozenset({400, 401, 403})


class NoToken(Exception):  # noqa: N818 - what it is
    """No token could be had; `refused` when the vendor said so, else it may be had later."""

    def __init__(self, code: str, *, refused: bool) -> None:
        super().__init__(code)
        self.code = code
        self.refused = refused


class Tokens:
    """The tokens held, by account and connection. A token call creates nothing, so it needs no mark."""

    def __init__(self, wire: Wire, world: World) -> None:
        self._wire = wire
        self._world = world
        self._held: dict[tuple[str, str, str], tuple[Secret, datetime]] = {}

    async def token(self, connection: Connection) -> Secret | None:
        """The connection's token, fetched if none is held; None for a vendor without tokens. Raises NoToken."""
        held = self._held.get(_key(connection))
        if held is not None and held[1] > self._world.now():
            return held[0]
        request = connection.adapter.build_token(connection.link())
        if request is None:
            return None
        exchange = await self._wire.exchange(request, unmarked, reuse=True)
        if exchange.response is None:
            raise NoToken(exchange.fault, refused=False)
        status = exchange.response.status
        try:
            token: Token = connection.adapter.parse_token(exchange.response)
        except Exception as error:
            raise NoToken(f"token:http-{status}", refused=status in _REFUSALS) from error
        until = self._world.now() + timedelta(seconds=token.expires_in) - _EARLY
        self._held[_key(connection)] = (token.value, until)
        return token.value

    def drop(self, connection: Connection) -> None:
        """Forget a token that the vendor did not accept."""
        self._held.pop(_key(connection), None)


def _key(connection: Connection) -> tuple[str, str, str]:
    return connection.account.name, connection.clinic_id, connection.name


async def unmarked() -> None:
    """A read leaves no trace at the vendor, so nothing is marked."""
