"""What the chaos came to is told at the end of the run, whether or not anything failed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest

_FIGURE = "chaos"


@pytest.fixture
def figure(
    record_property: Callable[[str, object], None], request: pytest.FixtureRequest
) -> Callable[[str, int], None]:
    """Notes a figure; those of all tests of a file are added up and printed together."""
    title = (request.module.__doc__ or "").partition(":")[0]
    return lambda name, count: record_property(f"{_FIGURE}: {title}: {name}", count)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A line of figures for each file."""
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for told, count in report.user_properties if report.when == "call" else ():
                what, _, rest = told.partition(": ")
                if what == _FIGURE:
                    title, _, name = rest.partition(": ")
                    sums[title][name] += count
    for title, figures in sums.items():
        terminalreporter.section(title)
        terminalreporter.line(", ".join(f"{count} {name}" for name, count in figures.items()))
