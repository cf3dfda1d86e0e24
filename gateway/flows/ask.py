"""What people ask of a stored delivery: cancel it, retry it, resolve what is not known of it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import structs

from gateway.errors import Refused
from gateway.flows.dispatch import Dispatcher
from gateway.flows.planner import Submission
from gateway.flows.submit import Desk, Submitted
from gateway.rules import wishes
from gateway.rules.change import Change
from gateway.rules.clinic import App
from gateway.rules.reading import read
from gateway.rules.record import Record
from gateway.store.base import Store
from gateway.world import World
from schemas.command import COMMANDS
from schemas.outcome import Ids
from schemas.problem import problem


class Asking:
    """Grants or refuses wishes; what cannot be granted raises Refused with 409."""

    def __init__(self, store: Store, desk: Desk, dispatcher: Dispatcher, world: World) -> None:
        self._store = store
        self._desk = desk
        self._dispatcher = dispatcher
        self._world = world

    async def cancel(self, record: Record) -> Record:
        """Withdraw it, if nothing has reached the vendor."""
        return await self._change(record, lambda current: wishes.cancel(current, self._world.now()))

    async def retry(self, record: Record, app: App) -> Record:
        """Look now, at what waits; for what ended, a new delivery under today's configuration, which is returned."""
        current = await self._change(record, lambda stored: wishes.retry(stored, self._world.now()))
        if not current.safe_to_resend:
            self._dispatcher.wake()
            return current
        return (await self._again(current, app)).record

    async def resolve(self, record: Record, app: App, *, created: bool, ids: Ids, resend: bool) -> Record:
        """Settle what was not known, on a person's word; `resend` also makes a new delivery, which is returned."""
        settled = await self._change(
            record, lambda current: wishes.resolve(current, self._world.now(), created=created, ids=ids)
        )
        return (await self._again(settled, app)).record if resend and not created else settled

    async def _again(self, record: Record, app: App) -> Submitted:
        command_type = COMMANDS[record.kind]
        posted = dict(record.content.command)
        if record.parent_id:
            posted["task_id"] = record.parent_id
        submission = Submission(
            app=structs.replace(app, name=record.app),
            draft=read(posted, command_type),
            kind=command_type,
            posted=record.content.command,
            retry_of=record.id,
        )
        return await self._desk.submit(submission)

    async def _change(self, record: Record, decide: Callable[[Record], Change | None]) -> Record:
        try:
            return await self._store.change(record.id, decide, self._world.now()) or record
        except wishes.Refusal as refusal:
            about = structs.replace(problem(refusal.code), delivery={"id": record.id, "state": record.state})
            raise Refused(about) from refusal
