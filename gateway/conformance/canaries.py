"""Values that can come from nowhere else: commands and credentials made up for an adapter's own tables."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct

from adapters.base import Adapter, HttpRequest, Link, Operation, Secret, Sent
from gateway.conformance.samples import AT
from schemas.command import LISTS, Priority, Status

SECRET, PATIENT = "CANARY-secret", "CANARY-patient"
ORIGIN = "https://vendor.test"

WORDS: Mapping[str, tuple[str, ...]] = {"priority": get_args(Priority), "status": get_args(Status)}
"""The fields that have words of ours for values; a vendor may have others."""
_TEXTS: Mapping[str, int] = {"title": 1024, "description": 32768, "text": 32768}
"""Texts, and the longest that a caller may send."""


def value(path: str) -> Any:
    """A JSON-ready value of the canonical field."""
    if path in WORDS:
        return WORDS[path][-1]
    if path == "due_at":
        return "2031-02-03T04:05:06-07:00"
    if path in _TEXTS:
        return f"{path} ".ljust(_TEXTS[path], ".")
    number = 4_711_000 + 10 * sum(path.encode())  # digits, since some vendors' ids are numbers
    return [str(number + place) for place in (1, 2, 3)] if path in LISTS else str(number)


def command(
    operation: Operation, *paths: str, ids: Mapping[str, str] | None = None, given: Mapping[str, Any] | None = None
) -> Sent:
    """A command with what the operation requires, with these fields besides, and with the values `given`."""
    required = [path for path, spot in operation.places.items() if spot.need == "required"]
    values = {path: value(path) for path in (*required, *paths)} | dict(given or {})
    return Sent(ref="tsk_0190conformance", operation=operation.name, values=values, at=AT, ids=ids or {})


def commands(adapter: Adapter[Any, Any]) -> Iterator[Sent]:
    """One command of each operation."""
    return (command(operation) for operation in adapter.operations)


def link(
    adapter: Adapter[Any, Any], *, changed: tuple[str, str] | None = None, token: str | None = SECRET
) -> Link[Any, Any]:
    """A link whose required credentials are canaries. `changed`: a level and a field of it that is another one."""
    account, connection = (
        _credentials(getattr(adapter, level), changed[1] if changed and changed[0] == level else None)
        for level in ("account", "connection")
    )
    return Link(base_url=ORIGIN, account=account, connection=connection, token=Secret(token) if token else None)


def fields(adapter: Adapter[Any, Any]) -> Iterator[tuple[str, msgspec.structs.FieldInfo]]:
    """The fields of an adapter's credentials, each with its level: "account" or "connection"."""
    for level in ("account", "connection"):
        for field in msgspec.structs.fields(getattr(adapter, level)):
            yield level, field


def requests(adapter: Adapter[Any, Any], way: Link[Any, Any]) -> Iterator[HttpRequest]:
    """One of each request that the adapter builds: the token's, each operation's, each look's."""
    token = adapter.build_token(msgspec.structs.replace(way, token=None))
    if token is not None:
        yield token
    for operation in adapter.operations:
        yield adapter.build_request(command(operation), way)
        for ids in ({}, {"id": "i1", "job_id": "j1"}):
            look = adapter.build_lookup(command(operation, ids=ids), way, 1)
            if look is not None:
                yield look


def leaks(shown: object) -> list[str]:
    """The canaries that printing a value shows; of an exception, what a log would print of it and its causes."""
    if isinstance(shown, BaseException):
        text = f"{traceback.format_exception_only(shown)}{shown.__cause__ or ''}{shown.__context__ or ''}"
    else:
        text = f"{shown!r}{shown!s}{shown}"
    return [canary for canary in (SECRET, PATIENT) if canary in text]


def _credentials(kind: type[Struct], changed: str | None) -> Struct:
    required = [field for field in msgspec.structs.fields(kind) if field.required]
    return kind(**{field.name: _credential(field, turn=field.name == changed) for field in required})


def _credential(field: msgspec.structs.FieldInfo, *, turn: bool) -> Any:
    """A value of the types that a configuration file can hold."""
    bare = get_args(field.type)[0] if get_origin(field.type) is Annotated else field.type
    kinds = get_args(bare) or (bare,)
    if Secret in kinds:
        return Secret(f"{SECRET}-{field.name}{'-changed' * turn}")
    if str in kinds:
        return f"the-{field.name}{'-changed' * turn}"
    if get_origin(bare) is Literal:
        return kinds[-1 if turn else 0]
    if bool in kinds:
        return turn
    if int in kinds:
        return 7 + turn
    raise TypeError(f"the credential {field.name} is no Secret, str, int, bool or Literal")
