"""A configuration file as plain data that knows its lines, and collects what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from gateway.rules.written import Written

Spot = tuple[str | int, ...]
"""A place in a file: keys and list positions from the top."""

MOST_LISTED = 20
_LEAST_HELD = 3
_SURELY = 0.8


def dotted(spot: Spot) -> str:
    """A place as people write it: ("routes", 1, "to") is "routes[1].to"."""
    text = ""
    for part in spot:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' * bool(text)}{_word(part)}"
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
        self.exposed: set[Spot] = set()
        """Places whose text came from a file that everybody on the machine may read or change."""
        self._mistakes: list[tuple[int, str]] = []
        self._told: set[tuple[Spot, bool]] = set()
        self._lost: set[Spot] = set()
        self._warnings: list[str] = []

    def written(self) -> Written:
        """The lines of the file, by places as messages name them."""
        return Written(self.name, {dotted(spot): line for spot, line in self.lines.items()})

    def keys(self, *spot: str | int) -> tuple[str, ...]:
        """The keys at a place, right or wrong; none where there is no mapping."""
        data = self.data
        for part in spot:
            data = data.get(part) if isinstance(data, Mapping) else None
        return tuple(data) if isinstance(data, Mapping) else ()

    def lost(self, *spot: str | int) -> bool:
        """Whether nothing at a place (or in the whole file) could be read, so that nothing can be held against it."""
        return any(spot[:length] in self._lost for length in range(len(spot) + 1))

    def line(self, spot: Spot) -> int:
        """The line (from 1) where a place stands, or the nearest one around it."""
        while spot and spot not in self.lines:
            spot = spot[:-1]
        return self.lines.get(spot, 1)

    def spoil(self, line: int, problem: str) -> None:
        """Note that the file as a whole cannot be read."""
        self._lost.add(())
        self._mistakes.append((line, f"{self.name}:{line}: {problem}"))

    def note(
        self, spot: Spot, problem: str, *, line: int | None = None, whole: bool = False, of_key: bool = False
    ) -> None:
        """Note a mistake. A place's key and its value are each reported once: what follows from a mistake is none.

        `whole`: nothing at or below the place could be read, so nothing below it is reported either.
        """
        if (spot, of_key) in self._told or self.lost(*spot[:-1]):
            return
        self._told.add((spot, of_key))
        if whole:
            self._lost.add(spot)
        number = line or self.line(spot)
        self._mistakes.append((number, self._text(spot, problem, number)))

    def unknown(self, spot: Spot, what: str, given: str, known: Iterable[str], *, expected: str = "") -> str | None:
        """Note a name that nobody has, with the nearest known one, all known ones, or what is `expected`.

        What came by reference is shown as written. Returns the known name that was surely meant, if there is one.
        """
        names = tuple(dict.fromkeys(known))
        advice = did_you_mean(given, names) or _listed(names) or (expected and f"; expected {expected}")
        self.note(spot, f"unknown {what} '{_word(self.references.get(spot, given))}'{advice}")
        return nearest(given, names, alike=_SURELY)

    def unknown_key(self, spot: Spot, what: str, known: Iterable[str]) -> str | None:
        """Note that the last part of the place is a name that nobody has; likewise."""
        key, names = str(spot[-1]), tuple(dict.fromkeys(known))
        advice = did_you_mean(key, names) or _listed(names)
        self.note(spot, f"unknown {what} '{_word(key)}'{advice}", of_key=True)
        return nearest(key, names, alike=_SURELY)

    def read_as(self, spot: Spot, name: str) -> None:
        """Go on as if the key at `spot` were called `name`, so that what stands below it is checked in the same run."""
        *above, key = spot
        data = self.data
        for part in above:
            data = data[part]
        data[name] = data.pop(key)
        to = (*above, name)
        self.lines |= {_renamed(place, spot, to): line for place, line in self.lines.items()}
        self.references |= {_renamed(place, spot, to): text for place, text in self.references.items()}
        self.exposed |= {_renamed(place, spot, to) for place in self.exposed}
        self._told |= {(_renamed(place, spot, to), of_key) for place, of_key in self._told}
        self._lost |= {_renamed(place, spot, to) for place in self._lost}

    def warn(self, spot: Spot, warning: str) -> None:
        """Note what is allowed but may surprise."""
        self._warnings.append(self._text(spot, warning, self.line(spot)))

    def mistakes(self) -> list[str]:
        """The mistakes in the order of their lines."""
        return [text for _, text in sorted(self._mistakes, key=lambda mistake: mistake[0])]

    def warnings(self) -> list[str]:
        """The warnings, in the order they were found."""
        return list(self._warnings)

    def _text(self, spot: Spot, problem: str, line: int) -> str:
        return f"{self.name}:{line}: {dotted(spot)}: {problem}" if spot else f"{self.name}:{line}: {problem}"


def _renamed(place: Spot, spot: Spot, to: Spot) -> Spot:
    """How a place is called when `spot` is called `to`."""
    return (*to, *place[len(spot) :]) if place[: len(spot)] == spot else place


def nearest(given: str, known: Collection[str], *, alike: float = 0.6) -> str | None:
    """The known name that was probably meant, in whatever case: the one most alike, or the only one that holds it.

    `alike`: from 0 to 1, how much.
    """
    names = {name.lower(): name for name in known}
    word = given.strip().lower()
    found = get_close_matches(word, names, n=1, cutoff=alike)
    if not found and alike < _SURELY and len(word) >= _LEAST_HELD:
        found = [name for name in names if word in name]
    return names[found[0]] if len(found) == 1 else None


def did_you_mean(given: str, known: Collection[str]) -> str:
    """The nearest known name as the end of a message; nothing when none is near."""
    near = nearest(given, known)
    return f", did you mean '{near}'?" if near else ""


def _listed(known: Collection[str]) -> str:
    return f"; known: {', '.join(sorted(known))}" if 0 < len(known) <= MOST_LISTED else ""
