"""A trap for what an adapter must not reach for: files, sockets, processes, the clock and chance."""

from __future__ import annotations

import builtins
import gc
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, cast

from adapters.base import Adapter
from gateway.conformance.check import Fault

_CLOSELY, _SOME = 2_000, 10
"""Calls of a function that are all watched for the time, which is slow, and of how many later ones one is."""
_DOORS = ("open", "socket.", "os.", "subprocess.", "shutil.", "sqlite3.", "ctypes.", "urllib.", "http.", "ssl.")
"""Beginnings of Python's audit events that mean I/O."""
_CLOCK_AND_CHANCE = frozenset({
    time.time, time.time_ns, time.monotonic, time.monotonic_ns, time.perf_counter, time.perf_counter_ns,
    time.process_time, time.thread_time, time.sleep, time.localtime, time.gmtime, time.ctime, time.asctime,
    time.strftime, datetime.now, datetime.utcnow, datetime.today, date.today, os.urandom, random.random,
    random.getrandbits, random.seed,
})  # fmt: skip
_BACK_DOORS = frozenset({builtins.print, builtins.input, builtins.__import__})
"""Called by the adapter itself, not by what it uses: a codec is imported when it is first needed."""


class _Trap:
    """Python's audit hooks stay for good, so there is one; it lets everything pass but while it is set."""

    def __init__(self) -> None:
        self.caught: list[Fault] = []
        self.file = ""
        self.watched: int | None = None
        self.hooked = False

    def audit(self, event: str, _arguments: tuple[Any, ...]) -> None:
        if self.watched != threading.get_ident() or not event.startswith(_DOORS):
            return
        if self._catch(sys._getframe(1), f"does I/O ({event})"):  # noqa: SLF001 - the one way
            raise PermissionError(f"an adapter does no I/O ({event})")

    def profile(self, frame: FrameType, event: str, called: Any) -> None:
        if event != "c_call":
            return
        if _among(called, _CLOCK_AND_CHANCE):
            self._catch(frame, f"asks for the time or for chance ({called.__qualname__})")
        elif frame.f_code.co_filename == self.file and _among(called, _BACK_DOORS):
            self._catch(frame, f"calls {called.__name__}")

    def _catch(self, frame: FrameType | None, what: str) -> bool:
        """Note what the file's own code does; what Python does to import a module is not the file's doing."""
        while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
            if frame.f_code.co_filename == self.file:
                self.caught.append(Fault(f"{Path(self.file).name}:{frame.f_lineno}", what))
                return True
            frame = frame.f_back
        return False


_trap = _Trap()


@contextmanager
def watched(file: Path) -> Iterator[list[Fault]]:
    """What the code of `file` does within, on this thread, that it must not. I/O is stopped by a PermissionError."""
    with _set(file) as caught, _profiled(_trap.profile):
        yield caught


@contextmanager
def watching(adapter: Adapter[Any, Any], file: Path) -> Iterator[tuple[Adapter[Any, Any], Sequence[Fault]]]:
    """The adapter, but each of its calls watched; and what they are caught at, as they are made."""
    with _set(file) as caught:
        yield cast("Adapter[Any, Any]", _Watching(adapter)), caught


class _Watching:
    """An adapter of which each call is watched: for I/O all of them, for the time the first thousands, then some."""

    def __init__(self, adapter: Adapter[Any, Any]) -> None:
        self._adapter = adapter
        self._calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._adapter, name)
        return partial(self._call, name, found) if callable(found) and not isinstance(found, type) else found

    def _call(self, name: str, function: Callable[..., object], *given: Any) -> object:
        self._calls[name] += 1
        if self._calls[name] > _CLOSELY and self._calls[name] % _SOME:
            return function(*given)
        sys.setprofile(_trap.profile)
        try:
            return function(*given)
        finally:
            sys.setprofile(None)


@contextmanager
def _set(file: Path) -> Iterator[list[Fault]]:
    if not _trap.hooked:
        sys.addaudithook(_trap.audit)
        _trap.hooked = True
    _trap.caught, _trap.file, _trap.watched = [], str(file), threading.get_ident()
    collects = gc.isenabled()
    gc.disable()  # what is thrown away elsewhere, and who listens to that, would be taken for the file's doing
    try:
        yield _trap.caught
    finally:
        _trap.watched = None
        if collects:
            gc.enable()


@contextmanager
def _profiled(profile: Callable[[FrameType, str, Any], None]) -> Iterator[None]:
    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(before)


@contextmanager
def noticed(function: Callable[..., object]) -> Iterator[list[str]]:
    """Each call of a built-in function that is made within, on this thread."""
    calls: list[str] = []

    def profile(_frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and called is function:
            calls.append(called.__name__)

    with _profiled(profile):
        yield calls


def _among(called: Any, those: frozenset[Any]) -> bool:
    try:
        return called in those
    except TypeError:  # what cannot be hashed is none of them
        return False
