"""The transaction that applies what a webhook tells."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.store import inbound
from gateway.store.recognising import Seen, with_ids_of
from gateway.store.rows import Tx
from gateway.store.saving import Writing, save
from gateway.store.webhooks import Reading, WebhookState, read_webhook, state_of

_GRAVITY: tuple[WebhookState, ...] = ("ignored", "matched", "unmatched", "quarantined")


def _lock(tx: Tx, seen: Sequence[Seen]) -> None:
    """Wait for one's turn with every connection that the sightings may be of, in an order that all share."""
    named = {one.connection for one in seen if one.connection}
    by_ids = (record for one in seen if not one.connection for record in with_ids_of(tx, one.sighting))
    for connection in sorted(named | {(record.clinic_id, record.connection) for record in by_ids}):
        tx.lock(*connection)


def sight(writing: Writing, webhook_id: str, event_id: str | None, seen: Sequence[Seen]) -> WebhookState:
    """Correlate and apply a webhook's sightings, once; the webhook's state is that of its gravest one."""
    _lock(writing.tx, seen)
    before = state_of(writing.tx, webhook_id)
    if before != "new":
        return before
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
