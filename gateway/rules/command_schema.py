"""What a command must hold for one connection to take it, as JSON Schema (2020-12).

What passes the schema is taken by `reading` and `planning`, and goes to this connection; what fails is refused, or goes
elsewhere. What it cannot say is left to the answer of a submit:

- whether the body can be read at all: keys that come twice, a NUL, its size and depth;
- what hangs on stored deliveries: whether a note's `task_id` is a task on this connection that can have notes, whether
  an earlier claim or Idempotency-Key stands in the way;
- `Prefer: handling=strict`, which also refuses what the vendor has no place for.

In one thing it is stricter: members of `metadata` that are null count among its 64.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from gateway.rules import planning, routing
from gateway.rules.clinic import Clinic, Connection
from gateway.rules.field_schema import Fields
from gateway.rules.reading_schema import DEFINITIONS, SOMETHING, Schema, at, shape_of
from schemas.command import LISTS, NAMING, AddNote, Command, Name
from schemas.problem import FieldError

_COMMANDS: Mapping[Name, type[Command]] = {naming.operation: command for command, naming in NAMING.items()}


def taken_by(clinic: Clinic, operation: Name, asked: Mapping[str, Any]) -> Connection | FieldError:
    """The connection of a command with the fields in `asked`, as a submit would choose it."""
    pinned = asked.get("connection")
    if operation == "add_note":
        chosen = planning.note_connection(clinic, AddNote(text="", connection=pinned))
    else:
        fields = {name: asked.get(name) for name in _COMMANDS[operation].__struct_fields__}
        chosen = routing.choose(clinic, operation, fields, pinned)
    if isinstance(chosen, FieldError):
        return chosen
    if not routing.offers(chosen.connection, operation):
        return routing.unsupported(chosen.connection, operation)
    return chosen.connection


def command_schema(clinic: Clinic, connection: Connection, operation: Name, now: datetime) -> Schema:
    """The schema; the connection must offer the operation."""
    fields = Fields(clinic, connection, operation, now)
    shape, _ = fields.members(shape_of(_COMMANDS[operation]))
    way = _note(clinic, connection) if operation == "add_note" else _way(clinic, connection, operation)
    rules = [*_groups(fields, connection, operation), *([way] if way else [])]
    emr = f" on {connection.emr}" if connection.emr else ""
    vendor = f"{connection.adapter.name}{emr}"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:task-gateway:{clinic.id}:{connection.name}:{operation}:{clinic.version}",
        **shape,
        "title": f"{operation} for {clinic.id} through {connection.name}",
        "description": f"What {operation} needs now at {clinic.name}, through connection {connection.name} ({vendor}).",
        **({"allOf": rules} if rules else {}),
        "$defs": DEFINITIONS,
    }


def _groups(fields: Fields, connection: Connection, operation: Name) -> Iterator[Schema]:
    for group in connection.rules[operation].one_of:
        ways = [fields.supplied(path) for path in group.fields]
        if None not in ways:
            yield {"description": f"One of {', '.join(group.fields)}.", "$comment": group.origin, "anyOf": ways}


def _way(clinic: Clinic, connection: Connection, operation: Name) -> Schema | None:
    """Which commands come to the connection: those pinned to it, and those that the rules lead there, first to last."""
    known = _COMMANDS[operation].__struct_fields__
    way: Schema | bool = False
    for route in reversed(clinic.routes):
        if not routing.offers(clinic.connections[route.to], operation):
            continue
        here = route.to == connection.name
        when = {key: wanted for key, wanted in route.when.items() if key in known}
        if not when:
            way = here
        elif way is not here:
            way = {"$comment": route.label, "if": _matches(when), "then": here, "else": way}
    if way is True:
        return None
    pinned = at(["connection"], SOMETHING)
    return {"description": "Pinned to this connection, or led here by the clinic's routes.", "anyOf": [pinned, way]}


def _matches(when: Mapping[str, frozenset[str]]) -> Schema:
    tests: dict[str, Schema] = {}
    for key, wanted in when.items():
        chosen = {**SOMETHING, "enum": sorted(wanted)}
        tests[key] = {"type": "array", "contains": chosen} if key in LISTS else chosen
    return {"required": sorted(when), "properties": tests}


def _note(clinic: Clinic, connection: Connection) -> Schema:
    """A note names its task in one way; by `task_id` it goes where the task is."""
    alone = taken_by(clinic, "add_note", {}) is connection
    needed = ["emr_task_id", "clinic_id", *([] if alone else ["connection"])]
    given = {name: at([name], SOMETHING) for name in ("task_id", *needed)}
    return {
        "description": "Either task_id, or emr_task_id with clinic_id.",
        "if": given["task_id"],
        "then": {"not": given["emr_task_id"]},
        "else": {"allOf": [given[name] for name in needed]},
    }
