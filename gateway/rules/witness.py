"""The smallest task that should pass on a connection: where even it is refused, no task can pass."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.rules.clinic import Clinic, Connection
from gateway.rules.planning import Request, plan
from gateway.rules.reading import read
from gateway.rules.routing import Chosen
from gateway.rules.wanted import wanted
from schemas.command import CreateTask, pointer
from schemas.problem import FieldError

_MADE_UP: Mapping[str, Any] = {
    "assignees": ["id:0"],
    "created_by": "id:0",
    "notify": ["id:0"],
    "tags": ["-"],
    "due_at": "2030-01-01T00:00:00Z",
    "priority": "low",
    "status": "pending",
}


def refusals(clinic: Clinic, connection: Connection, given: Mapping[str, Any], now: datetime) -> tuple[FieldError, ...]:
    """What is wrong with a task of `given` fields, as posted, and all else that the connection wants."""
    task: dict[str, Any] = {"clinic_id": clinic.id}
    for path in _paths(clinic, connection, now):
        *parents, last = pointer(path, connection.adapter.name).strip("/").split("/")
        target = task
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = _MADE_UP.get(path, "-")
    draft = read({**task, **given}, CreateTask)
    if draft.command is None:
        return draft.errors
    request = Request(command=draft.command, now=now, at=Chosen(connection, "witness"))
    return (*draft.errors, *plan(clinic, request).errors)


def _paths(clinic: Clinic, connection: Connection, now: datetime) -> tuple[str, ...]:
    """What the connection wants, of each group the first that it does not refuse."""
    want, cells = wanted(clinic, connection, "create_task", now), connection.rules["create_task"].fields
    refused = {path for path, cell in cells.items() if cell.need == "refused"}
    first = (next((path for path in group if path not in refused), group[0]) for group in want.one_of)
    return (*want.fields, *first)
