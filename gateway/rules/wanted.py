"""What callers must supply: what a connection's rule requires and its defaults do not bring."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, structs

from gateway.rules.capability import advisories, missing
from gateway.rules.clinic import Clinic, Connection
from gateway.rules.mapping import Drawing
from schemas.command import CANONICAL, NAMING, Name

ALWAYS: Mapping[Name, tuple[str, ...]] = {
    naming.operation: tuple(
        field.name for field in structs.fields(command) if field.required and field.name in CANONICAL[naming.operation]
    )
    for command, naming in NAMING.items()
}
"""The canonical fields without which a command is none, on any connection."""

_EITHER = ("task_id", "emr_task_id")
"""How a note names its task."""


class Wanted(Struct, frozen=True, kw_only=True):
    """Canonical paths: all of `fields`, one of each group; those `on_trial` are missed aloud and may be left out."""

    fields: tuple[str, ...]
    one_of: tuple[tuple[str, ...], ...] = ()
    on_trial: tuple[str, ...] = ()


def wanted(clinic: Clinic, connection: Connection, operation: Name, now: datetime) -> Wanted:
    """What a caller of an operation that the connection's adapter has must supply; `now` is for defaults by date."""
    always, rule = ALWAYS[operation], connection.rules[operation]
    drawing = barest(clinic, connection, operation, now)
    fields, groups = missing(rule, drawing.supplied)
    named = [path for path in fields if path not in _EITHER]
    return Wanted(
        fields=(*always, *named),
        one_of=(*((_EITHER,) if len(named) < len(fields) else ()), *(group.fields for group in groups)),
        on_trial=advisories(rule, drawing.supplied),
    )


def barest(clinic: Clinic, connection: Connection, operation: Name, now: datetime) -> Drawing:
    """What the defaults make of a command with nothing in it that can be left out."""
    drawing = Drawing(clinic, connection, connection.adapter.operation(operation))
    drawing.draw(dict.fromkeys(ALWAYS[operation], "-"), now)
    return drawing
