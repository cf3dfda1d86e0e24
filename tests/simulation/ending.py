"""How a simulated story ends: the weather clears and everything comes to rest, or a person settles it."""

from __future__ import annotations

import asyncio
from difflib import SequenceMatcher

from simulation.history import FINAL, Broken
from simulation.people import People
from simulation.town import Town

from gateway.flows import rounds
from gateway.rules.record import Record
from gateway.store.webhooks import webhooks

_HOUR = 3600.0


async def healed(town: Town, people: People) -> None:
    """Vendors, database and webhooks are well again; after two days, each delivery has an end or a reason."""
    town.weather.clear_up()
    people.restore()
    if town.life is None:
        await town.start()
    await asyncio.sleep(900)
    people.resume()
    rounds.LONGEST_SLEEP = 6 * _HOUR
    await asyncio.sleep(60 * _HOUR)
    town.check()
    records = people._some("1 = 1")
    for record in records:
        why = _restless(town, record, records)
        if why:
            raise Broken(f"{record.id} ({record.adapter} {record.kind}) is {record.state}: {why}")
    _nothing_lost(town, people)


_EDITED = 0.5


def _restless(town: Town, record: Record, records: list[Record]) -> str | None:
    """Why it should not be where it is; None: it may."""
    if record.state in FINAL:
        return None
    match record.state:
        case "unknown":
            return _findable(town, record, records)
        case "held":
            parent = next((each for each in records if each.id == record.parent_id), None)
            to_come = parent is not None and parent.emr_id is None and not parent.safe_to_resend
            waits = record.awaits_parent and to_come
            return None if waits else f"it waits for {record.waiting_for}, of which nothing is left"
        case "submitted":
            return None if record.overdue and record.adapter == "maxcare" else "its result is there to be seen"
        case _:
            return "nobody does anything about it"


def _findable(town: Town, record: Record, records: list[Record]) -> str | None:
    """Whether an unknown should have been found, or proved absent, as far as staff left what tells it."""
    exists = town.history.exists(record.id)
    likely = [each for each in records if each.adapter == record.adapter and _similar(each, record)]
    if any(thing.edited for each in likely for thing in town.history.exists(each.id)):
        return None
    if record.adapter == "task_api":
        return "its tag is there" if exists else None if record.resent else "absence could be proved"
    twins = [
        each
        for each in records
        if each.id != record.id and each.connection == record.connection and each.kind == record.kind
        and (_alike(each, record) or (each.vendor_id is None and _similar(each, record))) and each.attempted
    ]  # fmt: skip
    if twins or not exists:
        alone = record.adapter == "maxcare" and not twins and not record.resent
        return "absence could be proved" if alone else None
    return "it could be found by its content"


def _similar(one: Record, other: Record) -> bool:
    """Whether one could pass for the other with a few words edited: then nothing is proved by not finding it."""
    texts = [str(each.content.values.get("description", "")) for each in (one, other)]
    return SequenceMatcher(None, *texts).ratio() >= _EDITED


def _alike(one: Record, other: Record) -> bool:
    """Whether what the vendor echoes of one may be of the other: a text may be echoed cut short."""
    values, others = dict(one.content.values), dict(other.content.values)
    texts = [each.pop("description", None) or each.pop("text", None) or "" for each in (values, others)]
    return values == others and (texts[0].startswith(texts[1]) or texts[1].startswith(texts[0]))


def _nothing_lost(town: Town, people: People) -> None:
    for key, delivery_id in people.promised.items():
        if people.stored(delivery_id) is None:
            raise Broken(f"{delivery_id}, promised for {key}, is not there")
    new = webhooks(people._tx, "new", 1_000_000, None, frozenset({"*"}))
    if unread := [hook.id for hook in new if hook.body not in town.doubtful]:
        raise Broken(f"webhooks that nobody reads: {unread}")


async def settled(town: Town, people: People) -> None:
    """A person settles by the truth what only a person can; then all is final."""
    for _ in range(3):
        for record in people._open_questions():
            people.settle(record, fully=True)
        await asyncio.sleep(_HOUR)
    await asyncio.sleep(24 * _HOUR)
    if people._some("state = 'held'"):
        await asyncio.sleep(7 * 24 * _HOUR)
    town.check()
    if left := {record.id: record.state for record in people._some("1 = 1") if record.state not in FINAL}:
        raise Broken(f"not final at the end: {left}")
