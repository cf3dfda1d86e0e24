"""The reads: timelines, and what the engine wants to know before it sleeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from gateway.rules.clinic import Limits
from gateway.rules.record import Record
from gateway.store import audit, backlog, pacing
from gateway.store.rows import EACH_QUEUED, NOT_LOOKED_AT, WAITING, Tx, moment, paused_row, stamp, text_of
from gateway.store.vault import Unreadable
from schemas.delivery import Happening
from schemas.outcome import Sighting


class Paused(Struct, frozen=True, kw_only=True):
    """A paused connection."""

    clinic_id: str
    connection: str
    since: datetime
    code: str
    detail: str


def timeline(tx: Tx, record: Record) -> list[Happening]:
    """All that happened to a delivery, in order: accepted, attempts, sightings, events, callbacks."""
    happened = [
        Happening(
            at=record.created_at,
            what="accepted",
            facts={"app": record.app, "connection": record.connection, "rule": record.rule},
        ),
        *_asked(tx, record.id),
        *_sightings(tx, record.id),
        *_events(tx, record.id),
        *_attempts(tx, record.id),
        *backlog.tries(tx, record.id),
    ]
    return sorted(happened, key=lambda happening: happening.at)


def _attempts(tx: Tx, delivery_id: str) -> list[Happening]:
    rows = tx.execute(
        "SELECT started_at, config_version, marked_at, ended_at, verdict, code, status FROM attempts"
        " WHERE delivery_id = ? ORDER BY fence",
        (delivery_id,),
    ).fetchall()
    return [
        Happening(
            at=moment(started),
            what="attempt",
            facts={
                "first_byte_at": None if marked is None else moment(marked),
                "ended_at": None if ended is None else moment(ended),
                "milliseconds": None if ended is None else (ended - started) / 1000,
                "verdict": verdict,
                "code": code,
                "status": status,
                "config_version": version,
            },
        )
        for started, version, marked, ended, verdict, code, status in rows
    ]


def _sightings(tx: Tx, delivery_id: str) -> list[Happening]:
    rows = tx.execute(
        "SELECT id, at, source, webhook_id, why, sighting FROM sightings WHERE delivery_id = ? ORDER BY at, id",
        (delivery_id,),
    ).fetchall()
    happened = []
    for id_, at, source, webhook_id, why, stored in rows:
        facts = {"source": source, "webhook_id": webhook_id, "why": why}
        try:
            seen = tx.open(stored, f"sightings/{id_}", Sighting)
            facts |= {"says": seen.says, "ids": seen.ids, "event_id": seen.event_id}
        except Unreadable:
            facts |= {"says": "unreadable"}
        happened.append(Happening(at=moment(at), what="sighting", facts=facts))
    return happened


def _asked(tx: Tx, delivery_id: str) -> list[Happening]:
    return [
        Happening(at=entry.at, what="asked", facts={"what": entry.action, "app": entry.app, "reason": entry.reason})
        for entry in audit.about(tx, delivery_id)
    ]


def _events(tx: Tx, delivery_id: str) -> list[Happening]:
    rows = tx.execute("SELECT at, id, type FROM events WHERE delivery_id = ? ORDER BY seq", (delivery_id,)).fetchall()
    return [Happening(at=moment(at), what="event", facts={"id": id_, "type": type_}) for at, id_, type_ in rows]


def next_due(tx: Tx, now: datetime, limits: Mapping[str, Limits]) -> datetime | None:
    """When the engine has something to do next, as far as time alone tells; without room it can do nothing."""
    questions = (
        "SELECT min(lease_until) FROM deliveries WHERE lease_until IS NOT NULL",
        "SELECT min(give_up_at) FROM deliveries WHERE state IN ('queued', 'held') AND lease_until IS NULL",
        "SELECT min(settle_by) FROM deliveries WHERE state = 'submitted' AND overdue = 0",
        "SELECT min(probe_at) FROM paused_connections WHERE probe_at IS NOT NULL",
    )
    times = [tx.execute(question).fetchone()[0] for question in questions]
    known = [*_sends(tx, now, limits), *(moment(at) for at in times if at is not None)]
    return min(known, default=None)


def _sends(tx: Tx, now: datetime, limits: Mapping[str, Limits]) -> Iterator[datetime]:
    """When each account's next delivery may go."""
    accounts = tx.execute(f"{EACH_QUEUED} SELECT account FROM each_queued WHERE account IS NOT NULL")  # noqa: S608 - only names and placeholders of ours are put in
    for (account,) in accounts.fetchall():
        due = tx.execute(
            f"SELECT due_at FROM deliveries WHERE {WAITING} AND account = ? ORDER BY due_at LIMIT 1",  # noqa: S608 - only names and placeholders of ours are put in
            (account,),
        ).fetchone()
        opens = pacing.opens(tx, account, limits.get(account, Limits()), now)
        if due is not None and opens is not None:
            yield max(moment(due[0]), opens)


def next_look(tx: Tx, now: datetime) -> datetime | None:
    """When the next look is due, of connections that nobody looks at now."""
    row = tx.execute(
        "SELECT due_at FROM deliveries WHERE state IN ('submitted', 'unknown', 'delivered') AND due_at IS NOT NULL"  # noqa: S608 - only names and placeholders of ours are put in
        f" AND {NOT_LOOKED_AT} ORDER BY due_at LIMIT 1",
        (stamp(now),),
    ).fetchone()
    return None if row is None else moment(row[0])


def paused(tx: Tx) -> tuple[Paused, ...]:
    """The connections that are paused."""
    rows = tx.execute("SELECT clinic_id, connection, since, code, detail FROM paused_connections").fetchall()
    return tuple(
        Paused(
            clinic_id=clinic_id,
            connection=connection,
            since=moment(since),
            code=code,
            detail=text_of(tx, detail, paused_row(clinic_id, connection)) or "",
        )
        for clinic_id, connection, since, code, detail in rows
    )


def touch(tx: Tx) -> None:
    """A write that changes nothing of worth; another value each time, since SQLite writes no value over itself."""
    tx.execute(
        "INSERT INTO meta (name, value) VALUES ('touched', '1')"
        " ON CONFLICT (name) DO UPDATE SET value = CASE meta.value WHEN '1' THEN '2' ELSE '1' END"
    )


def salt(tx: Tx, fresh: str) -> str:
    """The database's own secret; `fresh` becomes it if there is none yet."""
    tx.execute("INSERT INTO meta (name, value) VALUES ('salt', ?) ON CONFLICT (name) DO NOTHING", (fresh,))
    kept: str = tx.execute("SELECT value FROM meta WHERE name = 'salt'").fetchone()[0]
    return kept
