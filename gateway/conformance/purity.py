"""No I/O, no clock, no chance, no log, no memory: by what the file imports and names, and by what it does."""

from __future__ import annotations

import ast
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from adapters import load
from adapters.base import Adapter
from gateway.conformance import (
    arrival,
    evidence,
    lookups,
    privacy,
    readings,
    requests,
    signatures,
    tokens,
    tolerance,
    webhooks,
)
from gateway.conformance.check import Fault, Faults, Group, Subject
from gateway.conformance.watch import watching

PURE = frozenset({
    "__future__", "abc", "adapters.base", "base64", "binascii", "bisect", "collections", "copy", "dataclasses",
    "datetime", "decimal", "enum", "fractions", "functools", "hashlib", "hmac", "html", "itertools", "json", "math",
    "msgspec", "operator", "re", "schemas", "string", "struct", "textwrap", "types", "typing", "unicodedata",
    "urllib.parse", "zlib",
})  # fmt: skip
"""What an adapter may import: msgspec, the vocabulary, and the pure parts of the standard library."""

_IMPURE = frozenset({"open", "input", "print", "breakpoint", "eval", "exec", "compile", "__import__"})
_ENDING = frozenset({"exit", "quit", "SystemExit", "KeyboardInterrupt", "BaseException"})
"""What ends the program, or keeps it from ending."""
_ROUNDABOUT = frozenset({"getattr", "setattr", "delattr", "globals", "locals", "vars", "__builtins__", "__loader__"})
"""Ways to what is not named."""
_CLOCK = frozenset({"now", "utcnow", "today"})
_ZONED = {"astimezone": 1, "fromtimestamp": 2}
"""With fewer arguments these take the machine's timezone."""
_CALLING = (requests, arrival, readings, tolerance, lookups, tokens, webhooks, signatures, privacy)
"""The groups whose checks call the adapter with everything that can come; answers and errors come with `readings`."""
_PLAYING = (evidence, requests, tokens, webhooks)
"""The groups whose checks call each function at least once."""


def only_pure_modules_are_imported(it: Subject) -> Faults:
    """Only pure modules are imported.

    Of `adapters` only `adapters.base`; else `schemas`, `msgspec` and the pure parts of the standard library. The time,
    our id and the token are given; sockets, retries and logs are the gateway's.
    """
    for node in ast.walk(ast.parse(it.text)):
        for name in _imported(node):
            parts = name.split(".")
            if not any(".".join(parts[:length]) in PURE for length in range(1, len(parts) + 1)):
                yield Fault(f"{it.file.name}:{getattr(node, 'lineno', 0)}", f"imports {name}")


def _imported(node: ast.AST) -> Iterator[str]:
    """The modules that a statement imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        within = {"adapters", "urllib"}  # packages of which only some modules are pure
        yield from (f"{module}.{alias.name}" for alias in node.names) if module in within else (module,)


def nothing_impure_is_named(it: Subject) -> Faults:
    """Neither files, the clock, the machine's timezone nor the program's end are named, nor a way around their names.

    When the command was sent is `sent.at`; when a webhook came in is `now`; both are UTC. What is needed is called by
    its name, so that whoever reads the file sees what it does.
    """
    for node in ast.walk(ast.parse(it.text)):
        where = f"{it.file.name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Name) and node.id in _IMPURE | _ENDING | _ROUNDABOUT:
            yield Fault(where, f"names {node.id}")
        if isinstance(node, ast.Attribute) and node.attr in _CLOCK:
            yield Fault(where, f"asks for the time: {ast.unparse(node)}")
        if isinstance(node, ast.Attribute) and node.attr.startswith("__"):
            yield Fault(where, f"names {node.attr}")
        if isinstance(node, ast.Call) and len(node.args) + len(node.keywords) < _zoned(node.func):
            yield Fault(where, f"asks for the machine's timezone: {ast.unparse(node)}")


def _zoned(function: ast.expr) -> int:
    """How many arguments a call of the function has at least when the timezone is among them."""
    return _ZONED.get(function.attr, 0) if isinstance(function, ast.Attribute) else 0


def nothing_is_kept_between_calls(it: Subject) -> Faults:
    """Nothing is kept between two calls, neither on the adapter nor in its module.

    The next call is another clinic's, and may be made by another process. Make everything anew of what is given.
    """
    fresh = msgspec.structs.replace(it, adapter=load(it.file))
    before = _held(fresh.adapter)
    for check in (check for module in _PLAYING for check in module.GROUP.checks):
        with suppress(Exception):  # what else is wrong, the check itself tells
            deque(check(fresh), maxlen=0)
    after = _held(fresh.adapter)
    changed = [name for name in after if after[name] != before.get(name)]
    yield from (Fault(name, "is not what it was before a call") for name in changed)


def _held(adapter: Adapter[Any, Any]) -> Mapping[str, str]:
    """What an adapter, its class and its module hold, by name; of a function with a cache, how full that is."""
    kind = type(adapter)
    module = vars(sys.modules[kind.__module__])
    own = {f"{kind.__name__}.{name}": value for name, value in (vars(kind) | vars(adapter)).items()}
    return {
        name: repr(value.cache_info() if hasattr(value, "cache_info") else value)
        for name, value in {**module, **own}.items()
        if "__" not in name
    }


def no_function_reaches_outside(it: Subject) -> Faults:
    """Nothing reaches for a file, a socket, the clock or chance, neither when the file is loaded nor in any call.

    An adapter translates values. What it seems to need from outside is an argument, or the gateway's own work.
    """
    yield from it.reached
    with watching(it.adapter, it.file) as (adapter, caught):
        for check in (check for module in _CALLING for check in module.GROUP.checks):
            with suppress(Exception):  # what else is wrong, the check itself tells
                deque(check(msgspec.structs.replace(it, adapter=adapter)), maxlen=0)
    yield from dict.fromkeys(caught)


GROUP = Group(
    title="Purity",
    checks=(
        only_pure_modules_are_imported,
        nothing_impure_is_named,
        nothing_is_kept_between_calls,
        no_function_reaches_outside,
    ),
)
