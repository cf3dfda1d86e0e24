"""What a database is to the store: two ways to run a job on it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

from gateway.store.rows import Tx

T = TypeVar("T")


class Transactions(ABC):
    """Runs jobs, each in a transaction of its own."""

    async def placed(self) -> None:  # noqa: B027 - most have nothing to do
        """Give every event that is committed its place in the feed; where one writer gives it at once, it has one."""

    @abstractmethod
    async def write(self, job: Callable[[Tx], T]) -> T:
        """Run `job` in a transaction that is durable when this returns; what it raises rolls it back and is raised."""

    @abstractmethod
    async def read(self, job: Callable[[Tx], T]) -> T:
        """Run `job` on a consistent view that holds at least every write that returned before."""
