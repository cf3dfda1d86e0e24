"""`task-gateway adapter`: the vendors' adapters."""

from __future__ import annotations

from pathlib import Path

import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table

from adapters import discover
from gateway.cli.common import json_option
from gateway.features import feature_table


@click.group()
def adapter() -> None:
    """Vendors' adapters."""


@adapter.command("list")
@click.option(
    "--path",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A directory of adapter files.",
)
@click.option("--markdown", is_flag=True, help="Print the feature table of README.")
@json_option
def list_adapters(paths: tuple[Path, ...], markdown: bool, as_json: bool) -> None:
    """The adapters that are found, and what each can do."""
    found = discover(paths)
    if markdown:
        click.echo(feature_table(found), nl=False)
    elif as_json:
        rows = [
            {"name": name, "docs": each.docs, "operations": [one.name for one in each.operations]}
            for name, each in found.items()
        ]
        click.echo(msgspec.json.encode(rows).decode())
    else:
        table = Table("adapter", "operations", "pushes")
        for name, each in found.items():
            table.add_row(name, ", ".join(one.name for one in each.operations), each.pushes)
        Console().print(table)
