"""`task-gateway doctor`: whether an installation is well, and what to do where it is not."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from itertools import groupby
from pathlib import Path
from typing import get_args

import rich_click as click
from rich.text import Text

from gateway.app import store_of
from gateway.cli.common import columns, config_option, console, counted, json_option, print_json, progress, run
from gateway.clinics import load
from gateway.errors import ConfigErrors, Stopped
from gateway.flows import examine
from gateway.flows.examine import Running
from gateway.rules import diagnosis
from gateway.rules.clinic import Config
from gateway.rules.diagnosis import Area, Diagnosis, Verdict
from gateway.transport import wire
from gateway.world import World
from schemas.private import Secret

_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.command()
@config_option
@click.option("--url", envvar="TASK_GATEWAY_URL", show_envvar=True, help="Where the gateway runs: it is asked too.")
@click.option("--key", envvar="TASK_GATEWAY_KEY", show_envvar=True, help="An app's key, to see whether it is accepted.")
@json_option
def doctor(*, directory: Path, url: str | None, key: str | None, as_json: bool) -> None:
    """Look everything over, beside a gateway at work, and say what to do: nothing is changed.

    Run it as the gateway's user, with its environment. Exit code 1: there is a problem.
    """
    running = Running(url=url.rstrip("/"), key=Secret(key) if key else None) if url else None
    found = sorted(run(_examined(directory, running)), key=lambda each: get_args(Area).index(each.area))
    is_well = all(each.verdict != "problem" for each in found)
    if as_json:
        print_json({"well": is_well, "diagnoses": found})
    else:
        _show(found)
    sys.exit(0 if is_well else 1)


async def _examined(directory: Path, running: Running | None) -> list[Diagnosis]:
    world = World()
    config: Config | None = None
    try:
        config = load(directory, os.environ)
    except ConfigErrors as errors:
        found = list(diagnosis.of_mistakes(errors.lines))
    else:
        found = await _at_home(directory, config, world)
    ahead: dict[str, float] = {}
    async for answered, skews in _outside(config, running, world):
        found += answered
        ahead |= skews
    return [*found, *examine.clock(ahead)]


async def _at_home(directory: Path, config: Config, world: World) -> list[Diagnosis]:
    """What this machine and the database tell."""
    found = [
        *examine.configuration(config, _refused_in_production(directory), world),
        *examine.files(directory, config),
    ]
    try:
        store = store_of(config, world)
    except Stopped as stopped:
        return [*found, diagnosis.problem("database", str(stopped), "name a SQLite file: sqlite:///PATH")]
    return [*found, *await examine.stored(store, config)]


async def _outside(
    config: Config | None, running: Running | None, world: World
) -> AsyncIterator[tuple[list[Diagnosis], Mapping[str, float]]]:
    """What the gateway and the vendors answer, and how far each one's clock is ahead of ours."""
    if running is not None:
        async with aclosing(wire()) as way_in:
            yield await examine.gateway(running, way_in, world)
    if config is not None:
        asked = sum(len(clinic.connections) for clinic in config.clinics.values())
        with progress("asking vendors", asked) as told:
            async with aclosing(wire(lambda: config)) as way_out:
                yield await examine.vendors(config, way_out, world, told)


def _refused_in_production(directory: Path) -> tuple[str, ...]:
    try:
        load(directory, os.environ, as_production=True)
    except ConfigErrors as errors:
        return errors.lines
    return ()


def _show(found: list[Diagnosis]) -> None:
    out = console()
    for area, of_area in groupby(found, key=lambda each: each.area):
        out.print(Text(area, "bold"))
        table = columns()
        for width in (2, 7, None):
            table.add_column(min_width=width)
        for each in of_area:
            table.add_row("", Text(each.verdict, _COLOURS[each.verdict]), Text.assemble(each.what, _fix(each)))
        out.print(table)
    counts = {verdict: sum(each.verdict == verdict for each in found) for verdict in get_args(Verdict)}
    told = [counted(count, verdict) for verdict, count in counts.items() if count and verdict != "ok"]
    out.print(Text(", ".join(told) or "all is well"))


def _fix(each: Diagnosis) -> tuple[str, str]:
    return (f"\n\u2192 {each.fix}" if each.fix else "", "dim")
