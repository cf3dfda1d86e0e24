"""Following: what was submitted, and what is not known, is looked up at the vendor until it is settled."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import structlog
from msgspec import structs

from adapters.base import HttpResponse, Page, Sent
from gateway.flows.configured import Configured
from gateway.flows.rounds import Rounds
from gateway.flows.tokens import NoToken, Tokens, unmarked
from gateway.rules.clinic import Connection
from gateway.rules.following import waits
from gateway.rules.record import Record
from gateway.store.base import Store, StoreUnavailable
from gateway.store.bell import LOOK
from gateway.store.following import Looked
from gateway.store.recognising import Seen
from gateway.telemetry import spans
from gateway.transport import Wire
from gateway.world import World
from schemas.outcome import Sighting
from schemas.private import Private

_MOST_PAGES = 20
_AT_ONCE = 64
"""So many looks at a time, each at another connection."""
_UNAUTHORISED = 401

log = structlog.get_logger("follow")


class _Listed(Private, frozen=True, kw_only=True):
    """What a look listed, on how many pages, whether to its end, and whether it broke off."""

    sightings: Sequence[Sighting] = ()
    pages: int = 0
    complete: bool = False
    failed: bool = False


class Follower(Rounds):
    """Takes the looks that are due; one at a time for each connection."""

    bell = LOOK

    def __init__(self, store: Store, wire: Wire, configured: Configured, world: World, tokens: Tokens) -> None:
        super().__init__(store, world)
        self._wire = wire
        self._configured = configured
        self._tokens = tokens
        self._busy: set[tuple[str, str]] = set()

    async def stop(self) -> None:
        """Look no more; looks under way are dropped, since a read leaves nothing behind, and are due for others."""
        await self._end(0)
        with suppress(StoreUnavailable):
            await self._store.leave_looks(self._world.now())

    async def round(self) -> datetime | None:
        """Take the looks that are due."""
        now = self._world.now()
        room = _AT_ONCE - len(self._busy)
        for record in await self._store.due_looks(now, room, self._busy):
            self._busy.add((record.clinic_id, record.connection))
            self._in_background(self._look(record))
        return await self._store.next_look(now) if len(self._busy) < _AT_ONCE else None

    async def _look(self, record: Record) -> None:
        try:
            connection = self._configured.way_of(record)
            if connection is None or record.content.sealed is not None:
                return  # another vendor's list would prove nothing of it, nor would one it cannot be compared with
            with spans.span("look", about=record.trace, role=spans.CALL, **spans.facts(record), state=record.state):
                await self._look_through(record, connection)
        finally:
            self._busy.discard((record.clinic_id, record.connection))
            self.wake()

    async def _look_through(self, record: Record, connection: Connection) -> None:
        began = self._world.now()
        try:
            listed = await self._listed(record, connection)
        except Exception:
            log.exception("look.broke", delivery_id=record.id, adapter=record.adapter)
            listed = _Listed(failed=True)
        taken = Looked(
            delivery_id=record.id,
            began=began,
            sightings=[
                self._seen(connection, sighting)
                for sighting in listed.sightings
                if not self._is_another_s(connection, sighting)
            ],
            complete=listed.complete,
            failed=listed.failed,
            schedule=waits(record.state, connection.account, self._configured.config.follow),
            gap=self._configured.config.follow.absence_gap,
        )
        with suppress(StoreUnavailable):  # the look comes due again by itself
            await self._store.look(taken, self._world.now())
        self._world.meters.looked(record, failed=listed.failed)
        spans.note(count=len(taken.sightings))
        log.info("look.taken", **spans.facts(record), state=record.state, count=len(taken.sightings))

    async def _listed(self, record: Record, connection: Connection) -> _Listed:
        """Everything the vendor lists.

        What goes from a page that was read moves up what follows, so that something may slip between two pages. So
        several pages are read again, and are complete only where nothing of them has gone.
        """
        sent = Sent(
            ref=record.id,
            operation=record.operation,
            values=record.values,
            at=record.created_at,
            ids=record.ids,
        )
        first = await self._read_through(sent, connection)
        if not first.complete or first.pages == 1:
            return first
        again = await self._read_through(sent, connection)
        known = {sighting.ids.get("id") for sighting in again.sightings}
        gone = [sighting for sighting in first.sightings if sighting.ids.get("id") not in known]
        return structs.replace(again, sightings=[*again.sightings, *gone], complete=again.complete and not gone)

    async def _read_through(self, sent: Sent, connection: Connection) -> _Listed:
        """Page after page, to the last one or to so many."""
        found: list[Sighting] = []
        for number in range(1, _MOST_PAGES + 1):
            page = await self._page(sent, connection, number)
            if page is None:
                return _Listed(sightings=found, failed=True)
            found.extend(page.sightings)
            if not page.more:
                return _Listed(sightings=found, pages=number, complete=page.complete)
        return _Listed(sightings=found)

    async def _page(self, sent: Sent, connection: Connection, number: int) -> Page | None:
        """One page; a token that was kept and is not accepted is fetched anew, once."""
        for _ in range(2):
            try:
                held = await self._tokens.token(connection)
            except NoToken:
                return None
            request = connection.adapter.build_lookup(sent, connection.link(held.value if held else None), number)
            if request is None:
                return None
            exchange = await self._wire.exchange(request, unmarked, reuse=True)
            if exchange.response is None or exchange.response.status != _UNAUTHORISED or held is None:
                break
            self._tokens.drop(connection)
            if not held.kept:
                break
        if exchange.response is None or not _succeeded(exchange.response):
            return None
        return connection.adapter.parse_lookup(sent, exchange.response)

    def _is_another_s(self, connection: Connection, sighting: Sighting) -> bool:
        """Whether it names another connection of ours: a vendor may list a whole account."""
        if sighting.reference in {None, connection.reference_id}:
            return False
        named = self._configured.named(connection.account, sighting.reference)
        return named not in {None, (connection.clinic_id, connection.name)}

    def _seen(self, connection: Connection, sighting: Sighting) -> Seen:
        return Seen(
            id=self._world.new_id("sgt"),
            webhook_id=None,
            source="lookup",
            account=connection.account.name,
            sighting=sighting,
            connection=(connection.clinic_id, connection.name),
            account_connections=frozenset(),
        )


def _succeeded(response: HttpResponse) -> bool:
    return 200 <= response.status < 300  # noqa: PLR2004 - the class of successes
