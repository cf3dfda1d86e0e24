"""Commands in files: one as JSON or YAML, or many as JSON Lines; read as an app would post them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from gateway.errors import Stopped


class Written(Struct, frozen=True, kw_only=True):
    """A command as it stands in a file: its line, and its fields."""

    line: int
    posted: Mapping[str, Any]


class _Plain(yaml.SafeLoader):
    """YAML whose times stay text, as JSON has them."""


_Plain.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def commands_in(file: Path) -> Iterator[Written]:
    """The commands of a file, by its name's end: .json, .yaml or .yml, .jsonl or .ndjson. Raises Stopped.

    JSON Lines are read as they are asked for, so that a file may be as long as it likes.
    """
    if file.suffix in {".jsonl", ".ndjson"}:
        yield from _lines(file)
        return
    try:
        text = file.read_text(encoding="utf-8")
        is_yaml = file.suffix in {".yaml", ".yml"}
        found = yaml.load(text, _Plain) if is_yaml else json.loads(text)  # noqa: S506 - a SafeLoader
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Stopped(f"{file}: it cannot be read: {_first_line(error)}") from error
    for one in found if isinstance(found, list) else [found]:
        yield Written(line=1, posted=_mapping(one, f"{file}"))


def _lines(file: Path) -> Iterator[Written]:
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield Written(line=number, posted=_mapping(_decoded(line, file, number), f"{file}:{number}"))
    except OSError as error:
        raise Stopped(f"{file}: {error.strerror}") from error


def _decoded(line: bytes, file: Path, number: int) -> Any:
    try:
        return msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Stopped(f"{file}:{number}: it is no JSON") from error


def _mapping(found: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise Stopped(f"{where}: expected a command: fields and their values")
    return found


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
