"""kill -9 at random, under load, with vendors that fail: nothing acknowledged is lost, nothing is created twice.

`CHAOS_KILLS` is how many kills there are, in rounds of at most 50; each round has a database and vendors of its own.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from chaos.load import Load, Submitted, bad_luck, behind_a_proxy
from chaos.town import Town, played, until

Figure = Callable[[str, int], None]
KILLS = int(os.environ.get("CHAOS_KILLS", "100"))
ROUND = 50
ROUNDS = [min(ROUND, KILLS - first) for first in range(0, KILLS, ROUND)]
SETTLED = "state IN ('delivered', 'rejected', 'failed', 'cancelled', 'unknown', 'held')"
SHOWN = "id, kind, adapter, state, attempts, resent, looks"


@pytest.mark.parametrize(("number", "kills"), list(enumerate(ROUNDS)))
def test_nothing_is_lost_and_nothing_is_created_twice(tmp_path: Path, figure: Figure, number: int, kills: int):
    chance = random.Random(number)  # noqa: S311 - luck of the same kind each time
    is_unlucky = True

    async def story(here: Town) -> None:
        nonlocal is_unlucky
        load = Load(here, chance)
        luck = asyncio.create_task(bad_luck(here, chance))
        callers = asyncio.create_task(load.run())
        for _ in range(kills):
            await lived_a_little(here, chance)
        luck.cancel()
        with suppress(asyncio.CancelledError):
            await luck
        is_unlucky = False
        for vendor in here.vendors:
            await here.control(vendor, "DELETE", "faults")
        last = await here.begin()
        load.stop()
        await callers
        restless = await come_to_rest(here)
        again = await asyncio.gather(*(load.answered(command) for command in load.submitted))
        await last.stopped()

        figure("kills", kills)
        await judge(here, load.submitted, again, figure)
        assert restless == []

    played(tmp_path, story, answered=behind_a_proxy(lambda: is_unlucky))


async def lived_a_little(here: Town, chance: random.Random) -> None:
    """One life, ended at any time: mostly at work, sometimes while it starts."""
    at_work = chance.random() < 0.8
    gateway = await here.begin(ready=at_work)
    await asyncio.sleep(chance.uniform(0, 0.4) if at_work else chance.uniform(0, 0.2))
    await gateway.killed()


async def come_to_rest(here: Town) -> list[tuple[Any, ...]]:
    """Until nothing is under way any more, and what is unknown was looked for and not found; else, what still is."""
    before = dict(here.rows("SELECT id, looks FROM deliveries"))

    async def is_calm() -> bool:
        moving = here.rows(f"SELECT id FROM deliveries WHERE NOT {SETTLED}")  # noqa: S608 - our own text
        unknown = here.rows("SELECT id, looks, adapter, resent FROM deliveries WHERE state = 'unknown'")
        return not moving and all(
            looks >= before.get(delivery_id, 0) + 3 and (adapter == "cobalt" or resent)
            for delivery_id, looks, adapter, resent in unknown
        )

    with suppress(AssertionError):
        await until(is_calm)
        return []
    return here.rows(f"SELECT {SHOWN} FROM deliveries WHERE state != 'delivered'")  # noqa: S608 - likewise


async def judge(here: Town, submitted: list[Submitted], again: list[str], figure: Figure) -> None:
    """What was promised, held against what is in the database and at the vendors."""
    deliveries = {row[0]: row for row in here.rows("SELECT id, state, lease_until, resent FROM deliveries")}
    created = {vendor: Counter(map(_told, await here.created(vendor))) for vendor in here.vendors}
    there = {command.delivery_id: created[command.vendor][command.told] for command in submitted}
    lost = [command.delivery_id for command in submitted if command.delivery_id not in deliveries]
    twice = [delivery_id for delivery_id, times in there.items() if times > 1]
    unknown = [delivery_id for delivery_id, state, *_ in deliveries.values() if state == "unknown"]
    figure("commands", len(submitted))
    figure("sends cut off before their mark", _attempts(here, "marked_at IS NULL AND ended_at IS NULL"))
    figure("after it", _attempts(here, "marked_at IS NOT NULL AND ended_at IS NULL"))
    figure("lost", len(lost))
    figure("created twice", len(twice))
    figure("unknown that need an operator", len(unknown))
    figure("of these created", sum(there[delivery_id] for delivery_id in unknown))

    assert lost == []
    assert twice == []
    assert again == [command.delivery_id for command in submitted]  # a key is one delivery, through all deaths
    assert len(deliveries) == len(submitted)
    assert here.rows("PRAGMA integrity_check") == [("ok",)]
    assert here.rows("SELECT id FROM deliveries WHERE state = 'sending' OR lease_until IS NOT NULL") == []
    assert [row for row in deliveries.values() if row[1] == "delivered" and there[row[0]] != 1] == []
    assert [row for row in deliveries.values() if row[1] in {"rejected", "failed", "held"} and there[row[0]]] == []
    assert here.rows(TOLD_OTHERWISE) == []
    assert here.rows(SENT_TOO_OFTEN) == []


def _attempts(here: Town, which: str) -> int:
    ((count,),) = here.rows(f"SELECT count(*) FROM attempts WHERE {which}")  # noqa: S608 - from above
    return int(count)


def _told(body: dict[str, Any]) -> str:
    """What tells a created thing's command from all others."""
    text = str(body.get("description") or body.get("notes") or body.get("note") or body.get("appointment_id"))
    return text.partition("(")[2].partition(")")[0] or text


TOLD_OTHERWISE = """
    SELECT id, state, (SELECT type FROM events WHERE delivery_id = deliveries.id ORDER BY seq DESC LIMIT 1) AS last
    FROM deliveries WHERE last != kind || '.' || state
"""
"""Deliveries whose last event says something else than they do."""

SENT_TOO_OFTEN = """
    SELECT delivery_id FROM attempts JOIN deliveries ON id = delivery_id
    WHERE marked_at IS NOT NULL AND coalesce(verdict, 'unknown') != 'not_applied'
    GROUP BY delivery_id HAVING count(*) > 1 + max(resent)
"""
"""Deliveries sent again without proof that nothing had come of it."""
