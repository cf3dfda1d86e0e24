"""Three replicas on one PostgreSQL: killed, asleep past their leases, their database restarted, one's clock wrong.

`CHAOS_DELIVERIES` is how many commands are submitted meanwhile. Nothing acknowledged is lost, nothing is created twice,
and no account's caps are exceeded as its vendor counts.
"""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

from chaos.fleet import CONCURRENCY, PER_MINUTE, fleet
from chaos.judging import Figure, come_to_rest, judge
from chaos.load import Load, bad_luck

DELIVERIES = int(os.environ.get("CHAOS_DELIVERIES", "100"))
CALLERS = 32
"""So many that work waits, and replicas want the same at once."""
ONE_OF_EACH_ACCOUNT = "SELECT DISTINCT ON (account) kind, id FROM deliveries WHERE state = 'queued'"
"""To be tried now: so an operator ends the patience with a vendor that was in trouble."""
STAMPED_AHEAD = "SELECT id FROM events WHERE at > extract(epoch FROM clock_timestamp()) * 1000000"
"""What happened at a time that is still to come: by a replica's own clock."""


def test_nothing_is_lost_nothing_is_created_twice_and_caps_hold(tmp_path: Path, figure: Figure):
    chance = random.Random(DELIVERIES)  # noqa: S311 - luck of the same kind each time

    async def story() -> None:
        async with fleet(tmp_path, chance) as here:
            await here.ready()
            load = Load(here, chance, DELIVERIES, CALLERS)
            luck = asyncio.create_task(bad_luck(here, chance))
            fates = asyncio.gather(here.deaths(), here.sleeps(), here.outages())
            await load.run()
            here.is_over = True
            await fates
            luck.cancel()
            await asyncio.wait([luck])
            for vendor in here.vendors:
                await here.control(vendor, "DELETE", "faults")
            await here.ready()
            for kind, delivery_id in here.rows(ONE_OF_EACH_ACCOUNT):
                await here.ask("POST", f"/v1/{kind}s/{delivery_id}/retry", {"reason": "the vendors are well again"})
            restless = await come_to_rest(here)
            again = await asyncio.gather(*(load.answered(command) for command in load.submitted))
            await here.ask("GET", "/v1/events?after=evt_0&limit=1")  # then every event has its place
            for each in here.replicas:
                await each.stopped()

            for name, count in here.befell.items():
                figure(name, count)
            for vendor, seen in here.counted.items():
                figure(f"at once at {vendor} of {CONCURRENCY[vendor]}", seen.most_at_once)
                figure(f"in a minute at {vendor} of {PER_MINUTE[vendor]}", seen.most_in_a_minute)
            await judge(here, load.submitted, again, figure)
            assert restless == []
            assert here.rows(STAMPED_AHEAD) == []
            assert [vendor for vendor, seen in here.counted.items() if seen.most_at_once > CONCURRENCY[vendor]] == []
            assert [vendor for vendor, seen in here.counted.items() if seen.most_in_a_minute > PER_MINUTE[vendor]] == []

    asyncio.run(story())
