"""No I/O, no clock, no chance, no log: by what the file imports and names, and by what its functions do."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gateway.conformance import bodies, calls, canaries
from gateway.conformance.check import Fault, Faults, Group, Subject
from gateway.conformance.watch import watched

PURE = frozenset({
    "__future__", "abc", "adapters.base", "base64", "binascii", "bisect", "collections", "copy", "dataclasses",
    "datetime", "decimal", "enum", "fractions", "functools", "hashlib", "hmac", "html", "itertools", "json", "math",
    "msgspec", "operator", "re", "schemas", "string", "struct", "textwrap", "types", "typing", "unicodedata",
    "urllib.parse", "zlib",
})  # fmt: skip
"""What an adapter may import: msgspec, the vocabulary, and the pure parts of the standard library."""

_IMPURE = frozenset({"open", "input", "print", "breakpoint", "eval", "exec", "compile", "__import__"})
_CLOCK = frozenset({"now", "utcnow", "today"})


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
    """Neither files nor the clock are named.

    When the command was sent is `sent.at`; when a webhook came in is `now`.
    """
    tree = ast.parse(it.text)
    clocks = {
        alias.asname or alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if (isinstance(node, ast.ImportFrom) and node.module == "datetime") or isinstance(node, ast.Import)
        for alias in node.names
        if isinstance(node, ast.ImportFrom) or alias.name == "datetime"
    }
    for node in ast.walk(tree):
        where = f"{it.file.name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Name) and node.id in _IMPURE:
            yield Fault(where, f"names {node.id}")
        if isinstance(node, ast.Attribute) and node.attr in _CLOCK and _root(node) in clocks:
            yield Fault(where, f"asks for the time: {ast.unparse(node)}")


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def no_function_reaches_outside(it: Subject) -> Faults:
    """No function reaches for a file, a socket, the clock or chance when it is called.

    An adapter translates values. What it seems to need from outside is an argument, or the gateway's own work.
    """
    commands = [canaries.command(operation, *operation.places) for operation in it.adapter.operations]
    read = (call for body in (b"", b"{}", bodies.UNREADABLE["HTML"]) for call in calls.reading(it, body))
    for name, call in (*calls.building(it, commands), *read, *calls.sampled(it)):
        with watched() as caught:
            calls.result(call)
        yield from (Fault(name, what) for what in caught)


GROUP = Group(
    title="Purity",
    checks=(only_pure_modules_are_imported, nothing_impure_is_named, no_function_reaches_outside),
)
