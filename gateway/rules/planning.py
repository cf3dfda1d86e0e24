"""What would be done with a command: the connection, the values, the report, or everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from adapters.base import Operation
from gateway.rules import capability, routing
from gateway.rules.clinic import Clinic, Connection
from gateway.rules.mapping import Drawing, fields_of
from gateway.rules.reading import beside
from gateway.rules.routing import Chosen
from gateway.rules.vendor_parts import UNSPOKEN, vendor_parts
from schemas.command import NAMING, AddNote, Command, CreateTask
from schemas.delivery import Mapped
from schemas.outcome import Values
from schemas.private import Private
from schemas.problem import FieldError


class Plan(Private, frozen=True, kw_only=True):
    """A command as it would go out."""

    connection: Connection
    rule: str
    operation: Operation
    values: Values
    extras: Mapping[str, Any]
    report: Sequence[Mapped]
    errors: tuple[FieldError, ...] = ()
    """With any, the command is refused."""

    @property
    def advisories(self) -> tuple[str, ...]:
        """Fields that an `advisory` row wants and that are missing."""
        return tuple(entry.field for entry in self.report if entry.fate == "missing")

    @property
    def one_per(self) -> str | None:
        """What the vendor takes only one of, in this connection."""
        parts = [str(self.values.get(path, "")) for path in self.operation.one_per]
        return "\x1f".join(parts) if parts else None


class Refused(Struct, frozen=True):
    """A command for which no connection was found, so that nothing more can be said of it."""

    errors: tuple[FieldError, ...]


class Request(Private, frozen=True, kw_only=True):
    """A command to plan: with the moment it is accepted, and whether losing a field is refused."""

    command: Command
    now: datetime
    strict: bool = False
    at: Chosen | None = None
    """A note's connection is its task's."""
    awaits_parent: bool = False
    """The note's `emr_task_id` will be known later."""


def plan(clinic: Clinic, request: Request) -> Plan | Refused:
    """Route the command and map it onto the chosen connection; all problems at once."""
    command = request.command
    operation = NAMING[type(command)].operation
    fields = fields_of(command)
    chosen = request.at or routing.choose(clinic, operation, _routable(command), command.connection)
    if isinstance(chosen, FieldError):
        return Refused((chosen,))
    if not routing.offers(chosen.connection, operation):
        return Refused((routing.unsupported(chosen.connection, operation),))
    return _mapped(clinic, request, chosen, fields)


def _mapped(clinic: Clinic, request: Request, chosen: Chosen, fields: Mapping[str, Any]) -> Plan:
    connection, command = chosen.connection, request.command
    operation = connection.adapter.operation(NAMING[type(command)].operation)
    drawing = Drawing(clinic, connection, operation)
    given = {**fields, **(vendor_parts(drawing, command) if isinstance(command, CreateTask) else {})}
    drawing.draw(given, request.now)
    rule = connection.rules[operation.name]
    supplied = drawing.supplied | ({"emr_task_id"} if request.awaits_parent else set())
    errors = [*beside(drawing.errors, capability.check(rule, given, supplied, drawing.pointer))]
    if request.strict or clinic.on_loss == "refuse":
        errors.extend(_losses(drawing, clinic, strict=request.strict))
    on_trial = (Mapped(field=path, fate="missing") for path in capability.advisories(rule, supplied))
    return Plan(
        connection=connection,
        rule=chosen.rule,
        operation=operation,
        values=drawing.values,
        extras=drawing.extras,
        report=(*drawing.report, *on_trial),
        errors=tuple(errors),
    )


def _routable(command: Command) -> Mapping[str, Any]:
    """What rules can look at: every field this kind of command has, given or not."""
    return {name: getattr(command, name) for name in command.__struct_fields__}


def _losses(drawing: Drawing, clinic: Clinic, *, strict: bool) -> list[FieldError]:
    source = "Prefer: handling=strict" if strict else f"clinic: {clinic.id} (on_loss: refuse)"
    return [
        FieldError(
            code="field-not-carried",
            pointer=_pointer(entry.field),
            field=entry.field,
            source=source,
            detail=f"{drawing.connection.adapter.name} has no place for it",
        )
        for entry in drawing.report
        if entry.fate == "not_carried"
    ]


def _pointer(field: str) -> str:
    """Where a reported field stands in the body as posted; a key that is not repeated is pointed at from above."""
    steps = field.split(".", maxsplit=2 if field.startswith("patient.ids.") else 1)
    return "/" + "/".join(step for step in steps if step != UNSPOKEN)


def note_connection(clinic: Clinic, note: AddNote) -> Chosen | FieldError:
    """Where a note with an `emr_task_id` alone goes: through `connection`, or the only one that has notes."""
    if note.connection is not None:
        pinned = clinic.connections.get(note.connection)
        return Chosen(pinned, "pinned") if pinned else routing.unknown_connection(clinic)
    able = [connection for connection in clinic.connections.values() if routing.offers(connection, "add_note")]
    if len(able) == 1:
        return Chosen(able[0], "only connection with notes")
    names = ", ".join(connection.name for connection in able) or "none"
    return FieldError(
        code="no-route",
        pointer="/connection",
        field="connection",
        source=f"clinic: {clinic.id}",
        detail=f"name the connection; those with notes: {names}",
    )
