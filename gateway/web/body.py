"""A request's body, read strictly: one JSON object (see `rules/strict_json.py`), and nothing else.

What is wrong with it is refused with a problem that repeats nothing of the body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NoReturn

from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import InternalServerException
from msgspec import structs

from gateway.errors import Refused
from gateway.rules import strict_json
from gateway.rules.clinic import App, Caller
from gateway.rules.reading import Draft, read
from gateway.rules.strict_json import Malformed
from gateway.web.replies import Why
from schemas.command import NAMING
from schemas.private import Private
from schemas.problem import Code, problem, problem_of

LARGEST = 512 * 1024
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

    async def why(self) -> str | None:
        """The reason in a body that may be left out; no handler takes such a body as `data`."""
        raw = await self.body()
        if not raw:
            return None
        draft = read(self._object(raw), Why)
        if draft.errors or draft.command is None:
            raise Refused(problem_of(draft.errors))
        return draft.command.reason

    async def json(self) -> Any:
        """The body as the Struct that the handler takes.

        What is wrong with a command is left in `draft`, for the rules to add the rest; any other body is refused here.
        """
        data = self.route_handler.parsed_data_field
        self.posted = self._object(await self.body())
        if data is None or not issubclass(data.annotation, Private):
            return self.posted
        self.draft = read(self.posted, data.annotation)
        if data.annotation in NAMING:
            return self.draft.command or _unread(data.annotation)
        if self.draft.errors:
            raise Refused(problem_of(self.draft.errors))
        return self.draft.command

    def _object(self, raw: bytes) -> dict[str, Any]:
        if self.headers.get("content-encoding", "identity").strip().lower() != "identity":
            _refuse("unsupported-media-type", "a body is read as it is: no Content-Encoding")
        return parse(raw, ", ".join(self.headers.getall("content-type", [])))


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
        document = strict_json.parse(body)
    except Malformed as error:
        _refuse("malformed-body", f"the body {error}")
    if not isinstance(document, dict):
        _refuse("malformed-body", "the body is not a JSON object")
    return document


def _refuse(code: Code, detail: str | None = None) -> NoReturn:
    raise Refused(problem(code, detail))
