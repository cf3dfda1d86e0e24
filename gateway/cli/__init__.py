"""The command line: `task-gateway`, one file for each group of commands."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version

import rich_click as click

from gateway.cli.adapters import adapter
from gateway.cli.audit import audit
from gateway.cli.capabilities import capabilities
from gateway.cli.check import check
from gateway.cli.common import errors
from gateway.cli.doctor import doctor
from gateway.cli.keeping import backup, migrate, reseal, restore
from gateway.cli.keys import key
from gateway.cli.running import demo, sandbox, serve
from gateway.cli.schema import schema
from gateway.cli.sending import explain, send
from gateway.cli.watching import deliveries, events
from gateway.client import ProblemError
from gateway.errors import TaskGatewayError
from gateway.logs import keep_quiet, set_up
from gateway.store.base import StoreUnavailable


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("task-gateway"), prog_name="task-gateway")
def cli() -> None:
    """One canonical task in, the right vendor's request out, its answer back."""
    set_up(os.environ.get("TASK_GATEWAY_LOG_LEVEL", "INFO"))


for command in (
    serve, sandbox, demo, check, key, adapter, capabilities, schema, doctor, audit, backup, restore, migrate, reseal,
    send, explain, deliveries, events,
):  # fmt: skip
    cli.add_command(command)


def main() -> None:
    """Run the command line; errors of ours are told in a line each, without a traceback."""
    keep_quiet()
    try:
        cli()
    except ProblemError as refused:
        detail = f" ({refused.problem.detail})" if refused.problem.detail else ""
        errors.print(f"{refused}{detail}", style="red", soft_wrap=True)
        sys.exit(1)
    except (TaskGatewayError, StoreUnavailable) as error:
        errors.print(str(error), style="red", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
