"""The options of adapters: an account's, inside of `credentials` or beside it, and a connection's."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import structs

from adapters.base import Adapter
from gateway.editor.forms import Schema, closed, definitions, named, or_nothing

Adapters = Mapping[str, Adapter[Any, Any]]


def account(shape: Schema, adapters: Adapters) -> dict[str, Schema]:
    """The definition of an account, from its shape: what else may stand in it hangs on its adapter."""
    known = [{"const": name, "description": _about(adapter)} for name, adapter in adapters.items()]
    common = shape["properties"]
    common["adapter"] = {"description": common["adapter"]["description"], "anyOf": [*known, named("Reference")]}
    made: dict[str, Schema] = {}
    options: dict[str, Schema] = {}
    branches = []
    for name, adapter in adapters.items():
        [_], parts = definitions([adapter.account], f"{name}.")
        own = parts.pop(f"{name}.{adapter.account.__name__}")
        made |= {**parts, f"Account.{name}": _with_options(common, own)}
        options |= _any(own["properties"])
        branches.append({"if": _is({"const": name}), "then": named(f"Account.{name}")})
    made["Account.any"] = closed({**options, **_any(common)})
    branches.append({"if": _is(named("Reference")), "then": named("Account.any")})
    made["Account"] = {key: value for key, value in shape.items() if key != "additionalProperties"}
    made["Account"]["allOf"] = branches
    return made


def _any(keys: Iterable[str]) -> dict[str, Schema]:
    """Keys that may stand, and are looked at elsewhere."""
    return {key: {} for key in keys}


def _is(adapter: Schema) -> Schema:
    return {"properties": {"adapter": adapter}, "required": ["adapter"]}


def _about(adapter: Adapter[Any, Any]) -> str:
    """The first line of the adapter's file, and its documentation page."""
    said = (sys.modules[type(adapter).__module__].__doc__ or "").strip().partition("\n")[0]
    return f"{said} {adapter.docs}".strip()


def _with_options(common: Mapping[str, Schema], own: Schema) -> Schema:
    """An account of one adapter: each option stands in one place, and a required one stands somewhere."""
    beside = {key: option for key, option in own["properties"].items() if key not in common}
    credentials = or_nothing(closed(own["properties"], description=own.get("description", "")))
    made = closed({**beside, **_any(common), "credentials": credentials})
    places = list(_places(own, beside))
    return {**made, "allOf": places} if places else made


def _places(own: Schema, beside: Mapping[str, Schema]) -> Iterator[Schema]:
    for option in own["properties"]:
        inside = {"required": ["credentials"], "properties": {"credentials": {"type": "object", "required": [option]}}}
        here = {"required": [option]}
        if option not in beside:
            yield from [inside] if option in own.get("required", ()) else []
        elif option in own.get("required", ()):
            yield {"oneOf": [here, inside]}
        else:
            yield {"not": {"allOf": [here, inside]}}


def credentials(adapters: Adapters) -> dict[str, Schema]:
    """The definition of a connection's credentials: those that one of the adapters wants."""
    made: dict[str, Schema] = {}
    choices = []
    for name, adapter in adapters.items():
        [choice], parts = definitions([adapter.connection], f"{name}.")
        if parts[choice["$ref"].rpartition("/")[2]]["properties"]:
            made |= parts
            choices.append(choice)
    takes_none = any(not structs.fields(adapter.connection) for adapter in adapters.values())
    made["Credentials"] = {"anyOf": [*choices, *([closed({})] if takes_none else [])]}
    return made
