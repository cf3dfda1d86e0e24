"""What a command needs now, as a document that callers can check theirs against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

from litestar import Controller, get
from litestar.params import FromPath

from gateway.errors import Refused
from gateway.rules.command_schema import command_schema, taken_by
from gateway.rules.reading import given
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.lists import one_of, only
from gateway.web.parameters import OfPriority, OfType, Text, Texts
from gateway.web.problems import problems
from gateway.web.services import Served
from schemas.command import Name, Priority
from schemas.problem import FieldError, problem, problem_of

_CHOOSING = ("connection", "type", "priority", "tags")


class CommandSchemas(Controller):
    """What commands need."""

    path = "/v1/clinics/{clinic_id:str}/capabilities"
    tags = ("clinics",)

    @get(
        "/{operation:str}/schema", guards=[needs("read")], media_type="application/schema+json",
        responses=problems(404, 422), summary="What a command needs now, as JSON Schema",
    )  # fmt: skip
    async def schema(  # noqa: PLR0913, PLR0917 - a query's parameters
        self,
        request: StrictRequest,
        services: Served,
        clinic_id: FromPath[str],
        operation: FromPath[str],
        connection: Text = None,
        type_: OfType = None,
        priority: OfPriority = None,
        tags: Texts = None,
    ) -> Mapping[str, Any]:
        """Of create_task, add_note or create_claim, on the connection that a command with these fields would take.

        A command that passes is taken by that connection; one that fails is refused, or goes elsewhere.
        """
        only(request, _CHOOSING, several=("tags",))
        clinic = services.configured.clinic(clinic_id)
        if clinic is None or not request.user.may_touch(clinic_id) or operation not in get_args(Name):
            raise Refused(problem("not-found"))
        asked = given({"connection": connection, "type": type_, "priority": priority, "tags": tags}) or {}
        one_of("priority", asked, get_args(Priority))
        name = cast("Name", operation)
        taker = taken_by(clinic, name, asked)
        if isinstance(taker, FieldError):
            raise Refused(problem_of((taker,)))
        return command_schema(clinic, taker, name, services.world.now())
