"""What commands share: their options, the configuration they read, and how they run a story."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import rich_click as click
import uvloop
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from adapters import BrokenAdapter, discover
from adapters.base import Adapter
from gateway.client import AsyncClient
from gateway.clinics import load
from gateway.errors import Stopped
from gateway.rules.clinic import Config
from schemas.private import Secret

T = TypeVar("T")

config_option = click.option(
    "--config", "directory", type=click.Path(path_type=Path, exists=True, file_okay=False), default=Path("config"),
    show_default=True, help="The configuration directory.",
)  # fmt: skip
host_option = click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
port_option = click.option(
    "--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="The port to listen on."
)
port_base_option = click.option(
    "--port-base", type=click.IntRange(1, 65532), default=9100, show_default=True,
    help="The sandbox's ports begin one above: Cobalt, the task API, MaxCare.",
)  # fmt: skip


def _http(_context: click.Context, _option: click.Parameter, url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter("it begins with http:// or https://")
    return url


url_option = click.option(
    "--url", envvar="TASK_GATEWAY_URL", default="http://127.0.0.1:8080", show_default=True, show_envvar=True,
    help="Where the gateway runs.", callback=_http,
)  # fmt: skip
key_option = click.option(
    "--key", envvar="TASK_GATEWAY_KEY", required=True, show_envvar=True, help="An app's key.",
    callback=lambda _context, _option, text: Secret(text),
)  # fmt: skip
paths_option = click.option(
    "--path", "paths", multiple=True, type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A directory of adapter files.",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_WIDE = 200
"""Columns where there is no terminal: a line of a file may be long, and should be one line."""
INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""
errors = Console(stderr=True, highlight=False, markup=False, emoji=False)  # a file's text is shown as it stands


def asking(url: str, key: Secret) -> AsyncClient:
    """A client for whoever sits before a terminal: where no gateway can be reached, it says so at once."""
    return AsyncClient(url, key, waits_for_gateway=False)


def console() -> Console:
    """What a command says on standard output: aligned, and plain where there is no terminal."""
    found = Console(highlight=False, markup=False, emoji=False)
    return found if found.is_terminal else Console(highlight=False, markup=False, emoji=False, width=_WIDE)


def columns(*headings: Column | str) -> Table:
    """A table as every command prints it: aligned, and no boxes; without headings where none are given."""
    return Table(
        *headings, box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False, show_header=bool(headings)
    )


def whole(heading: str) -> Column:
    """A column of what would be worthless if it were cut or broken: ids, names, times."""
    return Column(heading, no_wrap=True)


def print_json(document: Any) -> None:
    """What `--json` prints: one document, on one line."""
    click.echo(msgspec.json.encode(document).decode())


def counted(count: int, what: str) -> str:
    """How many of something, as people say it."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run a story in an event loop of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(story)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal's standard error, one step further with each call; gone when it is over."""
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Likewise, as far as it is told: so many done, of so many."""
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, of: shown.update(task, completed=done, total=of)


def adapters_in(paths: Sequence[Path]) -> Mapping[str, Adapter[Any, Any]]:
    """Our adapters and those of the directories. Raises Stopped when a file is broken."""
    try:
        return discover(paths)
    except BrokenAdapter as broken:
        raise Stopped(str(broken)) from broken


def loaded(directory: Path) -> Config:
    """The configuration, its warnings and a line for each clinic on standard error."""
    config = load(directory, os.environ)
    for warning in config.warnings:
        errors.print(warning, style="yellow", soft_wrap=True)
    return config
