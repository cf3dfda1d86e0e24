"""A request's body, read strictly: one UTF-8 JSON object, each key once, no NUL, not too deep and not too wide.

What the usual JSON readers let pass (the last of two equal keys wins, any content type is JSON) or answer with a 500
(deep nesting, broken UTF-8) is refused here with a problem that repeats nothing of the body.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NoReturn

from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import InternalServerException
from msgspec import structs

from gateway.errors import Refused
from gateway.rules.clinic import App, Caller
from gateway.rules.reading import Draft, read
from schemas.command import NAMING
from schemas.private import Private
from schemas.problem import Code, problem, problem_of

LARGEST = 512 * 1024
DEEPEST = 32
WIDEST = 256
"""How many keys an object may have: each one that we do not know is looked at, and told of, one by one."""
BODY_SECONDS = 10.0
"""How long a client may take to send its body."""


class StrictRequest(Request[App, str, State]):
    """A request whose JSON body is read by this module.

    A handler that takes a command as `data` finds what is right and wrong with the body in `draft`, and the object as
    posted in `posted`.
    """

    draft: Draft[Any]
    posted: Mapping[str, Any]

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return Caller(app=self.user, key_id=self.auth)

    async def body(self) -> bytes:
        """The body; none at all is refused where one is expected, and so is one that comes too slowly."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                raw = await super().body()
        except TimeoutError:
            _refuse("body-too-slow")
        except InternalServerException:  # the framework's word for a client that hung up
            _refuse("malformed-body", "the body was cut short")
        if not raw and self.route_handler.parsed_data_field is not None:
            _refuse("malformed-body", "the body is empty")
        return raw

    async def json(self) -> Any:
        """The body as the Struct that the handler takes.

        What is wrong with a command is left in `draft`, for the rules to add the rest; any other body is refused here.
        """
        data = self.route_handler.parsed_data_field
        if self.headers.get("content-encoding", "identity").strip().lower() != "identity":
            _refuse("unsupported-media-type", "a body is read as it is: no Content-Encoding")
        self.posted = parse(await self.body(), ", ".join(self.headers.getall("content-type", [])))
        if data is None or not issubclass(data.annotation, Private):
            return self.posted
        self.draft = read(self.posted, data.annotation)
        if data.annotation in NAMING:
            return self.draft.command or _unread(data.annotation)
        if self.draft.errors:
            raise Refused(problem_of(self.draft.errors))
        return self.draft.command


def _unread(kind: type[Private]) -> Private:
    """What stands for a command of which not even the clinic can be told; `draft` says what is wrong with it."""
    return kind(**{field.name: "" for field in structs.fields(kind) if field.required})


def parse(body: bytes, content_type: str) -> dict[str, Any]:
    """The JSON object in `body`. Raises Refused."""
    media_type, _, parameters = content_type.lower().partition(";")
    charset = parameters.replace(" ", "")
    if media_type.strip() != "application/json" or charset not in {"", "charset=utf-8", 'charset="utf-8"'}:
        _refuse("unsupported-media-type")
    if len(body) > LARGEST:
        _refuse("body-too-large")
    try:
        text = body.decode("utf-8")
        document = json.loads(text, object_pairs_hook=_each_key_once, parse_constant=_no_constant, parse_float=_finite)
    except _Unsound as found:
        _refuse("malformed-body", str(found))
    except UnicodeDecodeError:
        _refuse("malformed-body", "the body is not UTF-8")
    except (ValueError, RecursionError):
        _refuse("malformed-body", "the body is not JSON, or nests too deep")
    if not isinstance(document, dict):
        _refuse("malformed-body", "the body is not a JSON object")
    _check_text(document, text)
    return document


def _check_text(document: dict[str, Any], text: str) -> None:
    if text.count("{") + text.count("[") > DEEPEST and _depth(document) > DEEPEST:
        _refuse("malformed-body", f"the body nests deeper than {DEEPEST} levels")
    if "\\u" in text:  # only an escape can bring these in
        decoded = json.dumps(document, ensure_ascii=False)
        if "\\u0000" in decoded:
            _refuse("malformed-body", "the body holds a NUL")
        try:
            decoded.encode("utf-8")
        except UnicodeEncodeError:
            _refuse("malformed-body", "the body holds half a surrogate pair")


def _depth(document: Any) -> int:
    deepest, level = 0, [document]
    while level:
        deepest += 1
        level = [
            child
            for each in level
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, dict | list)
        ]
    return deepest


class _Unsound(ValueError):  # noqa: N818 - what it is
    """An object that is JSON and no body of ours; the text says why, and repeats nothing of it."""


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > WIDEST:
        raise _Unsound(f"an object has more than {WIDEST} keys")
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _Unsound("an object repeats a key")
    return made


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in {float("inf"), float("-inf")}:
        raise ValueError("a number is out of range")
    return number


def _refuse(code: Code, detail: str | None = None) -> NoReturn:
    raise Refused(problem(code, detail))
