"""Running things: the gateway, the vendors' stand-ins, and both as a demo."""

from __future__ import annotations

import os
import sys
from asyncio import CancelledError
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import rich_click as click
from msgspec import structs
from rich.console import Console

from gateway.app import build
from gateway.cli.able import able
from gateway.cli.common import config_option, errors, host_option, loaded, port_base_option, port_option, run
from gateway.clinics import load
from gateway.demo import demo as run_demo
from gateway.logs import set_up
from gateway.sandbox import CobaltSettings, SandboxSettings
from gateway.sandbox import serve as serve_sandbox
from gateway.stand_ins import settings_for
from gateway.telemetry.exporting import exported
from gateway.web.serving import serve as serve_app


@click.command()
@config_option
@host_option
@port_option
def serve(directory: Path, host: str, port: int) -> None:
    """Run the gateway. Ready when /health/ready answers 200; SIGHUP reloads, SIGTERM drains and stops."""
    config = loaded(directory)
    for line in (f"database: {_shown(config.database)}", *able(config)):
        errors.print(line, soft_wrap=True)
    if not _is_this_machine(host):
        warning = f"{host} is reached without TLS: put a proxy before it, or keys and patients' text pass in clear"
        errors.print(warning, style="yellow", soft_wrap=True)
    with exported(os.environ):
        run(serve_app(build(config, read=partial(load, directory, os.environ)), host, port))


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(database: str) -> str:
    """Where the database is, absolute, without a password."""
    scheme, _, rest = database.partition("://")
    return (
        str(Path(rest.removeprefix("/")).absolute()) if scheme == "sqlite" else f"{scheme}://{rest.rpartition('@')[2]}"
    )


@click.command()
@port_base_option
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
            errors.print(f"{vendor}: http://127.0.0.1:{port_base + offset}")

    with suppress(KeyboardInterrupt):
        run(serve_sandbox("127.0.0.1", port_base, settings, ready=ready))


@click.command()
@config_option
@port_option
@port_base_option
@click.option("--once", is_flag=True, help="End when all is delivered (exit code 0) or something is not (1).")
def demo(directory: Path, port: int, port_base: int, once: bool) -> None:
    """Start sandbox and gateway, send one of everything, and show what became of it."""
    set_up(os.environ.get("TASK_GATEWAY_LOG_LEVEL", "ERROR"))
    delivered = True
    with suppress(KeyboardInterrupt, CancelledError):
        read = partial(load, directory, os.environ)
        delivered = run(run_demo(read, port=port, port_base=port_base, once=once, console=Console()))
    sys.exit(0 if delivered else 1)
