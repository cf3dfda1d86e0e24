"""The words of an adapter's own file: what its branches hang on, so what is tried on it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_WORD = re.compile(r"[\w .:/'-]{1,40}")
"""What may be a code, a status, a field's name or a short message; patterns and addresses are none."""


def words(text: str) -> tuple[str, ...]:
    """Every word that a file holds, once: its short texts, and the names of the fields that its Structs read."""
    return tuple(word for word in dict.fromkeys(_words(ast.parse(text))) if _WORD.fullmatch(word))


def _words(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
