"""Submitting: a command is planned by the rules, stored with its key and its event, and sent at once where it can be.

`explain` tells the same story without the ending: it opens no socket and writes nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime

from msgspec import structs

from gateway.errors import Refused
from gateway.flows import rounds
from gateway.flows.configured import Configured
from gateway.flows.dispatch import LEASE, Dispatcher
from gateway.flows.planner import Planned, Planner, Submission
from gateway.rules import showing
from gateway.rules.accepting import awaits
from gateway.rules.clinic import Account
from gateway.rules.planning import Plan
from gateway.rules.record import Content, Record
from gateway.store.base import Store, StoreUnavailable
from gateway.store.deliveries import Accepted, Key
from gateway.store.leases import Leased
from gateway.telemetry import spans
from gateway.world import World
from schemas.command import NAMING
from schemas.delivery import FINAL, Explanation, WaitingFor
from schemas.private import Private
from schemas.problem import Code, FieldError, problem


class Submitted(Private, frozen=True, kw_only=True):
    """The stored delivery, and whether it was there before."""

    record: Record
    replayed: bool
    sending: asyncio.Task[Record | None] | None = None
    """Its first attempt, where it is made here and now; gives the record with what came of it."""


class Desk:
    """Where commands come in."""

    def __init__(self, store: Store, dispatcher: Dispatcher, configured: Configured, world: World) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._planner = Planner(store, configured)
        self._world = world

    async def submit(self, submission: Submission) -> Submitted:
        """Store the command and start sending it; durable on return. Raises Refused, and then nothing is stored."""
        with spans.span("accept", of=spans.here(), app=submission.app.name):
            submitted = await self._submitted(submission)
            spans.note(**spans.facts(submitted.record), replayed=submitted.replayed)
            return submitted

    async def _submitted(self, submission: Submission) -> Submitted:
        try:
            return await self._new(submission)
        except (Refused, StoreUnavailable):  # what was taken before stands, whatever would be said of it today
            earlier = await self._store.by_key(submission.app.name, submission.key) if submission.key else None
            if earlier is None:
                raise
            return _answered(earlier)

    async def _new(self, submission: Submission) -> Submitted:
        now = self._world.now()
        planned = await self._planner.plan(submission, now)
        planned.check()
        record = self._record(submission, planned, now)
        accepting = asyncio.create_task(self._accept(record, submission.key, planned.plan.connection.account))
        accepted, sending = await asyncio.shield(accepting)  # a caller that hangs up must not leave a lease unused
        if accepted.what == "new":
            self._world.meters.accepted(record, len(planned.plan.advisories))
        return _answered(accepted, sending)

    async def _accept(
        self, record: Record, key: Key | None, account: Account
    ) -> tuple[Accepted, asyncio.Task[Record | None] | None]:
        """Store it, and send it at once where the account has room; else its turn comes."""
        accepted = await self._store.accept(record, key, LEASE, account.limits)
        if accepted.attempt is not None:
            return accepted, self._dispatcher.send_soon(Leased(record=accepted.record, attempt=accepted.attempt))
        if accepted.what == "new":
            self._dispatcher.wake()
        return accepted, None

    async def explain(self, submission: Submission) -> Explanation:
        """What `submit` would do, with every problem."""
        now = self._world.now()
        try:
            planned = await self._planner.plan(submission, now)
        except Refused as refused:
            return Explanation(would="refuse", problems=_told(refused))
        plan = planned.plan
        known = Explanation(
            would="send",
            route=showing.route(plan, planned.clinic),
            mapping=(*plan.report, *showing.added(plan, showing.not_yet(plan), now)),
            advisories=plan.advisories,
        )
        try:
            planned.check()
            await self._check_alone(submission, planned, now)
        except Refused as refused:
            return structs.replace(known, would="refuse", problems=_told(refused))
        request = showing.shown_request(plan, now)
        waits: WaitingFor | None = None
        if planned.parent is not None and awaits(planned.parent):
            waits = "parent"
        elif request is None or await self._is_paused(planned):
            waits = "connection"
        return structs.replace(known, would="hold" if waits else "send", waiting_for=waits, request=request)

    async def _check_alone(self, submission: Submission, planned: Planned, now: datetime) -> None:
        """Raises Refused when a delivery of which the vendor takes only one stands in the way."""
        in_the_way = await self._store.in_the_way(self._record(submission, planned, now))
        if in_the_way is not None:
            raise Refused(structs.replace(problem("duplicate"), delivery={"id": in_the_way.id}))

    async def _is_paused(self, planned: Planned) -> bool:
        here = (planned.clinic.id, planned.plan.connection.name)
        return any((gone.clinic_id, gone.connection) == here for gone in await self._store.paused())

    async def first_reply(self, submitted: Submitted, within: float) -> Record:
        """The record once its first attempt has ended, but at the latest after `within` seconds."""
        if submitted.sending is None:
            return await self.settled(submitted.record, final=False, within=within)
        done, _ = await asyncio.wait({submitted.sending}, timeout=within)
        told = submitted.sending.result() if done and not submitted.sending.cancelled() else None
        return told or await self.settled(submitted.record, final=False, within=0)

    async def settled(self, record: Record, *, final: bool, within: float) -> Record:
        """The record once its first attempt has ended (or it is final), but at the latest after `within` seconds."""
        with self._store.bell.listen(record.id) as rung:
            deadline = asyncio.get_running_loop().time() + within
            while True:
                rung.clear()
                record = await self._store.get(record.id) or record
                if record.state in FINAL or not (final or _in_flight(record)):
                    return record
                left = deadline - asyncio.get_running_loop().time()
                if left <= 0:
                    return record
                with suppress(TimeoutError):  # the bell may be lost with another process
                    async with asyncio.timeout(min(left, rounds.LONGEST_SLEEP)):
                        await rung.wait()

    def _record(self, submission: Submission, planned: Planned, now: datetime) -> Record:
        plan, clinic = planned.plan, planned.clinic
        naming = NAMING[submission.kind]
        delivery_id = self._world.new_id(naming.prefix)
        return Record(
            id=delivery_id,
            kind=naming.kind,
            clinic_id=clinic.id,
            app=submission.app.name,
            connection=plan.connection.name,
            account=plan.connection.account.name,
            adapter=plan.connection.adapter.name,
            emr=plan.connection.emr,
            rule=plan.rule,
            config_version=clinic.version,
            state="queued",
            reference=submission.draft.command.reference if submission.draft.command else None,
            parent_id=planned.parent.id if planned.parent else None,
            emr_task_id=plan.values.get("emr_task_id"),
            lane=_lane(plan, planned.parent),
            one_per=plan.one_per,
            settles_within=plan.operation.settles_within,
            give_up_after=clinic.give_up_after.total_seconds(),
            hold_for=clinic.hold_for.total_seconds(),
            work_until=now + clinic.follow_work if clinic.follow_work and naming.kind == "task" else None,
            retry_of=submission.retry_of,
            trace=spans.here(),
            created_at=now,
            updated_at=now,
            content=Content(
                command=submission.posted,
                values=plan.values,
                extras=plan.extras,
                mapping=(*plan.report, *showing.added(plan, delivery_id, now)),
                strict=submission.strict,
            ),
        )


def _in_flight(record: Record) -> bool:
    """Whether its first answer is still to come: an attempt is under way, or about to be."""
    return record.state == "sending" or (record.state == "queued" and record.lease_until is not None)


def _answered(accepted: Accepted, sending: asyncio.Task[Record | None] | None = None) -> Submitted:
    match accepted.what:
        case "new" | "replay":
            return Submitted(record=accepted.record, replayed=accepted.what == "replay", sending=sending)
        case "key_reused":
            raise Refused(problem("idempotency-key-reused"))
        case "duplicate" | "parent_not_created":
            code: Code = "duplicate" if accepted.what == "duplicate" else "parent-not-created"
            raise Refused(structs.replace(problem(code), delivery={"id": accepted.record.id}))
        case "not_resendable":
            retried_as = accepted.record.retried_as
            found = problem("already-retried" if retried_as else "outcome-unknown")
            raise Refused(structs.replace(found, delivery={"id": retried_as or accepted.record.id}))


def _told(refused: Refused) -> tuple[FieldError, ...]:
    whole = FieldError(code=refused.problem.code, detail=refused.problem.detail)
    return tuple(refused.problem.errors) or (whole,)


def _lane(plan: Plan, parent: Record | None) -> str | None:
    """The notes of one task go out one after the other."""
    if plan.operation.name != "add_note":
        return None
    task = parent.id if parent else plan.values.get("emr_task_id")
    return f"{plan.connection.clinic_id}/{plan.connection.name}/{task}"
