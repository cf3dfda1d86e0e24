"""The command line: `task-gateway`, one file for each group of commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import rich_click as click

from gateway.cli.adapters import adapter
from gateway.cli.audit import audit
from gateway.cli.capabilities import capabilities
from gateway.cli.check import check
from gateway.cli.completion import completion
from gateway.cli.doctor import doctor
from gateway.cli.failing import fail
from gateway.cli.keeping import backup, migrate, reseal, restore
from gateway.cli.keys import key
from gateway.cli.running import demo, sandbox, serve
from gateway.cli.schema import schema
from gateway.cli.sending import explain, send
from gateway.cli.watching import deliveries, events
from gateway.errors import TaskGatewayError
from gateway.logs import keep_quiet, set_up
from gateway.store.base import StoreUnavailable


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("task-gateway"), prog_name="task-gateway")
def cli() -> None:
    """One canonical task in, the right vendor's request out, its answer back.

    Exit codes, of every command: 0, all is well; 1, it is not, or it could not be done; 2, the command line is wrong;
    130, interrupted.
    """
    set_up(os.environ.get("TASK_GATEWAY_LOG_LEVEL", "INFO"))


_PANELS: Mapping[str, Sequence[click.Command]] = {
    "Run it": (demo, serve, sandbox),
    "Send, and see what became of it": (send, explain, deliveries, events, capabilities),
    "Configure it": (check, key, adapter, schema),
    "Look after it": (doctor, audit, backup, restore, reseal, migrate),
    "Your shell": (completion,),
}
for title, commands in _PANELS.items():
    for command in commands:
        cli.add_command(command)
    click.command_panel(title, commands=[str(command.name) for command in commands])(cli)


def main() -> None:
    """Run the command line; errors of ours are told in a line each, without a traceback."""
    keep_quiet()
    try:
        cli()
    except (TaskGatewayError, StoreUnavailable) as error:
        fail(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
