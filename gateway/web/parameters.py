"""Parameters as the OpenAPI document shows them.

They are read as text all the same, so that a wrong one is told in our words; a blank one is not given.
"""

from __future__ import annotations

from typing import Annotated, Any, get_args

from litestar.openapi.spec import OpenAPIType, Schema
from litestar.params import HeaderParameter, QueryParameter

from schemas.command import Kind, Priority
from schemas.delivery import State

LARGEST_PAGE = 200


def _shown(type_: OpenAPIType, **more: Any) -> dict[str, Any]:
    """The schema in the place of what the framework makes of `str | None`: a parameter is never null."""
    return {"one_of": None, "type": type_, **more}


def one_word(name: str, *words: str) -> QueryParameter:
    """A parameter that takes one of `words`."""
    return QueryParameter(name=name, schema_extra=_shown(OpenAPIType.STRING, enum=[*words, ""]))


Text = Annotated[str | None, QueryParameter(schema_extra=_shown(OpenAPIType.STRING))]
Texts = Annotated[
    list[str] | None, QueryParameter(schema_extra=_shown(OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.STRING)))
]
InState = Annotated[str | None, one_word("state", *get_args(State))]
OfKind = Annotated[str | None, one_word("kind", *get_args(Kind))]
InTelling = Annotated[str | None, one_word("state", "waiting", "given_up")]
OfType = Annotated[str | None, QueryParameter(name="type", schema_extra=_shown(OpenAPIType.STRING))]
OfPriority = Annotated[str | None, one_word("priority", *get_args(Priority))]
NeedsPerson = Annotated[str | None, one_word("needs_person", "true", "false")]
LastEventId = Annotated[str | None, HeaderParameter(name="Last-Event-ID", schema_extra=_shown(OpenAPIType.STRING))]
Limit = Annotated[
    str | None,
    QueryParameter(
        schema_extra=_shown(OpenAPIType.INTEGER, minimum=1, maximum=LARGEST_PAGE), description="How many to list"
    ),
]
