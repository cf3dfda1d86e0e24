"""What a connection fills in when a command leaves it out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gateway.rules.clinic import Clinic, Connection

_TITLE_LENGTH = 120
_DUE_IN = re.compile(r"^(?P<count>\d+)(?P<unit>[mhdw])$")


def defaults_of(connection: Connection, clinic: Clinic, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The connection's defaults as canonical values; `due_in` counts from `now` on the clinic's own clock."""
    set_up = connection.defaults
    values: dict[str, Any] = {
        "title": set_up.title or _first_line(given.get("description")) if set_up.title_from else set_up.title,
        "assignees": list(set_up.assignees),
        "created_by": set_up.created_by,
        "due_at": due(set_up.due_in, clinic, now) if set_up.due_in else None,
        "priority": set_up.priority,
        "type": set_up.type,
        "tags": list(set_up.tags),
        "notify": list(set_up.notify),
        "phone_call_type_id": set_up.phone_call_type_id,
        "encounter_note_id": set_up.encounter_note_id,
    }
    return {path: value for path, value in values.items() if value}


def due(due_in: str, clinic: Clinic, now: datetime) -> datetime:
    """`now` and "2d" make the same hour of the day two days on, in the clinic's timezone; "4h" is four hours on."""
    found = _DUE_IN.match(due_in)
    if found is None:
        raise ValueError("a due_in is a number and m, h, d or w")
    count, unit = int(found["count"]), found["unit"]
    if unit in "mh":
        return (
            (now + timedelta(**{"m": {"minutes": count}, "h": {"hours": count}}[unit]))
            .astimezone(clinic.timezone)
            .replace(microsecond=0)
        )
    local = now.astimezone(clinic.timezone).replace(microsecond=0)
    return local + timedelta(days=count * (7 if unit == "w" else 1))


def _first_line(text: str | None) -> str | None:
    lines = (text or "").strip().splitlines()
    return lines[0].strip()[:_TITLE_LENGTH] if lines else None
