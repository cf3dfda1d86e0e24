"""What a configuration can do, a line for each clinic's connection."""

from __future__ import annotations

from gateway.rules.checking import Able, connected
from gateway.rules.clinic import Config
from gateway.world import World


def able(config: Config) -> list[str]:
    """A line for each clinic's connection: what it can do, and what callers must supply."""
    lines = []
    now = World().now()
    for clinic in config.clinics.values():
        for connection in connected(clinic, now):
            offered = [each for each in connection.operations if each.offered]
            task = next((_needs(each) for each in offered if each.operation == "create_task"), "nothing more")
            emr = f" on {connection.emr}" if connection.emr else ""
            names = ", ".join(each.operation for each in offered) or "nothing"
            lines.append(f"{clinic.id}/{connection.name}: {connection.adapter}{emr}: {names}; a task needs {task}")
    return lines


def _needs(task: Able) -> str:
    return ", ".join((*task.supply, *(f"one of {' / '.join(group)}" for group in task.one_of)))
