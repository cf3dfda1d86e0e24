"""A configuration file as plain data that knows its lines, and collects what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

Spot = tuple[str | int, ...]
"""A place in a file: keys and list positions from the top."""

MOST_LISTED = 12


def dotted(spot: Spot) -> str:
    """A place as people write it: ("routes", 1, "to") is "routes[1].to"."""
    text = ""
    for part in spot:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _word(text: str) -> str:
    """A word of the file, safe to print on one line of a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:80])


class Source:
    """One file. `name` is its path within the configuration directory, with slashes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.data: Any = {}
        self.lines: dict[Spot, int] = {}
        self.references: dict[Spot, str] = {}
        """Places whose text came by reference, and the reference as written."""
        self.readable = True
        """Whether it could be read at all; if not, other files cannot be held against it."""
        self._mistakes: dict[Spot, tuple[int, str]] = {}
        self._lost: set[Spot] = set()
        self._warnings: list[str] = []

    def keys(self, *spot: str | int) -> tuple[str, ...]:
        """The keys at a place, right or wrong; none where there is no mapping."""
        data = self.data
        for part in spot:
            data = data.get(part) if isinstance(data, Mapping) else None
        return tuple(data) if isinstance(data, Mapping) else ()

    def line(self, spot: Spot) -> int:
        """The line (from 1) where a place stands, or the nearest one around it."""
        while spot and spot not in self.lines:
            spot = spot[:-1]
        return self.lines.get(spot, 1)

    def spoil(self, line: int, problem: str) -> None:
        """Note that the file as a whole cannot be read."""
        self.readable = False
        self._lost.add(())
        self._mistakes[()] = (line, f"{self.name}:{line}: {problem}")

    def note(self, spot: Spot, problem: str, *, line: int | None = None, whole: bool = False) -> None:
        """Note a mistake. Each place is reported once: what follows from a mistake is none of its own.

        `whole`: nothing at or below the place could be read, so nothing below it is reported either.
        """
        if spot in self._mistakes or any(spot[:length] in self._lost for length in range(len(spot))):
            return
        if whole:
            self._lost.add(spot)
        number = line or self.line(spot)
        self._mistakes[spot] = (number, self._text(spot, problem, number))

    def unknown(self, spot: Spot, what: str, given: str, known: Iterable[str], *, shown: str | None = None) -> None:
        """Note a name that nobody has, with the nearest known one. What came by reference is shown as written."""
        names = tuple(dict.fromkeys(known))
        written = shown or self.references.get(spot, given)
        self.note(spot, f"unknown {what} '{_word(written)}'{_suggestion(given, names)}")

    def warn(self, spot: Spot, warning: str) -> None:
        """Note what is allowed but may surprise."""
        self._warnings.append(self._text(spot, warning, self.line(spot)))

    def mistakes(self) -> list[str]:
        """The mistakes in the order of their lines."""
        return [text for _, text in sorted(self._mistakes.values(), key=lambda mistake: mistake[0])]

    def warnings(self) -> list[str]:
        """The warnings, in the order they were found."""
        return list(self._warnings)

    def _text(self, spot: Spot, problem: str, line: int) -> str:
        return f"{self.name}:{line}: {dotted(spot)}: {problem}" if spot else f"{self.name}:{line}: {problem}"


def _suggestion(given: str, known: Collection[str]) -> str:
    near = get_close_matches(given, known, n=1)
    if near:
        return f", did you mean '{near[0]}'?"
    if 0 < len(known) <= MOST_LISTED:
        return f"; known: {', '.join(sorted(known))}"
    return ""
