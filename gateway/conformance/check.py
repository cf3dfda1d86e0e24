"""What a check is: a sentence that holds for an adapter, and what was found where it does not."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct

from adapters.base import Adapter, HttpResponse, Sent
from gateway.conformance.samples import Samples


class Fault(Struct, frozen=True):
    """One thing that is wrong: where (a file and line, a sample, a field), and what."""

    where: str
    what: str


class Subject(Struct, frozen=True, kw_only=True, eq=False):
    """What is examined: the file, its text and words, the adapter it makes, the samples, and the day.

    `reached` is what the file reached for outside while it was loaded.
    """

    file: Path
    text: str
    words: tuple[str, ...]
    adapter: Adapter[Any, Any]
    samples: Samples
    today: date
    reached: tuple[Fault, ...] = ()


Faults = Iterable[Fault]
Check = Callable[[Subject], Faults]
Told = tuple[str, Sent, str, HttpResponse]
"""Where an answer is from, the command that it is to, what is told with it, and the answer."""


def sentence(check: Check) -> str:
    """What holds, in a sentence."""
    return _parts(check)[0].removesuffix(".")


def mending(check: Check) -> str:
    """What to do when it does not hold."""
    return " ".join(_parts(check)[2].split())


def _parts(check: Check) -> tuple[str, str, str]:
    return (inspect.getdoc(check) or check.__name__).partition("\n\n")


def once_a_place(check: Check) -> Check:
    """The check, but of each place only its first fault: of thousands of inputs, one shows what is wrong."""

    @functools.wraps(check)
    def once(it: Subject) -> Faults:
        told: set[str] = set()
        for fault in check(it):
            if fault.where not in told:
                told.add(fault.where)
                yield fault

    return once


class Group(Struct, frozen=True, kw_only=True):
    """Checks that belong together. `concerns` says whether they apply; if not, `otherwise` says why not."""

    title: str
    checks: Sequence[Check]
    concerns: Callable[[Subject], bool] = lambda _: True
    otherwise: str = ""
