"""Sending: a leased delivery is built, marked, sent once, and settled by what that proved."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import Any

import structlog
from msgspec import structs

from adapters.base import HttpRequest, Link, Sent
from gateway.flows.configured import Configured
from gateway.flows.rounds import LONGEST_SLEEP
from gateway.flows.tokens import NoToken, Tokens
from gateway.rules import attempts, drift, masking, verdict
from gateway.rules.attempts import Result
from gateway.rules.change import Attempt, Change
from gateway.rules.clinic import Connection
from gateway.rules.following import after_looks, waits
from gateway.rules.record import Record
from gateway.rules.retry import next_try
from gateway.rules.showing import with_extras
from gateway.rules.verdict import NOT_MARKED
from gateway.store.base import Store, StoreUnavailable, Undecided
from gateway.store.leases import Leased
from gateway.telemetry import spans
from gateway.transport import UNSENDABLE, Exchange, MarkRefused, Wire
from gateway.world import World
from schemas.delivery import State
from schemas.outcome import VERDICTS, Applied, Blocked, NotApplied, Outcome, Pending, Unknown

_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
_UNAUTHORISED = 401

log = structlog.get_logger("sending")


class Sender:
    """Makes attempts and settles them."""

    def __init__(self, store: Store, wire: Wire, configured: Configured, world: World, tokens: Tokens) -> None:
        self._store = store
        self._wire = wire
        self._configured = configured
        self._world = world
        self._tokens = tokens

    async def attempt(self, leased: Leased, connection: Connection) -> Record | None:
        """One attempt, settled by what it proved; a fault of ours proves as much as the mark does."""
        mark = _Mark(self._store, self._world, leased, timedelta(seconds=self._configured.config.timeouts.send))
        try:
            proved = await self._proved(leased, connection, mark)
        except MarkRefused as refused:
            if not refused.by_store:
                raise
            proved = NotApplied(code=NOT_MARKED), None
        except Exception:
            log.exception("attempt.broke", delivery_id=leased.record.id, attempt=leased.attempt.fence)
            marked = mark.leased.attempt.marked_at is not None
            proved = verdict.without_answer(begun=marked, fault="internal"), None
        return await self.settle(mark.leased, *proved)

    async def _proved(self, leased: Leased, connection: Connection, mark: _Mark) -> tuple[Outcome, int | None]:
        """What one exchange proved; a second one only after a 401 on a kept token, since that created nothing."""
        record = leased.record
        sent = _sent(record, leased.attempt)
        for last in (False, True):
            try:
                held = await self._tokens.token(connection)
            except NoToken as none:
                return _no_token(none), None
            link = connection.link(held.value if held else None)
            request = _request(record, sent, connection, link)
            if isinstance(request, Blocked):
                return request, None
            exchange = await self._wire.exchange(request, mark, reuse=connection.account.reuse_connections)
            refused = exchange.response is not None and exchange.response.status == _UNAUTHORISED
            if refused:
                self._tokens.drop(connection)
            if last or not (refused and held is not None and held.kept):
                break
        outcome, status = _read(record, sent, connection, exchange)
        return masking.without_secrets(outcome, link), status

    async def settle(self, leased: Leased, outcome: Outcome, status: int | None) -> Record | None:
        """Write the verdict, again and again until it is written: an answer must not be lost to a busy database.

        After the lease's end it still counts, as the attempt's own late answer. Gives the record as it is then.
        """
        record, attempt = leased.record, leased.attempt
        now = self._world.now()
        code = getattr(outcome, "code", "")
        asked = outcome.retry_after if isinstance(outcome, NotApplied) else None
        tries = record.attempts + 1
        way = self._configured.way_of(record)
        result = Result(
            outcome=outcome,
            status=status,
            at=now,
            retry_at=next_try(now, tries, asked, code, self._world.roll()),
            look_at=self._first_look(record, outcome),
            observed=drift.observed(record, way, outcome, status) if way else None,
        )
        self._tell(record, attempt, result)
        unsent = code == NOT_MARKED and attempt.marked_at is None  # nothing is lost with it: its lease ends unmarked
        for pause in (0,) if unsent else chain(_PAUSES, repeat(LONGEST_SLEEP)):
            try:
                return await self._store.change(record.id, lambda kept: attempts.settle(kept, attempt, result), now)
            except StoreUnavailable:
                log.warning("attempt.not_saved", delivery_id=record.id, attempt=attempt.fence)
                await asyncio.sleep(pause)
        return None

    def _tell(self, record: Record, attempt: Attempt, result: Result) -> None:
        """The attempt's line, its counts, and what its span says of it."""
        seconds = (result.at - attempt.started_at).total_seconds()
        proved = {
            "attempt": attempt.fence,
            "verdict": VERDICTS[type(result.outcome)],
            "code": getattr(result.outcome, "code", None),
            "status": result.status,
        }
        spans.note(**proved)
        log.info("attempt.settled", **spans.facts(record), **proved, milliseconds=round(seconds * 1000, 1))
        self._world.meters.attempted(record, result.outcome, max(seconds, 0))
        if result.observed:
            self._world.meters.drifted(record)

    def _first_look(self, record: Record, outcome: Outcome) -> datetime | None:
        connection = self._configured.connection(record.clinic_id, record.connection)
        if connection is None or not isinstance(outcome, Applied | Pending | Unknown):
            return None
        state: State = "unknown" if isinstance(outcome, Unknown) else "submitted"
        return after_looks(0, waits(state, connection.account, self._configured.config.follow), self._world.now())


class _Mark:
    """The durable word that the first byte is about to leave, given under the attempt's fence.

    The second exchange after a stale token gives it again, so that a worker that slept past its lease sends nothing.
    """

    def __init__(self, store: Store, world: World, leased: Leased, longest: timedelta) -> None:
        self._store = store
        self._world = world
        self._longest = longest
        self.leased = leased

    async def __call__(self) -> None:
        now = self._world.now()
        decided: Change | None = None

        def decide(current: Record) -> Change | None:
            nonlocal decided
            decided = attempts.mark(current, self.leased.attempt, now, now + self._longest)
            return decided

        undecided: Undecided | None = None
        try:
            await self._store.change(self.leased.record.id, decide, now)
        except Undecided as error:
            undecided = error
        except StoreUnavailable as error:
            raise MarkRefused("the store did not take the mark", by_store=True) from error
        if decided is None or decided.attempt is None:
            raise MarkRefused("the lease was lost")
        self.leased = structs.replace(self.leased, attempt=decided.attempt)
        if undecided or self._world.now() - now > attempts.MARK_HOLDS:
            raise MarkRefused("the mark may not stand, or stands too long", by_store=True) from undecided


def _sent(record: Record, attempt: Attempt) -> Sent:
    return Sent(
        ref=record.id,
        operation=record.operation,
        values=record.values,
        at=attempt.started_at,
        ids=record.ids,
    )


def _request(record: Record, sent: Sent, connection: Connection, link: Link[Any, Any]) -> HttpRequest | Blocked:
    """The vendor's request, the caller's extra fields merged in; a builder that breaks blocks, and nothing is sent."""
    try:
        built = connection.adapter.build_request(sent, link)
    except Exception:
        log.exception("attempt.cannot_build", delivery_id=record.id, adapter=record.adapter)
        return Blocked(code="config", message="the adapter cannot build this request")
    return with_extras(built, record.content.extras)


def _no_token(none: NoToken) -> Outcome:
    return Blocked(code="credentials", message=none.code) if none.refused else NotApplied(code=none.code)


def _read(record: Record, sent: Sent, connection: Connection, exchange: Exchange) -> tuple[Outcome, int | None]:
    if exchange.fault.startswith(UNSENDABLE):
        return Blocked(code="config", message="the adapter's request cannot be written as HTTP"), None
    if exchange.response is None:
        tries = record.attempts + 1
        return verdict.without_answer(begun=exchange.begun, fault=exchange.fault, tries=tries), None
    outcome = verdict.of_answer(connection.adapter, sent, exchange.response, doubt=record.doubt)
    return outcome, exchange.response.status
