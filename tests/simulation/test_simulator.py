"""The engine under a seeded simulator: the real flows, rules, adapters and transactions, and a world that fails them.

`SIMULATION_SEED=n` plays one seed and prints its story; `SIMULATION_SEEDS=n` plays the first n.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from simulation.clockwork import played
from simulation.ending import healed, settled
from simulation.history import History
from simulation.people import People
from simulation.town import town_of

STEPS = 200
SEEDS = int(os.environ.get("SIMULATION_SEEDS", "200"))
ONE = os.environ.get("SIMULATION_SEED")


async def story(seed: int, steps: int = STEPS) -> History:
    """One seed's whole story, checked all along."""
    async with town_of(seed) as town:
        people = People(town)
        try:
            for _ in range(steps):
                await people.act()
                town.check()
            await healed(town, people)
            await settled(town, people)
        except BaseException as error:
            error.add_note(
                f"seed {seed}\n" + "\n".join(town.history.lines[-40:] if ONE is None else town.history.lines)
            )
            raise
        return town.history


def of_seed(seed: int) -> str | None:
    """What broke, if anything did."""
    try:
        played(story(seed))
    except Exception as error:  # noqa: BLE001 - whatever it was, the seed is what matters
        return f"SIMULATION_SEED={seed}: {type(error).__name__}: {error}"
    return None


@pytest.mark.skipif(ONE is not None, reason="one seed is asked for")
def test_whatever_breaks_nothing_is_lost_nothing_is_sent_twice_and_all_comes_to_an_end(capfd):
    broken = []
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as processes, capfd.disabled():
        for played_out, line in enumerate(processes.map(of_seed, range(SEEDS), chunksize=8), start=1):
            if line:
                broken.append(line)
                sys.stdout.write(f"\n{line}\n")
            elif played_out % 500 == 0:
                sys.stdout.write(f" {played_out} seeds")
            sys.stdout.flush()
    assert not broken, "\n".join(broken)


@pytest.mark.skipif(ONE is None, reason="no seed is asked for")
def test_the_asked_seed_holds():
    played(story(int(ONE or 0)))


def test_the_same_seed_is_the_same_run():
    assert played(story(7, 80)).digest == played(story(7, 80)).digest
