"""The endpoints that apps are told at: how they fare, and calling one again."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody

from gateway.errors import Refused
from gateway.flows.endpoints import EndpointState
from gateway.store.audit import Act
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.problems import problems
from gateway.web.replies import Callbacks, Reason
from gateway.web.services import Served
from schemas.problem import problem


class CallbackStates(Controller):
    """Callbacks to apps."""

    path = "/v1/callbacks"
    tags = ("events",)

    @get("/", guards=[needs("operate")], responses=problems(), summary="How apps' endpoints fare")
    async def list_(self, request: StrictRequest, services: Served) -> Callbacks:
        """Each app's endpoint: whether it takes events, how far it is behind, and how it last answered.

        Of apps all of whose clinics are this key's too. What became of each try stands in a delivery's timeline,
        for 90 days.
        """
        subscribers = services.endpoints.within_reach(request.user)
        return Callbacks(items=await services.endpoints.states(list(subscribers.values())))

    @post(
        "/{app:str}/resume", guards=[needs("operate")], status_code=200, responses=problems(400, 404, 413, 415, 422),
        summary="Call an endpoint at once",
    )  # fmt: skip
    async def resume(
        self, request: StrictRequest, services: Served, app: FromPath[str], data: JSONBody[Reason]
    ) -> EndpointState:
        """Also one that is left alone, or is disabled since it answered 410; it goes on where it stopped."""
        subscriber = services.endpoints.within_reach(request.user).get(app)
        if subscriber is None:
            raise Refused(problem("not-found"))
        act = Act(
            app=request.user.name, key_id=request.auth, action="resume", about=f"callbacks/{app}", reason=data.reason
        )
        return await services.endpoints.resume(subscriber, act)
