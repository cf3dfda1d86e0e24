"""Dispatching: what is due is leased, as far as each account has room, and sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from gateway.flows.configured import Configured
from gateway.flows.rounds import Rounds
from gateway.flows.sending import Sender
from gateway.flows.tokens import Tokens
from gateway.rules.clinic import Account
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

_BATCH = 64

log = structlog.get_logger("dispatch")


class Dispatcher(Rounds):
    """Sends what is leased to this process, and leases what is due."""

    bell = QUEUED

    def __init__(self, store: Store, wire: Wire, configured: Configured, world: World, tokens: Tokens) -> None:
        super().__init__(store, world)
        self._configured = configured
        self._sender = Sender(store, wire, configured, world, tokens)
        self.pacer = self._sender.pacer

    def send_soon(self, leased: Leased, taken: Account | None) -> None:
        """Send a leased delivery in the background; the store tells what came of it.

        `taken`: the account that a place was taken of with the pacer; none for one that is not configured.
        """
        self._in_background(self._traced(leased, taken))

    def try_now(self, record: Record) -> None:
        """A person wants this delivery tried now, whatever its account's pace."""
        if account := self._configured.config.accounts.get(record.account):
            self.pacer.forgive(account)
        self.wake()

    async def stop(self, within: float) -> None:
        """Lease nothing more; give sends under way `within` seconds. What is cut off is proved by its mark alone."""
        await self._end(within)

    async def round(self) -> datetime | None:
        """Do what time alone does, then lease and send what is due."""
        now = self._world.now()
        await self._store.pass_time(now)
        if not self._store.has_reserve():
            return None  # a send needs room for its mark and its result
        accounts = self._configured.config.accounts
        leased = await self._leased(now, accounts)
        if self.stopping:
            return None  # nobody would wait for these sends; their leases end unmarked
        for one in leased:
            self.send_soon(one, accounts.get(one.record.account))
        full = [name for name, account in accounts.items() if not self.pacer.room(account)]
        reopening = [self.pacer.reopens(accounts[name]) for name in full]
        due = await self._store.next_due(full)
        return min((at for at in (due, *reopening) if at is not None), default=None)

    async def _leased(self, now: datetime, accounts: Mapping[str, Account]) -> list[Leased]:
        """What is due, as far as there is room; that is taken before the claim, since commands come in meanwhile."""
        room = {name: self.pacer.room(account) for name, account in accounts.items()}
        unused = Counter(room)
        for name in unused.elements():
            self.pacer.take(accounts[name])
        leased: list[Leased] = []
        try:
            leased.extend(await self._store.claim(now, LEASE, _BATCH, room))
            got = Counter(one.record.account for one in leased)
            for name, most in room.items():
                if most:
                    self.pacer.queued(accounts[name], others=got[name] >= most)
        finally:
            unused.subtract(one.record.account for one in leased if one.record.account in room)
            for name in unused.elements():
                self.pacer.give_back(accounts[name])
        return leased

    async def _traced(self, leased: Leased, taken: Account | None) -> None:
        """The sending as a part of the trace that the delivery came with."""
        record = leased.record
        with spans.span(
            "attempt", of=record.trace, role=spans.CALL, **spans.facts(record), attempt=leased.attempt.fence
        ):
            await self._send(leased, taken)

    async def _send(self, leased: Leased, taken: Account | None) -> None:
        record = leased.record
        try:
            connection = self._configured.way_of(record)
            if record.content.sealed is not None:
                await self._sender.settle(leased, Blocked(code="unreadable"), None)
            elif connection is None:
                await self._sender.settle(leased, Blocked(code="changed"), None)
            else:
                await self._sender.attempt(leased, connection)
        except MarkRefused:
            log.info("attempt.abandoned", delivery_id=record.id, attempt=leased.attempt.fence)
        except Exception:
            log.exception("attempt.broke", delivery_id=record.id, attempt=leased.attempt.fence)
        finally:
            if taken is not None:
                self.pacer.ended(taken)
            self.wake()
