"""How each connection fared of late, for people to look at: small rings of samples, kept in this process alone."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from gateway.rules.record import Record
from schemas.outcome import NotApplied, Outcome, Unknown

EVERY = timedelta(seconds=10)
"""How long a sample lasts."""
KEPT = 120
"""So many samples are kept: twenty minutes."""

At = tuple[str, str]
"""A connection, as (clinic id, name)."""


class Lately(Struct, frozen=True, kw_only=True):
    """Samples of one or several connections together, the oldest first.

    `sent` attempts ended in a sample, of which `failed` proved nothing or reached nobody; they took `seconds` together.
    `waiting` is how many were to be sent at its end.
    """

    sent: Sequence[int]
    failed: Sequence[int]
    seconds: Sequence[float]
    waiting: Sequence[int]


class _Ring:
    """One connection's samples; the place of the newest is the same in all rings."""

    __slots__ = ("failed", "seconds", "sent", "waiting")

    def __init__(self) -> None:
        self.sent, self.failed, self.waiting = (array("I", bytes(array("I").itemsize * KEPT)) for _ in range(3))
        self.seconds = array("d", bytes(array("d").itemsize * KEPT))

    def clear(self, place: int) -> None:
        self.sent[place] = self.failed[place] = self.waiting[place] = 0
        self.seconds[place] = 0.0


class Recent:
    """The rings of all connections that had something to do."""

    def __init__(self) -> None:
        self._rings: dict[At, _Ring] = {}
        self._now = 0
        self.as_of: datetime | None = None
        """The end of the newest whole sample."""

    def attempted(self, record: Record, outcome: Outcome, seconds: float) -> None:
        """An attempt has ended."""
        ring = self._ring((record.clinic_id, record.connection))
        ring.sent[self._now] += 1
        ring.failed[self._now] += isinstance(outcome, NotApplied | Unknown)
        ring.seconds[self._now] += seconds

    def _ring(self, connection: At) -> _Ring:
        found = self._rings.get(connection)
        if found is None:
            found = self._rings[connection] = _Ring()
        return found

    def sample(self, waiting: Mapping[At, int], now: datetime) -> None:
        """End a sample, and begin the next in the place of the oldest."""
        for connection, count in waiting.items():
            self._ring(connection).waiting[self._now] = count
        self._now, self.as_of = (self._now + 1) % KEPT, now
        for ring in self._rings.values():
            ring.clear(self._now)

    def lately(self, connections: Iterable[At]) -> Lately:
        """The whole samples of these connections, added up."""
        rings = [self._rings[connection] for connection in connections if connection in self._rings]
        order = [(self._now + 1 + place) % KEPT for place in range(KEPT - 1)]
        return Lately(
            sent=[sum(ring.sent[place] for ring in rings) for place in order],
            failed=[sum(ring.failed[place] for ring in rings) for place in order],
            seconds=[sum(ring.seconds[place] for ring in rings) for place in order],
            waiting=[sum(ring.waiting[place] for ring in rings) for place in order],
        )
