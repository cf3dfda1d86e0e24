"""Events: what happened to a delivery, for the feed, the callbacks and the timeline. No patient text."""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_args

from msgspec import Struct

from schemas.command import Kind
from schemas.delivery import State

_FACTS = ("overdue", "conflict", "duplicate_suspected", "work_changed")
EVENTS = (
    *(f"{kind}.{fact}" for kind in get_args(Kind) for fact in (*get_args(State), *_FACTS)),
    "connection.blocked",
    "connection.restored",
    "capability.drift",
)
"""Every type of event."""


class Event(Struct, frozen=True, kw_only=True):
    """One event: `type` is `<kind>.<state>` or a named fact; `data` holds ids and state only."""

    id: str
    type: str
    at: datetime
    clinic_id: str
    data: dict[str, Any]
