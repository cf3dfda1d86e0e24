"""Types as JSON Schema, as they hold for what is written in a file, in words that draft-07 and 2020-12 share.

A key may be left empty, which is to leave it out, and any text may come by a reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.files.references import FORMS, SLIP
from schemas.private import Secret
from schemas.words import NOT_BLANK

Schema = dict[str, Any]

_NOTHING: Schema = {"type": "null"}
_AS_IT_IS = {"properties", "propertyNames", "default", "required", "enum"}


def named(name: str) -> Schema:
    """A reference to a definition of the same document."""
    return {"$ref": f"#/definitions/{name}"}


def described(schema: Schema, description: str) -> Schema:
    """The schema with a description; draft-07 sees nothing beside a `$ref`."""
    return {"description": description, **({"anyOf": [schema]} if "$ref" in schema else schema)}


def or_nothing(schema: Schema) -> Schema:
    """The schema of a value that may be left empty."""
    if isinstance(schema.get("type"), str) and "anyOf" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    if "$ref" in schema:
        return {"anyOf": [schema, _NOTHING]}
    choices = schema.get("anyOf", [])
    return schema if _NOTHING in choices else {**schema, "anyOf": [*choices, _NOTHING]}


def closed(properties: dict[str, Schema], **also: Any) -> Schema:
    """A mapping of these keys and no others."""
    return {**also, "type": "object", "properties": properties, "additionalProperties": False}


_TEXT: Schema = {"type": "string", "anyOf": [named("Reference"), {"not": {"pattern": SLIP}}]}
BASICS: dict[str, Schema] = {
    "Reference": {"type": "string", "pattern": r"^\$\{(env|file):[^{}]*[^{}\s][^{}]*\}$(?!\n)"},
    "Text": {**_TEXT, "pattern": NOT_BLANK},
    "AnyText": _TEXT,
    "Secret": {
        **_TEXT,
        "description": f"A secret, best a reference: {FORMS}",
        "pattern": r"^[^\s\0]([^\r\n\0]*[^\s\0])?$(?!\n)",
    },
}
"""What any document may refer to."""


def definitions(kinds: Sequence[Any], prefix: str = "") -> tuple[list[Schema], dict[str, Schema]]:
    """The schemas of types, and those of the Structs that they refer to, by names that begin with `prefix`."""
    tops, parts = msgspec.json.schema_components(
        kinds, schema_hook=_secret, ref_template=f"#/definitions/{prefix}{{name}}"
    )
    return [_written(top) for top in tops], {f"{prefix}{name}": _written(part) for name, part in parts.items()}


def _secret(kind: type) -> Schema:
    if kind is Secret:
        return named("Secret")
    raise NotImplementedError(kind)


def _written(schema: Any) -> Any:
    """What msgspec says of a value, as it holds for what is written."""
    if isinstance(schema, list):
        return [_written(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: value if key in _AS_IT_IS else _written(value) for key, value in schema.items()}
    if not made.get("required", True):
        del made["required"]
    if "properties" in made:
        written = {key: _written(each) for key, each in made["properties"].items()}
        needed = made.get("required", ())
        made["properties"] = {key: each if key in needed else or_nothing(each) for key, each in written.items()}
    about = {key: made.pop(key) for key in ("title", "description", "default") if key in made}
    about = {key: said for key, said in about.items() if _is_worth_saying(key, said)}
    if made in ({"type": "string", "pattern": NOT_BLANK}, {"type": "string"}):
        made = named("Text" if "pattern" in made else "AnyText")
    if "enum" in made or "pattern" in made:
        made = {"anyOf": [made, named("Reference")]}
    if "anyOf" in made:
        return _flat(made["anyOf"], about)
    return about | ({"anyOf": [made]} if about and "$ref" in made else made)


def _flat(choices: list[Schema], about: Schema) -> Schema:
    """Choices without choices among them; what is said of those is said of all."""
    flat: list[Schema] = []
    for choice in choices:
        inner = set(choice) <= {"anyOf", "title", "description"}
        flat += choice["anyOf"] if inner else [choice]
        about = ({key: said for key, said in choice.items() if key != "anyOf"} if inner else {}) | about
    return {**about, "anyOf": flat}


def _is_worth_saying(key: str, said: Any) -> bool:
    """Not that a default is nothing or made of defaults, and not that a text is a text."""
    return not (key == "default" and (said is None or isinstance(said, dict))) and said != "text"
