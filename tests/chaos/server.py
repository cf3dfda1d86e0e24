"""The real gateway in a process of its own, which can be told where to die.

    python server.py CONFIG_DIR --port N [--crash-at K4 --after 3] [--stall-at K6 --stalls 2 --gates DIR] [--lease 0.5]

The app, the store, the wire and the server are the product's own; `points` says where it may die, on SQLite.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop
from chaos.points import MortalCourier, MortalStore, MortalWire, Points, mortal_at_the_first_byte

from gateway.app import build
from gateway.clinics import load
from gateway.courier import courier
from gateway.flows import dispatch, rounds, submit
from gateway.logs import set_up
from gateway.store import following, pacing
from gateway.store.base import Store
from gateway.transport import wire
from gateway.web.serving import serve
from gateway.world import World


def asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The gateway, mortal.")
    parser.add_argument("config", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--crash-at", help="the point to die at")
    parser.add_argument("--after", type=int, default=1, help="at which passage of it")
    parser.add_argument("--stall-at", help="the point to wait at")
    parser.add_argument("--stalls", type=int, default=0, help="at how many passages of it")
    parser.add_argument("--gates", type=Path, default=Path(), help="where to tell of waiting, and be told to go on")
    parser.add_argument("--lease", type=float, help="seconds that a lease lasts")
    parser.add_argument("--minute", type=float, help="seconds that the minute of a rate lasts")
    parser.add_argument("--ahead", type=float, default=0, help="seconds that this machine's clock is ahead of the time")
    parser.add_argument("--log", type=Path, help="where standard error goes")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM, or until the point that was asked for."""
    given = asked(arguments)
    if given.log:
        os.dup2(os.open(given.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), sys.stderr.fileno())
    set_up("INFO")
    points = Points(given.crash_at, given.after, given.stall_at, given.stalls, given.gates)
    mortal_at_the_first_byte(points)
    if given.lease:
        dispatch.LEASE = submit.LEASE = following._TAKEN = timedelta(seconds=given.lease)
        rounds.LONGEST_SLEEP = given.lease / 4
    if given.minute:
        pacing._MINUTE += timedelta(seconds=given.minute - 60)
    config = load(given.config, os.environ)
    world = World()
    store: Store | None = None
    if config.database.startswith("sqlite:///"):
        store = MortalStore(Path(config.database.removeprefix("sqlite:///")), world.new_id, points)
    if given.ahead:
        world = World(now=lambda: datetime.now(UTC) + timedelta(seconds=given.ahead))
    app = build(
        config,
        world=world,
        store=store,
        make_wire=lambda: MortalWire(wire(lambda: config), points),
        make_courier=lambda: MortalCourier(courier(lambda _address: True), points),
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(app, "127.0.0.1", given.port))


if __name__ == "__main__":
    main()
