"""Who is signed in with a key of the same app; and ending all other sessions, for who shows the key again."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from gateway.errors import Refused
from gateway.store.audit import Act
from gateway.store.sessions import Session
from gateway.web.auth import count_stranger, owner_of
from gateway.web.body import StrictRequest
from gateway.web.console import sessions
from gateway.web.console.forms import Form
from gateway.web.console.pages import moved, page
from gateway.web.services import Served, Services
from schemas.problem import problem

_NOT_THE_KEY = "This is no key of this app: nothing was ended."


@get("/sessions")
async def show(request: StrictRequest, services: Served) -> Response[str]:
    """Every session that lasts, and which of them this is."""
    return await _page(request, services)


@post("/sessions/end", status_code=200)
async def end_others(request: StrictRequest, services: Served, form: Form) -> Response[Any]:
    """End all but this one; a key of the app is asked for, since whoever sits here may have found the page open."""
    owner = owner_of(form.text("key"), services.configured)
    if owner is None or owner[0].name != request.user.name:
        count_stranger(request, services)
        return await _page(request, services, _NOT_THE_KEY)
    act = Act(app=request.user.name, key_id=request.auth, action="sign-out", about="every other session")
    await services.store.sign_out_others(await _this(request, services), act, services.world.now())
    return moved("/console/sessions")


async def _page(request: StrictRequest, services: Services, why: str | None = None) -> Response[str]:
    return await page(
        request, services, "sessions.html", status=422 if why else 200, url="/console/sessions", why=why,
        sessions=await sessions.of_app(request.user, services), this=(await _this(request, services)).digest,
    )  # fmt: skip


async def _this(request: StrictRequest, services: Services) -> Session:
    """The session that asks. Raises Refused: it was ended meanwhile."""
    token = request.cookies.get(sessions.name_of(services.configured.config), "")
    found = await sessions.session_of(token, services)
    if found is None:
        raise Refused(problem("unauthenticated"))
    return found[0]
