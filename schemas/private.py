"""Types whose text must not leak: secrets, and Structs that hold patient text.

Printing, formatting, logging or tracing any of them shows `***`; the text itself is reached only on purpose.
"""

from __future__ import annotations

from typing import Any, final

from msgspec import Struct


@final
class Secret:
    """A credential. Prints as `***`; `reveal()` is the one way to its text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for a header or a signature."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class Private(Struct, frozen=True, kw_only=True):
    """A Struct that may hold patient text: its repr names the fields that are set and shows none of them."""

    def __repr__(self) -> str:
        given = (name for name in self.__struct_fields__ if getattr(self, name) not in (None, {}, (), []))
        return f"{type(self).__name__}({', '.join(f'{name}=***' for name in given)})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("private", "***")]
