"""Commands in files: one as JSON or YAML, or many as JSON Lines; read as strictly as the gateway reads a body."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from gateway.errors import Stopped
from gateway.files.syntax import fault
from gateway.rules import strict_json
from gateway.rules.strict_json import Malformed

_TOLD = 20
"""So many lines that are no commands are told one by one."""


class Written(Struct, frozen=True, kw_only=True):
    """A command as it stands in a file: its line, or its place in a list, from 1; and its fields."""

    line: int
    posted: Mapping[str, Any]


class _Twice(yaml.MarkedYAMLError):
    """A key that a mapping has twice, of which YAML's own reader drops the first."""


class _Plain(yaml.SafeLoader):
    """YAML whose times stay text, as JSON has them, and whose keys come once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """A mapping, each key once."""
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise _Twice(problem="a key is given twice; remove one", problem_mark=key.start_mark)
            seen.add(key.value)
        made: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return made


_Plain.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def count_in(file: Path) -> int:
    """How many commands a file has. Raises Stopped with everything in it that is none."""
    count, faults = 0, []
    for each in _all(file):
        if isinstance(each, Written):
            count += 1
        else:
            faults.append(each)
    if faults:
        more = [f"... and {len(faults) - _TOLD} more"] if len(faults) > _TOLD else []
        raise Stopped("\n".join([*faults[:_TOLD], *more]))
    if not count:
        raise Stopped(f"{file}: there is no command in it")
    return count


def commands_in(file: Path) -> Iterator[Written]:
    """The commands of a file, by its name's end: .json, .yaml or .yml, .jsonl or .ndjson. Raises Stopped at a fault.

    JSON Lines are read as they are asked for, so that a file may be as long as it likes.
    """
    for each in _all(file):
        if isinstance(each, str):
            raise Stopped(each)
        yield each


def _all(file: Path) -> Iterator[Written | str]:
    """Each command, or what is wrong in its place. Raises Stopped for a file that cannot be read at all."""
    try:
        if file.suffix in {".jsonl", ".ndjson"}:
            with file.open("rb") as lines:
                yield from _lines(file, lines)
            return
        raw = file.read_bytes().removeprefix(BOM_UTF8)
    except OSError as error:
        raise Stopped(f"{file}: it cannot be read: {error.strerror}") from error
    found = _yaml(file, raw) if file.suffix in {".yaml", ".yml"} else _json(file, raw)
    many = isinstance(found, list)
    for place, one in enumerate(found if many else [found], start=1):
        yield _written(one, place, f"{file}: command {place}" if many else f"{file}")


def _lines(file: Path, lines: Iterator[bytes]) -> Iterator[Written | str]:
    for number, line in enumerate(lines, start=1):
        where, text = f"{file}:{number}", line.removeprefix(BOM_UTF8) if number == 1 else line
        if text.strip():
            try:
                yield _written(strict_json.parse(text), number, where)
            except Malformed as malformed:
                yield f"{where}: it {malformed}"


def _written(found: Any, line: int, where: str) -> Written | str:
    if isinstance(found, dict):
        return Written(line=line, posted=found)
    return f"{where}: expected a command: fields and their values"


def _json(file: Path, raw: bytes) -> Any:
    try:
        return strict_json.parse(raw)
    except Malformed as malformed:
        raise Stopped(f"{file}: it {malformed}") from None


def _yaml(file: Path, raw: bytes) -> Any:
    """What YAML says, if JSON could say it too."""
    try:
        text = raw.decode("utf-8")
        return _json(file, json.dumps(yaml.load(text, _Plain), allow_nan=False).encode())  # noqa: S506 - a SafeLoader
    except _Twice as twice:
        mark = twice.problem_mark
        raise Stopped(f"{file}:{mark.line + 1 if mark else 1}: {twice.problem}") from None
    except yaml.YAMLError as error:
        line, problem = fault(text, error, _Plain)
        raise Stopped(f"{file}:{line}: it is no YAML: {problem}") from None
    except UnicodeDecodeError:
        raise Stopped(f"{file}: it is not UTF-8") from None
    except (TypeError, ValueError, RecursionError):
        raise Stopped(f"{file}: it holds what JSON cannot say") from None
