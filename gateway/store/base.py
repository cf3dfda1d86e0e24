"""The store's interface: what each transaction promises, whatever the database.

A method is one transaction, durable when it returns. A database that cannot do it raises `StoreUnavailable`, and then
nothing of it happened. Two methods are the database's own, `write` and `read`; all others are said in terms of them, so
that both databases run the same statements.

A transaction changes deliveries of one connection, whose lock it takes first. What concerns many is many transactions.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import TypeVar

from gateway.rules.change import Change
from gateway.rules.clinic import Limits
from gateway.rules.pace import PLENTY, Luck
from gateway.rules.record import Record
from gateway.rules.store_diagnosis import Sealing
from gateway.store import (
    audit,
    counting,
    deliveries,
    drift,
    following,
    leases,
    listing,
    pacing,
    reading,
    recognising,
    resealing,
    restoring,
    retention,
    saving,
    sealing,
    sighting,
    webhooks,
)
from gateway.store.audit import Act, Entry, Verified
from gateway.store.bell import Bell
from gateway.store.counting import Standing
from gateway.store.deliveries import Accepted, Key
from gateway.store.drift import Drift
from gateway.store.following import Looked
from gateway.store.leases import Leased, Ripe
from gateway.store.listing import Listed, Wanted
from gateway.store.outgoing import Outgoing
from gateway.store.people import ForPeople
from gateway.store.reading import Paused
from gateway.store.recognising import Seen
from gateway.store.resealing import Resealed
from gateway.store.rows import Tx
from gateway.store.saving import NewId, Writing
from gateway.store.vault import Vault
from gateway.store.webhooks import Reading, Webhook, WebhookState
from gateway.telemetry.meters import Meters
from schemas.delivery import Happening
from schemas.problem import Problem

T = TypeVar("T")

_NO_LIMITS = Limits()
_NONE: Mapping[str, Limits] = MappingProxyType({})


class StoreUnavailable(Exception):  # noqa: N818 - what it is
    """The database could not do it now: locked, full, read-only, gone. Nothing of the transaction happened."""


class Undecided(StoreUnavailable):
    """The database went away during a commit and did not come back to be asked: it may have happened, or not."""


class Store(Outgoing, ForPeople):
    """Deliveries, their attempts and events, idempotency keys, webhooks and sightings."""

    def __init__(self, new_id: NewId, vault: Vault | None = None, meters: Meters | None = None) -> None:
        self._new_id = new_id
        self.vault = vault or Vault()
        self.bell = Bell()
        self.meters = meters or Meters()
        self.clock: Callable[[], datetime] | None = None
        """The database's time, for what is shared with other processes; None where there are none."""
        self.is_alone = True
        """Whether no other process works on the database."""

    @cached_property
    def _owner(self) -> str:
        """What tells this process's looks from those of others."""
        return self._new_id("own")

    @abstractmethod
    async def open(self, *, read_only: bool = False) -> None:
        """Connect and bring the schema up to date. Raises StoreUnavailable, also when another process has it.

        `read_only`: also beside another process, and nothing is written, not even a migration; only reads work then.
        """

    @abstractmethod
    async def close(self) -> None:
        """Finish what is under way, and disconnect."""

    async def _writing(self, now: datetime, job: Callable[[Writing], T]) -> T:
        """Run `job` as one transaction, then wake those who wait for what it changed, even if the caller is gone."""
        touched: set[str] = set()

        def ring() -> None:
            for name in sorted(touched):
                self.bell.ring(name)

        return await self.write(lambda tx: job(Writing(tx, now, self._new_id, touched)), ring)

    @abstractmethod
    def has_reserve(self) -> bool:
        """Whether there is room for new commands, beside what the results of those under way will need."""

    async def writable(self) -> None:
        """Prove by a write that commands can be taken. Raises StoreUnavailable."""
        self._check_reserve()
        await self.write(reading.touch)

    def _check_reserve(self) -> None:
        if not self.has_reserve():
            raise StoreUnavailable("the disk's reserve is kept for results")

    async def salt(self, fresh: str) -> str:
        """The database's own secret, for fingerprints; `fresh` becomes it if there is none yet."""
        return await self.write(lambda tx: reading.salt(tx, fresh))

    async def accept(
        self, record: Record, key: Key | None, lease: timedelta | None, limits: Limits = _NO_LIMITS
    ) -> Accepted:
        """Store a new delivery, its key and its event together; leased to this process where it can go at once.

        Without a `lease` it waits for its turn; so it does where its account has no room, or others wait already.

        A key that was used before, a delivery that stands in the way, a task that was not created, a second retry of
        one delivery: nothing is stored, and `Accepted.what` says which.
        """
        self._check_reserve()
        return await self._writing(
            record.created_at, lambda writing: deliveries.accept(writing, record, key, lease, limits)
        )

    async def by_key(self, app: str, key: Key) -> Accepted | None:
        """What the app's key was used for before ("replay" or "key_reused"), or None."""
        return await self.read(lambda tx: deliveries.by_key(tx, app, key))

    async def get(self, delivery_id: str) -> Record | None:
        """The delivery, or None."""
        return await self.read(lambda tx: saving.find(tx, delivery_id))

    async def in_the_way(self, record: Record) -> Record | None:
        """A delivery because of which the vendor, which takes only one of these, would refuse the record."""
        return await self.read(lambda tx: deliveries.one_of_its_kind(tx, record))

    async def change(
        self,
        delivery_id: str,
        decide: Callable[[Record], Change | None],
        now: datetime,
        act: Act | None = None,
    ) -> Record | None:
        """Read the record, let `decide` make a change of it, commit that with all that follows from it.

        What follows: the task's notes are released or ended, a blocked connection is paused, parked sightings are tried
        again. Returns the record afterwards (unchanged if `decide` returned None), or None when there is none. What
        `decide` raises is raised, and nothing is written. `act` is kept in the audit trail.
        """
        return await self._writing(now, lambda writing: saving.change(writing, delivery_id, decide, act))

    async def claim(
        self, now: datetime, lease: timedelta, limits: Mapping[str, Limits] = _NONE, most: int = PLENTY
    ) -> Sequence[Leased]:
        """Lease deliveries that are due, by turns of their clinics; no other worker gets them until the lease ends.

        `limits` are the accounts' caps; `most` is how many are leased of each at once.
        """

        async def of(account: str) -> Sequence[Leased]:
            caps = limits.get(account, _NO_LIMITS)
            return await self._writing(now, lambda writing: leases.claim(writing, account, lease, caps, most))

        accounts = await self.read(lambda tx: leases.accounts_due(tx, now))
        return [one for leased in await asyncio.gather(*map(of, accounts)) for one in leased]

    async def is_anything_queued(self) -> bool:
        """Whether a delivery waits to be sent that nobody has leased, be it for its time, for room or for another."""
        return await self.read(leases.is_anything_queued)

    async def pass_time(self, now: datetime, *, every_lease: bool = False) -> int:
        """Do what time alone does: leases end, deliveries are given up or become overdue; how many changed.

        `every_lease`: at start-up of the only process, when no lease and no look has an owner any more.
        """
        if every_lease:
            await self._writing(now, following.free_looks)
        ripe = await self.read(lambda tx: leases.ripe(tx, now, every_lease=every_lease))
        return await _each(ripe, lambda one: self._ripen(one, now)) + await self._probe(now)

    async def _ripen(self, one: Ripe, now: datetime) -> bool:
        """Whether time changed it; another process may have been faster."""
        changes = False

        def decide(record: Record) -> Change | None:
            nonlocal changes
            change = one.happens(record, now)
            changes = change is not None
            return change

        await self.change(one.delivery_id, decide, now)
        return changes

    async def _probe(self, now: datetime) -> int:
        """Let one held delivery of each blocked connection try where it is time; how many were let go."""
        due = await self.read(lambda tx: leases.due_probes(tx, now))
        return await _each(due, lambda one: self._writing(now, lambda writing: leases.probe(writing, *one)))

    async def try_connections(self, now: datetime) -> None:
        """The configuration is a new one: try what was blocked, and let go what was held for the old one."""
        await self._writing(now, leases.hasten_probes)
        held = await self.read(leases.held_by_change)
        await _each(held, lambda one: self._writing(now, lambda writing: leases.let_go(writing, one)))
        await self._probe(now)

    async def try_again(self, delivery_id: str, now: datetime) -> Record | None:
        """Try what waits now: a held delivery's conditions, an account's bad luck; the record afterwards, or None."""
        return await self._writing(now, lambda writing: leases.try_again(writing, delivery_id))

    async def next_due(self, now: datetime, limits: Mapping[str, Limits] = _NONE) -> datetime | None:
        """When there is something to do next, as far as time and the accounts' caps alone tell."""
        return await self.read(lambda tx: reading.next_due(tx, now, limits))

    async def due_looks(self, now: datetime, limit: int, busy: Collection[tuple[str, str]] = ()) -> Sequence[Record]:
        """Take deliveries whose look at the vendor is due, one for each connection that nobody looks at.

        `busy` are those that this process looks at now: they stay its own for two minutes more, its others are free.
        """
        return await self._writing(now, lambda writing: following.due_looks(writing, self._owner, limit, busy))

    async def leave_looks(self, now: datetime) -> None:
        """This process looks no more: what it had taken is due for others."""
        await self._writing(now, lambda writing: following.free_looks(writing, self._owner))

    async def look(self, taken: Looked, now: datetime) -> None:
        """Apply everything a look has listed, then plan the next one, or conclude from finding nothing."""
        await self._writing(now, lambda writing: following.look(writing, taken))

    async def recognise(self, hint: Seen, now: datetime) -> Record | None:
        """The one delivery that a sighting is of, as far as can be told; nothing is kept of it."""
        return await self.read(lambda tx: recognising.recognised(tx, hint, now))

    async def next_look(self, now: datetime) -> datetime | None:
        """When the next look is due, of connections that nobody looks at."""
        return await self.read(lambda tx: reading.next_look(tx, now))

    async def pause(self, clinic_id: str, connection: str, why: Problem, now: datetime, act: Act | None = None) -> None:
        """Pause a connection and hold what is queued for it.

        Without an `act` the vendor blocked it, and one delivery tries it every 15 minutes; an operator's pause stays.
        """

        def pause(writing: Writing) -> None:
            writing.tx.lock(clinic_id, connection)
            if act is not None:
                audit.record(writing.tx, act, now)
            saving.pause(writing, (clinic_id, connection), why, probed=act is None)

        await self._writing(now, pause)

    async def resume(self, clinic_id: str, connection: str, now: datetime, act: Act | None = None) -> bool:
        """Open a connection again and let go what was held for it; whether it was paused."""

        def resume(writing: Writing) -> bool:
            writing.tx.lock(clinic_id, connection)
            if act is not None:
                audit.record(writing.tx, act, now)
            return saving.resume(writing, (clinic_id, connection))

        return await self._writing(now, resume)

    async def reseal(self, cursor: str | None, limit: int) -> Resealed:
        """Seal the next `limit` values with the first key where they are not. Raises ValueError for an odd cursor."""
        return await self.write(lambda tx: resealing.reseal(tx, cursor, limit))

    async def forget(self, now: datetime, kept_for: timedelta | None, limit: int) -> int:
        """Forget what fits nothing, old tries to tell apps and words older than `kept_for`; how many were touched."""

        def forget(tx: Tx) -> int:
            expired = retention.expire_unmatched(tx, now) + retention.expire_tries(tx, now, limit)
            return expired + (retention.purge(tx, now - kept_for, limit) if kept_for else 0)

        return await self.write(forget)

    async def begin_epoch(self, now: datetime, act: Act) -> int:
        """The database was put back from a backup: hold what would go out; how many connections are paused for it."""
        return await self._writing(now, lambda writing: restoring.begin_epoch(writing, act))

    async def acted(self, act: Act, now: datetime) -> None:
        """Keep in the audit trail what somebody did."""
        await self.write(lambda tx: audit.record(tx, act, now))

    async def audit(self, clinics: frozenset[str], *, before: int | None, limit: int) -> Sequence[Entry]:
        """The newest entries of the audit trail before the row `before`, of the given clinics ("*": all)."""
        return await self.read(lambda tx: audit.entries(tx, clinics, before=before, limit=limit))

    async def verify_audit(self) -> Verified:
        """Check the audit trail from end to end."""
        return await self.read(audit.verify)

    async def sealing(self) -> Sealing:
        """Which keys have sealed what is stored, and whether ours open it; reads every row."""
        return await self.read(sealing.sealing)

    async def paused(self) -> Sequence[Paused]:
        """The connections that are paused."""
        return await self.read(reading.paused)

    async def listed(self, wanted: Wanted) -> Listed:
        """A page of deliveries, newest first."""
        return await self.read(lambda tx: listing.listed(tx, wanted))

    async def standing(self) -> Standing:
        """Where the work stands: what waits, how long, and how much of it for a person."""
        return await self.read(counting.standing)

    async def luck(self) -> Mapping[str, Luck]:
        """How sends have fared lately, for each account that had any trouble."""
        return await self.read(pacing.every_luck)

    async def drift(self, clinics: frozenset[str]) -> Drift:
        """What vendors wanted beyond the capability table, and how rules on trial fare, at the clinics ("*": all)."""
        return await self.read(lambda tx: drift.drift(tx, clinics))

    async def timeline(self, record: Record) -> Sequence[Happening]:
        """All that happened to a delivery, in order."""
        return await self._read_feed(lambda tx: reading.timeline(tx, record))

    async def keep_webhook(self, hook: Webhook, digest: str) -> Webhook | None:
        """Store a webhook as it came: the one to read; None when the account's very same body was read before."""
        return await self.write(lambda tx: webhooks.keep_webhook(tx, hook, digest))

    async def webhooks(
        self, state: WebhookState, clinics: frozenset[str], *, limit: int, before: str | None = None
    ) -> Sequence[Webhook]:
        """Webhooks in a state, newest first, of the given clinics ("*": all, those of no clinic too)."""
        return await self.read(lambda tx: webhooks.webhooks(tx, state, limit, before, clinics))

    async def sight(self, webhook_id: str, event_id: str | None, seen: Sequence[Seen], now: datetime) -> WebhookState:
        """Correlate the sightings of one webhook, apply them, and write what it came to; in one transaction."""
        return await self._writing(now, lambda writing: sighting.sight(writing, webhook_id, event_id, seen))

    async def read_webhook(self, webhook_id: str, reading: Reading) -> None:
        """Write what reading a webhook came to, when it holds no sighting to correlate."""
        await self.write(lambda tx: webhooks.read_webhook(tx, webhook_id, reading))


async def _each(many: Sequence[T], do: Callable[[T], Awaitable[object]]) -> int:
    """Do it to each, a hundred at a time; how often that came to something."""
    done = 0
    for first in range(0, len(many), 100):
        done += sum(map(bool, await asyncio.gather(*map(do, many[first : first + 100]))))
    return done
