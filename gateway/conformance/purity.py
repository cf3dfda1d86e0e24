"""No I/O, no clock, no chance, no log: by what the file imports and names, and by what it does."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from gateway.conformance import (
    arrival,
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
_ROUNDABOUT = frozenset({"getattr", "setattr", "delattr", "globals", "locals", "vars", "__builtins__", "__loader__"})
"""Ways to what is not named."""
_CLOCK = frozenset({"now", "utcnow", "today"})
_CALLING = (requests, arrival, readings, tolerance, lookups, tokens, webhooks, signatures, privacy)
"""The groups whose checks call the adapter with everything that can come; answers and errors come with `readings`."""


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
    """Neither files nor the clock are named, nor a way around their names.

    When the command was sent is `sent.at`; when a webhook came in is `now`. What is needed is called by its name, so
    that whoever reads the file sees what it does.
    """
    for node in ast.walk(ast.parse(it.text)):
        where = f"{it.file.name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Name) and node.id in _IMPURE | _ROUNDABOUT:
            yield Fault(where, f"names {node.id}")
        if isinstance(node, ast.Attribute) and node.attr in _CLOCK:
            yield Fault(where, f"asks for the time: {ast.unparse(node)}")
        if isinstance(node, ast.Attribute) and node.attr.startswith("__"):
            yield Fault(where, f"names {node.attr}")


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
    checks=(only_pure_modules_are_imported, nothing_impure_is_named, no_function_reaches_outside),
)
