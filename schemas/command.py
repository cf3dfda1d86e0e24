"""What a caller asks: `CreateTask`, `AddNote`, `CreateClaim`.

A field left out, `null`, and (for ids and text) blank all mean "not given"; the web layer drops such fields
before these Structs are built. Unknown fields are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from schemas.private import Private

Name = Literal["create_task", "add_note", "create_claim"]
Kind = Literal["task", "note", "claim"]
Priority = Literal["low", "medium", "high", "urgent"]
Status = Literal["pending", "in_progress", "completed"]

Line = Annotated[str, Meta(min_length=1, max_length=1024)]
Body = Annotated[str, Meta(min_length=1, max_length=32768)]
Id = Annotated[str, Meta(min_length=1, max_length=255)]
Person = Annotated[
    str, Meta(min_length=1, max_length=255, description="A name of the clinic's directory, or id:<vendor id>")
]
Tag = Annotated[Line, Meta(pattern=r"^(?!\s*gw:)", description="Not beginning with gw:, which marks the gateway's own")]
Metadata = Annotated[dict[str, Annotated[str, Meta(max_length=4096)]], Meta(max_length=64)]


class Patient(Private, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom a task is about."""

    mrn: Annotated[Id | None, Meta(description="The EMR's medical record number")] = None
    ids: Annotated[dict[str, Id] | None, Meta(description="A vendor's own patient id, by adapter name")] = None


class Source(Private, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a task came from, in the caller's world."""

    call_id: Id | None = None
    fax_id: Id | None = None
    assistant_id: Id | None = None
    session_id: Id | None = None


class CreateTask(Private, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A task for a clinic's staff, in no vendor's words."""

    clinic_id: Annotated[Id, Meta(description="The clinic, as its configuration names it")]
    description: Annotated[Body, Meta(description="The body text")]
    title: Annotated[Line | None, Meta(description="Subject line")] = None
    patient: Patient | None = None
    assignees: Annotated[list[Person], Meta(max_length=100)] | None = None
    created_by: Person | None = None
    due_at: Annotated[datetime, Meta(tz=True, description="RFC 3339, with an offset")] | None = None
    priority: Priority | None = None
    status: Annotated[Status | None, Meta(description="Refused unless pending where a vendor cannot carry it")] = None
    type: Annotated[Line | None, Meta(description="vob, general, ...; routes can match on it")] = None
    tags: Annotated[list[Tag], Meta(max_length=100)] | None = None
    notify: Annotated[list[Person], Meta(max_length=100)] | None = None
    phone_call_type_id: Id | None = None
    encounter_note_id: Annotated[Id | None, Meta(description="The clinical note the task hangs on")] = None
    source: Source | None = None
    connection: Annotated[Id | None, Meta(description="Pins a connection instead of routing")] = None
    vendor_fields: Annotated[
        dict[str, dict[str, Any]] | None, Meta(description="Extra top-level fields for one vendor, by adapter name")
    ] = None
    reference: Annotated[Id | None, Meta(description="The caller's own id; a list filter; not unique")] = None
    metadata: Annotated[Metadata | None, Meta(description="The caller's own; echoed, never sent to a vendor")] = None


class AddNote(Private, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A note on a task: one of ours (`task_id`), or one known by the EMR's id (`emr_task_id` with `clinic_id`)."""

    text: Annotated[Body, Meta(description="The note's text")]
    task_id: Annotated[Id | None, Meta(description="The task's id here (tsk_...)")] = None
    emr_task_id: Annotated[Id | None, Meta(description="The task's id in the EMR")] = None
    clinic_id: Id | None = None
    connection: Annotated[Id | None, Meta(description="With emr_task_id: the connection the task lives on")] = None
    reference: Id | None = None
    metadata: Metadata | None = None


class CreateClaim(Private, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A claim for an appointment; the id is opaque (the vendor's own samples are no UUIDs)."""

    clinic_id: Id
    appointment_id: Id
    connection: Annotated[Id | None, Meta(description="Pins a connection instead of routing")] = None
    reference: Id | None = None
    metadata: Metadata | None = None


Command = CreateTask | AddNote | CreateClaim

CANONICAL: Mapping[Name, tuple[str, ...]] = {
    "create_task": (
        "title", "description", "patient.mrn", "patient.id", "assignees", "created_by", "due_at", "priority",
        "status", "type", "tags", "notify", "phone_call_type_id", "encounter_note_id",
        "source.call_id", "source.fax_id", "source.assistant_id", "source.session_id",
    ),
    "add_note": ("emr_task_id", "text"),
    "create_claim": ("appointment_id",),
}  # fmt: skip
"""The canonical paths of each operation: all that a table of places or a capability row may name."""


def pointer(path: str, adapter: str) -> str:
    """The JSON Pointer of a canonical path in the body as posted; a vendor's patient id stands under its name."""
    return f"/patient/ids/{adapter}" if path == "patient.id" else "/" + path.replace(".", "/")


PEOPLE = frozenset({"assignees", "created_by", "notify"})
"""The canonical fields that name people of the clinic's directory."""

LISTS = frozenset({"assignees", "notify", "tags"})
"""The canonical fields that hold lists."""


class Naming(Struct, frozen=True):
    """How a command is called in each place: the operation, the delivery's kind, its id's prefix, its URL."""

    operation: Name
    kind: Kind
    prefix: str
    plural: str


NAMING: Mapping[type[Command], Naming] = {
    CreateTask: Naming("create_task", "task", "tsk", "tasks"),
    AddNote: Naming("add_note", "note", "note", "notes"),
    CreateClaim: Naming("create_claim", "claim", "clm", "claims"),
}
COMMANDS: Mapping[Kind, type[Command]] = {naming.kind: command for command, naming in NAMING.items()}
