"""Which delivery a sighting is of: the records that the correlator may choose from, and its choice."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import structs

from gateway.rules.correlate import Match, Parked, correlate
from gateway.rules.marks import borne, says_another
from gateway.rules.record import Record
from gateway.store.rows import ALL, Tx, record_of, stamp
from schemas.outcome import Sighting
from schemas.private import Private

CORRELATED = frozenset({"created", "accepted", "failed", "changed"})
_ENDED_LATELY = timedelta(days=7)
"""So long a delivery that ended badly may still be met at the vendor."""


class Seen(Private, frozen=True, kw_only=True):
    """A sighting to be correlated.

    `connection` is the one the vendor named, as (clinic id, name); `account_connections` all of the account's. Without
    a named connection a sighting may match by the vendor's own id and our mark only.
    """

    id: str
    webhook_id: str | None
    source: str
    account: str
    sighting: Sighting
    connection: tuple[str, str] | None
    account_connections: frozenset[tuple[str, str]]
    why_nowhere: str | None = None
    """Why it can be of no connection: it names one that nobody has."""

    @property
    def scope(self) -> frozenset[tuple[str, str]]:
        """The connections that it may be of."""
        return frozenset({self.connection}) if self.connection else self.account_connections


class Nearby:
    """The deliveries of a connection that sightings may be of by content: read once, until one of them changes."""

    def __init__(self, tx: Tx, now: datetime) -> None:
        self._tx = tx
        self._now = now
        self._found: dict[tuple[str, str], list[Record]] = {}

    def of(self, connection: tuple[str, str]) -> list[Record]:
        """Those that were sent and have no vendor id: open ones, and what ended badly not long ago."""
        if connection not in self._found:
            rows = self._tx.execute(
                f"SELECT {ALL} FROM deliveries WHERE clinic_id = ? AND connection = ?"  # noqa: S608 - our own names
                " AND (state IN ('queued', 'held', 'sending', 'submitted', 'unknown', 'delivered')"
                " OR (state IN ('rejected', 'failed', 'cancelled') AND updated_at > ?))"
                " AND vendor_id IS NULL AND marked > 0",
                (*connection, stamp(self._now - _ENDED_LATELY)),
            ).fetchall()
            self._found[connection] = [record_of(self._tx, row) for row in rows]
        return self._found[connection]

    def forget(self) -> None:
        """One of them has changed."""
        self._found.clear()


def believed(tx: Tx, seen: Seen, nearby: Nearby) -> Seen:
    """The sighting without a mark that may have been copied over another: it then only says what the thing may be."""
    by_mark = structs.replace(seen.sighting, ids={})
    marked = next(iter(with_ids_of(tx, by_mark)), None)
    if marked is None or marked.vendor_id is not None:
        return seen
    others = (record for connection in seen.scope for record in nearby.of(connection))
    if not says_another(seen.sighting, marked, others):
        return seen
    return structs.replace(seen, sighting=structs.replace(seen.sighting, ref=None, refs=borne(seen.sighting)))


def recognise(tx: Tx, seen: Seen, nearby: Nearby) -> tuple[Record, str] | Parked:
    """The delivery a sighting is of: by ids first, and by content only within the connection it names."""
    seen = believed(tx, seen, nearby)
    if seen.why_nowhere:
        return Parked(seen.why_nowhere)
    if seen.sighting.says not in CORRELATED:
        return Parked("it tells of no delivery")
    told = _telling(seen)
    known = [record for record in with_ids_of(tx, told) if told.operation in (None, record.operation)]
    candidates = [record for record in known if (record.clinic_id, record.connection) in seen.scope]
    elsewhere = [record for record in known if (record.clinic_id, record.connection) not in seen.scope]
    marked = not candidates and any(record.id == seen.sighting.ref for record in elsewhere)
    if marked or any(_has_id_of(record, seen) for record in elsewhere):
        return Parked("its ids belong to another connection")
    found = correlate(told, candidates)
    if isinstance(found, Parked) and not candidates and seen.connection:
        candidates = nearby.of(seen.connection)
        if any(record.content.sealed for record in candidates):
            return Parked("a delivery that it may be of cannot be read")
        found = correlate(seen.sighting, candidates)
    if isinstance(found, Match):
        return next(record for record in candidates if record.id == found.delivery_id), found.by
    return found


def _has_id_of(record: Record, seen: Seen) -> bool:
    """Whether the vendor gave the delivery that id: within an account no two things have one."""
    own = seen.sighting.ids.get("id")
    return own is not None and record.vendor_id == own and record.account == seen.account


def recognised(tx: Tx, seen: Seen, now: datetime) -> Record | None:
    """The delivery a sighting is of, or None."""
    found = recognise(tx, seen, Nearby(tx, now))
    return None if isinstance(found, Parked) else found[0]


def _telling(seen: Seen) -> Sighting:
    """The sighting with the ids that tell of one delivery.

    Of no connection that is the vendor's own: a job's number and an EMR's id mean another thing in each. A hint is only
    looked into, so it may be of any.
    """
    ids = seen.sighting.ids
    if seen.connection is None and seen.sighting.says != "changed":
        ids = {name: value for name, value in ids.items() if name == "id"}
    return structs.replace(seen.sighting, ids=ids, values={})


def with_ids_of(tx: Tx, sighting: Sighting) -> list[Record]:
    """Deliveries that share any id with the sighting: one indexed look for each id."""
    wanted = (
        ("vendor_id", sighting.ids.get("id")),
        ("emr_id", sighting.ids.get("emr_id")),
        ("job_id", sighting.ids.get("job_id")),
        ("id", sighting.ref),
    )
    found: dict[str, Record] = {}
    for column, value in wanted:
        if value is not None:
            rows = tx.execute(f"SELECT {ALL} FROM deliveries WHERE {column} = ?", (value,)).fetchall()  # noqa: S608 - only names and placeholders of ours are put in
            found.update((record.id, record) for record in (record_of(tx, row) for row in rows))
    return list(found.values())
