"""The endpoints that apps are told at: how they fare, and calling one again."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody

from gateway.errors import Refused
from gateway.flows.endpoints import EndpointState
from gateway.store.audit import Act
from gateway.store.feed import START
from gateway.web import lists
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.events import place_of
from gateway.web.parameters import InTelling, Limit, Text
from gateway.web.problems import problems
from gateway.web.replies import Callbacks, Reason, ToldEvents
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
        and in an event's `callbacks`, for 90 days.
        """
        subscribers = services.endpoints.within_reach(request.user)
        return Callbacks(items=await services.endpoints.states(list(subscribers.values())))

    @get(
        "/{app:str}/events", guards=[needs("operate")], responses=problems(400, 404),
        summary="What an endpoint was not told",
    )  # fmt: skip
    async def events(  # noqa: PLR0913, PLR0917 - a query's parameters
        self, request: StrictRequest, services: Served, app: FromPath[str],
        in_state: InTelling = None, after: Text = None, limit: Limit = None,
    ) -> ToldEvents:  # fmt: skip
        """The events that it waits for, or with `state=given_up` those that it did not take in ten tries, oldest first.

        Each with every try of the last 90 days. `unread` ones are none of these yet. `after`: the id of an event.
        """
        lists.only(request, ("state", "after", "limit"))
        clinics, asked = request.user.clinics, {"state": in_state or "waiting"}
        lists.one_of("state", asked, ("waiting", "given_up"))
        if app not in services.endpoints.within_reach(request.user):
            raise Refused(problem("not-found"))
        place = await place_of(services, after or START, clinics)
        span, given_up = (place, lists.limit_of(limit)), asked["state"] == "given_up"
        found = await services.store.untold(app, span, clinics, given_up=given_up)
        return ToldEvents(items=found.items, next_cursor=found.items[-1].event.id if found.more else None)

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
