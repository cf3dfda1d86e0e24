"""Events: what happened to a delivery, for the feed, the callbacks and the timeline. No patient text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct


class Event(Struct, frozen=True, kw_only=True):
    """One event: `type` is `<kind>.<state>` or a named fact; `data` holds ids and state only."""

    id: str
    type: str
    at: datetime
    clinic_id: str
    data: dict[str, Any]
