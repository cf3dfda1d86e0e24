"""Cobalt's events: made when a job ends, pushed to every registered URL, and looked up afterwards.

From the pages on operation events, receiving webhooks and webhook events, and the events shown on the three create
pages.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, field

from gateway.sandbox.cobalt_replies import day, iso, paged, refuse_bad_choice
from gateway.sandbox.cobalt_webhook import Hooks
from gateway.sandbox.push import Manner, Message, Outcome, Pusher, Try, hex_hmac
from gateway.sandbox.stand import Json

SERVER_ERROR = 500
TOO_MANY = 429


class Row(Struct):
    """One event on its way to one URL; `delivery_status` says whether the push arrived, not whether the job worked."""

    webhook_url: str | None
    delivery_status: str | None = None


class Event(Struct):
    """One event of one link. Account events have no `job_id` (account-events page)."""

    id: str
    access_token: str
    reference_id: str
    created: datetime
    type: str
    job_id: str | None
    data: Json
    rows: list[Row] = field(default_factory=lambda: [Row(None)])
    """One without URL while there is none: it can be looked up all the same (awaiting-results page)."""

    def envelope(self) -> Json:
        """What is pushed. `job_id` is a string here, though the answers to the requests have an integer."""
        job = {} if self.job_id is None else {"job_id": self.job_id}
        head = {"id": self.id, "access_token_reference_id": self.reference_id, "object": "event"}
        return {**head, "created": iso(self.created), "type": self.type, **job, "data": self.data}

    def item(self, row: Row) -> Json:
        """What GET /v1/webhook-events shows of it, in the newer of the two shapes that page has had."""
        return {
            "event_id": self.id,
            "event_type": self.type,
            "webhook_url": row.webhook_url,
            "delivery_status": row.delivery_status,
            "data": self.data,
            "created_at": iso(self.created),
            "job_id": self.job_id,
            "access_token_reference_id": self.reference_id,
        }


async def deliver(event: Event, hooks: Hooks, pusher: Pusher, retry_after: float) -> None:
    """Pushes `event` to every registered URL (setup page), and notes on its rows what became of it.

    The receiver has 5 s to answer; after a 5xx, a 429 or a network error there is one more try, 1 s later and with
    2 s to answer; after a timeout or another 4xx there is none (receiving page).
    """
    body = compact(event.envelope())
    signature = hex_hmac(hooks.secret, body)

    def headers(attempt: int) -> Mapping[str, str]:
        # That webhook-id is the event's own id is our guess; the page only calls it the key to dedupe by.
        return {
            "cobalt-verification": signature,
            "webhook-id": event.id,
            "webhook-timestamp": iso(event.created),
            "webhook-attempt": str(attempt),
        }

    message = Message(event.id, body, headers)
    manner = Manner((Try(0.0, answer_within=5.0), Try(retry_after, answer_within=2.0)), again=worth_another)

    async def to(row: Row) -> None:
        arrived = await pusher.push(row.webhook_url or "", message, manner)
        row.delivery_status = "success" if arrived else "failed"

    urls = list(hooks.urls.values())
    event.rows = [Row(url) for url in urls] or event.rows
    await asyncio.gather(*(to(row) for row in event.rows if row.webhook_url))


def worth_another(outcome: Outcome) -> bool:
    """Whether Cobalt tries a push again after that outcome."""
    return outcome == "network" or (isinstance(outcome, int) and (outcome >= SERVER_ERROR or outcome == TOO_MANY))


def look_up(events: list[Event], access_token: str, query: Mapping[str, str]) -> Json:
    """The answer of GET /v1/webhook-events: this link's events, one item for each URL an event went to."""
    refuse_bad_choice(query, "delivery_status", ("success", "failed"))
    refuse_bad_choice(query, "sort", ("created_at", "-created_at"))
    since, until = day(query, "start_date"), day(query, "end_date")
    found = [
        event.item(row)
        for event in events
        if event.access_token == access_token
        and query.get("job_id") in (None, event.job_id)
        and query.get("event_type") in (None, event.type)
        and (since is None or event.created.date() >= since)
        and (until is None or event.created.date() <= until)
        for row in event.rows
        if query.get("delivery_status") in (None, row.delivery_status)
    ]
    if query.get("sort", "-created_at") == "-created_at":
        found.reverse()
    return paged("webhook_events", found, query)


def compact(body: Any) -> bytes:
    """`body` as JavaScript's JSON.stringify writes it: no spaces, keys in order, non-ASCII as it is."""
    return msgspec.json.encode(body)


def new_event_id() -> str:
    """An id like the samples' `evt_1J9X2q2eZvKYlo2CluR9g9gV`: 24 characters after the prefix."""
    return f"evt_{secrets.token_hex(12)}"
