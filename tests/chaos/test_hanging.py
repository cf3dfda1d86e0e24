"""A stop while a vendor or a client hangs for longer than a stop waits: half a minute each, so at release size only."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest
from journeys import world
from journeys.world import COBALT, TASK_API, task, until

LATER = 60.0
"""Seconds within which a gateway is gone that waits half a minute for its sends, or for its callers."""
pytestmark = pytest.mark.skipif("CHAOS_KILLS" not in os.environ, reason="make kills stops beside what hangs")


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


def answered_and_stuck(gateway: world.Gateway) -> bool:
    """Whether it has begun to answer, and for half a second has not gone on."""
    before = gateway.log().count('"/schema/openapi.json"')
    time.sleep(0.5)
    return 0 < before == gateway.log().count('"/schema/openapi.json"')


def test_a_stop_waits_half_a_minute_for_a_client_that_does_not_read_its_answers(tmp_path: Path):
    with world.sandbox(tmp_path, "http://127.0.0.1:9/nobody") as vendors:
        config = world.write_config(tmp_path / "config", vendors.port_base)
        with world.gateway(config) as gateway, socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", gateway.port))
            client.sendall(b"GET /schema/openapi.json HTTP/1.1\r\nHost: here\r\n\r\n" * 60)
            until(lambda: answered_and_stuck(gateway))
            kept = gateway.post("/v1/tasks", task("hilltop"))
            assert gateway.stop(within=LATER) == 0
        assert "serving.cut_off" in gateway.log()
        with world.gateway(config) as second:
            assert second.delivery(kept)["state"] == "delivered"
