"""The transactions on callbacks: what each app's endpoint is still to be told, and what became of every try.

An endpoint has read the feed up to its `seq`; of what it read, what concerns it stands in `callbacks` until it is told.
A try holds a lease, so that no other process tells the same, and so that one that died in the middle is made again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from gateway.rules.callbacks import Tried
from gateway.store import feed
from gateway.store.feed import EVERYWHERE, Entry
from gateway.store.rows import Tx, moment, stamp

LEASE = timedelta(seconds=60)
"""Longer than a try may last."""
_CHUNK = 128
"""So many events are looked through in one transaction."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where an app is told, known by a hash since a URL may hold a token; `concerns`: what it is to hear of."""

    app: str
    url_digest: str
    concerns: Callable[[Entry], bool]


class Due(Struct, frozen=True, kw_only=True):
    """An event that an app is to be told of now; `tries` is how often that has failed."""

    app: str
    entry: Entry
    tries: int
    lease_until: datetime


class Taken(Struct, frozen=True, kw_only=True):
    """What is due, and whether there is more to look through."""

    due: Sequence[Due] = ()
    more: bool = False


class Again(Struct, frozen=True, kw_only=True):
    """What a redelivery came to: how far it has come, and what is to be told again."""

    seq: int
    events: int = 0
    callbacks: int = 0


def open_endpoints(tx: Tx, apps: Collection[str]) -> None:
    """Endpoints that are new hear of what happens from now on."""
    for app in apps:
        tx.execute("INSERT INTO endpoints (app, seq) VALUES (?, ?) ON CONFLICT (app) DO NOTHING", (app, feed.end(tx)))


def free(tx: Tx) -> None:
    """At start-up of the only process: tries that were under way are nobody's any more."""
    tx.execute("UPDATE callbacks SET lease_until = NULL WHERE lease_until IS NOT NULL")


def hurry(tx: Tx, app: str, now: datetime) -> None:
    """The endpoint may work again: everything it waits for is due."""
    tx.execute("UPDATE callbacks SET due_at = ? WHERE app = ? AND due_at > ?", (stamp(now), app, stamp(now)))


def enable(tx: Tx, app: str) -> None:
    """Forget that the endpoint wanted no more."""
    tx.execute("UPDATE endpoints SET gone = NULL, gone_at = NULL WHERE app = ?", (app,))


def take(tx: Tx, endpoint: Endpoint, room: int, now: datetime) -> Taken:
    """Lease what is due for an endpoint, as far as there is room; only then more of the feed is looked through.

    So an endpoint that is not called costs nothing, and its place in the feed says how far it has come.
    """
    app = endpoint.app
    known = tx.execute("SELECT seq, gone FROM endpoints WHERE app = ?", (app,)).fetchone()
    if known is None or known[1] == endpoint.url_digest:
        return Taken()
    due = _lease(tx, endpoint, room, now)
    if len(due) == room:
        return Taken(due=due)
    read = feed.page(tx, known[0], _CHUNK, EVERYWHERE)
    if read.seq == known[0] or not _advance(tx, app, known[0], read.seq):
        return Taken(due=due)
    for entry in read.entries:
        if endpoint.concerns(entry):
            _enter(tx, app, entry, now)
    return Taken(due=(*due, *_lease(tx, endpoint, room - len(due), now)), more=read.more)


def _advance(tx: Tx, app: str, before: int, after: int) -> bool:
    """Move the endpoint's place; False: another process was faster."""
    moved = tx.execute("UPDATE endpoints SET seq = ? WHERE app = ? AND seq = ?", (after, app, before))
    return moved.rowcount == 1


def _enter(tx: Tx, app: str, entry: Entry, now: datetime) -> None:
    """The endpoint is to be told of it, from the first try on; a try that is under way ends for itself alone."""
    tx.execute(
        "INSERT INTO callbacks (app, seq, lane, tries, due_at) VALUES (?, ?, ?, 0, ?)"
        " ON CONFLICT (app, seq) DO UPDATE SET tries = 0, due_at = excluded.due_at, lease_until = NULL",
        (app, entry.seq, entry.lane, stamp(now)),
    )


_DUE = (
    "SELECT seq, tries FROM callbacks WHERE app = ? AND due_at <= ? AND (lease_until IS NULL OR lease_until <= ?)"
    " AND NOT EXISTS (SELECT 1 FROM callbacks AS earlier WHERE earlier.app = callbacks.app"
    " AND earlier.lane = callbacks.lane AND earlier.seq < callbacks.seq AND earlier.due_at IS NOT NULL)"
    " ORDER BY due_at, seq LIMIT ?"
)
"""What may be told now: nobody has it, and no earlier one of its lane is still to be told."""
_TAKE = "UPDATE callbacks SET lease_until = ? WHERE app = ? AND seq = ? AND (lease_until IS NULL OR lease_until <= ?)"


def _lease(tx: Tx, endpoint: Endpoint, room: int, now: datetime) -> list[Due]:
    """What concerns the endpoint no more, since its app may touch less than it might, is dropped instead."""
    until, leased, dropped = now + LEASE, list[Due](), True
    while dropped and len(leased) < room:
        dropped = False
        found = tx.execute(_DUE, (endpoint.app, stamp(now), stamp(now), room - len(leased))).fetchall()
        for seq, tries in found:
            here, entry = (endpoint.app, seq), feed.at(tx, seq)
            if entry is None or not endpoint.concerns(entry):
                tx.execute("DELETE FROM callbacks WHERE app = ? AND seq = ?", here)
                dropped = True
            elif tx.execute(_TAKE, (stamp(until), *here, stamp(now))).rowcount == 1:
                leased.append(Due(app=endpoint.app, entry=entry, tries=tries, lease_until=until))
    return leased


def settle(tx: Tx, due: Due, tried: Tried, url_digest: str) -> None:
    """Keep a try and what follows from it; one whose lease was lost is kept, and changes nothing else."""
    tx.execute(
        "INSERT INTO callback_attempts (app, seq, at, ended_at, status, error) VALUES (?, ?, ?, ?, ?, ?)",
        (due.app, due.entry.seq, stamp(tried.at), stamp(tried.ended_at), tried.status, tried.error),
    )
    ours = "WHERE app = ? AND seq = ? AND lease_until = ?"
    lease = (due.app, due.entry.seq, stamp(due.lease_until))
    if tried.next.what == "told":
        tx.execute(f"DELETE FROM callbacks {ours}", lease)  # noqa: S608 - our own text
        return
    tx.execute(
        f"UPDATE callbacks SET lease_until = NULL, tries = ?, due_at = ? {ours}",  # noqa: S608 - our own text
        (tried.next.tries, stamp(tried.next.due_at), *lease),
    )
    if tried.next.what == "gone":
        gone = (url_digest, stamp(tried.ended_at), due.app)
        tx.execute("UPDATE endpoints SET gone = ?, gone_at = ? WHERE app = ?", gone)


def next_due(tx: Tx, apps: Sequence[str], now: datetime) -> datetime | None:
    """When these apps' endpoints come to be due next; what is due already waits for its turn, not for time."""
    if not apps:
        return None
    (due,) = tx.execute(
        f"SELECT min(due_at) FROM callbacks WHERE app IN ({', '.join('?' * len(apps))}) AND due_at > ?",  # noqa: S608 - only names and placeholders of ours are put in
        (*apps, stamp(now)),
    ).fetchone()
    return None if due is None else moment(due)


def redeliver(
    tx: Tx, endpoints: Sequence[Endpoint], span: tuple[int, int], clinics: frozenset[str], now: datetime
) -> Again:
    """Tell again of these clinics' events, after the first place up to the second; a part of them, in order.

    Endpoints come to what they have not looked through yet by themselves.
    """
    after, until = span
    read = feed.page(tx, after, _CHUNK, clinics)
    entries = [entry for entry in read.entries if entry.seq <= until]
    callbacks = 0
    for endpoint in endpoints:
        (place,) = tx.execute("SELECT seq FROM endpoints WHERE app = ?", (endpoint.app,)).fetchone() or (0,)
        for entry in entries:
            if entry.seq <= place and endpoint.concerns(entry):
                _enter(tx, endpoint.app, entry, now)
                callbacks += 1
    return Again(seq=read.seq, events=len(entries), callbacks=callbacks)
