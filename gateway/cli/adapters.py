"""`task-gateway adapter`: the vendors' adapters, and what their authors need."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import rich_click as click
from msgspec import Struct

from adapters.base import Adapter
from gateway.cli.adapter_report import lines
from gateway.cli.common import adapters_in, columns, console, json_option, paths_option, print_json, whole
from gateway.cli.new_adapter import write
from gateway.conformance import examine
from gateway.features import feature_table
from gateway.world import World


@click.group()
def adapter() -> None:
    """Vendors' adapters."""


@adapter.command("list")
@paths_option
@click.option("--markdown", is_flag=True, help="Print the feature table of README.")
@json_option
def list_adapters(paths: tuple[Path, ...], markdown: bool, as_json: bool) -> None:
    """The adapters that are found: version, what each can do, and how far it has been proved.

    A version is the beginning of the file's SHA-256. The last column comes from the conformance kit, and from samples
    that say they were recorded at the vendor's sandbox or in production.
    """
    found = adapters_in(paths)
    if markdown:
        click.echo(feature_table(found), nl=False)
        return
    rows = [_row(each) for each in found.values()]
    if as_json:
        print_json(rows)
        return
    table = columns(whole("adapter"), whole("version"), "operations", "pushes", "maturity")
    for row in rows:
        table.add_row(row.name, row.version, ", ".join(row.operations), row.pushes, row.maturity)
    console().print(table)


def _today() -> date:
    """The day where it is latest: somebody there may have written a sample."""
    return (World().now() + timedelta(hours=14)).date()


class _Row(Struct):
    name: str
    version: str
    docs: str
    operations: Sequence[str]
    pushes: str
    maturity: str


def _row(each: Adapter[Any, Any]) -> _Row:
    report = examine(Path(inspect.getfile(type(each))), _today())
    return _Row(
        name=each.name,
        version=report.version,
        docs=each.docs,
        operations=[operation.name for operation in each.operations],
        pushes=each.pushes,
        maturity=report.maturity,
    )


@adapter.command("test")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
def test_adapter(file: Path, as_json: bool) -> None:
    """Run the conformance kit on an adapter FILE and its samples; exit code 1 if something does not hold.

    Samples are read from samples/NAME/*.json beside the file.
    """
    report = examine(file, _today())
    if as_json:
        print_json(report)
    else:
        out = console()
        for line, style in lines(report):
            out.print(line, style=style, soft_wrap=True)
    sys.exit(1 if report.failed else 0)


@adapter.command("new")
@click.argument("name")
@click.option(
    "--into",
    "directory",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The directory it is written to; name it in `adapter_paths` of gateway.yaml.",
)
@json_option
def new_adapter(*, name: str, directory: Path, as_json: bool) -> None:
    """Write the adapter NAME with its samples: it passes the conformance kit, and is to be made the vendor's."""
    file = write(name, directory)
    samples, path = directory / "samples" / name, directory.resolve()
    if as_json:
        print_json({"file": str(file), "samples": str(samples)})
        return
    click.echo(f"{file}: open it and work from top to bottom; its samples lie in {samples}")
    click.echo(f"after each step:  task-gateway adapter test {file}")
    click.echo(f"to use it:        adapter_paths: [{path}] in gateway.yaml, and an account with adapter: {name}")
