"""The transaction that applies what a webhook tells."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.store import inbound
from gateway.store.recognising import Seen
from gateway.store.saving import Writing, save
from gateway.store.webhooks import Reading, WebhookState, read_webhook

_GRAVITY: tuple[WebhookState, ...] = ("ignored", "matched", "unmatched", "quarantined")


def sight(writing: Writing, webhook_id: str, event_id: str | None, seen: Sequence[Seen]) -> WebhookState:
    """Correlate and apply a webhook's sightings; the webhook's state is that of its gravest one."""
    state: WebhookState = "ignored"
    why: str | None = None
    clinic_id: str | None = None
    for one in seen:
        came_to, reason, sighted = inbound.sight(writing.tx, one, writing.now)
        if sighted:
            save(writing, sighted.before, sighted.change)
        if _GRAVITY.index(came_to) >= _GRAVITY.index(state):
            state, why = came_to, reason
        clinic_id = one.connection[0] if one.connection else clinic_id
    reading = Reading(state=state, why=why, event_id=event_id, clinic_id=clinic_id)
    read_webhook(writing.tx, webhook_id, reading)
    return state
