"""Where configuration is written, for those who are told of it once it is in force."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Written(Struct, frozen=True):
    """A file of the configuration, and the line of each place in it; places go by the names that messages use."""

    file: str = ""
    lines: Mapping[str, int] = {}

    def line(self, place: str) -> int:
        """The line (from 1) where a place stands, or the nearest one around it."""
        while place and place not in self.lines:
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        return self.lines.get(place, 1)
