"""Events: what happened to a delivery, for the feed, the callbacks and the timeline. No patient text."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, get_args

from msgspec import UNSET, Struct, UnsetType

from schemas.command import Kind
from schemas.delivery import Delivery, State

Fact = Literal["overdue", "conflict", "duplicate_suspected", "work_changed"]
EVENTS = (
    *(f"{kind}.{fact}" for kind in get_args(Kind) for fact in (*get_args(State), *get_args(Fact))),
    "connection.blocked",
    "connection.restored",
    "capability.drift",
)
"""Every type of event: what became of a delivery, or a fact of it, a connection or the table."""


class Event(Struct, frozen=True, kw_only=True):
    """One event: `type` is `<kind>.<state>` or a named fact; `data` holds ids and state only."""

    id: str
    type: str
    at: datetime
    clinic_id: str
    data: dict[str, Any]


class Notice(Event, frozen=True, kw_only=True):
    """What a callback carries: the event, and with `body: full` the delivery as it is when it is told."""

    delivery: Delivery | UnsetType = UNSET
