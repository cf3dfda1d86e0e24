"""Rows of the capability table: the canonical fields of each operation, and how each vendor takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Adapter
from gateway.editor.forms import Schema, closed, definitions, described, named, or_nothing
from gateway.features import carried
from schemas.command import CANONICAL, AddNote, CreateClaim, CreateTask

_ROWS = {"type": "object", "additionalProperties": or_nothing(named("Rows"))}


def rows(shape: Schema, adapters: Mapping[str, Adapter[Any, Any]]) -> dict[str, Schema]:
    """The definitions of rows, from the shape of one: each operation has fields of its own."""
    told = _descriptions()
    made = {"FieldRule": shape["properties"]["fields"]["additionalProperties"]}
    for operation, paths in CANONICAL.items():
        fields = {
            path: described(named("FieldRule"), "; ".join([*told.get(path, ()), *_vendors(operation, path, adapters)]))
            for path in paths
        }
        of_row = shape["properties"]
        group = {**of_row["one_of"]["items"], "items": {"anyOf": [{"enum": list(paths)}, named("Reference")]}}
        properties = {
            **of_row,
            "fields": or_nothing(closed(fields, description=of_row["fields"]["description"])),
            "one_of": {**of_row["one_of"], "items": group},
        }
        made[f"Row.{operation}"] = {**shape, "title": operation, "properties": properties}
    made["Rows"] = closed({operation: or_nothing(named(f"Row.{operation}")) for operation in CANONICAL})
    return made


def by_connection(description: str) -> Schema:
    """A clinic's own rows."""
    return or_nothing({**_ROWS, "description": description})


def by_vendor(adapters: Mapping[str, Adapter[Any, Any]]) -> Schema:
    """The whole table: vendor, EMR or "*", rows."""
    vendors = {}
    for name, adapter in adapters.items():
        emrs = sorted({emr for operation in adapter.operations for emr in operation.emrs or ()})
        known = {emr: or_nothing(named("Rows")) for emr in ("*", *emrs)}
        rows = {**_ROWS, "properties": known, "propertyNames": {"not": {"enum": list(CANONICAL)}}}
        vendors[name] = or_nothing({**rows, "description": f'EMRs, or "*" for all of them. {adapter.docs}'})
    return closed(vendors, description="What each vendor, on each EMR, requires, takes and refuses")


def _descriptions() -> Mapping[str, tuple[str, ...]]:
    """What the commands' own types say of canonical fields."""
    _, parts = definitions([CreateTask, AddNote, CreateClaim])
    places = {"CreateTask": "", "AddNote": "", "CreateClaim": "", "Patient": "patient.", "Source": "source."}
    return {
        f"{prefix}{key}": (field["description"],)
        for part, prefix in places.items()
        for key, field in parts[part]["properties"].items()
        if "description" in field
    }


def _vendors(operation: str, path: str, adapters: Mapping[str, Adapter[Any, Any]]) -> list[str]:
    return [f"{name}: {how}" for name in adapters if (how := carried(adapters[name], operation, path)) != "-"]
