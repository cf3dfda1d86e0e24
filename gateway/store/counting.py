"""How much waits, and for how long: what the gauges show. Only what is open is read for it, by indexes of its own."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from gateway.rules.pace import Luck
from gateway.store import pacing
from gateway.store.reading import NEEDS_PERSON
from gateway.store.rows import Tx, moment
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


HOW_MUCH_WAITS = (
    "SELECT account, state, count(*), min(created_at) FROM deliveries"
    " WHERE state IN ('queued', 'held', 'sending', 'submitted', 'unknown') GROUP BY account, state"
)
HOW_MUCH_FOR_PEOPLE = f"SELECT account, count(*) FROM deliveries WHERE {NEEDS_PERSON} GROUP BY account"  # noqa: S608 - our own text


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
