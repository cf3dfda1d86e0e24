"""`task-gateway completion`: what a shell needs to complete this program's words."""

from __future__ import annotations

from collections.abc import Mapping

import rich_click as click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

_SHELLS: Mapping[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command()
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script by which SHELL completes commands, options and files.

    In ~/.bashrc: eval "$(task-gateway completion bash)"; in ~/.zshrc the same with zsh; in fish's config.fish:
    task-gateway completion fish | source.
    """
    made = _SHELLS[shell](context.find_root().command, {}, "task-gateway", "_TASK_GATEWAY_COMPLETE")
    click.echo(made.source())
