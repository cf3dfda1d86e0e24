"""The command line: `task-gateway`."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import sys
from collections.abc import Coroutine
from contextlib import suppress
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
from gateway.stand_ins import settings_for
from gateway.store.base import StoreUnavailable
from gateway.web.serving import serve as serve_app

T = TypeVar("T")

_config = click.option(
    "--config", "directory", type=click.Path(path_type=Path, exists=True, file_okay=False), default=Path("config"),
    show_default=True, help="The configuration directory.",
)  # fmt: skip
_host = click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
_PORT = click.IntRange(1, 65535)
_port = click.option("--port", type=_PORT, default=8080, show_default=True, help="The port to listen on.")
_port_base = click.option(
    "--port-base", type=click.IntRange(1, 65532), default=9100, show_default=True,
    help="The sandbox's ports begin one above: Cobalt, the task API, MaxCare.",
)  # fmt: skip
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
    for warning in (*config.warnings, *_not_yet(config)):
        _errors.print(warning, style="yellow", soft_wrap=True)
    return config


def _not_yet(config: Config) -> list[str]:
    """What the configuration asks for and this version does not do: said aloud, since it would be trusted."""
    said = []
    if not config.database.startswith("sqlite"):
        said.append("gateway.yaml: database: not in force yet: only sqlite:///PATH can be served")
    if config.encryption:
        said.append("gateway.yaml: encryption: not in force yet: patient text is stored in plain")
    said.extend(
        f"gateway.yaml: apps.{name}.callback: not in force yet: nothing is sent"
        for name, app in config.apps.items()
        if app.callback
    )
    return said


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
    for line in (f"database: {_shown(config.database)}", *_able(config)):
        _errors.print(line, soft_wrap=True)
    _run(serve_app(build(config), host, port))


def _shown(database: str) -> str:
    """Where the database is, absolute, without a password."""
    scheme, _, rest = database.partition("://")
    return (
        str(Path(rest.removeprefix("/")).absolute()) if scheme == "sqlite" else f"{scheme}://{rest.rpartition('@')[2]}"
    )


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
            groups = connection.rules["create_task"].one_of if "create_task" in connection.rules else ()
            wanted += [f"one of {' / '.join(group.fields)}" for group in groups]
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
@_port_base
@click.option(
    "--config", "directory", type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Know the clinics of this configuration, and push webhooks to its gateway.",
)  # fmt: skip
@click.option("--gateway", default="http://127.0.0.1:8080", show_default=True, help="With --config: where that runs.")
@click.option("--webhook-url", "webhook_urls", multiple=True, help="Where else to push Cobalt's events; may repeat.")
@click.option("--completion-delay", default=0.3, show_default=True, help="Seconds until a Cobalt result.")
def sandbox(
    port_base: int, directory: Path | None, gateway: str, webhook_urls: tuple[str, ...], completion_delay: float
) -> None:
    """Run stand-ins of the three vendors.

    Faults are switched on at each of them: PUT /_sandbox/faults {"on": "create_task", "kind": "drop_after_read"}. What
    came in stands at /_sandbox/requests, what was created at /_sandbox/created.
    """
    settings = SandboxSettings(cobalt=CobaltSettings(completion_delay=completion_delay))
    if directory is not None:
        settings = settings_for(load(directory, os.environ), gateway, completion_delay)
    urls = (*settings.cobalt.webhook_urls, *webhook_urls)
    settings = structs.replace(settings, cobalt=structs.replace(settings.cobalt, webhook_urls=urls))

    def ready() -> None:
        for offset, vendor in enumerate(("Cobalt", "task API", "MaxCare"), start=1):
            _errors.print(f"{vendor}: http://127.0.0.1:{port_base + offset}")

    with suppress(KeyboardInterrupt):
        _run(serve_sandbox("127.0.0.1", port_base, settings, ready=ready))


@cli.command()
@_config
@_port
@_port_base
@click.option("--once", is_flag=True, help="End when all is delivered (exit code 0) or something is not (1).")
def demo(directory: Path, port: int, port_base: int, once: bool) -> None:  # noqa: FBT001 - a flag of the command
    """Start sandbox and gateway, send one of everything, and show what became of it."""
    set_up(os.environ.get("TASK_GATEWAY_LOG_LEVEL", "ERROR"))
    delivered = True
    with suppress(KeyboardInterrupt):
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
    """Make a key for APP: prints the key, once, and the line for gateway.yaml. A running gateway needs a restart."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", app):
        raise click.BadParameter("letters, digits, and . _ - after the first", param_hint="APP")
    key_id = f"{''.join(letter for letter in app.lower() if letter.isalnum())[:16]}{secrets.token_hex(3)}"
    whole = f"tgk_{key_id}_{secrets.token_urlsafe(32)}"
    digest = sha256(whole.encode()).hexdigest()
    if as_json:
        click.echo(msgspec.json.encode({"app": app, "key": whole, "id": key_id, "sha256": digest}).decode())
        return
    click.echo(
        f"The key, shown only now:\n  {whole}\n\nFor gateway.yaml (an app that is there gets one more line of keys):"
    )
    click.echo(
        f"apps:\n  {app}:\n    keys:\n      - {{id: {key_id}, sha256: {digest}}}\n"
        '    clinics: ["*"]\n    roles: [submit, read]'
    )


@cli.group()
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
        table = Table("adapter", "operations", "pushes")
        for name, each in found.items():
            table.add_row(name, ", ".join(one.name for one in each.operations), each.pushes)
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
