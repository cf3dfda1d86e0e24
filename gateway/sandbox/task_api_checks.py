"""What the task API refuses in a body: all faults at once, in FastAPI's form.

The create-task page lists types, minimum lengths and defaults; its wording is Pydantic's, so the 422 is
`{"detail": [{type, loc, msg, input}]}`. Other errors have the documented `{"detail": {type, code, message, param}}`
(introduction page). Keys the page does not name are dropped without a word: `extra="ignore"`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.sandbox.stand import Json, Refusal

STATUSES = ("pending", "in_progress", "completed")
PRIORITIES = ("low", "medium", "high", "urgent")
LINKS = ("call_id", "fax_id", "assistant_id", "session_id", "patient_id")
REQUIRED = ("title", "description", "assigned_user_ids", "created_by_id", "deadline")
Fault = tuple[str, str]
"""Pydantic's type of an error, and its message."""

MISSING: Fault = ("missing", "Field required")
NO_STRING: Fault = ("string_type", "Input should be a valid string")
NO_LIST: Fault = ("list_type", "Input should be a valid list")
NO_TIME: Fault = ("datetime_from_date_parsing", "Input should be a valid datetime or date")
NO_OBJECT: Fault = (
    "model_attributes_type",
    "Input should be a valid dictionary or object to extract fields from",
)
EMPTY_STRING: Fault = ("string_too_short", "String should have at least 1 character")
EMPTY_LIST: Fault = ("too_short", "List should have at least 1 item after validation, not 0")


def check_task(body: Json | None, missing: Sequence[str]) -> None:
    """Refuses a body with anything wrong, or without what is demanded besides."""
    if body is None:
        raise unprocessable([error(["body"], NO_OBJECT, None)])
    errors = [*(error(["body", name], MISSING, body) for name in missing), *faults_of(body)]
    if errors:
        raise unprocessable(errors)


def faults_of(body: Json) -> Iterator[Json]:
    """Everything wrong with a task."""
    for name in REQUIRED:
        if name not in body:
            yield error(["body", name], MISSING, body)
    for name in ("title", "description"):
        yield from text(body, name, empty=EMPTY_STRING)
    yield from texts(body, "assigned_user_ids", empty=EMPTY_LIST)
    yield from text(body, "created_by_id")
    if "deadline" in body and read_time(body["deadline"]) is None:
        yield error(["body", "deadline"], NO_TIME, body["deadline"])
    if body.get("tags") is not None:
        yield from texts(body, "tags")
    for name in (*LINKS, "type"):
        if body.get(name) is not None:
            yield from text(body, name)
    yield from text(body, "status", choices=STATUSES)
    yield from text(body, "priority", choices=PRIORITIES)


def text(body: Json, name: str, *, empty: Fault | None = None, choices: tuple[str, ...] = ()) -> Iterator[Json]:
    """What is wrong with a string that is given. The page only describes the choices; that they bind is our guess."""
    value = body.get(name, "?")
    if not isinstance(value, str):
        yield error(["body", name], NO_STRING, value)
    elif value == "" and empty is not None:
        yield error(["body", name], empty, value)
    elif choices and name in body and value not in choices:
        listed = f"{', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}"
        yield error(["body", name], ("literal_error", f"Input should be {listed}"), value)


def texts(body: Json, name: str, *, empty: Fault | None = None) -> Iterator[Json]:
    """What is wrong with a list of strings that is given."""
    value = body.get(name, ["?"])
    if not isinstance(value, list):
        yield error(["body", name], NO_LIST, value)
        return
    if not value and empty is not None:
        yield error(["body", name], empty, value)
    for index, each in enumerate(value):
        if not isinstance(each, str):
            yield error(["body", name, index], NO_STRING, each)


def read_time(value: Any) -> datetime | None:
    """A deadline in UTC, or None where it is none. One without an offset is taken as UTC; the page leaves it open."""
    if not isinstance(value, str):
        return None
    try:
        at = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def error(loc: list[str | int], fault: Fault, given: Any) -> Json:
    """One error of a 422."""
    return {"type": fault[0], "loc": loc, "msg": fault[1], "input": given}


def unprocessable(errors: list[Json]) -> Refusal:
    """A 422 in FastAPI's form."""
    return Refusal(422, {"detail": errors})


def refusal(status: int, type_: str, code: str, message: str, param: str | None = None) -> Refusal:
    """An error in the introduction page's form; no page lists its types and codes."""
    detail = {"type": type_, "code": code, "message": message, "param": param}
    return Refusal(status, {"detail": detail})
