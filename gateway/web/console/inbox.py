"""The inbox: everything that waits for a person, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from litestar import Response, get
from msgspec import Struct

from gateway.flows.endpoints import EndpointState
from gateway.rules.clinic import App
from gateway.rules.record import Record
from gateway.store.counting import Asked, Open
from gateway.store.listing import Wanted
from gateway.store.reading import Paused
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.console.pages import page
from gateway.web.drift import learnt
from gateway.web.replies import Drift, DriftObservation
from gateway.web.services import Served
from gateway.web.suggesting import is_open
from schemas.private import Private

_MOST = 50


class Closed(Struct, frozen=True, kw_only=True):
    """A connection that lets nothing through, and how much waits for it."""

    paused: Paused
    waiting: int


class Inbox(Private, frozen=True, kw_only=True):
    """What waits for a person; `more`: as many deliveries again do not stand here."""

    settle: Sequence[Record]
    more: int
    closed: Sequence[Closed]
    drift: Sequence[DriftObservation]
    endpoints: Sequence[EndpointState]
    webhooks: Sequence[tuple[str, int]]

    @property
    def empty(self) -> bool:
        """Whether nobody is needed."""
        return not (self.settle or self.closed or self.drift or self.endpoints or self.webhooks)


@get("/", guards=[needs("read")])
async def show(request: StrictRequest, services: Served) -> Response[str]:
    """Everything that waits for a person."""
    app, store = request.user, services.store
    found = inbox(
        app,
        asked=await store.asked_of_people(app.clinics),
        settle=(await store.listed(Wanted(clinics=app.clinics, to_settle=True, limit=_MOST))).records,
        paused=await store.paused(),
        work=await store.open_work(app.clinics),
        drift=await learnt(services, app.clinics),
        endpoints=await services.endpoints.states(list(services.endpoints.within_reach(app).values())),
    )
    return await page(request, services, "inbox.html", inbox=found)


def inbox(  # noqa: PLR0913 - what it is gathered from
    app: App,
    *,
    asked: Asked,
    settle: Sequence[Record],
    paused: Sequence[Paused],
    work: Mapping[tuple[str, str], Open],
    drift: Drift,
    endpoints: Sequence[EndpointState],
) -> Inbox:
    """What of all this waits for whoever has this app's key: webhooks and endpoints are for those who operate."""
    operates = "operate" in app.roles
    closed = [
        Closed(paused=gone, waiting=work.get((gone.clinic_id, gone.connection), Open()).waiting)
        for gone in sorted(paused, key=lambda gone: gone.since)
        if app.may_touch(gone.clinic_id)
    ]
    return Inbox(
        settle=settle,
        more=max(asked.to_settle - len(settle), 0),
        closed=closed,
        drift=[seen for seen in drift.items if is_open(seen)],
        endpoints=[each for each in endpoints if operates and (each.state != "working" or each.given_up)],
        webhooks=sorted(asked.webhooks.items()) if operates else [],
    )
