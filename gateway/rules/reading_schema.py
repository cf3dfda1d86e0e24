"""What `reading` takes, as JSON Schema (2020-12): msgspec's schema of a command, tightened until both agree.

`reading` folds null, blank text, and lists and objects with nothing else in them to "not given". That is the
definition `nothing` here, and it may stand wherever a field may be left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from schemas.private import Private

Schema = dict[str, Any]

_BLANK = r"\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""White space, spelt out: `\\s` is another set in each language's patterns."""

_YEARS = "19[0-9]{2}|[2-8][0-9]{3}|9[0-8][0-9]{2}|9900"
_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_MONTH_AND_DAY = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_DAY = f"(?={_YEARS})(?:[0-9]{{4}}-{_MONTH_AND_DAY}|{_LEAP_YEAR}-02-29)"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
_OFFSET = "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])"
_MOMENT = rf"^{_DAY}[Tt ]{_TIME}{_OFFSET}$(?!\n)"
"""Python's `$` alone would let a line break pass; other languages do not mind."""

NOTHING: Schema = {"$ref": "#/$defs/nothing"}
EMPTY: Schema = {"$ref": "#/$defs/empty"}
SOMETHING: Schema = {"not": NOTHING}

DEFINITIONS: Mapping[str, Schema] = {
    "nothing": {
        "description": "Not given: null, blank text, a list or an object with nothing else in it.",
        "type": ["null", "string", "array", "object"],
        "pattern": f"^[{_BLANK}]*$",
        "items": NOTHING,
        "additionalProperties": NOTHING,
    },
    "empty": {
        "description": "Not given in metadata, where blank text is kept.",
        "type": ["null", "array", "object"],
        "items": NOTHING,
        "additionalProperties": EMPTY,
    },
}


def shape_of(type_: type[Private]) -> Schema:
    """The schema of a command as msgspec has it, its references resolved; for `given` to tighten."""
    whole = msgspec.json.schema(type_)
    resolved: Schema = _resolved(whole["$defs"][type_.__name__], whole["$defs"])
    return resolved


def _resolved(node: Any, definitions: Mapping[str, Schema]) -> Any:
    match node:
        case {"$ref": reference}:
            return _resolved(definitions[reference.rpartition("/")[2]], definitions)
        case dict():
            return {key: _resolved(each, definitions) for key, each in node.items()}
        case list():
            return [_resolved(each, definitions) for each in node]
        case _:
            return node


def given(node: Schema) -> Schema:
    """The schema of a value that is given, tightened; `node` is msgspec's schema of a field or of an element."""
    if "anyOf" in node:
        value, _null = node["anyOf"]
        node = value | {key: each for key, each in node.items() if key not in {"anyOf", "default"}}
    match node:
        case {"format": "date-time"}:
            return {**node, "pattern": _MOMENT}
        case {"type": "string"}:
            return {**node, **SOMETHING}
        case {"type": "array", "items": items, "maxItems": most}:
            whole = {key: each for key, each in node.items() if key != "maxItems"}
            return {**whole, "items": optional(given(items)), "contains": SOMETHING, "maxContains": most}
        case _:
            return node


def optional(schema: Schema, nothing: Schema = NOTHING) -> Schema:
    """The schema of a field that may be left out."""
    told: Schema = {key: schema[key] for key in ("description", "$comment") if key in schema}
    value = {key: each for key, each in schema.items() if key not in told}
    return {**told, "anyOf": [value, nothing]}


def left_out(schema: Schema) -> Schema:
    """How a field of this schema is not given: null, blank, or an empty list or object where it takes one."""
    empty = [kind for kind in ("array", "object") if schema.get("type") == kind]
    return {**NOTHING, "type": ["null", "string", *empty]}


def at(steps: Sequence[str], value: Schema) -> Schema:
    """The schema of an object in which something stands behind `steps`, and is as `value` says."""
    name, *inner = steps
    nested = at(inner, value) if inner else value
    return {"type": "object", "required": [name], "properties": {name: nested}}
