"""What a check is: a sentence that holds for an adapter, and what was found where it does not."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from adapters.base import Adapter
from gateway.conformance.samples import Samples


class Fault(Struct, frozen=True):
    """One thing that is wrong: where (a file and line, a sample, a field), and what."""

    where: str
    what: str


class Subject(Struct, frozen=True, kw_only=True):
    """What is examined: the file, its text, the adapter it makes, the samples."""

    file: Path
    text: str
    adapter: Adapter[Any, Any]
    samples: Samples


Faults = Iterable[Fault]
Check = Callable[[Subject], Faults]


def sentence(check: Check) -> str:
    """What holds, in a sentence."""
    return _parts(check)[0].removesuffix(".")


def mending(check: Check) -> str:
    """What to do when it does not hold."""
    return " ".join(_parts(check)[2].split())


def _parts(check: Check) -> tuple[str, str, str]:
    return (inspect.getdoc(check) or check.__name__).partition("\n\n")


class Group(Struct, frozen=True, kw_only=True):
    """Checks that belong together. `concerns` says whether they apply; if not, `otherwise` says why not."""

    title: str
    checks: Sequence[Check]
    concerns: Callable[[Subject], bool] = lambda _: True
    otherwise: str = ""
