"""What a configuration can do, a line for each clinic's connection."""

from __future__ import annotations

from typing import Any

from gateway.rules.clinic import Config
from gateway.rules.routing import offers


def able(config: Config) -> list[str]:
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
