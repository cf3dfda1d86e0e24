"""Dispatching: what is due is leased, as far as each account has room, and sent."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from gateway.flows.configured import Configured
from gateway.flows.rounds import Rounds
from gateway.flows.sending import Sender
from gateway.flows.tokens import Tokens
from gateway.rules.record import Record
from gateway.store.base import Store
from gateway.store.bell import QUEUED
from gateway.store.leases import Leased
from gateway.telemetry import spans
from gateway.transport import MarkRefused, Wire
from gateway.world import World
from schemas.outcome import Blocked

LEASE = timedelta(seconds=120)
"""Longer than an attempt's outer deadline, so that a living worker keeps its lease."""

log = structlog.get_logger("dispatch")


class Dispatcher(Rounds):
    """Sends what is leased to this process, and leases what is due."""

    bell = QUEUED

    def __init__(self, store: Store, wire: Wire, configured: Configured, world: World, tokens: Tokens) -> None:
        super().__init__(store, world)
        self._configured = configured
        self._sender = Sender(store, wire, configured, world, tokens)
        self._others_wait = True
        """Whether the end of a send may let another go."""

    def send_soon(self, leased: Leased) -> asyncio.Task[Record | None]:
        """Send a leased delivery in the background; gives the record with what came of it, None where none was kept."""
        return self._in_background(self._traced(leased))

    async def stop(self, within: float) -> None:
        """Lease nothing more; give sends under way `within` seconds. What is cut off is proved by its mark alone."""
        await self._end(within)

    async def round(self) -> datetime | None:
        """Do what time alone does, then lease and send what is due."""
        now = self._world.now()
        self._others_wait = True  # as far as is known, until this round has looked
        await self._store.pass_time(now)
        if not self._store.has_reserve():
            return None  # a send needs room for its mark and its result
        limits = {name: account.limits for name, account in self._configured.config.accounts.items()}
        leased = await self._store.claim(now, LEASE, limits)
        if self.stopping:
            return None  # nobody would wait for these sends; their leases end unmarked
        for one in leased:
            self.send_soon(one)
        self._others_wait = bool(leased) or await self._store.is_anything_queued()
        return await self._store.next_due(now, limits)

    async def _traced(self, leased: Leased) -> Record | None:
        """The sending as a part of the trace that the delivery came with."""
        record = leased.record
        with spans.span(
            "attempt", of=record.trace, role=spans.CALL, **spans.facts(record), attempt=leased.attempt.fence
        ):
            return await self._send(leased)

    async def _send(self, leased: Leased) -> Record | None:
        record = leased.record
        try:
            clinic, connection = self._configured.clinic(record.clinic_id), self._configured.way_of(record)
            leased = leased.under(clinic.version if clinic else None)
            if record.content.sealed is not None:
                return await self._sender.settle(leased, Blocked(code="unreadable"), None)
            if connection is None:
                return await self._sender.settle(leased, Blocked(code="changed"), None)
            return await self._sender.attempt(leased, connection)
        except MarkRefused:
            log.info("attempt.abandoned", delivery_id=record.id, attempt=leased.attempt.fence)
        except Exception:
            log.exception("attempt.broke", delivery_id=record.id, attempt=leased.attempt.fence)
        finally:
            if self._others_wait:
                self.wake()
        return None
