"""The audit trail: who did what, and why."""

from __future__ import annotations

from litestar import Response, get
from litestar.params import FromQuery

from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.console.pages import page
from gateway.web.lists import row_of
from gateway.web.services import Served

_PAGE = 100


@get("/audit", guards=[needs("admin")])
async def show(request: StrictRequest, services: Served, before: FromQuery[str | None] = None) -> Response[str]:
    """Newest first, of the clinics in reach."""
    found = await services.store.audit(request.user.clinics, before=row_of("before", before), limit=_PAGE + 1)
    entries = found[:_PAGE]
    further = f"/console/audit?before={entries[-1].seq}" if len(found) > _PAGE else None
    return await page(request, services, "audit.html", entries=entries, further=further)
