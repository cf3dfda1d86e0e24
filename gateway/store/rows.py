"""Between Structs and rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol, TypeVar

import msgspec

from gateway.rules.change import Attempt
from gateway.rules.record import Content, Record
from gateway.store.vault import Unreadable, Vault
from schemas.delivery import WorkStatus

T = TypeVar("T")


class Cursor(Protocol):
    """What a statement returns: the DB-API's cursor, as both drivers have it."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> list[Any]:
        """All further rows."""


class Overtaken(Exception):  # noqa: N818 - what it is
    """Another transaction leased the delivery between this one's reading and writing it: the job is to be run again."""


class Tx:
    """One open transaction, and the vault for what may hold patient text. Statements use `?` for parameters.

    It is written for one transaction at a time. Where several run side by side, the locks make those take turns that
    change deliveries of the same connection, so that each sees all that the one before it did.
    """

    __slots__ = ("execute", "vault")

    to_change: ClassVar[str] = ""
    """What a SELECT ends with whose rows are to be changed."""
    to_take: ClassVar[str] = ""
    """Likewise, where rows that others are changing are left to them."""

    def __init__(self, execute: Callable[..., Cursor], vault: Vault) -> None:
        self.execute = execute
        self.vault = vault

    def lock(self, clinic_id: str, connection: str) -> None:
        """Wait until no other transaction changes deliveries of the connection."""

    def lock_of(self, delivery_id: str) -> None:
        """Likewise, of the delivery's connection."""

    def lock_account(self, account: str) -> None:
        """Wait until no other transaction leases deliveries of the account; after a connection's lock, never before."""

    def seal(self, value: Any, row: str) -> bytes:
        """`value` as JSON, sealed for `row`."""
        return self.vault.seal(msgspec.json.encode(value), row)

    def open(self, stored: bytes, row: str, kind: type[T]) -> T:
        """What was sealed for `row`. Raises Unreadable."""
        return _read(msgspec.json.Decoder(kind), self.vault.open(stored, row))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIMES = frozenset(
    {
        "lease_until", "due_at", "give_up_at", "settle_by", "created_at", "updated_at", "sent_by", "absent_at",
        "work_until",
    }
)  # fmt: skip
_FLAGS = frozenset(
    {"awaits_parent", "awaits_connection", "overdue", "conflict", "open_attempt", "doubt", "resent", "purged"}
)

COLUMNS: tuple[str, ...] = Record.__struct_fields__
ALL = ", ".join(COLUMNS)
INSERT = f"INSERT INTO deliveries ({ALL}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - our own column names
WAITING = (
    "state = 'queued' AND lease_until IS NULL AND NOT EXISTS (SELECT 1 FROM deliveries AS earlier"
    " WHERE earlier.lane = deliveries.lane AND earlier.state IN ('queued', 'held', 'sending')"
    " AND (earlier.created_at, earlier.id) < (deliveries.created_at, deliveries.id))"
)
"""What may be leased once it is due: nobody has it, and no earlier one of its lane is still to go."""

UNDELIVERED = "state <> 'delivered'"
"""What two indexes hold; said where a state is asked for, since SQLite sees that it fits by the same words alone."""
NEEDS_PERSON = "(state = 'unknown' OR overdue = 1 OR conflict = 1 OR (state = 'held' AND awaits_connection = 1))"
"""What waits for a person; two indexes have the same words."""
TO_SETTLE = f"{NEEDS_PERSON} AND NOT (state = 'held' AND awaits_connection = 1)"
"""The same without what only waits for its connection."""

NOT_LOOKED_AT = (
    "NOT EXISTS (SELECT 1 FROM looks WHERE looks.clinic_id = deliveries.clinic_id"
    " AND looks.connection = deliveries.connection AND looks.until > ?)"
)
"""Whose connection nobody looks at now."""
EACH_QUEUED = (
    "WITH RECURSIVE each_queued (account) AS (SELECT min(account) FROM deliveries WHERE state = 'queued' UNION ALL"
    " SELECT (SELECT min(account) FROM deliveries WHERE state = 'queued' AND account > each_queued.account)"
    " FROM each_queued WHERE account IS NOT NULL)"
)
"""The accounts with anything queued: a step along the index for each, however much there is."""

_contents = msgspec.json.Decoder(Content)
_work = msgspec.json.Decoder(WorkStatus)


def stamp(at: datetime | None) -> int | None:
    """Microseconds since 1970."""
    return None if at is None else (at - _EPOCH) // _MICROSECOND


def moment(stamped: int) -> datetime:
    """The time of a stamp, in UTC."""
    return _EPOCH + timedelta(microseconds=stamped)


def row_of(tx: Tx, record: Record) -> list[Any]:
    """The record as column values, in the order of COLUMNS."""
    return [_column(tx, record, name) for name in COLUMNS]


def update(tx: Tx, before: Record, after: Record) -> bool:
    """Write what a change made different, no more: an index and a sealed text cost what they cost.

    Whether it was written: it is not where another has claimed the delivery since `before` was read.
    """
    names = [name for name in COLUMNS if getattr(after, name) is not getattr(before, name)] or ["version"]
    values = [_column(tx, after, name) for name in names]
    text = ", ".join(f"{name} = ?" for name in names)
    done = tx.execute(f"UPDATE deliveries SET {text} WHERE id = ? AND fence = ?", [*values, after.id, before.fence])  # noqa: S608 - our own column names
    return done.rowcount > 0


def _column(tx: Tx, record: Record, name: str) -> Any:
    value = getattr(record, name)
    if name in _TIMES:
        return stamp(value)
    if name in _FLAGS:
        return int(value)
    if name == "content":
        return record.content.sealed or tx.seal(value, _row(record.id))
    if name == "work":
        return None if value is None else msgspec.json.encode(value).decode()
    return value


def record_of(tx: Tx, row: Sequence[Any]) -> Record:
    """The record of a row selected as ALL."""
    values: dict[str, Any] = dict(zip(COLUMNS, row, strict=True))
    for name in _TIMES:
        if values[name] is not None:
            values[name] = moment(values[name])
    for name in _FLAGS:
        values[name] = bool(values[name])
    values["content"] = _content(tx, values["id"], bytes(values["content"]))
    if values["work"] is not None:
        values["work"] = _work.decode(values["work"])
    return Record(**values)


def _content(tx: Tx, delivery_id: str, stored: bytes) -> Content:
    try:
        return _read(_contents, tx.vault.open(stored, _row(delivery_id)))
    except Unreadable:
        return Content(command={}, values={}, mapping=(), sealed=stored)


def _read(decoder: msgspec.json.Decoder[T], opened: bytes) -> T:
    try:
        return decoder.decode(opened)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unreadable("not written here") from error


def _row(delivery_id: str) -> str:
    return f"deliveries/{delivery_id}"


def save_attempt(tx: Tx, account: str, attempt: Attempt) -> None:
    """Insert the attempt of a delivery to that account, or write what has become of it."""
    tx.execute(
        "INSERT INTO attempts (delivery_id, fence, account, started_at, config_version, is_retry,"
        " marked_at, ended_at, verdict, code, status)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (delivery_id, fence) DO UPDATE SET"
        " config_version = excluded.config_version, marked_at = excluded.marked_at, ended_at = excluded.ended_at,"
        " verdict = excluded.verdict, code = excluded.code, status = excluded.status",
        (
            attempt.delivery_id,
            attempt.fence,
            account,
            stamp(attempt.started_at),
            attempt.config_version,
            int(attempt.is_retry),
            stamp(attempt.marked_at),
            stamp(attempt.ended_at),
            attempt.verdict,
            attempt.code,
            attempt.status,
        ),
    )


def json_text(value: Mapping[str, Any]) -> str:
    """JSON for a text column."""
    return msgspec.json.encode(value).decode()


UNREADABLE = "(unreadable)"
"""What stands for a text that no key opens."""


def text_of(tx: Tx, stored: bytes | None, row: str) -> str | None:
    """A sealed text, for people to read."""
    try:
        return None if stored is None else tx.vault.open(bytes(stored), row).decode()
    except (Unreadable, UnicodeDecodeError):
        return UNREADABLE


def paused_row(clinic_id: str, connection: str) -> str:
    """The identity of a paused connection's row."""
    return f"paused_connections/{clinic_id}/{connection}"


def not_of(connections: Collection[tuple[str, str]]) -> tuple[str, tuple[str, ...]]:
    """A condition that leaves these connections out, and its parameters."""
    each = "NOT (clinic_id = ? AND connection = ?)"
    return " AND ".join(["1 = 1", *(each for _ in connections)]), tuple(part for one in connections for part in one)


def in_scope(clinics: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """A condition that rows of these clinics meet ("*": all), and its parameters."""
    if "*" in clinics:
        return "1 = 1", ()
    return f"clinic_id IN ({', '.join('?' * len(clinics))})" if clinics else "1 = 0", tuple(sorted(clinics))
