"""How much waits, and for how long: what the gauges show. Only what is open is read for it, by indexes of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from gateway.rules.pace import Luck
from gateway.store import pacing
from gateway.store.rows import NEEDS_PERSON, TO_SETTLE, Tx, moment
from gateway.store.webhooks import WebhookState
from schemas.delivery import State


class Waiting(Struct, frozen=True, kw_only=True):
    """The deliveries of an account that are in a state which is not final, and when the oldest was accepted."""

    account: str
    state: State
    count: int
    oldest: datetime


class Standing(Struct, frozen=True, kw_only=True):
    """Where the work stands: what waits, how much of it for a person, what is on its way, and paused connections."""

    waiting: tuple[Waiting, ...]
    needs_person: dict[str, int]
    """By account."""
    paused: tuple[tuple[str, str], ...]
    """As (clinic id, name)."""
    in_flight: dict[str, int]
    luck: dict[str, Luck]


class Asked(Struct, frozen=True, kw_only=True):
    """What waits for a person: deliveries to settle, paused connections, and webhooks that fit nothing, by state."""

    to_settle: int
    paused: int
    webhooks: dict[WebhookState, int]


class Open(Struct, kw_only=True):
    """What is under way at a connection: waits to be sent (or is being sent), is followed, has no known outcome."""

    waiting: int = 0
    followed: int = 0
    unknown: int = 0


HOW_MUCH_WAITS = (
    "SELECT account, state, count(*), min(created_at) FROM deliveries"
    " WHERE state IN ('queued', 'held', 'sending', 'submitted', 'unknown') GROUP BY account, state"
)
HOW_MUCH_FOR_PEOPLE = f"SELECT account, count(*) FROM deliveries WHERE {NEEDS_PERSON} GROUP BY account"  # noqa: S608 - our own text


HOW_MUCH_TO_SETTLE = f"SELECT clinic_id, count(*) FROM deliveries WHERE {TO_SETTLE} GROUP BY clinic_id"  # noqa: S608 - likewise
HOW_MUCH_IS_OPEN = (
    "SELECT clinic_id, connection, state, count(*) FROM deliveries"
    " WHERE state IN ('queued', 'held', 'sending', 'submitted', 'unknown') GROUP BY state, clinic_id, connection"
)


def standing(tx: Tx) -> Standing:
    """Where the work stands."""
    waiting = tx.execute(HOW_MUCH_WAITS).fetchall()
    people = tx.execute(HOW_MUCH_FOR_PEOPLE).fetchall()
    paused = tx.execute("SELECT clinic_id, connection FROM paused_connections").fetchall()
    in_flight = tx.execute(
        "SELECT account, count(*) FROM deliveries WHERE lease_until IS NOT NULL GROUP BY account"
    ).fetchall()
    return Standing(
        waiting=tuple(
            Waiting(account=account, state=state, count=count, oldest=moment(oldest))
            for account, state, count, oldest in waiting
        ),
        needs_person=dict(people),
        paused=tuple((clinic_id, name) for clinic_id, name in paused),
        in_flight=dict(in_flight),
        luck=pacing.every_luck(tx),
    )


def asked_of_people(tx: Tx, clinics: frozenset[str]) -> Asked:
    """How much waits for a person at these clinics ("*": all, webhooks of no clinic too)."""
    to_settle = tx.execute(HOW_MUCH_TO_SETTLE).fetchall()
    paused = tx.execute("SELECT clinic_id FROM paused_connections").fetchall()
    hooks = tx.execute(
        "SELECT state, clinic_id, count(*) FROM webhooks WHERE state IN ('unmatched', 'quarantined', 'unreadable')"
        " GROUP BY state, clinic_id ORDER BY state"
    ).fetchall()

    def within(clinic_id: str | None) -> bool:
        return "*" in clinics or clinic_id in clinics

    webhooks: dict[WebhookState, int] = {}
    for state, clinic_id, count in hooks:
        if within(clinic_id):
            webhooks[state] = webhooks.get(state, 0) + count
    return Asked(
        to_settle=sum(count for clinic_id, count in to_settle if within(clinic_id)),
        paused=sum(within(clinic_id) for (clinic_id,) in paused),
        webhooks=webhooks,
    )


_PART_OF: Mapping[State, str] = {"submitted": "followed", "unknown": "unknown"}


def open_work(tx: Tx, clinics: frozenset[str]) -> dict[tuple[str, str], Open]:
    """What is under way at each connection of these clinics ("*": all) that has something under way."""
    work: dict[tuple[str, str], Open] = {}
    for clinic_id, connection, state, count in tx.execute(HOW_MUCH_IS_OPEN).fetchall():
        if "*" in clinics or clinic_id in clinics:
            there, part = work.setdefault((clinic_id, connection), Open()), _PART_OF.get(state, "waiting")
            setattr(there, part, getattr(there, part) + count)
    return work
