"""From a submitted command to a plan: the clinic, a note's task, and the rules' word on all of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from gateway.errors import Refused
from gateway.flows.configured import Configured
from gateway.rules import planning
from gateway.rules.accepting import parent_was_not_created
from gateway.rules.clinic import App, Clinic, Connection
from gateway.rules.planning import Plan, Request
from gateway.rules.reading import Draft, beside
from gateway.rules.record import Record
from gateway.rules.routing import Chosen, offers, unsupported
from gateway.store.base import Store
from gateway.store.deliveries import Key
from schemas.command import AddNote, Command
from schemas.private import Private
from schemas.problem import FieldError, problem, problem_of


class Submission(Private, frozen=True, kw_only=True):
    """A command as an app posted it: what could be read of it, the body itself, and how it wants to be treated."""

    app: App
    draft: Draft[Any]
    kind: type[Command]
    posted: Mapping[str, Any]
    key: Key | None = None
    strict: bool = False
    retry_of: str | None = None


class Planned(Struct, frozen=True, kw_only=True):
    """A plan, its clinic, a note's task, and everything that is wrong with it."""

    clinic: Clinic
    plan: Plan
    parent: Record | None = None
    errors: tuple[FieldError, ...]

    def check(self) -> None:
        """Nothing, if nothing is wrong. Raises Refused with everything that is."""
        if self.errors:
            raise _refused(self.errors)
        if self.parent is not None and parent_was_not_created(self.parent):
            raise Refused(structs.replace(problem("parent-not-created"), delivery={"id": self.parent.id}))


class Planner:
    """Plans submissions; reads the store for a note's task, and writes nothing."""

    def __init__(self, store: Store, configured: Configured) -> None:
        self._store = store
        self._configured = configured

    async def plan(self, submission: Submission, now: datetime) -> Planned:
        """The plan, sound or not. Raises Refused when so much is wrong that there is none."""
        command, errors = submission.draft.command, submission.draft.errors
        if command is None:
            raise _refused(errors)
        if isinstance(command, AddNote):
            return await self._plan_note(submission, command, now)
        clinic = self._clinic(submission.app, command.clinic_id, errors)
        request = Request(command=command, now=now, strict=submission.strict)
        return _planned(clinic, request, errors)

    async def _plan_note(self, submission: Submission, note: AddNote, now: datetime) -> Planned:
        """A note goes through its task's connection, which must be one that has notes."""
        errors = beside(submission.draft.errors, _of_note(note))
        if note.task_id is None:
            if note.clinic_id is None:
                raise _refused(errors)
            clinic = self._clinic(submission.app, note.clinic_id, errors)
            chosen = planning.note_connection(clinic, note)
            if isinstance(chosen, FieldError):
                raise _refused(beside(errors, (chosen,)))
            request = Request(command=note, now=now, strict=submission.strict, at=chosen)
            return _planned(clinic, request, errors)
        parent, connection = await self._parent(submission.app, note, errors)
        errors = beside(errors, _not_of(parent, note))
        if not offers(connection, "add_note"):
            raise _refused(beside(errors, (unsupported(connection, "add_note"),)))
        clinic = self._configured.config.clinics[parent.clinic_id]
        addressed = structs.replace(note, emr_task_id=parent.emr_id)
        request = Request(
            command=addressed, now=now, strict=submission.strict, at=Chosen(connection, "parent"),
            awaits_parent=parent.emr_id is None,
        )  # fmt: skip
        return structs.replace(_planned(clinic, request, errors), parent=parent)

    async def _parent(self, app: App, note: AddNote, errors: tuple[FieldError, ...]) -> tuple[Record, Connection]:
        parent = await self._store.get(note.task_id or "")
        if parent is None or parent.kind != "task" or not app.may_touch(parent.clinic_id):
            unknown = FieldError(code="unknown-task", pointer="/task_id", field="task_id", detail="no such task")
            raise _refused(beside(errors, (unknown,)))
        connection = self._configured.way_of(parent)
        if connection is None:
            gone = FieldError(
                code="unknown-connection",
                field="connection",
                detail="the task's connection is no longer the one it went through",
            )
            raise _refused(beside(errors, (gone,)))
        return parent, connection

    def _clinic(self, app: App, clinic_id: str, errors: tuple[FieldError, ...]) -> Clinic:
        clinic = self._configured.clinic(clinic_id)
        if clinic is None or not app.may_touch(clinic_id):
            unknown = FieldError(
                code="unknown-clinic", pointer="/clinic_id", field="clinic_id",
                detail="no clinic of this id is within this key's reach",
            )  # fmt: skip
            raise _refused(beside(errors, (unknown,)))
        return clinic


def _planned(clinic: Clinic, request: Request, errors: tuple[FieldError, ...]) -> Planned:
    errors = tuple(_in_zone(error, clinic, request.now) for error in errors)
    plan = planning.plan(clinic, request)
    errors = beside(errors, plan.errors)
    if not isinstance(plan, Plan):
        raise _refused(errors)
    return Planned(clinic=clinic, plan=plan, errors=errors)


def _not_of(parent: Record, note: AddNote) -> tuple[FieldError, ...]:
    """What a note says of its task that is not so."""
    said = {"clinic_id": (note.clinic_id, parent.clinic_id), "connection": (note.connection, parent.connection)}
    return tuple(
        FieldError(code="invalid-value", pointer=f"/{name}", field=name, detail=f"not the task's {name}")
        for name, (given, its) in said.items()
        if given not in (None, its)
    )


def _in_zone(error: FieldError, clinic: Clinic, now: datetime) -> FieldError:
    """A due date without an offset is told the clinic's own."""
    if error.field != "due_at" or error.code != "invalid-value":
        return error
    local = now.astimezone(clinic.timezone)
    return structs.replace(error, detail=f"{error.detail}; this clinic is in {clinic.timezone.key} (now {local:%z})")


def _refused(errors: tuple[FieldError, ...]) -> Refused:
    return Refused(problem_of(errors))


def _of_note(note: AddNote) -> tuple[FieldError, ...]:
    """A note names its task in exactly one way."""
    if note.task_id is None and note.emr_task_id is None:
        detail = "give task_id (the task's id here), or emr_task_id with clinic_id"
        return (
            FieldError(code="missing-required-fields", pointer="/emr_task_id", field="emr_task_id", detail=detail),
            *(() if note.clinic_id else (_clinic_of_note(),)),
        )
    if note.task_id is None and note.clinic_id is None:
        return (_clinic_of_note(),)
    if note.task_id is not None and note.emr_task_id is not None:
        detail = "a note names its task by task_id or by emr_task_id, not by both"
        return (FieldError(code="invalid-value", pointer="/emr_task_id", field="emr_task_id", detail=detail),)
    return ()


def _clinic_of_note() -> FieldError:
    return FieldError(
        code="missing-required-fields", pointer="/clinic_id", field="clinic_id", detail="required with emr_task_id"
    )
