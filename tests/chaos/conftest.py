"""What the kills came to is told at the end of the run, whether or not anything failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

_FIGURE = "chaos: "


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str, int], None]:
    """Notes a figure; those of all tests are added up and printed together."""
    return lambda name, count: record_property(_FIGURE + name, count)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line of figures."""
    sums: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, count in report.user_properties if report.when == "call" else ():
                if name.startswith(_FIGURE):
                    sums[name.removeprefix(_FIGURE)] += count
    if sums:
        terminalreporter.section("kill -9 under load")
        terminalreporter.line(", ".join(f"{count} {name}" for name, count in sums.items()))
