"""Webhooks that came in and fit nothing yet."""

from __future__ import annotations

from collections.abc import Mapping

from litestar import Response, get
from litestar.params import FromQuery

from gateway.errors import Refused
from gateway.store.webhooks import WebhookState
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.console.pages import page
from gateway.web.services import Served
from gateway.web.webhooks import SHOWN
from schemas.problem import problem

_PAGE = 50

MEANS: Mapping[WebhookState, str] = {
    "unmatched": "It fits no delivery or connection yet. It is tried again after every outcome there, for a week.",
    "quarantined": "What it names belongs to two clinics, so it is believed for neither.",
    "unreadable": "The adapter could not read it, and needs this form as a sample. What it told of is looked up.",
    "unverified": "Its signature is wrong. It proves nothing; the job that it names is looked up instead.",
}


@get("/webhooks", guards=[needs("operate")])
async def show(
    request: StrictRequest, services: Served, of: FromQuery[str] = "unmatched", before: FromQuery[str | None] = None
) -> Response[str]:
    """Those in one state, newest first; their bodies stay sealed."""
    state = next((shown for shown in SHOWN if shown == of), None)
    if state is None:
        raise Refused(problem("invalid-parameter", f"of: one of {', '.join(SHOWN)}"))
    found = await services.store.webhooks(state, request.user.clinics, limit=_PAGE + 1, before=before)
    hooks = found[:_PAGE]
    further = f"/console/webhooks?of={state}&before={hooks[-1].id}" if len(found) > _PAGE else None
    return await page(
        request, services, "webhooks.html", hooks=hooks, state=state, states=SHOWN, means=MEANS, further=further
    )
