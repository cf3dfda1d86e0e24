"""The database's clock, read with every transaction: processes that share leases must share a time."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from gateway.store.rows import moment

_LITTLE = timedelta(seconds=1)
_PROMPT = 0.5
"""Seconds that a reading may take; one that took longer, in a process that stood still, says too early a time."""


class Clock:
    """Tells the database's time between readings of it, whatever this machine's own clock says.

    It counts from when a reading has arrived, so it is never ahead of the database, not even when the process stood
    still meanwhile: nobody ends the lease of another too early.
    """

    def __init__(self) -> None:
        self._read: tuple[datetime, float] | None = None
        self._last: datetime | None = None

    def read(self, stamped: int, asked: float) -> None:
        """The database said that it is `stamped` (microseconds since 1970), asked at `asked` (monotonic seconds)."""
        arrived = time.monotonic()
        if self._read is None or arrived - asked <= _PROMPT:
            self._read = moment(stamped), arrived

    def now(self) -> datetime:
        """The database's time; it does not go back by the little that two readings differ."""
        if self._read is None:
            raise LookupError("the database was not asked for the time yet")
        at, then = self._read
        told = at + timedelta(seconds=time.monotonic() - then)
        if self._last is not None and told < self._last <= told + _LITTLE:
            told = self._last
        self._last = told
        return told
