"""Time, chance and ids, and where counts go: passed to whoever needs them, so that tests can choose them."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct, field

from gateway.telemetry.meters import Meters


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id(prefix: str) -> str:
    """Time-ordered and unguessable: 48 bits of milliseconds, 80 of chance."""
    milliseconds = int(datetime.now(UTC).timestamp() * 1000)
    return f"{prefix}_{milliseconds:012x}{secrets.token_hex(10)}"


class World(Struct, frozen=True, kw_only=True):
    """The clock (aware, UTC), the source of ids by prefix, chance in [0, 1), and the meters."""

    now: Callable[[], datetime] = _now
    new_id: Callable[[str], str] = _new_id
    roll: Callable[[], float] = random.random
    meters: Meters = field(default_factory=Meters)
