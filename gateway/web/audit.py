"""The audit trail: who did what, and why."""

from __future__ import annotations

from litestar import Controller, get
from msgspec import structs

from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.lists import limit_of, only, row_of
from gateway.web.parameters import Limit, Text
from gateway.web.problems import problems
from gateway.web.replies import Acts, ActSeen
from gateway.web.services import Served


class AuditTrail(Controller):
    """What people did."""

    path = "/v1/audit"
    tags = ("admin",)

    @get(
        "/", guards=[needs("admin")], responses=problems(400),
        summary="Who did what, and why",
    )  # fmt: skip
    async def list_(
        self, request: StrictRequest, services: Served, before: Text = None,
        limit: Limit = None,
    ) -> Acts:  # fmt: skip
        """Newest first, of the key's clinics; a key for all clinics also sees what belongs to none, such as reloads.

        `before` is the `next_cursor` of the page before. `task-gateway audit verify` proves that nothing was changed.
        """
        only(request, ("before", "limit"))
        most = limit_of(limit)
        row = row_of("before", before or None)
        found = await services.store.audit(request.user.clinics, before=row, limit=most + 1)
        shown = found[:most]
        return Acts(
            items=[ActSeen(**structs.asdict(entry)) for entry in shown],
            next_cursor=str(shown[-1].seq) if len(found) > most else None,
        )
