"""A stop while a vendor hangs for longer than a stop waits: half a minute, so at release size only (`make kills`)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from journeys import world
from journeys.world import COBALT, TASK_API, task, until

LATER = 60.0
"""Seconds within which a gateway is gone that waits half a minute for its sends."""


@pytest.mark.skipif("CHAOS_KILLS" not in os.environ, reason="make kills stops beside a vendor that hangs")
def test_a_stop_waits_half_a_minute_for_a_vendor_that_hangs_and_what_it_cuts_off_is_unknown(tmp_path: Path):
    with world.sandbox(tmp_path, "http://127.0.0.1:9/nobody") as vendors:
        config = world.write_config(tmp_path / "config", vendors.port_base, more="timeouts: {connect: 1, send: 300}\n")
        vendors.fault(COBALT, on="create_task", kind="stall", seconds=300)
        with world.gateway(config) as first:
            hanging = first.post("/v1/tasks", task(), key="hanging", prefer="respond-async")
            until(lambda: vendors.creates(COBALT))
            assert first.stop(within=LATER) == 0
        vendors.call(COBALT, "DELETE", "faults")
        with world.gateway(config) as second:
            assert second.delivery(hanging)["state"] == "unknown"
            assert second.post("/v1/tasks", task("hilltop")).json()["state"] == "delivered"
            assert second.post("/v1/tasks", task(), key="hanging").json()["id"] == hanging.json()["id"]
            assert (len(vendors.creates(COBALT)), len(vendors.created(TASK_API))) == (1, 1)
