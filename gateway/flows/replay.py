"""Replaying stored commands against two configurations, with nothing sent and nothing written."""

from __future__ import annotations

from collections.abc import Callable, Collection

from msgspec import Struct

from gateway.errors import Refused
from gateway.flows.ask import repeated
from gateway.flows.configured import Configured
from gateway.flows.planner import Planner
from gateway.rules import comparing, showing
from gateway.rules.clinic import Config
from gateway.rules.comparing import Differing, Planned
from gateway.rules.record import Record
from gateway.store.base import Store
from gateway.store.listing import Wanted
from schemas.problem import FieldError


class Replayed(Struct, frozen=True, kw_only=True):
    """How many stored commands were planned again, to how many something else would happen, and what."""

    commands: int
    unreadable: int
    """Deliveries whose command is sealed with a key that is not here, or is kept no more."""
    changed: int
    differences: tuple[Differing, ...]

    @property
    def sound(self) -> bool:
        """Whether the other configuration takes all that the present one does, as far as all could be read."""
        return not self.unreadable and all(difference.kind != "refused" for difference in self.differences)


async def newest(store: Store, count: int) -> tuple[Record, ...]:
    """The deliveries accepted last, the newest first."""
    return (await store.listed(Wanted(clinics=frozenset({"*"}), limit=count))).records


async def replay(
    store: Store, records: Collection[Record], present: Config, other: Config, told: Callable[[], None]
) -> Replayed:
    """Plan each command as if it came again at the moment it was accepted; `told` is called after each."""
    paused = {(gone.clinic_id, gone.connection) for gone in await store.paused()}
    here, there = _Plans(store, present, paused), _Plans(store, other, paused)
    found = []
    readable = [record for record in records if record.content.command]
    for record in readable:
        differs = comparing.differences(await here.of(record), await there.of(record))
        found.append((record.clinic_id, record.id, differs))
        told()
    return Replayed(
        commands=len(readable),
        unreadable=len(records) - len(readable),
        changed=sum(bool(differs) for _, _, differs in found),
        differences=comparing.grouped(found),
    )


class _Plans:
    """What one configuration would do."""

    def __init__(self, store: Store, config: Config, paused: Collection[tuple[str, str]]) -> None:
        self._config = config
        self._planner = Planner(store, Configured(config))
        self._paused = paused

    async def of(self, record: Record) -> Planned:
        if record.clinic_id not in self._config.clinics:
            return comparing.NO_CLINIC
        app = self._config.apps.get(record.app)
        if app is None:
            return comparing.refused([FieldError(code="unauthenticated", source=f"gateway.yaml: no app {record.app}")])
        try:
            planned = await self._planner.plan(repeated(record, app), record.created_at)
        except Refused as refused:
            return comparing.refused(refused.problem.errors)
        plan, at = planned.plan, record.created_at
        request = showing.shown_request(plan, at)
        here = (record.clinic_id, plan.connection.name)
        return comparing.planned(
            plan,
            planned.errors,
            (*plan.report, *showing.added(plan, showing.not_yet(plan), at)),
            body=request and request.get("json"),
            held=request is None or here in self._paused,
        )
