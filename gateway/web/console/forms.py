"""Posted forms: read strictly, and only with the token of the page they stood on."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar.di import NamedDependency

from gateway.errors import Refused
from gateway.web.body import StrictRequest
from schemas.private import Private
from schemas.problem import problem

T = TypeVar("T", bound=Private)
_MOST_FIELDS = 20
_TAKES = "a reason is needed, and a choice where there is one; ids have at most 255 characters"
_TYPE = "application/x-www-form-urlencoded"


class Posted(Private, frozen=True, kw_only=True):
    """A form's fields as they were filled in, white space around them dropped, empty ones left out."""

    fields: Mapping[str, str]

    def text(self, name: str) -> str:
        """A field's text; empty where it was left empty."""
        return self.fields.get(name, "")

    def number(self, name: str) -> int | None:
        """A field's number, if it is one."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004 - no version has more

    def read(self, kind: type[T], **more: Any) -> T:
        """The fields as `kind`, with `more` beside them. Raises Refused."""
        known = {name: self.fields[name] for name in kind.__struct_fields__ if name in self.fields}
        try:
            return msgspec.convert({**known, **more}, kind)
        except msgspec.ValidationError as error:
            raise Refused(problem("invalid-value", _TAKES)) from error


Form = NamedDependency[Posted]
"""A posted form as a handler takes it."""


async def posted(request: StrictRequest) -> Posted:
    """The form that was posted. Raises Refused: unreadable, or without the page's token."""
    return read(
        await request.body(), ", ".join(request.headers.getall("content-type", [])), request.scope["state"]["csrf"]
    )


def read(body: bytes, content_type: str, csrf: str) -> Posted:
    """The fields of a form, each once, in UTF-8. Raises Refused."""
    if content_type.partition(";")[0].strip().lower() != _TYPE:
        raise Refused(problem("unsupported-media-type", "this is not a form"))
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError as error:
        raise Refused(problem("malformed-body", "the form cannot be read")) from error
    fields = {name: text.strip() for name, text in pairs}
    if len(fields) < len(pairs) or any("\0" in text for text in fields.values()):
        raise Refused(problem("malformed-body", "the form cannot be read"))
    if not hmac.compare_digest(fields.pop("csrf", "").encode(), csrf.encode()):
        raise Refused(problem("forbidden", "this form is not of your session any more: load the page again"))
    return Posted(fields={name: text for name, text in fields.items() if text})
