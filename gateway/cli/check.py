"""`task-gateway check`: what a configuration can do, or everything that is wrong with it."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from gateway.cli.able import able
from gateway.cli.common import config_option, loaded


@click.command()
@config_option
def check(directory: Path) -> None:
    """Read the configuration and say what each clinic can do, or everything that is wrong with it."""
    for line in able(loaded(directory)):
        click.echo(line)
