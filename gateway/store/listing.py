"""Lists of deliveries, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import get_args

from msgspec import Struct

from gateway.rules.record import Record
from gateway.store.groups import Clause, first_of, of_clinics
from gateway.store.rows import ALL, NEEDS_PERSON, TO_SETTLE, UNDELIVERED, Tx, in_scope, record_of, stamp
from gateway.store.searching import Search, conditions
from schemas.command import Kind
from schemas.delivery import State
from schemas.private import Private


class Wanted(Struct, frozen=True, kw_only=True):
    """What a list is asked for: the clinics in scope ("*": all), equal-to filters by column, and where to go on."""

    clinics: frozenset[str]
    equal: Mapping[str, str] = {}
    idempotency_key: tuple[str, str] | None = None
    """The asking app and its key."""
    search: Search | None = None
    needs_person: bool = False
    to_settle: bool = False
    """Only what needs a person for itself, not for its connection."""
    since: datetime | None = None
    until: datetime | None = None
    """Between which times it was accepted."""
    after: tuple[datetime, str] | None = None
    """The last one seen: its time and id."""
    limit: int = 50


class Listed(Private, frozen=True, kw_only=True):
    """One page, newest first, and whether there is more."""

    records: tuple[Record, ...]
    more: bool


FILTERS: Mapping[str, str] = {
    "clinic_id": "clinic_id",
    "state": "state",
    "reference": "reference",
    "id": "vendor_id",
    "emr_id": "emr_id",
    "job_id": "job_id",
    "emr_task_id": "emr_task_id",
}
"""The filters of a list, and their columns: the ids are the vendor's."""


def listed(tx: Tx, wanted: Wanted) -> Listed:
    """The deliveries that fit, newest first."""
    statement, parameters = first_of(
        f"SELECT {ALL} FROM deliveries",  # noqa: S608 - our own column names
        [*_rare(wanted), *_common(wanted)],
        _groups(wanted),
        "created_at DESC, id DESC",
        wanted.limit + 1,
    )
    rows = tx.execute(statement, parameters).fetchall()
    records = tuple(record_of(tx, row) for row in rows[: wanted.limit])
    return Listed(records=records, more=len(rows) > wanted.limit)


def _groups(wanted: Wanted) -> list[Clause]:
    """What lies in order in an index: a kind, or a clinic's kind. What is rare is found first, then put in order."""
    clinics = _clinics(wanted)
    if any(_rare(wanted)):
        return [in_scope(clinics)]
    if "kind" in wanted.equal:
        return of_clinics(clinics)
    kinds = get_args(Kind)
    return [
        (f"{where} AND kind = ?", (*scope, kind)) for where, scope in of_clinics(clinics, len(kinds)) for kind in kinds
    ]


def _clinics(wanted: Wanted) -> frozenset[str]:
    """The clinics in scope that the filter leaves."""
    if "clinic_id" not in wanted.equal:
        return wanted.clinics
    asked = frozenset({wanted.equal["clinic_id"]})
    return asked if "*" in wanted.clinics else asked & wanted.clinics


def _rare(wanted: Wanted) -> Iterator[Clause]:
    """Conditions that few deliveries meet, each with an index."""
    for column, value in wanted.equal.items():
        if column == "state" and value != "delivered":
            yield _in_state(value)
        elif column not in {"clinic_id", "kind", "state"}:
            yield f"{column} = ?", (value,)
    if wanted.idempotency_key:
        yield "id IN (SELECT delivery_id FROM idempotency_keys WHERE app = ? AND key = ?)", wanted.idempotency_key
    if wanted.needs_person:
        yield NEEDS_PERSON, ()
    if wanted.to_settle:
        yield TO_SETTLE, ()
    if wanted.search:
        yield from conditions(wanted.search)


def _in_state(state: str) -> Clause:
    """A state as a word, not as a parameter, so that a plan made before the parameters are known can use its index."""
    return (f"state = '{state}' AND {UNDELIVERED}", ()) if state in get_args(State) else ("1 = 0", ())


def _common(wanted: Wanted) -> Iterator[Clause]:
    """Conditions that many meet, or that bound where to look."""
    if wanted.equal.get("state") == "delivered":
        yield "state = 'delivered'", ()
    if "kind" in wanted.equal:
        yield "kind = ?", (wanted.equal["kind"],)
    if wanted.since:
        yield "created_at >= ?", (stamp(wanted.since),)
    if wanted.until:
        yield "created_at < ?", (stamp(wanted.until),)
    if wanted.after:
        yield "(created_at, id) < (?, ?)", (stamp(wanted.after[0]), wanted.after[1])
