"""Who has asked for how much of late. Each process counts for itself."""

from __future__ import annotations

from collections import OrderedDict

from gateway.rules import quota
from gateway.rules.quota import Allowance, Bucket
from gateway.world import World

_MOST = 10_000
"""As many callers as are remembered; the one that was quiet for longest is forgotten first."""


class Quotas:
    """A quota a minute for each caller, by any name."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def spend(self, who: str, per_minute: int) -> Allowance:
        """One request more of `who`."""
        bucket, allowance = quota.spend(self._buckets.pop(who, None), per_minute, self._world.now())
        self._buckets[who] = bucket
        if len(self._buckets) > _MOST:
            self._buckets.popitem(last=False)
        return allowance
