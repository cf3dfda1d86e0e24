"""The transactions on webhooks as they came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from gateway.store.rows import Tx, in_scope, moment, stamp
from gateway.store.vault import Unreadable
from schemas.private import Private

WebhookState = Literal["new", "matched", "unmatched", "quarantined", "unreadable", "unverified", "ignored"]
"""new: stored, not read yet. matched: it told of a delivery (or a connection) of ours. unmatched: it fits nothing yet.
quarantined: its connection and its ids belong to two clinics. unreadable: its adapter could not read it. unverified:
its signature is wrong, so it proves nothing. ignored: it says nothing that matters here."""


_COLUMNS = "id, account, received_at, state, why, event_id, received"


class Webhook(Private, frozen=True, kw_only=True):
    """A webhook as it came."""

    id: str
    account: str
    received_at: datetime
    state: WebhookState
    why: str | None = None
    event_id: str | None = None
    headers: Mapping[str, str]
    body: bytes
    readable: bool = True
    """False: no key opens what is stored of it, and headers and body are empty."""


class Reading(Private, frozen=True, kw_only=True):
    """What reading a webhook came to."""

    state: WebhookState
    why: str | None = None
    event_id: str | None = None
    clinic_id: str | None = None


def keep_webhook(tx: Tx, hook: Webhook, digest: str) -> Webhook | None:
    """Store a webhook as it came: the one to read, or None when the very same body was read before.

    An earlier one that was never read (its commit seemed to fail) is to be read now.
    """
    verified = int(hook.state != "unverified")
    stored = tx.execute(
        "INSERT INTO webhooks (id, account, received_at, digest, verified, state, why, event_id, received)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account, digest, verified) DO NOTHING",
        (
            hook.id,
            hook.account,
            stamp(hook.received_at),
            digest,
            verified,
            hook.state,
            hook.why,
            hook.event_id,
            tx.seal((hook.headers, hook.body), f"webhooks/{hook.id}"),
        ),
    )
    if stored.rowcount:
        return hook
    row = tx.execute(
        f"SELECT {_COLUMNS} FROM webhooks WHERE account = ? AND digest = ? AND verified = ?",  # noqa: S608 - our own text
        (hook.account, digest, verified),
    ).fetchone()
    earlier = _webhook(tx, row)
    return earlier if earlier.state == "new" else None


def webhooks(tx: Tx, state: WebhookState, limit: int, before: str | None, clinics: frozenset[str]) -> list[Webhook]:
    """Webhooks in a state, newest first, of the given clinics ("*": all, those of no clinic too)."""
    where, scope = in_scope(clinics)
    clauses, parameters = ["state = ?", where], [state, *scope]
    if before:
        clauses.append("id < ?")
        parameters.append(before)
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM webhooks"  # noqa: S608 - our own text
        f" WHERE {' AND '.join(clauses)} ORDER BY id DESC LIMIT ?",
        (*parameters, limit),
    ).fetchall()
    return [_webhook(tx, row) for row in rows]


def _webhook(tx: Tx, row: Any) -> Webhook:
    id_, account, received_at, state, why, event_id, stored = row
    try:
        (headers, body), readable = tx.open(bytes(stored), f"webhooks/{id_}", tuple[dict[str, str], bytes]), True
    except Unreadable:
        (headers, body), readable = ({}, b""), False
    return Webhook(
        id=id_,
        account=account,
        received_at=moment(received_at),
        state=state,
        why=why,
        event_id=event_id,
        headers=headers,
        body=body,
        readable=readable,
    )


def state_of(tx: Tx, webhook_id: str) -> WebhookState:
    """What became of it so far, once no other transaction is reading it."""
    row = tx.execute(f"SELECT state FROM webhooks WHERE id = ?{tx.to_change}", (webhook_id,)).fetchone()  # noqa: S608 - only names and placeholders of ours are put in
    state: WebhookState = row[0] if row else "ignored"
    return state


def read_webhook(tx: Tx, webhook_id: str, reading: Reading) -> None:
    """Write what reading a webhook came to."""
    tx.execute(
        "UPDATE webhooks SET state = ?, why = ?, event_id = ?, clinic_id = ? WHERE id = ?",
        (reading.state, reading.why, reading.event_id, reading.clinic_id, webhook_id),
    )
