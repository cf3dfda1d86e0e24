"""The vendors' dialects, one file each, and how they are found.

An adapter is found by its place alone: every public module here, and every `*.py` of the directories that
`adapter_paths` names, each with a module attribute `adapter`. No list is kept anywhere.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any, cast, get_args

import msgspec
from msgspec import Struct

from adapters.base import Adapter, Operation, Pushes
from schemas.command import CANONICAL

_DECLARED = ("name", "docs", "base_url", "operations")
_OURS = [name for name, function in vars(Adapter).items() if getattr(function, "__final__", False)]
"""The functions that the gateway relies on as they are (`typing.final`)."""


class Reason(Struct, frozen=True):
    """One thing that keeps an adapter file from being used, and the line (from 1) where it stands."""

    file: str
    line: int
    text: str


class BrokenAdapter(Exception):  # noqa: N818 - it names what is broken
    """Adapter files that cannot be used: every reason, and in `found` the sound ones."""

    def __init__(self, reasons: Sequence[Reason], found: Mapping[str, Adapter[Any, Any]]) -> None:
        super().__init__("\n".join(f"{reason.file}:{reason.line}: {reason.text}" for reason in reasons))
        self.reasons = tuple(reasons)
        self.found = found


def discover(paths: Sequence[Path] = ()) -> Mapping[str, Adapter[Any, Any]]:
    """All adapters by name: ours, then those of the directories `paths`. Raises BrokenAdapter with every broken one."""
    found: dict[str, Adapter[Any, Any]] = {}
    files: dict[str, str] = {}
    reasons: list[Reason] = []
    for file, module in _modules(paths, reasons):
        adapter = getattr(module, "adapter", None)
        faults = list(_faults(adapter))
        if not faults and isinstance(adapter, Adapter):
            if adapter.name in found:
                faults = [f"the name '{adapter.name}' is taken by {files[adapter.name]}; give it one of its own"]
            else:
                found[adapter.name], files[adapter.name] = adapter, file
        reasons += [_reason(file, fault, Path(str(module.__file__))) for fault in faults]
    if reasons:
        raise BrokenAdapter(reasons, found)
    return found


def load(file: Path) -> Adapter[Any, Any]:
    """The adapter of one file, made anew. Raises BrokenAdapter with everything that keeps it from being used."""
    try:
        adapter = getattr(_load(file), "adapter", None)
    except (Exception, SystemExit) as error:  # a broken file may raise anything
        raise BrokenAdapter([_raised(str(file), error)], {}) from error
    if faults := list(_faults(adapter)):
        raise BrokenAdapter([_reason(str(file), fault, file) for fault in faults], {})
    return cast("Adapter[Any, Any]", adapter)


def _modules(paths: Sequence[Path], reasons: list[Reason]) -> Iterator[tuple[str, ModuleType]]:
    """Each adapter file and its module; one that cannot be imported goes to `reasons`."""
    for module in pkgutil.iter_modules(__path__):
        if module.name != "base" and not module.name.startswith("_"):
            file = f"adapters/{module.name}.py"
            try:
                yield file, importlib.import_module(f"{__name__}.{module.name}")
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a broken file may raise anything
                reasons.append(_raised(file, error))
    for dropped_in in (found for path in paths for found in sorted(path.glob("*.py"))):
        if not dropped_in.name.startswith("_"):
            try:
                yield str(dropped_in), _load(dropped_in)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - likewise
                reasons.append(_raised(str(dropped_in), error))


def _load(file: Path) -> ModuleType:
    """The module of a dropped-in file, made anew each time, so that a reload sees an edited file.

    Its name holds its text's digest: an adapter in force keeps its own module, whatever becomes of the edited one.
    """
    text = file.read_bytes()
    digest = sha256(str(file.resolve()).encode() + b"\0" + text).hexdigest()[:16]
    name = f"dropped_in_{digest}_{file.stem}"
    spec = spec_from_file_location(name, file)
    if spec is None:
        raise ImportError("not a Python file")
    module = module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module  # msgspec looks up a Struct's annotations there, when it first reads into it
    try:
        # Not by the loader: its cached bytecode is blind to an edit of the same size within a second.
        exec(compile(text, str(file), "exec"), module.__dict__)  # noqa: S102 - that is what importing is
    except BaseException:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise
    return module


def _raised(file: str, error: BaseException) -> Reason:
    """What a file raised while it was imported, and the last of its own lines that took part."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename.endswith(file)]
    if isinstance(error, SyntaxError):
        text, lines = f"{type(error).__name__}: {error.msg}", [error.lineno]
    return Reason(file, (lines[-1] if lines else None) or 1, text)


def _reason(file: str, fault: str, path: Path) -> Reason:
    """A fault of a file's declarations, and the first line with the word that it quotes first."""
    word = re.search(r"'(.+?)'", fault)
    lines = path.read_text(encoding="utf-8").splitlines() if word else []
    found = (number for number, line in enumerate(lines, start=1) if word and f'"{word[1]}"' in line)
    return Reason(file, next(found, 1), fault)


def _faults(adapter: object) -> Iterator[str]:
    """What keeps a module's `adapter` from being used."""
    if adapter is None:
        yield "has no attribute 'adapter'; put `adapter = ...()` at its end"
    elif not isinstance(adapter, Adapter):
        kind = f"the class {adapter.__name__}" if isinstance(adapter, type) else f"a {type(adapter).__name__}"
        yield f"'adapter' is {kind}, expected an instance of an Adapter"
    elif missing := [name for name in _DECLARED if not hasattr(adapter, name)]:
        yield f"expected it to declare {', '.join(missing)}"
    elif not adapter.name:
        yield "its name is empty; give it one"
    else:
        yield from _table_faults(adapter)
        if adapter.pushes not in get_args(Pushes):
            yield f"'{adapter.pushes}' is no way to push; expected nothing, unsigned or signed"
        for name in _OURS:
            if getattr(type(adapter), name) is not getattr(Adapter, name):
                yield f"'{name}' is the gateway's own function; remove it"
        for level in ("account", "connection"):
            kind = getattr(adapter, level)
            if not (isinstance(kind, type) and issubclass(kind, Struct)):
                yield f"'{level}' is no class of credentials; expected a Struct"


def _table_faults(adapter: Adapter[Any, Any]) -> Iterator[str]:
    seen: set[str] = set()
    for operation in adapter.operations:
        name = operation.name
        if name not in CANONICAL:
            yield f"unknown operation '{name}'; known: {', '.join(CANONICAL)}"
            continue
        if name in seen:
            yield f"'{name}' is declared twice; remove one"
        seen.add(name)
        try:
            msgspec.convert(msgspec.to_builtins(operation), Operation)
        except msgspec.ValidationError as error:
            yield f"{name}: {error}"
            continue
        yield from _own_faults(operation)
        for path in operation.places:
            if path not in CANONICAL[name]:
                near = get_close_matches(path, CANONICAL[name], n=1)
                advice = f", did you mean '{near[0]}'?" if near else f"; known: {', '.join(CANONICAL[name])}"
                yield f"{name}: '{path}' is no canonical field of it{advice}"
        folds = any(spot.wire is None for spot in operation.places.values())
        for path in (*((operation.text,) if folds else ()), *operation.one_per):
            if path not in operation.places:
                yield f"{name}: '{path}' has no place; give it one"


def _own_faults(operation: Operation) -> Iterator[str]:
    """What is wrong with an operation whatever its fields are called."""
    name = operation.name
    if not operation.path.startswith("/"):
        yield f"{name}: expected a path that begins with /"
    elif re.search(r"[\s{}#]", operation.path):
        yield f"{name}: '{operation.path}' would be sent as it stands; expected a plain path"
    if operation.emrs == ():
        yield f"'{name}' is on no EMR; leave emrs out if all have it"
    if operation.settles_within < 1:
        yield f"'{name}' settles within {operation.settles_within}; expected seconds, at least 1"
    for spot in operation.places.values():
        if spot.wire is not None and not all(spot.wire.split(".")):
            yield f"{name}: '{spot.wire}' has a blank name; without a place of its own, write FOLDED"
