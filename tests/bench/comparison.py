"""What the rounds of the comparison come to: the tables, the ratios that are wanted, and the chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from bench.machine import ROOT, Run
from bench.page import table
from msgspec import Struct

mpl.use("svg")
from matplotlib import pyplot as plt

CHART = ROOT / "docs" / "benchmarks.svg"
CALLERS = (1, 16, 64)
OURS = "task-gateway", "litestar", "granian", "uvloop", "msgspec", "aiohttp", "structlog", "psycopg", "cryptography"


class Cell(Struct, frozen=True, kw_only=True):
    """One measurement of one contender."""

    run: Run
    cpu: float
    """Microseconds for each request."""
    database: float
    """Likewise, of PostgreSQL."""
    memory: float
    """Megabytes."""
    done: float
    """Requests a second, counted until the last was delivered."""


class Wanted(Struct, frozen=True):
    """A ratio that is wanted of two contenders, at some numbers of callers."""

    one: str
    other: str
    least: Mapping[int, float]
    of: str = "rate"


Cells = Mapping[str, Mapping[int, Sequence[Cell]]]
"""By contender and callers, one of each round."""

FIGURES: Mapping[str, Callable[[Cell], float]] = {
    "rate": lambda cell: cell.run.rate,
    "p99": lambda cell: 1 / cell.run.p99 if cell.run.p99 else 0,
    "cpu": lambda cell: 1 / cell.cpu if cell.cpu else 0,
}
"""The more the better."""
WANTED = (
    Wanted("sqlite-kept", "by-hand-kept", {1: 1.3, 16: 2.5, 64: 4}),
    Wanted("sqlite-kept", "by-hand-kept", {64: 4}, "p99"),
    Wanted("sqlite-fresh", "by-hand-fresh", {1: 1.2, 16: 2, 64: 2}),
    Wanted("sqlite-kept", "node-red", {16: 3, 64: 3}),
    Wanted("sqlite-kept", "n8n", {1: 30, 16: 30, 64: 30}),
    Wanted("sqlite-kept", "nginx", {1: 1 / 20, 16: 1 / 20, 64: 1 / 20}),
    Wanted("sqlite-async", "sqlite-kept", {1: 2, 16: 2, 64: 2}),
    Wanted("sqlite-kept", "memory-kept", {1: 0.8, 16: 0.8, 64: 0.8}),
    Wanted("postgresql-kept", "sqlite-kept", {}),
    Wanted("sqlite-kept", "by-hand-kept", {}, "cpu"),
    Wanted("sqlite-fresh", "by-hand-fresh", {}, "cpu"),
)


def figures(titles: Mapping[str, str], cells: Cells) -> str:
    """Medians of every contender."""
    head = ("", *(f"{callers} callers: req/s" if callers > 1 else "1 caller: req/s" for callers in CALLERS))
    latencies = tuple(f"p50 / p99 ms at {callers}" for callers in CALLERS)
    rows = []
    for name, title in titles.items():
        mine = cells[name]
        most = mine[CALLERS[-1]]
        rows.append((
            title,
            *(f"{_median(mine[callers], lambda cell: cell.run.rate):,.0f}" for callers in CALLERS),
            *(
                f"{_median(mine[callers], lambda cell: cell.run.p50):.3g} /"
                f" {_median(mine[callers], lambda cell: cell.run.p99):.3g}"
                for callers in CALLERS
            ),
            *(_cpu(mine[callers]) for callers in CALLERS),
            f"{_median(most, lambda cell: cell.memory):.0f}",
        ))  # fmt: skip
    return table((*head, *latencies, *(f"CPU us at {callers}" for callers in CALLERS), "MB"), rows)


def _median(cells: Sequence[Cell], figure: Callable[[Cell], float]) -> float:
    return median(figure(cell) for cell in cells)


def _cpu(cells: Sequence[Cell]) -> str:
    own, database = _median(cells, lambda cell: cell.cpu), _median(cells, lambda cell: cell.database)
    return f"{own:.0f} + {database:.0f}" if database else f"{own:.0f}"


def asynchronous(titles: Mapping[str, str], cells: Cells) -> str:
    """What respond-async takes in, and what is delivered meanwhile."""
    rows = [
        (titles[name], *(f"{_median(cells[name][callers], lambda cell: cell.done):,.0f}" for callers in CALLERS))
        for name in titles
        if name.endswith("-async")
    ]
    return table(("delivered a second, until the last one was", *map(str, CALLERS)), rows)


def ratios(titles: Mapping[str, str], cells: Cells) -> str:
    """Each ratio within its round, the median of them, and what is wanted."""
    rows = []
    for wanted in WANTED:
        if wanted.one not in titles or wanted.other not in titles:
            continue
        figure = FIGURES[wanted.of]
        found = []
        for callers in CALLERS:
            pairs = zip(cells[wanted.one][callers], cells[wanted.other][callers], strict=True)
            each = [figure(one) / figure(other) for one, other in pairs if figure(other)]
            ratio = median(each) if each else float("nan")
            least = wanted.least.get(callers)
            mark = "" if least is None else f" (>= {least:g}: {'yes' if ratio >= least else '**no**'})"
            found.append(f"{ratio:.2f}{mark}")
        of = {"rate": "req/s", "p99": "p99, the other's to its own", "cpu": "CPU, the other's to its own"}[wanted.of]
        rows.append((f"{titles[wanted.one]} to {titles[wanted.other]}: {of}", *found))
    return table(("", *(f"at {callers}" for callers in CALLERS)), rows)


def chart(titles: Mapping[str, str], cells: Cells) -> Path:
    """Requests a second of every contender, as an SVG."""
    mpl.rcParams["svg.hashsalt"] = "task gateway"
    names = list(titles)[::-1]
    figure, axes = plt.subplots(figsize=(10, 0.62 * len(names) + 1.2))
    height = 0.26
    for shift, callers, colour in zip((1, 0, -1), CALLERS, ("#9ecae1", "#4292c6", "#084594"), strict=True):
        rates = [_median(cells[name][callers], lambda cell: cell.run.rate) for name in names]
        places = [place + shift * height for place in range(len(names))]
        bars = axes.barh(places, rates, height, color=colour, label=f"{callers} caller{'s' if callers > 1 else ''}")
        axes.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=2, fontsize=7)
    axes.set_xscale("log")
    axes.set_yticks(range(len(names)), [titles[name] for name in names], fontsize=8)
    axes.set_xlabel("requests a second (logarithmic)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", fontsize=8, frameon=False)
    figure.tight_layout()
    metadata: dict[str, Any] = {"Date": None}
    figure.savefig(CHART, metadata=metadata)
    plt.close(figure)
    return CHART


def versions(others: Mapping[str, str]) -> str:
    """What was measured, by name and version."""
    ours = (
        "task-gateway",
        "litestar",
        "granian",
        "uvloop",
        "msgspec",
        "aiohttp",
        "structlog",
        "psycopg",
        "cryptography",
    )
    told = {**{name: version(name) for name in ours}, **others}
    return ", ".join(f"{name} {number}" for name, number in told.items())
