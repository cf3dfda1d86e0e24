"""Webhooks in, and the list of those that fit nothing yet."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, MediaType, Response, get, post
from litestar.params import FromPath

from gateway.errors import Refused
from gateway.flows.receive import MOST
from gateway.store.webhooks import WebhookState
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.lists import limit_of, only
from gateway.web.parameters import Limit, Text, one_word
from gateway.web.problems import OPEN, problems
from gateway.web.replies import Hooks, HookSeen
from gateway.web.services import Served
from schemas.problem import problem

SHOWN: tuple[WebhookState, ...] = ("unmatched", "quarantined", "unreadable", "unverified")
"""What people can see of those that came in."""


class Webhooks(Controller):
    """What vendors push."""

    path = "/v1/webhooks"
    tags = ("webhooks",)

    @post(
        "/{account:str}/{token:str}", opt={"open": True}, security=OPEN, status_code=200,
        request_max_body_size=MOST, responses=problems(404, 413), summary="A vendor's webhook",
    )  # fmt: skip
    async def receive(
        self, request: StrictRequest, services: Served, account: FromPath[str], token: FromPath[str]
    ) -> Response[bytes]:
        """Stored before it is answered. A wrong token and an unknown account get the same 404."""
        known = services.mailbox.account(account, token)
        if known is None:
            raise Refused(problem("not-found"))
        headers = {name.lower(): value for name, value in request.headers.items()}
        await services.mailbox.receive(known, headers, await request.body())
        return Response(b"", status_code=200, media_type=MediaType.TEXT)

    @get(
        "/", guards=[needs("operate")], responses=problems(400),
        summary="Webhooks that fit nothing yet",
    )  # fmt: skip
    async def list_(
        self, request: StrictRequest, services: Served,
        in_state: Annotated[str, one_word("state", *SHOWN)] = "",
        cursor: Text = None, limit: Limit = None,
    ) -> Hooks:  # fmt: skip
        """Newest first; `state` is unmatched, quarantined, unreadable or unverified."""
        only(request, ("state", "cursor", "limit"))
        wanted = next((shown for shown in SHOWN if shown == (in_state or SHOWN[0])), None)
        if wanted is None:
            raise Refused(problem("invalid-parameter", f"state: one of {', '.join(SHOWN)}"))
        most = limit_of(limit)
        found = await services.store.webhooks(wanted, request.user.clinics, limit=most + 1, before=cursor)
        shown = found[:most]
        return Hooks(
            items=[
                HookSeen(
                    id=hook.id,
                    account=hook.account,
                    received_at=hook.received_at,
                    state=hook.state,
                    why=hook.why,
                    event_id=hook.event_id,
                )
                for hook in shown
            ],
            next_cursor=shown[-1].id if len(found) > most else None,
        )
