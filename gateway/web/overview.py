"""The one list over all kinds, for operators."""

from __future__ import annotations

from litestar import Controller, get
from litestar.di import Provide

from gateway.web import lists
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.problems import problems
from gateway.web.replies import Deliveries
from gateway.web.services import Served


class Overview(Controller):
    """Deliveries of every kind."""

    path = "/v1/deliveries"
    tags = ("deliveries",)
    dependencies = {
        "common": Provide(lists.filters, sync_to_thread=False),
        "filters": Provide(lists.overview_filters, sync_to_thread=False),
    }

    @get(
        "/", guards=[needs("read")], responses=problems(400),
        summary="Deliveries of every kind, newest first",
    )  # fmt: skip
    async def list_(self, request: StrictRequest, services: Served, filters: lists.Filters) -> Deliveries:
        """`needs_person`: unknown outcomes, overdue ones, conflicts, and what a blocked connection holds."""
        return await lists.page(services.store, lists.wanted(request, filters, None))
