"""The vendor feature table of README, made from the adapters' tables of places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Adapter, Operation
from schemas.command import CANONICAL

_PUSHES = {"signed": "signed webhooks", "unsigned": "webhooks", "nothing": "nothing; it is asked"}
_NEED = {"required": "required", "varies": "by EMR", "optional": "yes"}


def feature_table(adapters: Mapping[str, Adapter[Any, Any]]) -> str:
    """Markdown: a row for each operation and each canonical field of a task, a column for each vendor."""
    names = sorted(adapters)
    lines = [_row("", names), _row("---", ["---"] * len(names))]
    for operation in CANONICAL:
        lines.append(_row(f"**{operation}**", [_offered(adapters[name], operation) for name in names]))
        if operation == "create_task":
            lines.extend(
                _row(f"`{path}`", [carried(adapters[name], operation, path) for name in names])
                for path in CANONICAL[operation]
            )
    lines.append(_row("pushes", [_PUSHES[adapters[name].pushes] for name in names]))
    return "\n".join(lines) + "\n"


def _row(first: str, cells: list[str]) -> str:
    return f"| {' | '.join([first, *cells])} |"


def _table(adapter: Adapter[Any, Any], name: str) -> Operation | None:
    return next((operation for operation in adapter.operations if operation.name == name), None)


def _offered(adapter: Adapter[Any, Any], name: str) -> str:
    table = _table(adapter, name)
    if table is None:
        return "-"
    return f"{', '.join(table.emrs)} only" if table.emrs else "yes"


def carried(adapter: Adapter[Any, Any], operation: str, path: str) -> str:
    """How the vendor takes a field: "required (`title`)", "in the text", or "-" where it has no place for it."""
    table = _table(adapter, operation)
    spot = table.places.get(path) if table else None
    if spot is None:
        return "-"
    if spot.wire is None:
        return "in the text"
    most = f", {spot.most} at most" if spot.most else ""
    return f"{_NEED[spot.need]} (`{spot.wire}`{most})"
