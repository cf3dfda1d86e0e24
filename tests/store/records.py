"""Deliveries, keys and sightings to put into a store, and the steps that move them."""

from __future__ import annotations

import itertools
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import structs

from gateway.rules import attempts
from gateway.rules.attempts import Result
from gateway.rules.change import Attempt
from gateway.rules.clinic import EncryptionKey
from gateway.rules.record import Content, Record
from gateway.store.audit import Act
from gateway.store.base import Store
from gateway.store.deliveries import Accepted, Key
from gateway.store.leases import Leased
from gateway.store.recognising import Seen
from gateway.store.webhooks import Webhook, WebhookState
from schemas.delivery import Happening
from schemas.outcome import Outcome, Sighting
from schemas.private import Secret

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=120)
HOME = ("lakeside", "emr")
OTHER = ("riverbend", "emr")
BOTH = frozenset({HOME, OTHER})
EVERYONE = frozenset({"*"})


class Ids:
    """Counted ids, so that a failure names the same record every time; `broken` makes the source fail."""

    def __init__(self) -> None:
        self._count = itertools.count(1)
        self.broken = False

    def __call__(self, prefix: str) -> str:
        if self.broken:
            raise OSError("no entropy")
        return f"{prefix}_{next(self._count):06d}"


def encryption_key(name: str) -> EncryptionKey:
    """A key of that id, told from others by it."""
    return EncryptionKey(id=name, key=Secret(b64encode(name.encode().ljust(32, b"k")).decode()))


BY_OPERATOR = Act(app="operator", key_id="o1", action="pause", about="lakeside/emr", clinic_id="lakeside", reason="r")


def later(**ago: float) -> datetime:
    """That long after NOW."""
    return NOW + timedelta(**ago)


def task(number: int = 1, **changes: Any) -> Record:
    """A task's record as the desk hands it over, told from others by its number."""
    text = changes.pop("text", f"Call the pharmacy about refill number {number}")
    made = Record(
        id=f"tsk_{number:06d}", kind="task", clinic_id=HOME[0], app="intake", connection=HOME[1],
        account="main", adapter="cobalt",
        emr="eclinicalworks", rule="routes[1]", config_version="9f2c", state="queued",
        created_at=NOW, updated_at=NOW,
        content=Content(command={"description": text}, values={"description": text}, mapping=[]),
    )  # fmt: skip
    return structs.replace(made, **changes)


def note(number: int, of: str = "tsk_000001", **changes: Any) -> Record:
    """A note on the task `of`."""
    text = f"Note number {number}: the patient called again"
    content = Content(command={"text": text}, values={"text": text}, mapping=[])
    own = {"id": f"note_{number:06d}", "kind": "note", "parent_id": of, "lane": f"lakeside/emr/{of}"}
    return task(number, **{**own, "content": content, "created_at": later(seconds=number), **changes})


def claim(number: int, appointment: str = "appt-1", **changes: Any) -> Record:
    """A claim, of which the vendor takes one for each appointment."""
    return task(number, **{"id": f"clm_{number:06d}", "kind": "claim", "one_per": appointment, **changes})


def key(text: str = "k-1", fingerprint: str = "f-1") -> Key:
    """A caller's key, and the fingerprint of what it came with."""
    return Key(key=text, fingerprint=fingerprint)


async def accept(store: Store, record: Record, with_key: Key | None = None) -> Accepted:
    """Put it in."""
    return await store.accept(record, with_key, LEASE)


async def take(store: Store, at: datetime = NOW, limit: int = 10) -> Sequence[Leased]:
    """Lease what is due."""
    return await store.claim(at, LEASE, most=limit)


async def mark(store: Store, leased: Accepted | Leased, at: datetime = NOW) -> Attempt:
    """Its first byte is about to leave."""
    assert leased.attempt is not None
    attempt = leased.attempt
    sent_by = at + timedelta(seconds=30)
    await store.change(leased.record.id, lambda current: attempts.mark(current, attempt, at, sent_by), at)
    return structs.replace(attempt, marked_at=at)


async def settle(store: Store, attempt: Attempt, outcome: Outcome, at: datetime = NOW, **told: Any) -> Record:
    """Its attempt ended."""
    result = Result(outcome=outcome, status=told.get("status"), at=at, retry_at=told.get("retry_at", at))
    record = await store.change(attempt.delivery_id, lambda current: attempts.settle(current, attempt, result), at)
    assert record is not None
    return record


async def sent(store: Store, record: Record, outcome: Outcome, at: datetime = NOW) -> Record:
    """Accepted, marked and settled."""
    return await settle(store, await mark(store, await accept(store, record), at), outcome, at)


async def now(store: Store, delivery_id: str) -> Record:
    """The delivery as it is."""
    record = await store.get(delivery_id)
    assert record is not None
    return record


async def states(store: Store, *ids: str) -> list[str]:
    """Their states."""
    return [(await now(store, delivery_id)).state for delivery_id in ids]


async def told(store: Store, delivery_id: str, what: str = "event") -> Sequence[Happening]:
    """The timeline's lines of one sort."""
    timeline = await store.timeline(await now(store, delivery_id))
    return [happening for happening in timeline if happening.what == what]


async def events(store: Store, delivery_id: str) -> list[str]:
    """The types of its events, in order."""
    return [happening.facts["type"] for happening in await told(store, delivery_id)]


def webhook(number: int = 1, body: bytes | None = None, state: WebhookState = "new", account: str = "main") -> Webhook:
    """A webhook as it came."""
    return Webhook(
        id=f"whk_{number:06d}", account=account, received_at=later(seconds=number), state=state,
        headers={"content-type": "application/json"}, body=body if body is not None else b'{"n": %d}' % number,
    )  # fmt: skip


def seen(sighting: Sighting, number: int = 1, connection: tuple[str, str] | None = HOME, **more: Any) -> Seen:
    """The sighting as read from the webhook of the same number."""
    return Seen(
        id=f"sgt_{number:06d}", webhook_id=f"whk_{number:06d}", source="webhook", account="main", sighting=sighting,
        connection=connection, **{"account_connections": BOTH, **more},
    )  # fmt: skip


async def sight(store: Store, sighting: Sighting, number: int = 1, **more: Any) -> WebhookState:
    """A webhook with this sighting came in and was read."""
    await store.keep_webhook(webhook(number), f"digest-{number}")
    return await store.sight(f"whk_{number:06d}", f"evt-{number}", [seen(sighting, number, **more)], later(minutes=1))
