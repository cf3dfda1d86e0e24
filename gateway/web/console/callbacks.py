"""How apps' endpoints fare, and calling one again."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from gateway.errors import Refused
from gateway.store.audit import Act
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.console.forms import Form
from gateway.web.console.pages import moved, page
from gateway.web.replies import Reason
from gateway.web.services import Served
from schemas.problem import problem


@get("/callbacks", guards=[needs("operate")])
async def show(request: StrictRequest, services: Served) -> Response[str]:
    """The endpoints of apps all of whose clinics are in reach."""
    subscribers = services.endpoints.within_reach(request.user)
    states = await services.endpoints.states(list(subscribers.values()))
    return await page(request, services, "callbacks.html", endpoints=sorted(states, key=lambda each: each.app))


@post("/callbacks/{app:str}/resume", guards=[needs("operate")], status_code=200)
async def resume(request: StrictRequest, services: Served, app: FromPath[str], form: Form) -> Response[Any]:
    """Call an endpoint at once, also one that wanted no more."""
    subscriber = services.endpoints.within_reach(request.user).get(app)
    if subscriber is None:
        raise Refused(problem("not-found"))
    reason = form.read(Reason).reason
    about = f"callbacks/{app}"
    act = Act(app=request.user.name, key_id=request.auth, action="resume", about=about, reason=reason)
    await services.endpoints.resume(subscriber, act)
    return moved("/console/callbacks")
