"""What one connection takes in each field of a command, as JSON Schema: what `mapping` and `capability` check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from gateway.rules.clinic import Clinic, Connection, Need
from gateway.rules.reading_schema import EMPTY, NOTHING, SOMETHING, Schema, at, given, left_out, optional
from gateway.rules.wanted import ALWAYS, barest
from schemas.command import CANONICAL, LISTS, PEOPLE, Name, Person, pointer

_PERSON = given(msgspec.json.schema(Person))
_OF_THE_TASK = {"emr_task_id"}
"""What a note that names its task by `task_id` need not say: it has it from the task."""
_NEVER: Schema = {"not": {}}
_LEFT_OUT = {"metadata": {**EMPTY, "type": ["null", "object"]}, "vendor_fields": {"type": "null"}}
"""How fields are left out that `reading` does not fold like the others."""


class Fields:
    """The fields of one operation on one connection."""

    def __init__(self, clinic: Clinic, connection: Connection, name: Name, now: datetime) -> None:
        self._clinic = clinic
        self._connection = connection
        self._operation = connection.adapter.operation(name)
        self._cells = connection.rules[name].fields
        defaults = barest(clinic, connection, name, now)
        self._filled = defaults.supplied.difference(ALWAYS[name])
        self._misfilled = frozenset(error.field for error in defaults.errors)

    def members(self, node: Schema, within: str = "") -> tuple[Schema, bool]:
        """The schema of an object, and whether it must be given.

        `node` is msgspec's schema of it, `within` where it stands ("", "patient.").
        """
        properties, required = {}, []
        for name, each in node["properties"].items():
            path = within + name
            schema, must = self._member(path, given(each))
            if must or name in node["required"]:
                required.append(name)
            else:
                schema = optional(schema, _LEFT_OUT.get(path) or left_out(given(each)))
            properties[name] = schema
        closed = {"required": required, "additionalProperties": NOTHING if within else False}
        return {**node, "properties": properties, **closed}, bool(required)

    def supplied(self, path: str) -> Schema | None:
        """What a command must hold to supply a field, as `one_of` asks for it; None: it always does."""
        always = path in _OF_THE_TASK or path in ALWAYS[self._operation.name]
        if always or (path in self._filled and not self._reaching(path)):
            return None
        steps = pointer(path, self._connection.adapter.name)[1:].split("/")
        reached = at(steps, {**SOMETHING, **self._reaching(path)})
        return {"anyOf": [reached, {"not": at(steps, SOMETHING)}]} if path in self._filled else reached

    def _member(self, path: str, value: Schema) -> tuple[Schema, bool]:
        match path:
            case "patient" | "source":
                return self.members(value, f"{path}.")
            case "patient.ids":
                return self._patient_ids(value)
            case _ if path in CANONICAL[self._operation.name]:
                return self._field(path, value)
            case _:
                return self._apart(path, value), False

    def _apart(self, path: str, value: Schema) -> Schema:
        """A field that is no canonical one: nothing of it is mapped."""
        match path:
            case "clinic_id":
                return {**_about(value), "const": self._clinic.id}
            case "connection":
                return {**_about(value), "const": self._connection.name}
            case "vendor_fields":
                return self._vendor_fields(value)
            case "metadata":
                return {**value, "additionalProperties": optional(value["additionalProperties"], EMPTY)}
            case _:
                return value

    def _field(self, path: str, value: Schema) -> tuple[Schema, bool]:
        """A canonical field."""
        need = self._need(path)
        if need == "refused":
            return self._by_rule(path, "Refused here", left_out(value)), False
        if not self._is_carried(path) and self._clinic.on_loss == "refuse":
            return self._lost(left_out(value)), False
        if path in PEOPLE:
            value = self._known(path, value)
        elif path == "status" and not self._is_carried(path):
            value = {**value, "enum": ["pending"]}
        match need:
            case "required":
                filled = ", and filled in when left out" if path in self._filled else ""
                value = self._by_rule(path, f"Required here{filled}", {**value, **self._reaching(path)})
            case "advisory":
                value = self._by_rule(path, "Wanted here, as a rule on trial", value)
        return value, path in self._misfilled or (need == "required" and path not in self._filled | _OF_THE_TASK)

    def _patient_ids(self, value: Schema) -> tuple[Schema, bool]:
        one = given(value["additionalProperties"])
        own, must = self._field("patient.id", one)
        name = self._connection.adapter.name
        whole = {**value, "properties": {name: own if must else optional(own)}, "required": [name] if must else []}
        return {**whole, "additionalProperties": self._for_others(optional(one), NOTHING)}, must

    def _vendor_fields(self, value: Schema) -> Schema:
        mapped = sorted({spot.wire.split(".")[0] for spot in self._operation.places.values() if spot.wire})
        free = value["additionalProperties"]
        own = {"propertyNames": {"not": {"enum": mapped}}} if self._operation.extras else {"maxProperties": 0}
        whole = {**value, "properties": {self._connection.adapter.name: {**free, **own}}}
        return {**whole, "additionalProperties": self._for_others(free, _NEVER)}

    def _for_others(self, taken: Schema, refused: Schema) -> Schema:
        """What is meant for other vendors: reported as not carried, or refused, as the clinic has it."""
        return self._lost(refused) if self._clinic.on_loss == "refuse" else taken

    def _known(self, path: str, value: Schema) -> Schema:
        """Everybody is of the directory, or the vendor's own id."""
        person = _person(self._taken(path))
        return {**value, "items": optional(person)} if path in LISTS else {**value, **person}

    def _reaching(self, path: str) -> Schema:
        """What a requirement asks beyond the field being given: that somebody named has an id here."""
        taken = self._taken(path) if path in PEOPLE and self._is_sent(path) else {}
        reached = [name for name, ids in taken.items() if ids]
        if len(reached) == len(taken):
            return {}
        return {"allOf": [{"contains": _person(reached)} if path in LISTS else _person(reached)]}

    def _taken(self, path: str) -> Mapping[str, tuple[str, ...]]:
        """The people that may be named, with their ids here; a team is refused where one person is sent."""
        ids = {name: person.ids.get(self._connection.name, ()) for name, person in self._clinic.people.items()}
        teams = path in LISTS or not self._is_sent(path)
        return {name: its for name, its in ids.items() if teams or len(its) <= 1}

    # What the rules say of a field

    def _need(self, path: str) -> Need:
        cell = self._cells.get(path)
        return cell.need if cell else "optional"

    def _is_carried(self, path: str) -> bool:
        return path in self._operation.places or path.startswith("patient.")

    def _is_sent(self, path: str) -> bool:
        spot = self._operation.places.get(path)
        return spot is not None and spot.wire is not None

    def _by_rule(self, path: str, said: str, schema: Schema) -> Schema:
        """The schema with what the capability rule says, and whose rule it is."""
        cell = self._cells[path]
        return _said(f"{said}: {cell.note}" if cell.note else said, cell.origin, schema)

    def _lost(self, schema: Schema) -> Schema:
        return _said("Refused here: it would be lost", f"clinic: {self._clinic.id} (on_loss: refuse)", schema)


def _about(schema: Schema) -> Schema:
    return {"description": schema["description"]} if "description" in schema else {}


def _said(said: str, origin: str, schema: Schema) -> Schema:
    own = schema.get("description")
    return {**schema, "description": f"{own}. {said}." if own else f"{said}.", "$comment": origin}


def _person(names: Iterable[str]) -> Schema:
    by_name = [{"enum": known}] if (known := sorted(names)) else []
    return {**_PERSON, "anyOf": [*by_name, {"pattern": r"^id:[\s\S]"}]}
