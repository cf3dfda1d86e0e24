"""What people ask: of a stored delivery to cancel it, retry it or resolve it; of a connection to pause or open it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from msgspec import Meta, structs

from gateway.errors import Refused
from gateway.flows.dispatch import Dispatcher
from gateway.flows.planner import Submission
from gateway.flows.submit import Desk, Submitted
from gateway.rules import wishes
from gateway.rules.change import Change
from gateway.rules.clinic import App, Caller, Connection
from gateway.rules.reading import read
from gateway.rules.record import Record
from gateway.store.audit import Act, Action
from gateway.store.base import Store
from gateway.store.listing import Wanted
from gateway.world import World
from schemas.command import COMMANDS, Body, Id
from schemas.outcome import Ids
from schemas.private import Private
from schemas.problem import FieldError, problem, problem_of


class Finding(Private, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator found in the vendor's system."""

    outcome: Literal["created", "not_created"]
    reason: Body
    id: Annotated[Id | None, Meta(description="The vendor's id of what was created")] = None
    emr_id: Annotated[Id | None, Meta(description="The EMR's id of what was created")] = None
    resend: Annotated[bool, Meta(description="With not_created: make a new delivery of it")] = False


def repeated(record: Record, app: App) -> Submission:
    """A stored command as `app` would submit it today."""
    kind = COMMANDS[record.kind]
    posted = dict(record.content.command)
    if record.parent_id:
        posted["task_id"] = record.parent_id
    content = record.content
    return Submission(app=app, draft=read(posted, kind), kind=kind, posted=content.command, strict=content.strict)


_IN_ONE_CONNECTION, _IN_ONE_ACCOUNT = ("clinic_id", "connection", "kind"), ("account", "kind")
_UNIQUE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "id": ("vendor_id", _IN_ONE_ACCOUNT),
    "emr_id": ("emr_id", _IN_ONE_CONNECTION),
}
"""The ids of a finding: their columns, and among which deliveries no two have the same."""

_NOTHING_HAS_NO_ID = FieldError(
    code="invalid-value", pointer="/outcome", field="outcome", detail="what was not created has no id"
)


class Asking:
    """Grants or refuses wishes; what cannot be granted raises Refused with 409."""

    def __init__(self, store: Store, desk: Desk, dispatcher: Dispatcher, world: World) -> None:
        self._store = store
        self._desk = desk
        self._dispatcher = dispatcher
        self._world = world

    async def cancel(self, record: Record, by: Caller, version: int | None = None, reason: str | None = None) -> Record:
        """Withdraw it, if nothing has reached the vendor. `version`: only if it still is what the person saw."""
        act = _act("cancel", record, by, reason)
        return await self._change(record, lambda current: wishes.cancel(current, self._world.now()), act, version)

    async def retry(self, record: Record, by: Caller, reason: str, version: int | None = None) -> Record:
        """Look now, at what waits; for what ended, a new delivery under today's configuration, which is returned."""
        act = _act("retry", record, by, reason)
        current = await self._change(record, lambda stored: wishes.retry(stored, self._world.now()), act, version)
        if not current.safe_to_resend:
            current = await self._store.try_again(current.id, self._world.now()) or current
            self._dispatcher.wake()
            return current
        return (await self._again(current, by)).record

    async def resolve(self, record: Record, by: Caller, finding: Finding, version: int | None = None) -> Record:
        """Settle what was not known, on a person's word; a resend makes a new delivery, which is returned."""
        if finding.outcome == "not_created" and (finding.id or finding.emr_id):
            raise Refused(problem_of([_NOTHING_HAS_NO_ID]))
        act = _act("resolve", record, by, f"{finding.outcome}: {finding.reason}")
        created = finding.outcome == "created"
        ids = {name: value for name, value in (("id", finding.id), ("emr_id", finding.emr_id)) if value}
        again = finding.resend and not created

        await self._check_ids(record, ids)

        def decide(current: Record) -> Change:
            if again:
                wishes.repeatable(current)
            return wishes.resolve(current, self._world.now(), created=created, ids=ids)

        settled = await self._change(record, decide, act, version)
        return (await self._again(settled, by)).record if again else settled

    async def _check_ids(self, record: Record, ids: Ids) -> None:
        """Raises Refused for an id that another delivery has: what is told of it would fit both."""
        for name, value in ids.items():
            column, among = _UNIQUE[name]
            equal = {column: value, **{part: getattr(record, part) for part in among}}
            listed = await self._store.listed(Wanted(clinics=frozenset({"*"}), equal=equal))
            if any(other.id != record.id for other in listed.records):
                taken = FieldError(
                    code="invalid-value", pointer=f"/{name}", field=name, detail="another delivery has it"
                )
                raise Refused(problem_of([taken]))

    async def pause(self, connection: Connection, by: Caller, reason: str) -> None:
        """Hold everything for a connection until somebody opens it again."""
        why = problem("connection-blocked", f"paused by {by.app.name}: {reason}")
        at, act = (connection.clinic_id, connection.name), _of("pause", connection, by, reason)
        await self._store.pause(*at, why, self._world.now(), act)

    async def resume(self, connection: Connection, by: Caller, reason: str | None = None) -> None:
        """Open a paused connection; what was held goes out."""
        at, act = (connection.clinic_id, connection.name), _of("resume", connection, by, reason)
        await self._store.resume(*at, self._world.now(), act)
        self._dispatcher.wake()

    async def _again(self, record: Record, by: Caller) -> Submitted:
        submission = repeated(record, structs.replace(by.app, name=record.app))
        return await self._desk.submit(structs.replace(submission, retry_of=record.id))

    async def _change(
        self, record: Record, decide: Callable[[Record], Change | None], act: Act, version: int | None
    ) -> Record:
        def decide_on_the_seen(current: Record) -> Change | None:
            wishes.unchanged(current, version)
            return decide(current)

        try:
            return await self._store.change(record.id, decide_on_the_seen, self._world.now(), act) or record
        except wishes.Refusal as refusal:
            about = await self._store.get(record.id) or record
            if refusal.code == "already-retried" and about.retried_as:
                about = await self._store.get(about.retried_as) or about
            found = structs.replace(problem(refusal.code), delivery={"id": about.id, "state": about.state})
            raise Refused(found) from refusal


def _act(action: Action, record: Record, by: Caller, reason: str | None = None) -> Act:
    return Act(
        app=by.app.name,
        key_id=by.key_id,
        action=action,
        about=record.id,
        clinic_id=record.clinic_id,
        reason=reason,
    )


def _of(action: Action, connection: Connection, by: Caller, reason: str | None) -> Act:
    return Act(
        app=by.app.name,
        key_id=by.key_id,
        action=action,
        about=f"{connection.clinic_id}/{connection.name}",
        clinic_id=connection.clinic_id,
        reason=reason,
    )
