"""What an administrator asks of the running gateway."""

from __future__ import annotations

from litestar import Controller, post
from litestar.params import JSONBody

from gateway.errors import ConfigErrors, Refused
from gateway.flows.reload import Reloaded
from gateway.rules.clinic import Caller
from gateway.store.audit import Act
from gateway.store.resealing import Resealed
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.headers import Reasoned
from gateway.web.problems import problems
from gateway.web.services import Served, Services
from schemas.command import Body
from schemas.private import Private
from schemas.problem import FieldError, problem

_PAGE = 200


class Page(Private, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a long work goes on; the first page says why it is done."""

    cursor: str | None = None
    reason: Body | None = None


class Admin(Controller):
    """The configuration in force, and the keys behind what is stored."""

    path = "/v1/admin"
    tags = ("admin",)

    @post(
        "/reload", guards=[needs("admin")], status_code=200, responses=problems(400, 413, 415, 422),
        operation_class=Reasoned, summary="Put the configuration files in force",
    )  # fmt: skip
    async def reload(self, request: StrictRequest, services: Served) -> Reloaded:
        """Everything is validated, then swapped whole; with one mistake nothing changes, and each is told."""
        try:
            return await reloaded(services, request.caller, await request.why())
        except ConfigErrors as errors:
            lines = tuple(FieldError(code="invalid-configuration", detail=line) for line in errors.lines)
            raise Refused(problem("invalid-configuration", errors=lines)) from errors

    @post(
        "/reseal", guards=[needs("admin")], status_code=200, responses=problems(400, 413, 415, 422),
        summary="Seal what is stored with the first encryption key",
    )  # fmt: skip
    async def reseal(self, request: StrictRequest, services: Served, data: JSONBody[Page]) -> Resealed:
        """A page at a time: `next_cursor` is what the next call sends; null: all is sealed with the first key.

        `unreadable` counts values that no key opens; an older key may go once that is 0 without it.
        """
        if data.cursor is None:
            act = Act(app=request.user.name, key_id=request.auth, action="reseal", about="database", reason=data.reason)
            await services.store.acted(act, services.world.now())
        try:
            return await services.store.reseal(data.cursor, _PAGE)
        except ValueError as error:
            raise Refused(problem("invalid-parameter", "cursor: a next_cursor that this call gave")) from error


async def reloaded(services: Services, by: Caller, reason: str | None) -> Reloaded:
    """Put the files in force, and keep who wanted it and why. Raises ConfigErrors."""
    act = Act(app=by.app.name, key_id=by.key_id, action="reload", about="configuration", reason=reason)
    await services.store.acted(act, services.world.now())
    return await services.reloader.reload(by.app.name)
