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

from gateway.files.references import References
from gateway.files.source import Source, Spot, nearest
from gateway.files.syntax import fault

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][-+]?[0-9]{1,2})?")
_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "": None, "~": None, "null": None}
_TAGS = {
    yaml.ScalarNode: "tag:yaml.org,2002:str",
    yaml.SequenceNode: "tag:yaml.org,2002:seq",
    yaml.MappingNode: "tag:yaml.org,2002:map",
}
MOST_PLACES = 100_000
MOST_BYTES = 4 * 1024 * 1024
DEEPEST = 32
_MOST = f"at most {MOST_PLACES} values, {DEEPEST} levels deep"
_TYPOGRAPHIC = tuple("\u2018\u2019\u201a\u201c\u201d\u201e")


def read_yaml(directory: Path, name: str, environ: Mapping[str, str]) -> Source:
    """The file `name` of the configuration directory; what is wrong with it is noted in the source."""
    source = Source(name)
    try:
        text = (directory / name).read_bytes()[: MOST_BYTES + 1].decode("utf-8-sig")
    except FileNotFoundError:
        near = nearest(name, sorted(file.name for file in directory.glob("*")))
        advice = f"rename {near}" if near else "write one, or give another directory"
        source.spoil(1, f"there is no such file in the configuration directory; {advice}")
    except UnicodeDecodeError as error:
        source.spoil(error.object[: error.start].count(b"\n") + 1, "not UTF-8; save the file as UTF-8")
    except OSError as error:
        source.spoil(1, f"cannot be read ({error.strerror}); expected a file that the gateway may read")
    else:
        _read_text(source, text, References(directory, environ, source))
    return source


def _read_text(source: Source, text: str, references: References) -> None:
    if len(text) > MOST_BYTES:
        source.spoil(1, "expected a file of at most 4 MiB")
        return
    try:
        root = yaml.compose(text, Loader=_LOADER)
        if root is not None:
            source.data = _Builder(source, references).build(root, ())
    except _TooMuch as error:
        source.spoil(error.line, f"too large or too deep once its aliases are written out; expected {_MOST}")
    except yaml.YAMLError as error:
        line, problem = fault(text, error, _LOADER)
        source.spoil(line, f"not YAML: {problem}")
    except RecursionError:
        source.spoil(1, f"too deep; expected {_MOST}")


class _TooMuch(Exception):  # noqa: N818 - what it is
    """More places than any honest file has: aliases within aliases. `line` is where."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


class _Builder:
    """Turns the parser's nodes into plain data and notes where each piece stands."""

    def __init__(self, source: Source, references: References) -> None:
        self._source = source
        self._references = references
        self._places = 0

    def build(self, node: yaml.Node, spot: Spot) -> Any:
        """The plain data of `node`; raises _TooMuch when there is too much of it."""
        self._places += 1
        line = node.start_mark.line + 1
        if self._places > MOST_PLACES or len(spot) > DEEPEST:
            raise _TooMuch(line)
        self._source.lines.setdefault(spot, line)
        if node.tag != _TAGS[type(node)]:
            self._source.note(spot, "tags are not used here; put text that begins with ! in quotes", whole=True)
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, spot)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*spot, index)) for index, item in enumerate(node.value)]
        return self._scalar(node.value, spot, quoted=bool(getattr(node, "style", None)))

    def _scalar(self, text: str, spot: Spot, *, quoted: bool) -> str | float | bool | None:
        if not quoted and text.startswith(_TYPOGRAPHIC):
            self._source.note(spot, "typographic quotes; use plain ones")
        value = text if quoted else plain(text)
        return self._references.resolve(value, spot) if isinstance(value, str) else value

    def _mapping(self, node: yaml.MappingNode, spot: Spot) -> dict[str, Any]:
        data: dict[str, Any] = {}
        first: dict[str, Any] = {}
        for key, value in node.value:
            mark = key.start_mark
            if self._is_no_key(key, value, spot):
                continue
            place = (*spot, key.value)
            if key.value in first:
                where = f"first on line {first[key.value].line + 1} (column {first[key.value].column + 1})"
                problem = f"given twice (column {mark.column + 1}), {where}; remove one"
                self._source.note(place, problem, line=mark.line + 1, of_key=True)
                continue
            first[key.value] = mark
            self._source.lines[place] = mark.line + 1
            data[key.value] = self.build(value, place)
        return data

    def _is_no_key(self, key: yaml.Node, value: yaml.Node, spot: Spot) -> bool:
        """Whether what stands as a key of the mapping at `spot` is none; noted, without a word that may be a secret."""
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            self._source.note(spot, "a key must be text; expected name: value", line=line)
        elif key.value == "<<" and not key.style:
            self._source.note((*spot, "<<"), "merge keys are not used here; write the keys out", line=line)
        elif value.start_mark.index == key.end_mark.index:  # among brackets: {name} or {name:value}
            name, colon, _ = key.value.partition(":")
            problem = "expected name: value, with a space after the ':'"
            self._source.note((*spot, name) if colon else spot, problem, line=line)
        else:
            return False
        return True


def plain(text: str) -> str | float | bool | None:
    """What an unquoted word means. Anything that is not plainly a number, boolean or null is text."""
    if text in _WORDS:
        return _WORDS[text]
    if match := _NUMBER.fullmatch(text):
        return float(text) if match[2] or match[3] else int(text)
    return text
