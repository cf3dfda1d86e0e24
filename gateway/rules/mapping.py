"""From a canonical command to the values an adapter places, with a report of what became of every field.

The report comes from the same table of places as the request, so it cannot lie about it. A field ends as `sent`,
`folded` (joins the text as a "Label: value" line), `defaulted` or `not_carried`; nothing vanishes unreported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from adapters.base import Operation, Place
from gateway.rules import people
from gateway.rules.clinic import Clinic, Connection
from gateway.rules.defaults import defaults_of
from schemas.command import CANONICAL, PEOPLE, AddNote, Command, CreateClaim, CreateTask, pointer
from schemas.delivery import Fate, Mapped
from schemas.problem import FieldError

LABELS: Mapping[str, str] = {
    "title": "Title",
    "patient.mrn": "Patient MRN",
    "patient.id": "Patient id",
    "assignees": "Assignees",
    "created_by": "Created by",
    "due_at": "Due",
    "priority": "Priority",
    "status": "Status",
    "type": "Type",
    "tags": "Tags",
    "notify": "Notify",
    "phone_call_type_id": "Phone call type",
    "encounter_note_id": "Encounter note",
    "source.call_id": "Call",
    "source.fax_id": "Fax",
    "source.assistant_id": "Assistant",
    "source.session_id": "Session",
}
"""How a folded field is introduced in the text."""


class Drawing:
    """A command being mapped onto one connection's operation; `values`, `report` and `errors` are the result."""

    def __init__(self, clinic: Clinic, connection: Connection, operation: Operation) -> None:
        self.clinic = clinic
        self.connection = connection
        self.operation = operation
        self.values: dict[str, Any] = {}
        self.extras: dict[str, Any] = {}
        self.report: list[Mapped] = []
        self.errors: list[FieldError] = []
        self.lost: list[str] = []
        """Canonical paths of which nothing reached the vendor although somebody was named."""
        self._folds: list[str] = []
        self._defaulted: frozenset[str] = frozenset()

    def draw(self, given: Mapping[str, Any], now: datetime) -> None:
        """Map the given fields and the defaults for those left out."""
        defaults = {
            path: value
            for path, value in defaults_of(self.connection, self.clinic, given, now).items()
            if path not in given and self._wire(path) is not None and not self._refused(path)
        }
        self._defaulted = frozenset(defaults)
        fields = {**given, **defaults}
        for path in CANONICAL[self.operation.name]:
            if path in fields:
                self._field(path, fields[path])
        self._fold_into_text()

    def pointer(self, path: str) -> str:
        """The JSON Pointer of a canonical path in the body as posted."""
        return pointer(path, self.connection.adapter.name)

    @property
    def supplied(self) -> frozenset[str]:
        """The canonical paths that reach the vendor, as themselves or in the text: what satisfies a requirement."""
        return frozenset(entry.field for entry in self.report if entry.fate != "not_carried") - frozenset(self.lost)

    def _wire(self, path: str) -> str | None:
        spot = self.operation.places.get(path)
        return spot.wire if spot else None

    def _refused(self, path: str) -> bool:
        cell = self.connection.rules[self.operation.name].fields.get(path)
        return cell is not None and cell.need == "refused"

    def _note(self, path: str, fate: Fate, place: str | None = None) -> None:
        fate = "defaulted" if path in self._defaulted and fate == "sent" else fate
        self.report.append(Mapped(field=path, fate=fate, place=place))

    def _field(self, path: str, value: Any) -> None:
        spot = self.operation.places.get(path)
        if path in PEOPLE:
            self._people(path, value, spot)
        elif spot is None and not path.startswith("patient."):
            self._not_carried(path, value)
        elif spot is None or spot.wire is None:
            self._fold(path, self._shown(value))
        else:
            self._send(path, value, spot)

    def _send(self, path: str, value: Any, spot: Place) -> None:
        if spot.most is not None and isinstance(value, list):
            value, cut = value[: spot.most], value[spot.most :]
            self._fold_elements(path, cut, range(spot.most, spot.most + len(cut)))
        self.values[path] = msgspec.to_builtins(value)
        self._note(path, "sent", spot.wire)

    def _people(self, path: str, value: str | list[str], spot: Place | None) -> None:
        names = [value] if isinstance(value, str) else value
        found: list[people.Named] = []
        for index, name in enumerate(names):
            person = people.find(self.clinic, self.connection.name, name)
            if person is None:
                where = self.pointer(path) if isinstance(value, str) else f"{self.pointer(path)}/{index}"
                self.errors.append(people.unknown(self.clinic, name, where, path))
            else:
                found.append(person)
        if len(found) < len(names):
            return
        if spot is None:
            self.report.append(Mapped(field=path, fate="not_carried"))
        elif spot.wire is None:
            self._fold(path, people.displayed(found))
        elif isinstance(value, str):
            self._one_person(path, found[0], spot)
        else:
            self._several_people(path, found, spot)

    def _one_person(self, path: str, person: people.Named, spot: Place) -> None:
        if len(person.ids) > 1:
            self.errors.append(
                FieldError(
                    code="value-not-supported",
                    pointer=self.pointer(path),
                    field=path,
                    source=f"clinic: {self.clinic.id} (people)",
                    detail="this takes one person, and the name stands for a team",
                )
            )
        elif person.ids:
            self._send(path, person.ids[0], spot)
        else:
            self._unreachable(path, [person])

    def _several_people(self, path: str, found: Sequence[people.Named], spot: Place) -> None:
        """Ids in the order given, as many as the vendor takes; who does not fit, or is not known here, by name."""
        most = spot.most
        ids: list[str] = []
        by_name: list[tuple[int, people.Named]] = []
        for index, person in enumerate(found):
            room = len(person.ids) if most is None else max(0, most - len(ids))
            ids.extend(person.ids[:room])
            if len(person.ids) > room or not person.ids:
                by_name.append((index, person))
        if not ids:
            self._unreachable(path, found)
            return
        self.values[path] = list(dict.fromkeys(ids))
        self._note(path, "sent", spot.wire)
        self._fold_elements(path, [person.display for _, person in by_name], [index for index, _ in by_name])

    def _unreachable(self, path: str, found: Sequence[people.Named]) -> None:
        """Nobody of them has an id in this connection: missing where required, in the text by name where not."""
        self.lost.append(path)
        if path not in self._defaulted:
            self._fold(path, people.displayed(found))

    def _not_carried(self, path: str, value: Any) -> None:
        if path == "status" and value != "pending":
            self.errors.append(
                FieldError(
                    code="value-not-supported",
                    pointer=self.pointer(path),
                    field=path,
                    source=f"adapter: {self.connection.adapter.name} (documented)",
                    detail="only pending: there is no place for a status, and a finished task must not arrive open",
                )
            )
        self.report.append(Mapped(field=path, fate="not_carried"))

    def _text_wire(self) -> str:
        return self._wire(self.operation.text) or self.operation.text

    def _fold(self, path: str, shown: str) -> None:
        self._folds.append(f"{LABELS[path]}: {shown}")
        self.report.append(Mapped(field=path, fate="folded", place=self._text_wire()))

    def _fold_elements(self, path: str, shown: Sequence[str], indexes: Sequence[int]) -> None:
        """The elements of a list that the vendor's place does not take; the report names each.

        A default is used as far as there is place for it, and never folded.
        """
        if not shown or path in self._defaulted:
            return
        self._folds.append(f"{LABELS[path]}: {', '.join(shown)}")
        for index in indexes:
            self.report.append(Mapped(field=f"{path}.{index}", fate="folded", place=self._text_wire()))

    def _shown(self, value: Any) -> str:
        if isinstance(value, datetime):
            return f"{value.astimezone(self.clinic.timezone):%Y-%m-%d %H:%M %Z}"
        text = ", ".join(value) if isinstance(value, list) else str(value)
        return " ".join(text.split())  # a line break could pass for a label of its own

    def _fold_into_text(self) -> None:
        if not self._folds or self.operation.text not in self.values:
            return
        self.values[self.operation.text] = "\n".join([*self._folds, "", self.values[self.operation.text]])


def fields_of(command: Command) -> dict[str, Any]:
    """The canonical paths that a command gives, with their values; `patient.ids` is left to `vendor_parts`."""
    match command:
        case CreateTask():
            flat = {name: getattr(command, name) for name in CANONICAL["create_task"] if "." not in name}
            patient, source = command.patient, command.source
            flat["patient.mrn"] = patient.mrn if patient else None
            for name in ("call_id", "fax_id", "assistant_id", "session_id"):
                flat[f"source.{name}"] = getattr(source, name) if source else None
        case AddNote():
            flat = {"emr_task_id": command.emr_task_id, "text": command.text}
        case CreateClaim():
            flat = {"appointment_id": command.appointment_id}
    return {path: value for path, value in flat.items() if value not in (None, "", [])}
