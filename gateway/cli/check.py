"""`task-gateway check`: what a configuration can do, whether its credentials work, and what another would change."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import rich_click as click
from msgspec import structs

from gateway.app import store_of
from gateway.cli.checked import show_probes, show_replayed, show_report
from gateway.cli.common import config_option, json_option, loaded, print_json, progress, run
from gateway.clinics import load
from gateway.errors import ConfigErrors
from gateway.flows.probe import Probe, probe
from gateway.flows.replay import Replayed, newest, replay
from gateway.rules import checking
from gateway.rules.clinic import Config
from gateway.transport import wire
from gateway.world import World


@click.command()
@config_option
@click.option("--probe", "probing", is_flag=True, help="Try each connection's credentials with a harmless read.")
@click.option(
    "--diff", "other", type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Another configuration: what would it do otherwise with the commands that were stored last?",
)  # fmt: skip
@click.option("--database", help="With --diff: where those are, if not where the configuration says. It is only read.")
@click.option("--last", type=click.IntRange(1), default=200, show_default=True, help="With --diff: how many.")
@json_option
def check(
    *, directory: Path, probing: bool, other: Path | None, database: str | None, last: int, as_json: bool
) -> None:
    """Say what each clinic can do, what callers must supply, and what will surprise; or every mistake there is.

    Exit code 1: the configuration cannot be loaded, or something in it can only fail; with --probe a connection does
    not work; with --diff the other configuration would refuse what this one takes.
    """
    if probing and other is not None:
        raise click.UsageError("--probe and --diff are two questions: ask one at a time")
    config = loaded(directory)
    if other is not None:
        replayed = run(_replayed(config, other, database or config.database, last))
        print_json(replayed) if as_json else show_replayed(replayed, other)
        sys.exit(0 if replayed.sound else 1)
    report = checking.check(config, World().now())
    probes = run(_probed(config)) if probing else ()
    if as_json:
        print_json(structs.asdict(report) | ({"probes": probes} if probing else {}))
    else:
        show_report(report)
        show_probes(probes)
    sys.exit(0 if report.sound and all(each.sound for each in probes) else 1)


async def _probed(config: Config) -> Sequence[Probe]:
    asked = sum(len(clinic.connections) for clinic in config.clinics.values())
    with progress("asking vendors", asked) as told:
        async with aclosing(wire(lambda: config)) as way_out:
            return await probe(config, way_out, World(), told)


async def _replayed(config: Config, other: Path, database: str, last: int) -> Replayed:
    try:
        there = load(other, os.environ)
    except ConfigErrors as error:
        raise ConfigErrors([f"{other}/{line}" for line in error.lines]) from error
    store = store_of(structs.replace(config, database=database), World())
    await store.open(read_only=True)
    try:
        records = await newest(store, last)
        with progress("planning again", len(records)) as told:
            return await replay(store, records, config, there, told)
    finally:
        await store.close()
