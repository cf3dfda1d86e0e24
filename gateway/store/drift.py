"""The transactions on drift: what vendors wanted beyond the capability table, and how rules on trial fare."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from gateway.rules.drift import Observed, Tried
from gateway.rules.record import Record
from gateway.store.rows import Tx, in_scope, moment, stamp
from schemas.command import Name


class Observation(Struct, frozen=True, kw_only=True):
    """A field that a vendor refused commands for leaving out; `code`, `status` and `delivery_id` are the last one's."""

    vendor: str
    emr: str | None
    clinic_id: str
    connection: str
    operation: Name
    vendor_name: str
    field: str | None
    """Our name; None: the vendor's name maps to no place."""
    code: str
    status: int | None
    first_at: datetime
    last_at: datetime
    count: int
    delivery_id: str


class Trial(Struct, frozen=True, kw_only=True):
    """How commands fared that lack a field which a rule on trial wants; refused ones for whatever reason."""

    vendor: str
    emr: str | None
    clinic_id: str
    connection: str
    operation: Name
    field: str
    accepted: int
    refused: int
    first_at: datetime
    last_at: datetime


class Drift(Struct, frozen=True, kw_only=True):
    """Both, what was seen last first."""

    observations: tuple[Observation, ...]
    trials: tuple[Trial, ...]


_WHERE = "vendor, emr, clinic_id, connection, operation"


def _where(record: Record) -> tuple[str, ...]:
    return record.adapter, record.emr or "", record.clinic_id, record.connection, record.operation


def observe(tx: Tx, record: Record, seen: Observed, now: datetime) -> bool:
    """Keep an observation; whether it is the first of its kind."""
    first = tx.execute(
        f"INSERT INTO observations ({_WHERE}, vendor_name, field, code, status, first_at, last_at, count, delivery_id)"  # noqa: S608 - our own text
        f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT ({_WHERE}, vendor_name) DO NOTHING",
        (*_where(record), seen.vendor_name, seen.field, seen.code, seen.status, stamp(now), stamp(now), record.id),
    )
    if first.rowcount:
        return True
    tx.execute(
        "UPDATE observations SET field = ?, code = ?, status = ?, last_at = ?, count = count + 1, delivery_id = ?"
        " WHERE vendor = ? AND emr = ? AND clinic_id = ? AND connection = ? AND operation = ? AND vendor_name = ?",
        (seen.field, seen.code, seen.status, stamp(now), record.id, *_where(record), seen.vendor_name),
    )
    return False


def count(tx: Tx, record: Record, tried: Tried, now: datetime) -> None:
    """Count a command that was sent without what rules on trial want."""
    for field in tried.fields:
        tx.execute(
            f"INSERT INTO trials ({_WHERE}, field, accepted, refused, first_at, last_at)"  # noqa: S608 - our own text
            f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT ({_WHERE}, field) DO UPDATE SET"
            " accepted = trials.accepted + excluded.accepted, refused = trials.refused + excluded.refused,"
            " last_at = excluded.last_at",
            (*_where(record), field, int(tried.accepted), int(not tried.accepted), stamp(now), stamp(now)),
        )


def drift(tx: Tx, clinics: frozenset[str]) -> Drift:
    """What was learnt at the given clinics ("*": all)."""
    return Drift(
        observations=tuple(Observation(**row) for row in _rows(tx, "observations", Observation, clinics)),
        trials=tuple(Trial(**row) for row in _rows(tx, "trials", Trial, clinics)),
    )


def _rows(tx: Tx, table: str, of: type[Struct], clinics: frozenset[str]) -> list[dict[str, Any]]:
    columns = of.__struct_fields__
    where, scope = in_scope(clinics)
    rows = tx.execute(
        f"SELECT {', '.join(columns)} FROM {table} WHERE {where}"  # noqa: S608 - our own names
        " ORDER BY last_at DESC, clinic_id, connection",
        scope,
    ).fetchall()
    return [_read(dict(zip(columns, row, strict=True))) for row in rows]


def _read(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "emr": row["emr"] or None, "first_at": moment(row["first_at"]), "last_at": moment(row["last_at"])}
