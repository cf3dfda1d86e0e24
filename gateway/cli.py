"""The command line: `task-gateway`."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import Coroutine
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import rich_click as click
import uvloop
from msgspec import structs
from rich.console import Console
from rich.table import Table

from adapters import discover
from gateway.app import build
from gateway.clinics import load
from gateway.demo import demo as run_demo
from gateway.errors import TaskGatewayError
from gateway.features import feature_table
from gateway.logs import set_up
from gateway.rules.clinic import Config
from gateway.rules.routing import offers
from gateway.sandbox import CobaltSettings, SandboxSettings
from gateway.sandbox import serve as serve_sandbox
from gateway.serving import serve as serve_app
from gateway.store.base import StoreUnavailable

T = TypeVar("T")

_config = click.option(
    "--config", "directory", type=click.Path(path_type=Path, exists=True, file_okay=False), default=Path("config"),
    show_default=True, help="The configuration directory.",
)  # fmt: skip
_host = click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
_port = click.option("--port", default=8080, show_default=True, help="The port to listen on.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_errors = Console(stderr=True, highlight=False, markup=False, emoji=False)  # a file's text is shown as it stands


def _run(story: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(story)


def _loaded(directory: Path) -> Config:
    """The configuration, its warnings and a line for each clinic on standard error."""
    config = load(directory, os.environ)
    if database := os.environ.get("TASK_GATEWAY_DATABASE"):
        config = structs.replace(config, database=database)
    for warning in config.warnings:
        _errors.print(warning, style="yellow", soft_wrap=True)
    return config


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("task-gateway"), prog_name="task-gateway")
def cli() -> None:
    """One canonical task in, the right vendor's request out, its answer back."""
    set_up(os.environ.get("TASK_GATEWAY_LOG_LEVEL", "INFO"))


@cli.command()
@_config
@_host
@_port
def serve(directory: Path, host: str, port: int) -> None:
    """Run the gateway. Ready when /health/ready answers 200; SIGTERM drains and stops it."""
    config = _loaded(directory)
    for line in _able(config):
        _errors.print(line, soft_wrap=True)
    _run(serve_app(build(config), host, port))


def _able(config: Config) -> list[str]:
    """A line for each clinic's connection: what it can do, and what callers must supply."""
    lines = []
    for clinic in config.clinics.values():
        for connection in clinic.connections.values():
            able = ", ".join(name for name in connection.rules if offers(connection, name)) or "nothing"
            wanted = (
                [
                    path
                    for path, cell in connection.rules["create_task"].fields.items()
                    if cell.need == "required" and not _defaulted(connection.defaults, path)
                ]
                if "create_task" in connection.rules
                else []
            )
            emr = f" on {connection.emr}" if connection.emr else ""
            lines.append(
                f"{clinic.id}/{connection.name}: {connection.adapter.name}{emr}: {able};"
                f" a task needs {', '.join(wanted) or 'nothing more'}"
            )
    return lines


def _defaulted(defaults: Any, path: str) -> bool:
    stands_in = {"due_at": defaults.due_in, "title": defaults.title or defaults.title_from}
    return bool(stands_in.get(path, getattr(defaults, path, None)))


@cli.command()
@click.option("--port-base", default=9100, show_default=True, help="Cobalt is served one above, then the others.")
@click.option("--webhook-url", "webhook_urls", multiple=True, help="Where Cobalt's events are pushed; may repeat.")
@click.option("--completion-delay", default=0.3, show_default=True, help="Seconds until a Cobalt result.")
def sandbox(port_base: int, webhook_urls: tuple[str, ...], completion_delay: float) -> None:
    """Run stand-ins of the three vendors, with faults to switch on under /_sandbox/."""
    settings = SandboxSettings(cobalt=CobaltSettings(webhook_urls=webhook_urls, completion_delay=completion_delay))
    for offset, vendor in enumerate(("Cobalt", "task API", "MaxCare"), start=1):
        _errors.print(f"{vendor}: http://127.0.0.1:{port_base + offset}")
    _run(serve_sandbox("127.0.0.1", port_base, settings))


@cli.command()
@_config
@_port
@click.option("--port-base", default=9100, show_default=True, help="The sandbox vendors' ports start above it.")
@click.option("--once", is_flag=True, help="End when all is delivered (exit code 0) or something is not (1).")
def demo(directory: Path, port: int, port_base: int, once: bool) -> None:  # noqa: FBT001 - a flag of the command
    """Start sandbox and gateway, send one of everything, and show what became of it."""
    set_up(os.environ.get("TASK_GATEWAY_LOG_LEVEL", "ERROR"))
    delivered = _run(
        run_demo(load(directory, os.environ), port=port, port_base=port_base, once=once, console=Console())
    )
    sys.exit(0 if delivered else 1)


@cli.command()
@_config
def check(directory: Path) -> None:
    """Read the configuration and say what each clinic can do, or everything that is wrong with it."""
    for line in _able(_loaded(directory)):
        click.echo(line)


@cli.group()
def key() -> None:
    """App keys."""


@key.command("new")
@click.argument("app")
@_as_json
def new_key(app: str, as_json: bool) -> None:  # noqa: FBT001 - a flag of the command
    """Make a key for APP: prints the key, once, and the line for gateway.yaml."""
    key_id = f"{''.join(letter for letter in app.lower() if letter.isalnum())[:16] or 'k'}{secrets.token_hex(3)}"
    whole = f"tgk_{key_id}_{secrets.token_urlsafe(32)}"
    digest = sha256(whole.encode()).hexdigest()
    if as_json:
        click.echo(msgspec.json.encode({"app": app, "key": whole, "id": key_id, "sha256": digest}).decode())
        return
    click.echo(f"The key, shown only now:\n  {whole}\n\nThe line for gateway.yaml, under apps.{app}.keys:")
    click.echo(f"  - {{id: {key_id}, sha256: {digest}}}")


@cli.group()
def adapter() -> None:
    """Vendors' adapters."""


@adapter.command("list")
@click.option("--path", "paths", multiple=True, type=click.Path(path_type=Path), help="A directory of adapter files.")
@click.option("--markdown", is_flag=True, help="Print the feature table of README.")
@_as_json
def list_adapters(paths: tuple[Path, ...], markdown: bool, as_json: bool) -> None:  # noqa: FBT001 - flags
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
        table = Table("adapter", "operations", "pushes", "documentation")
        for name, each in found.items():
            table.add_row(name, ", ".join(one.name for one in each.operations), each.pushes, each.docs)
        Console().print(table)


def main() -> None:
    """Run the command line; errors of ours are told in a line each, without a traceback."""
    try:
        cli()
    except (TaskGatewayError, StoreUnavailable) as error:
        _errors.print(str(error), style="red", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
