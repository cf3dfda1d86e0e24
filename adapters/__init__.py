"""The vendors' dialects, one file each, and how they are found.

An adapter is found by its place alone: every public module here, and every `*.py` of the directories that
`adapter_paths` names, each with a module attribute `adapter`. No list is kept anywhere.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import msgspec
from msgspec import Struct

from adapters.base import Adapter, Operation
from schemas.command import CANONICAL

_DECLARED = ("name", "docs", "base_url", "operations")


class BrokenAdapter(Exception):  # noqa: N818 - it names what is broken
    """Adapter files that cannot be used: `reasons` has the file and the reason of each, `found` the sound ones."""

    def __init__(self, reasons: Sequence[tuple[str, str]], found: Mapping[str, Adapter[Any, Any]]) -> None:
        super().__init__("\n".join(f"{file}: {reason}" for file, reason in reasons))
        self.reasons = tuple(reasons)
        self.found = found


def discover(paths: Sequence[Path] = ()) -> Mapping[str, Adapter[Any, Any]]:
    """All adapters by name: ours, then those of the directories `paths`. Raises BrokenAdapter with every broken one."""
    found: dict[str, Adapter[Any, Any]] = {}
    files: dict[str, str] = {}
    reasons: list[tuple[str, str]] = []
    for file, module in _modules(paths, reasons):
        adapter = getattr(module, "adapter", None)
        faults = list(_faults(adapter))
        if not faults and isinstance(adapter, Adapter):
            if adapter.name in found:
                faults = [f"the name '{adapter.name}' is taken by {files[adapter.name]}"]
            else:
                found[adapter.name], files[adapter.name] = adapter, file
        reasons += [(file, fault) for fault in faults]
    if reasons:
        raise BrokenAdapter(reasons, found)
    return found


def load(file: Path) -> Adapter[Any, Any]:
    """The adapter of one file, made anew. Raises BrokenAdapter with everything that keeps it from being used."""
    try:
        adapter = getattr(_load(file), "adapter", None)
    except Exception as error:  # a broken file may raise anything
        raise BrokenAdapter([(str(file), _raised(error))], {}) from error
    if faults := list(_faults(adapter)):
        raise BrokenAdapter([(str(file), fault) for fault in faults], {})
    return cast("Adapter[Any, Any]", adapter)


def _modules(paths: Sequence[Path], reasons: list[tuple[str, str]]) -> Iterator[tuple[str, ModuleType]]:
    """Each adapter file and its module; one that cannot be imported goes to `reasons`."""
    for module in pkgutil.iter_modules(__path__):
        if module.name != "base" and not module.name.startswith("_"):
            file = f"adapters/{module.name}.py"
            try:
                yield file, importlib.import_module(f"{__name__}.{module.name}")
            except Exception as error:  # noqa: BLE001 - a broken file may raise anything
                reasons.append((file, _raised(error)))
    for dropped_in in (found for path in paths for found in sorted(path.glob("*.py"))):
        if not dropped_in.name.startswith("_"):
            try:
                yield str(dropped_in), _load(dropped_in)
            except Exception as error:  # noqa: BLE001 - likewise
                reasons.append((str(dropped_in), _raised(error)))


def _load(file: Path) -> ModuleType:
    """The module of a dropped-in file, made anew each time, so that a reload sees an edited file."""
    name = f"dropped_in_{sha256(str(file.resolve()).encode()).hexdigest()[:8]}_{file.stem}"
    spec = spec_from_file_location(name, file)
    if spec is None:
        raise ImportError("not a Python file")
    module = module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module  # msgspec looks up a Struct's annotations there
    try:
        # Not by the loader: its cached bytecode is blind to an edit of the same size within a second.
        exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)  # noqa: S102 - that is what importing is
    except BaseException:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise
    return module


def _raised(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _faults(adapter: object) -> Iterator[str]:
    """What keeps a module's `adapter` from being used."""
    if adapter is None:
        yield "has no attribute 'adapter'"
    elif not isinstance(adapter, Adapter):
        kind = f"the class {adapter.__name__}" if isinstance(adapter, type) else f"a {type(adapter).__name__}"
        yield f"'adapter' is {kind}, not an instance of an Adapter"
    elif missing := [name for name in _DECLARED if not hasattr(adapter, name)]:
        yield f"does not declare {', '.join(missing)}"
    elif not adapter.name:
        yield "its name is empty"
    else:
        yield from _table_faults(adapter)
        for level in ("account", "connection"):
            kind = getattr(adapter, level)
            if not (isinstance(kind, type) and issubclass(kind, Struct)):
                yield f"'{level}' is not a Struct"


def _table_faults(adapter: Adapter[Any, Any]) -> Iterator[str]:
    seen: set[str] = set()
    for operation in adapter.operations:
        name = operation.name
        if name not in CANONICAL:
            yield f"unknown operation '{name}'"
            continue
        if name in seen:
            yield f"{name} is declared twice"
        seen.add(name)
        try:
            msgspec.convert(msgspec.to_builtins(operation), Operation)
        except msgspec.ValidationError as error:
            yield f"{name}: {error}"
        if not operation.path.startswith("/"):
            yield f"{name}: the path does not begin with /"
        for path in operation.places:
            if path not in CANONICAL[name]:
                yield f"{name}: '{path}' is no canonical field of it"
        folds = any(spot.wire is None for spot in operation.places.values())
        for path in (*((operation.text,) if folds else ()), *operation.one_per):
            if path not in operation.places:
                yield f"{name}: '{path}' has no place"
