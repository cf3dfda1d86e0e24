"""Bodies that no page prints: what proxies, faults and next year's versions of a vendor answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway.files.source import Spot

_WRONG = {"success": "yes", "code": 1, "data": [], "detail": 0, "message": [], "id": {}, "items": 3, "pagination": 3}
_KNOWN = ("id", "success", "code", "data", "detail", "message", "items", "status", "access_token", "expires_in")

UNREADABLE: Mapping[str, bytes] = {
    "an empty body": b"",
    "a blank body": b" \r\n",
    "HTML": b"<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>",
    "null": b"null",
    "true": b"true",
    "a number": b"42",
    "a huge number": b"9" * 5_000,
    "text": b'"ok"',
    "an empty list": b"[]",
    "a list of strangers": b'[{"unheard": 1}]',
    "an empty object": b"{}",
    "wrong types": json.dumps(_WRONG).encode(),
    "only nulls": json.dumps(dict.fromkeys(_KNOWN)).encode(),
    "success without ids": b'{"success": true, "message": "ok", "code": "success", "status": "success", "data": {}}',
    "truncated JSON": b'{"success": true, "code": "success", "id": "abc", "access_token": "abc", "data": {"id": "ab',
    "two documents": b'{"success": true, "id": "1"}{"success": true, "id": "2"}',
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"data":' * 100_000 + b"{}" + b"}" * 100_000,
    "depth under a known key": b'{"success":true,"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "no UTF-8": b'{"success": true, "id": "\xff\xfe", "access_token": "\xff"}',
    "UTF-16": '{"success": true, "id": "1", "access_token": "1"}'.encode("utf-16"),
    "NUL bytes": b"\x00" * 64,
    "NaN": b'{"success": true, "id": NaN, "access_token": NaN, "expires_in": NaN}',
    "a megabyte": b"x" * 1_048_576,
}
"""By what it is. None is an answer of any vendor, so none may be taken for one."""

TYPICAL = ("an empty body", "HTML", "an empty object", "wrong types", "only nulls")
"""Those that are tried with every status there is."""

WRONG_VALUES: tuple[Any, ...] = (None, True, 1.5, [], {}, "", ["x"], {"x": 1}, 10**30)
"""Values of every type, to stand where a page prints another."""

CLOCKS: tuple[Any, ...] = (
    "2026-05-22T10:30:00Z", "2026-05-22T10:30:00.123456-07:00", "2026-03-20 18:35:10.209452+00",
    "2026-05-22T10:30:00-7:00", "22/05/2026", "", None, 1_764_000_000, 1_764_000_000_123, 17.5,
)  # fmt: skip
"""One moment as vendors have been seen to write it, and worse."""


_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d")


def document(body: str) -> Any:
    """The JSON document of a body; None when it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def encoded(changed: Any) -> bytes:
    """A document as a body."""
    return json.dumps(changed).encode()


def leaves(part: Any) -> Iterator[tuple[Spot, Any]]:
    """Every value of a document that is neither object nor list, with its place."""
    return ((spot, value) for spot, value in values(part) if not isinstance(value, dict | list))


def values(part: Any, at: Spot = ()) -> Iterator[tuple[Spot, Any]]:
    """Every value of a document below its top, objects and lists among them, with its place."""
    below = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in below:
        yield (*at, key), value
        yield from values(value, (*at, key))


def replaced(part: Any, at: Spot, value: Any) -> Any:
    """The document with `value` at a place."""
    if not at:
        return value
    first, *rest = at
    if isinstance(part, dict):
        return {**part, first: replaced(part[first], tuple(rest), value)}
    return [replaced(below, tuple(rest), value) if spot == first else below for spot, below in enumerate(part)]


def without(part: Any, at: Spot) -> Any:
    """The document with nothing at a place."""
    first, *rest = at
    if rest:
        return replaced(part, (first,), without(part[first], tuple(rest)))
    if isinstance(part, dict):
        return {key: value for key, value in part.items() if key != first}
    return [below for spot, below in enumerate(part) if spot != first]


def altered(part: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """The document with `change` made to each of its objects, innermost first."""
    if isinstance(part, list):
        return [altered(below, change) for below in part]
    if isinstance(part, dict):
        return change({key: altered(below, change) for key, below in part.items()})
    return part


def grown(part: Any) -> Any:
    """The document with fields that the vendor may add tomorrow, in each of its objects."""
    return altered(part, lambda it: {**it, "brandNew": {"deep": [1, {"id": "x"}]}, "also_new": None})


def beginnings(body: str) -> Iterator[bytes]:
    """Every beginning of a JSON object or list that is not yet all of it."""
    raw = body.strip().encode()
    return (raw[:length] for length in range(len(raw))) if raw[:1] in (b"{", b"[") else iter(())


def spoilt(body: str) -> Iterator[tuple[Spot, bytes]]:
    """The body with a value of a wrong type at each of its places in turn."""
    read = document(body)
    for at, right in values(read):
        for wrong in WRONG_VALUES:
            if type(wrong) is not type(right):
                yield at, encoded(replaced(read, at, wrong))


def is_moment(value: Any) -> bool:
    """Whether a value looks like a moment in time."""
    return isinstance(value, str) and _MOMENT.match(value) is not None
