"""What the kills came to is told at the end of the run, whether or not anything failed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

_SUMS = pytest.StashKey[Counter[str]]()


@pytest.fixture
def sums(request: pytest.FixtureRequest) -> Counter[str]:
    """Figures to add to; those of all tests are printed together."""
    return request.config.stash.setdefault(_SUMS, Counter())


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """One line of figures."""
    figures = config.stash.get(_SUMS, None)
    if figures:
        terminalreporter.section("kill -9 under load")
        terminalreporter.line(", ".join(f"{count} {name}" for name, count in figures.items()))
