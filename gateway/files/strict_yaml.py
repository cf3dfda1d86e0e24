"""One configuration file, read strictly: plain data, and the line of every place in it.

The dialect is a small, boring part of YAML 1.2: `true` and `false` are the only booleans, so `NO` is text; numbers
are decimal, so `01234` and `12:30` are text; no tags, no merge keys, no key twice. Text that is wholly a reference,
`${env:NAME}` or `${file:path}`, is replaced by what it names. Nothing is raised for a mistake in a file: it is noted
in the `Source`, so that all mistakes of all files come out together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from gateway.files.source import Source, Spot

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][-+]?[0-9]{1,2})?")
_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "": None, "~": None, "null": None}
_REFERENCE = re.compile(r"\$\{([a-z]+):([^{}]*)\}")
_TAGS = {
    yaml.ScalarNode: "tag:yaml.org,2002:str",
    yaml.SequenceNode: "tag:yaml.org,2002:seq",
    yaml.MappingNode: "tag:yaml.org,2002:map",
}
MOST_PLACES = 100_000
MOST_BYTES = 4 * 1024 * 1024
DEEPEST = 32


def read_yaml(directory: Path, name: str, environ: Mapping[str, str]) -> Source:
    """The file `name` of the configuration directory; what is wrong with it is noted in the source."""
    source = Source(name)
    try:
        text = (directory / name).read_bytes()[: MOST_BYTES + 1].decode("utf-8-sig")
    except FileNotFoundError:
        source.spoil(1, "there is no such file in the configuration directory")
    except UnicodeDecodeError as error:
        source.spoil(error.object[: error.start].count(b"\n") + 1, "not UTF-8")
    except OSError as error:
        source.spoil(1, f"cannot be read ({error.strerror})")
    else:
        _read_text(source, text, _References(directory, environ, source))
    return source


def _read_text(source: Source, text: str, references: _References) -> None:
    if len(text) > MOST_BYTES:
        source.spoil(1, "larger than 4 MiB")
        return
    try:
        root = yaml.compose(text, Loader=_LOADER)
        if root is not None:
            source.data = _Builder(source, references).build(root, ())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        source.spoil(line, f"not YAML: {_reason(error)} (column {column})")
    except RecursionError:
        source.spoil(1, f"nested deeper than {DEEPEST} levels")


def _reason(error: yaml.YAMLError) -> str:
    """What the parser found wrong, without the words of the file, which may be a secret."""
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable")
    if "undefined alias" in problem:
        return "an alias without its anchor; text that begins with * must be quoted"
    return re.sub(r"'([^']*)'", lambda quoted: quoted[0] if len(quoted[1]) == 1 else "...", problem)


class _TooMuch(yaml.YAMLError):
    """More places than any honest file has: aliases within aliases."""

    def __init__(self, problem: str, mark: Any) -> None:
        super().__init__(problem)
        self.problem, self.problem_mark = problem, mark


class _Builder:
    """Turns the parser's nodes into plain data and notes where each piece stands."""

    def __init__(self, source: Source, references: _References) -> None:
        self._source = source
        self._references = references
        self._places = 0

    def build(self, node: yaml.Node, spot: Spot) -> Any:
        """The plain data of `node`; raises YAMLError when there is too much of it."""
        self._places += 1
        if self._places > MOST_PLACES or len(spot) > DEEPEST:
            raise _TooMuch("too large or too deep once its aliases are written out", node.start_mark)
        self._source.lines.setdefault(spot, node.start_mark.line + 1)
        if node.tag != _TAGS[type(node)]:
            self._source.note(spot, "tags are not used here; text that begins with ! must be quoted", whole=True)
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, spot)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*spot, index)) for index, item in enumerate(node.value)]
        value = node.value if getattr(node, "style", None) else plain(node.value)
        return self._references.resolve(value, spot) if isinstance(value, str) else value

    def _mapping(self, node: yaml.MappingNode, spot: Spot) -> dict[str, Any]:
        data: dict[str, Any] = {}
        first: dict[str, Any] = {}
        for key, value in node.value:
            mark = key.start_mark
            if not isinstance(key, yaml.ScalarNode):
                self._source.note(spot, "a key must be text", line=mark.line + 1)
                continue
            place = (*spot, key.value)
            if key.value in first:
                where = f"the first is on line {first[key.value].line + 1}, column {first[key.value].column + 1}"
                self._source.note(place, f"given twice (column {mark.column + 1}); {where}", line=mark.line + 1)
                continue
            first[key.value] = mark
            self._source.lines[place] = mark.line + 1
            data[key.value] = self.build(value, place)
        return data


def plain(text: str) -> str | float | bool | None:
    """What an unquoted word means. Anything that is not plainly a number, boolean or null is text."""
    if text in _WORDS:
        return _WORDS[text]
    if match := _NUMBER.fullmatch(text):
        return float(text) if match[2] or match[3] else int(text)
    return text


class _References:
    """Replaces references by what they name, and notes those that name nothing."""

    def __init__(self, directory: Path, environ: Mapping[str, str], source: Source) -> None:
        self._directory = directory
        self._environ = environ
        self._source = source

    def resolve(self, text: str, spot: Spot) -> str | None:
        """The text that a reference names; any other text as it is; None when there is a mistake."""
        if "${" not in text:
            return text
        match = _REFERENCE.fullmatch(text)
        if match is None:
            if _REFERENCE.search(text):
                self._source.note(spot, "a reference must be the whole value")
                return None
            return text
        self._source.references[spot] = text
        kind, name = match.groups()
        if kind == "env":
            return self._filled(self._environ.get(name), spot, f"the environment variable {name}")
        if kind == "file":
            return self._filled(self._file(name, spot), spot, f"the file {name}")
        self._source.unknown(spot, "kind of reference", kind, ("env", "file"), shown=kind)
        return None

    def _filled(self, text: str | None, spot: Spot, what: str) -> str | None:
        if not text:
            self._source.note(spot, f"{what} is {'not set' if text is None else 'empty'}")
        return text or None

    def _file(self, name: str, spot: Spot) -> str | None:
        try:
            text = (self._directory / name).read_text("utf-8")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not text in UTF-8"
            self._source.note(spot, f"the file {name} cannot be read ({reason})")
            return None
        return text.removesuffix("\n").removesuffix("\r")
