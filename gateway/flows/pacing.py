"""How much this process may send to each endpoint of an app now. Vendors' accounts are paced by `store/pacing.py`."""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import datetime, timedelta
from typing import Protocol

from gateway.rules import breaker, pace
from gateway.rules.breaker import Phase
from gateway.rules.clinic import Limits
from gateway.rules.pace import Luck, Traffic
from gateway.world import World
from schemas.outcome import Outcome

_MINUTE = timedelta(seconds=60)


class Paced(Protocol):
    """What is sent to."""

    @property
    def name(self) -> str:
        """What tells it from all others."""

    @property
    def limits(self) -> Limits:
        """Its caps."""


class _Flow:
    def __init__(self) -> None:
        self.in_flight = 0
        self.sent: deque[datetime] = deque()
        self.luck = Luck()


class Pacer:
    """Counts what this process has in flight and has sent; every send is taken before it begins, and ended."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._flows: defaultdict[str, _Flow] = defaultdict(_Flow)

    def room(self, to: Paced) -> int:
        """How many more may be sent there now."""
        now, flow = self._world.now(), self._flows[to.name]
        if flow.sent and flow.sent[-1] > now:
            flow.sent.clear()  # a clock that was set back
        while flow.sent and flow.sent[0] <= now - _MINUTE:
            flow.sent.popleft()
        return pace.room(to.limits, Traffic(in_flight=flow.in_flight, recent=len(flow.sent), luck=flow.luck), now)

    def take(self, to: Paced) -> None:
        """One is about to be sent."""
        flow = self._flows[to.name]
        flow.in_flight += 1
        if to.limits.per_minute is not None:
            flow.sent.append(self._world.now())

    def proved(self, to: Paced, outcome: Outcome, retry_at: datetime) -> bool:
        """What a send came to; whether it works there again after a long time of trouble."""
        flow, now = self._flows[to.name], self._world.now()
        came_back = breaker.came_back(flow.luck.breaker, outcome)
        flow.luck = pace.after(flow.luck, outcome, retry_at, now, self._world.roll())
        return came_back

    def forgive(self, to: Paced) -> None:
        """It is to be tried now: the patience that it asked for, and its recent luck, are forgotten."""
        self._flows[to.name].luck = Luck()

    def ended(self, to: Paced) -> None:
        """A send is over, whatever it came to."""
        self._flows[to.name].in_flight -= 1

    def phase(self, to: Paced) -> Phase:
        """Where its breaker stands."""
        return breaker.phase(self._flows[to.name].luck.breaker)

    def reopens(self, to: Paced) -> datetime | None:
        """When time alone makes room again; None: when a send ends."""
        now, flow = self._world.now(), self._flows[to.name]
        times = [pace.reopens(flow.luck, now)]
        if to.limits.per_minute is not None and flow.sent:
            times.append(flow.sent[0] + _MINUTE)
        return max((at for at in times if at is not None and at > now), default=None)
