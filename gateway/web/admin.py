"""What an administrator asks of the running gateway."""

from __future__ import annotations

from litestar import Controller, post

from gateway.errors import ConfigErrors, Refused
from gateway.flows.reload import Reloaded
from gateway.store.audit import Act
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.problems import problems
from gateway.web.services import Served
from schemas.problem import FieldError, problem


class Admin(Controller):
    """The configuration in force."""

    path = "/v1/admin"
    tags = ("admin",)

    @post(
        "/reload", guards=[needs("admin")], status_code=200, responses=problems(422),
        summary="Put the configuration files in force",
    )  # fmt: skip
    async def reload(self, request: StrictRequest, services: Served) -> Reloaded:
        """Everything is validated, then swapped whole; with one mistake nothing changes, and each is told."""
        act = Act(app=request.user.name, key_id=request.auth, action="reload", about="configuration")
        await services.store.acted(act, services.world.now())
        try:
            return await services.reloader.reload()
        except ConfigErrors as errors:
            lines = tuple(FieldError(code="invalid-configuration", detail=line) for line in errors.lines)
            raise Refused(problem("invalid-configuration", errors=lines)) from errors
