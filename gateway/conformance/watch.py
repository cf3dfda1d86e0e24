"""A trap for what an adapter must not reach for: files, sockets, processes, the clock and chance."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from types import FrameType
from typing import Any

_DOORS = ("open", "socket.", "os.", "subprocess.", "shutil.", "sqlite3.", "ctypes.", "urllib.", "http.", "ssl.")
"""Beginnings of Python's audit events that mean I/O."""
_CLOCK_AND_CHANCE = frozenset({
    time.time, time.time_ns, time.monotonic, time.monotonic_ns, time.perf_counter, time.perf_counter_ns,
    time.process_time, time.thread_time, time.sleep, time.localtime, time.gmtime, datetime.now, datetime.utcnow,
    datetime.today, date.today, os.urandom, random.random, random.getrandbits, random.seed,
})  # fmt: skip


class _Trap:
    """Python's audit hooks stay for good, so there is one; it lets everything pass but while it is set."""

    def __init__(self) -> None:
        self.caught: list[str] = []
        self.watched: int | None = None
        self.hooked = False

    def audit(self, event: str, _arguments: tuple[Any, ...]) -> None:
        if self.watched == threading.get_ident() and event.startswith(_DOORS) and not _importing(sys._getframe(1)):  # noqa: SLF001 - the one way
            self.caught.append(f"does I/O ({event})")
            raise PermissionError("an adapter does no I/O")

    def profile(self, _frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and _reads_clock_or_chance(called):
            self.caught.append(f"asks for the time or for chance ({called.__qualname__})")


_trap = _Trap()


@contextmanager
def watched() -> Iterator[list[str]]:
    """What is done within, on this thread, that an adapter must not do. I/O is stopped by a PermissionError."""
    if not _trap.hooked:
        sys.addaudithook(_trap.audit)
        _trap.hooked = True
    before, _trap.caught, _trap.watched = sys.getprofile(), [], threading.get_ident()
    sys.setprofile(_trap.profile)
    try:
        yield _trap.caught
    finally:
        sys.setprofile(before)
        _trap.watched = None


def _importing(frame: FrameType | None) -> bool:
    """Whether a file is opened only because a module of the standard library is imported late."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _reads_clock_or_chance(called: Any) -> bool:
    try:
        return called in _CLOCK_AND_CHANCE
    except TypeError:  # what cannot be hashed is none of them
        return False
