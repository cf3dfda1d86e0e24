"""The schemas of the three kinds of file, each a document of its own.

What the loader accepts passes, and what it refuses by its shape fails; whether names fit together is the loader's alone
to tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.base import Adapter
from gateway.editor.forms import BASICS, Schema, definitions, described, named, or_nothing
from gateway.editor.options import account, credentials
from gateway.editor.rows import by_connection, by_vendor, rows
from schemas.config import ClinicFile, GatewayFile, Row

_DIALECT = "http://json-schema.org/draft-07/schema#"  # what editors speak; the documents hold under 2020-12 as well


def documents(adapters: Mapping[str, Adapter[Any, Any]]) -> Mapping[str, Schema]:
    """The schemas by their files' names, for configuration that may use these adapters."""
    _, parts = definitions([GatewayFile, ClinicFile, Row])
    known = BASICS | parts | account(parts["Account"], adapters) | credentials(adapters) | rows(parts["Row"], adapters)
    connection, clinic = known["Connection"]["properties"], known["ClinicFile"]["properties"]
    connection["credentials"] = or_nothing(described(named("Credentials"), connection["credentials"]["description"]))
    clinic["capabilities"] = by_connection(clinic["capabilities"]["description"])
    clinic["timezone"]["examples"] = ["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"]
    return {
        "gateway.schema.json": _document("gateway.yaml", known["GatewayFile"], known),
        "clinic.schema.json": _document("clinics/*.yaml", known["ClinicFile"], known),
        "emr_capabilities.schema.json": _document("emr_capabilities.yaml", by_vendor(adapters), known),
    }


def _document(title: str, top: Schema, known: Mapping[str, Schema]) -> Schema:
    """One self-contained schema: the top, and what it refers to."""
    used: dict[str, Schema] = {}
    waiting = list(_references(top))
    while waiting:
        name = waiting.pop()
        if name not in used:
            used[name] = known[name]
            waiting += _references(known[name])
    parts = {name: used[name] for name in sorted(used)}
    return {"$schema": _DIALECT} | top | {"title": title, "definitions": parts}


def _references(schema: Any) -> Iterator[str]:
    """The definitions that a schema refers to."""
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for each in schema.values():
            yield from _references(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _references(each)
