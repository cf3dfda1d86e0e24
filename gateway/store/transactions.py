"""What a database is to the store: two ways to run a job on it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

from gateway.store.rows import Tx

T = TypeVar("T")


def nothing() -> None:
    """Nothing follows from a commit."""


class Transactions(ABC):
    """Runs jobs, each in a transaction of its own."""

    async def placed(self) -> None:  # noqa: B027 - most have nothing to do
        """Give every event that is committed its place in the feed; where one writer gives it at once, it has one."""

    @abstractmethod
    async def write(self, job: Callable[[Tx], T], then: Callable[[], None] = nothing) -> T:
        """Run `job` in a transaction that is durable when this returns; what it raises rolls it back and is raised.

        It runs even if the caller is cancelled meanwhile; `then` is called after its commit, in the loop's thread. A
        job may be run again where another stands in its way, or fails beside it, so it must not mind running twice.
        """

    @abstractmethod
    async def read(self, job: Callable[[Tx], T]) -> T:
        """Run `job` on a consistent view that holds at least every write that returned before."""
