"""kill -9 at random, under load, with vendors that fail: nothing acknowledged is lost, nothing is created twice.

`CHAOS_KILLS` is how many kills there are, in rounds of at most 50; each round has a database and vendors of its own.
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import suppress
from pathlib import Path

import pytest
from chaos.judging import Figure, come_to_rest, judge
from chaos.load import Load, bad_luck, behind_a_proxy
from chaos.town import Town, played

KILLS = int(os.environ.get("CHAOS_KILLS", "100"))
ROUND = 50
ROUNDS = [min(ROUND, KILLS - first) for first in range(0, KILLS, ROUND)]


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
        assert here.rows("PRAGMA integrity_check") == [("ok",)]
        assert restless == []

    played(tmp_path, story, answered=behind_a_proxy(lambda: is_unlucky))


async def lived_a_little(here: Town, chance: random.Random) -> None:
    """One life, ended at any time: mostly at work, sometimes while it starts."""
    at_work = chance.random() < 0.8
    gateway = await here.begin(ready=at_work)
    await asyncio.sleep(chance.uniform(0, 0.4) if at_work else chance.uniform(0, 0.2))
    await gateway.killed()
