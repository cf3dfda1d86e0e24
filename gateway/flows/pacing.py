"""How much may go somewhere now: its concurrency, its rate, its breaker, and the patience that it asked for."""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import datetime, timedelta
from typing import Protocol

from gateway.rules import breaker
from gateway.rules.breaker import Breaker, Phase
from gateway.rules.clinic import Limits
from gateway.world import World
from schemas.outcome import NotApplied, Outcome

_MINUTE = timedelta(seconds=60)
_LONGEST = timedelta(hours=1, minutes=1)
"""Nothing puts an account off for longer."""
_PLENTY = 64
"""As many as one round takes for an account without a cap."""


class Paced(Protocol):
    """What is sent to: a vendor's account, or an app's endpoint."""

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
        self.breaker = Breaker()
        self.not_before: datetime | None = None
        self.queue = False
        """Whether others may be waiting for their turn."""


class Pacer:
    """Counts what is in flight and what was sent; every send is taken before it begins, and ended or given back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._flows: defaultdict[str, _Flow] = defaultdict(_Flow)

    def room(self, account: Paced) -> int:
        """How many more may be sent to the account now."""
        now, flow = self._world.now(), self._flows[account.name]
        self._mind_the_clock(flow, now)
        if flow.not_before is not None and flow.not_before > now:
            return 0
        caps = [_PLENTY, breaker.room(flow.breaker, flow.in_flight, now)]
        if account.limits.concurrency is not None:
            caps.append(account.limits.concurrency - flow.in_flight)
        if account.limits.per_minute is not None:
            self._forget(flow, now)
            caps.append(account.limits.per_minute - len(flow.sent))
        return max(min(cap for cap in caps if cap is not None), 0)

    def may_go_at_once(self, account: Paced) -> bool:
        """Whether a new command may be sent without waiting for its turn: there is room, and nobody waits for it."""
        return not self._flows[account.name].queue and self.room(account) > 0

    def queued(self, account: Paced, *, others: bool) -> None:
        """Whether deliveries wait for the account's room."""
        self._flows[account.name].queue = others

    def take(self, account: Paced) -> None:
        """One is about to be sent."""
        flow = self._flows[account.name]
        flow.in_flight += 1
        if account.limits.per_minute is not None:
            flow.sent.append(self._world.now())

    def give_back(self, account: Paced) -> None:
        """One that was taken is not sent after all."""
        flow = self._flows[account.name]
        flow.in_flight -= 1
        if account.limits.per_minute is not None and flow.sent:
            flow.sent.pop()

    def proved(self, account: Paced, outcome: Outcome, retry_at: datetime) -> bool:
        """What a send came to; a vendor that asked for patience gets it from the whole account.

        Whether it works again after a long time of trouble.
        """
        flow = self._flows[account.name]
        came_back = breaker.came_back(flow.breaker, outcome)
        flow.breaker = breaker.after(flow.breaker, outcome, self._world.now(), self._world.roll())
        if isinstance(outcome, NotApplied) and not breaker.is_failure(outcome):
            flow.not_before = max(retry_at, flow.not_before or retry_at)
        return came_back

    def forgive(self, account: Paced) -> None:
        """A person wants it tried now: what the vendor asked for, and its recent luck, are forgotten."""
        flow = self._flows[account.name]
        flow.not_before, flow.breaker = None, Breaker()

    def ended(self, account: Paced) -> None:
        """A send is over, whatever it came to."""
        self._flows[account.name].in_flight -= 1

    def in_flight(self, account: Paced) -> int:
        """How many sends are under way."""
        return self._flows[account.name].in_flight

    def phase(self, account: Paced) -> Phase:
        """Where the account's breaker stands."""
        return breaker.phase(self._flows[account.name].breaker)

    def reopens(self, account: Paced) -> datetime | None:
        """When time alone makes room again; None: when a send ends."""
        now, flow = self._world.now(), self._flows[account.name]
        times = [flow.not_before, flow.breaker.open_until]
        if account.limits.per_minute is not None and flow.sent:
            times.append(flow.sent[0] + _MINUTE)
        return max((at for at in times if at is not None and at > now), default=None)

    def _mind_the_clock(self, flow: _Flow, now: datetime) -> None:
        """What lies farther ahead than anything is ever put off was made so by a clock that was set back."""
        if flow.sent and flow.sent[-1] > now:
            flow.sent.clear()
        if flow.not_before is not None and flow.not_before - now > _LONGEST:
            flow.not_before = None
        if flow.breaker.open_until is not None and flow.breaker.open_until - now > _LONGEST:
            flow.breaker = Breaker()

    def _forget(self, flow: _Flow, now: datetime) -> None:
        while flow.sent and flow.sent[0] <= now - _MINUTE:
            flow.sent.popleft()
