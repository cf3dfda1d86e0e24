"""A vendor's webhook: proved by its token and signature, stored as it came, answered, and only then read.

Nothing is decoded before the commit, because a vendor gives up for good on a slow answer. What is stored is correlated
at once in the background; if that was cut short, again at start-up, or by another process that finds it left.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import structlog
from msgspec import structs

from adapters.base import BadSignature
from gateway.flows.configured import Configured
from gateway.rules import wording
from gateway.rules.clinic import Account
from gateway.rules.following import look_soon
from gateway.rules.record import Record
from gateway.store.base import Store, StoreUnavailable
from gateway.store.recognising import Seen
from gateway.store.webhooks import Reading, Webhook, WebhookState
from gateway.telemetry import spans
from gateway.world import World
from schemas.outcome import Sighting
from schemas.problem import problem

MOST = 1024 * 1024
"""The longest webhook, in bytes."""
KEPT_HEADERS = frozenset({"content-type", "webhook-id", "webhook-timestamp", "webhook-attempt", "user-agent"})
"""The headers that are stored with a webhook, and all that is left of them when it is read."""

_CATCH_UP = 500
_PAUSE = 5.0
"""Seconds between two tries to read a webhook while the database is unavailable."""
_LEFT = 60.0
"""Seconds after which a webhook that is not read yet was left by a process that is gone."""
_HINTS = timedelta(minutes=1)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger("receive")


def _nobodys(sighting: Sighting) -> str:
    """Why it fits nowhere; the name it gives is the vendor's, and is told only if it looks like one."""
    return f"unknown connection {wording.code(sighting.reference or '')}"


class Mailbox:
    """Where webhooks come in."""

    def __init__(self, store: Store, configured: Configured, world: World) -> None:
        self._store = store
        self._configured = configured
        self._world = world
        self._readings: dict[str, asyncio.Task[None]] = {}
        self._broke: set[str] = set()
        self._stopping = asyncio.Event()
        self._hinted: dict[tuple[str, str], datetime] = {}

    def account(self, name: str, token: str) -> Account | None:
        """The account that the URL names, if the token is its own; compared in constant time, known account or not."""
        account = self._configured.config.accounts.get(name)
        expected = account.webhook_token.reveal() if account and account.webhook_token else self._world.new_id("none")
        return account if hmac.compare_digest(expected.encode(), token.encode()) else None

    async def receive(self, account: Account, headers: Mapping[str, str], body: bytes) -> None:
        """Store the webhook; durable when this returns. Its reading goes on in the background."""
        hook = Webhook(
            id=self._world.new_id("whk"),
            account=account.name,
            received_at=self._world.now(),
            state=self._verified(account, headers, body),
            headers={name: value for name, value in headers.items() if name in KEPT_HEADERS},
            body=body,
        )
        unread = await self._store.keep_webhook(hook, sha256(body).hexdigest())
        log.info("webhook.received", account=account.name, webhook_id=hook.id, state=hook.state if unread else "known")
        if unread is None:
            self._world.meters.received(account.name, "known")
        if unread is None and hook.state == "new":
            self._in_background(hook.id, self._look_again(hook, account))
        elif unread is not None and unread.id not in self._readings:
            self._read_soon(unread)

    async def catch_up(self, left_for: timedelta = timedelta(0)) -> None:
        """Read what was stored and not read, so long ago; each once, so that none can keep a start waiting."""
        everyone, before, until = frozenset({"*"}), None, self._world.now() - left_for
        unread: list[Webhook] = []
        while hooks := await self._store.webhooks("new", everyone, limit=_CATCH_UP, before=before):
            unread.extend(hook for hook in hooks if hook.received_at <= until and hook.id not in self._broke)
            before = hooks[-1].id
        for hook in reversed(unread):
            if hook.readable and hook.id not in self._readings and not await self._read(hook):
                self._read_soon(hook, after=_PAUSE)

    async def watch(self) -> None:
        """Read what another process has stored and did not live to read, until this one is stopped."""
        while not self._stopping.is_set():
            await self._pause(_LEFT)
            with suppress(StoreUnavailable):
                await self.catch_up(timedelta(seconds=_LEFT))

    def _read_soon(self, hook: Webhook, after: float = 0) -> None:
        self._in_background(hook.id, self._read_at_last(hook, after))

    def _in_background(self, webhook_id: str, reading: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(reading)
        self._readings[webhook_id] = task
        task.add_done_callback(lambda _: self._readings.pop(webhook_id, None))

    async def _read_at_last(self, hook: Webhook, after: float) -> None:
        """Read it, again and again while the database is unavailable; a stop leaves it to the next start."""
        if after:
            await self._pause(after)
        while not self._stopping.is_set() and not await self._read(hook):
            await self._pause(_PAUSE)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def stop(self) -> None:
        """Let the readings under way end."""
        self._stopping.set()
        await asyncio.gather(*self._readings.values(), return_exceptions=True)

    def _verified(self, account: Account, headers: Mapping[str, str], body: bytes) -> WebhookState:
        """A wrong signature is no evidence; the body is kept, so that a person can see it."""
        if account.adapter.pushes != "signed" or not account.webhook_secrets:
            return "new"
        try:
            account.adapter.verify_webhook(headers, body, account.webhook_secrets, self._world.now())
        except BadSignature:
            return "unverified"
        except Exception:
            log.exception("webhook.cannot_verify", account=account.name)
            return "unverified"
        return "new"

    async def _read(self, hook: Webhook) -> bool:
        """Whether that is over; not while the database is unavailable."""
        try:
            with spans.span("webhook", role=spans.NEWS, webhook_id=hook.id, account=hook.account):
                state = await self._correlate(hook)
                spans.note(state=state)
        except StoreUnavailable:
            log.warning("webhook.left_for_later", webhook_id=hook.id, account=hook.account)
            return False
        except Exception:
            log.exception("webhook.broke", webhook_id=hook.id, account=hook.account)
            self._broke.add(hook.id)
        else:
            log.info("webhook.read", webhook_id=hook.id, account=hook.account, state=state)
            self._world.meters.received(hook.account, state)
        return True

    async def _correlate(self, hook: Webhook) -> WebhookState:
        account = self._configured.config.accounts.get(hook.account)
        if account is None:
            return await self._unreadable(hook, "its account is gone")
        if hook.state == "unverified":
            await self._hint(hook, account)
            return hook.state
        try:
            sightings = tuple(account.adapter.parse_webhook(hook.headers, hook.body))
        except Exception as error:  # noqa: BLE001 - a body may break a parser in any way
            return await self._unreadable(hook, type(error).__name__)
        telling = [sighting for sighting in sightings if sighting.says in {"created", "accepted", "failed"}]
        event_id = next((sighting.event_id for sighting in sightings if sighting.event_id), None)
        if telling:
            seen = [self._seen(hook, account, sighting) for sighting in telling]
            state = await self._store.sight(hook.id, event_id, seen, self._world.now())
            if spans.recorded():
                record = await self._store.recognise(seen[0], self._world.now())
                spans.link(record.trace if record else None)
            return state
        if sightings and sightings[0].says == "changed":
            return await self._changed(hook, account, sightings[0])
        return await self._account_event(hook, account, sightings[0] if sightings else None)

    async def _unreadable(self, hook: Webhook, why: str) -> WebhookState:
        await self._store.read_webhook(hook.id, Reading(state="unreadable", why=why))
        return "unreadable"

    def _seen(self, hook: Webhook, account: Account, sighting: Sighting) -> Seen:
        connection = self._configured.named(account, sighting.reference) if sighting.reference else None
        unknown = sighting.reference is not None and connection is None
        return Seen(
            id=self._world.new_id("sgt"),
            webhook_id=hook.id,
            source="webhook",
            account=account.name,
            sighting=sighting,
            connection=connection,
            account_connections=frozenset() if unknown else self._configured.connections_of(account),
            why_nowhere=_nobodys(sighting) if unknown else None,
        )

    async def _changed(self, hook: Webhook, account: Account, sighting: Sighting) -> WebhookState:
        """Something changed there: the delivery it names is looked up."""
        record = await self._store.recognise(self._seen(hook, account, sighting), self._world.now())
        state: WebhookState = "matched" if record else "ignored"
        if record:
            spans.link(record.trace)
            await self._look_soon(record)
        await self._store.read_webhook(hook.id, Reading(state=state, event_id=sighting.event_id))
        return state

    async def _look_again(self, hook: Webhook, account: Account) -> None:
        """The very same body once more: one that says no more than "changed" may tell of another change."""
        with suppress(Exception):  # it was read before; what it told then stands
            sightings = tuple(account.adapter.parse_webhook(hook.headers, hook.body))
            if sightings and sightings[0].says == "changed":
                await self._changed(hook, account, sightings[0])

    async def _hint(self, hook: Webhook, account: Account) -> None:
        """An unproved webhook is no evidence, but what it names is looked up; once a minute for a connection."""
        try:
            sightings = tuple(account.adapter.parse_webhook(hook.headers, hook.body))
        except Exception:  # noqa: BLE001 - anybody can have sent anything
            return
        for sighting in sightings[:1]:
            unnamed = structs.replace(sighting, says="changed", reference=None, ref=None, values={})
            now = self._world.now()
            record = await self._store.recognise(self._seen(hook, account, unnamed), now)
            if record and now - self._hinted.get((record.clinic_id, record.connection), _LONG_AGO) >= _HINTS:
                self._hinted[record.clinic_id, record.connection] = now
                await self._look_soon(record)

    async def _look_soon(self, record: Record) -> None:
        now = self._world.now()
        await self._store.change(record.id, lambda current: look_soon(current, now), now)

    async def _account_event(self, hook: Webhook, account: Account, sighting: Sighting | None) -> WebhookState:
        """A link that needs its owner pauses the connection it names; all else says nothing that matters here."""
        state: WebhookState = "ignored"
        why: str | None = None
        clinic_id: str | None = None
        if sighting is not None and sighting.says == "blocked":
            named = self._configured.named(account, sighting.reference) if sighting.reference else None
            state, why = ("matched", None) if named else ("unmatched", _nobodys(sighting))
            if named:
                clinic_id = named[0]
                found = problem("connection-blocked", sighting.reason)
                await self._store.pause(*named, found, self._world.now())
        event_id = sighting.event_id if sighting else None
        await self._store.read_webhook(hook.id, Reading(state=state, why=why, event_id=event_id, clinic_id=clinic_id))
        return state
