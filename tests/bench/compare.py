"""The gateway beside what else could pass a task on, all against one stand-in of a vendor: the table of `make bench`.

Each round runs every contender at each number of callers, in an order by chance; a contender that is not being measured
stands still. Ratios are made within a round, and their median is told. BENCH_ROUNDS and BENCH_SECONDS (of each
measurement) make it shorter or longer; BENCH_ONLY="nginx by hand" leaves all but some contenders out.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench import comparison, contenders, machine, page  # noqa: E402 - the path is set above
from bench.comparison import CALLERS, Cell  # noqa: E402
from bench.contenders import Contender, Start  # noqa: E402
from bench.machine import Missing, told  # noqa: E402
from msgspec import Struct  # noqa: E402
from postgres import server  # noqa: E402

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "3"))
WARM = 1
ONLY = os.environ.get("BENCH_ONLY", "").split()
ASYNC = "respond-async"
HOW = """\
Every round asks each contender at each number of callers, in an order by chance; who is not being measured stands
still. Callers send the next task as soon as the last was answered, each under a key of its own."""
CORES = """\
A contender runs on one core; callers, the vendor's stand-in and PostgreSQL on another, so (a) is the most that those
can do."""
BY_HAND = {"fastapi", "pydantic", "uvicorn", "httpx"}


class Row(Struct, kw_only=True):
    """A contender at work, and how it is asked."""

    name: str
    title: str
    at: Contender
    prefer: str | None = None
    cells: dict[int, list[Cell]] = {}


STARTS: tuple[tuple[str, str, Start], ...] = (
    ("nginx", "(b) nginx as a proxy", contenders.proxy),
    ("by-hand-kept", "(c) FastAPI + httpx by hand, kept connections", contenders.passthrough(kept=True)),
    ("by-hand-fresh", "(c) FastAPI + httpx by hand, fresh connections", contenders.passthrough(kept=False)),
    ("node-red", "(d) Node-RED flow", contenders.node_red),
    ("n8n", "(e) n8n workflow", contenders.n8n),
)


@contextmanager
def at_work(contender: Contender) -> Iterator[None]:
    """The contender works while the others stand still."""
    send(contender, signal.SIGCONT)
    try:
        yield
    finally:
        send(contender, signal.SIGSTOP)


def send(contender: Contender, number: signal.Signals) -> None:
    for pid in machine.tree(contender.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def measured(row: Row, callers: int, word: str) -> Cell:
    """One contender for a while, after a shorter one that does not count."""
    asked = (word, str(contenders.CLINICS), contenders.KEY, *((row.prefer,) if row.prefer else ()))
    machine.posted(row.at.url, callers, WARM, f"{word}-warm", *asked[1:])
    contenders.settled(row.at)
    at = row.at
    before = machine.cpu(at.pid), machine.cpu(at.database_pid) if at.database_pid else 0
    begun = time.perf_counter()
    run = machine.posted(at.url, callers, SECONDS, *asked)
    contenders.settled(at)
    done = run.requests / (time.perf_counter() - begun)
    after = machine.cpu(at.pid), machine.cpu(at.database_pid) if at.database_pid else 0
    own, database = ((late - early) * 1e6 / max(run.requests, 1) for early, late in zip(before, after, strict=True))
    return Cell(run=run, cpu=own, database=database, memory=machine.memory(at.pid), done=done)


def gateways(stack: ExitStack, directory: Path, vendor: str) -> Iterator[Row]:
    """The gateway on each database, over kept and over fresh connections."""
    running = stack.enter_context(server(safe=True))
    if machine.PINNED:
        os.sched_setaffinity(running.pid, {machine.OTHERS})

    @contextmanager
    def postgres(_directory: Path) -> Iterator[tuple[str, int]]:
        with running.database() as url:
            yield url, running.pid

    for name, told_as, database in (
        ("sqlite", "SQLite", contenders.sqlite), ("postgresql", "PostgreSQL", postgres),
    ):  # fmt: skip
        for reuse, way in ((True, "kept"), (False, "fresh")):
            start = contenders.gateway(database, reuse=reuse)
            at = stack.enter_context(start(directory / f"{name}-{way}", vendor))
            yield Row(name=f"{name}-{way}", title=f"(f) gateway, {told_as}, {way} connections", at=at)
            if reuse:
                title = f"(g) gateway, {told_as}, {way} connections, respond-async"
                yield Row(name=f"{name}-async", title=title, at=at, prefer=ASYNC)
    start = contenders.gateway(contenders.in_memory, reuse=True)
    at = stack.enter_context(start(directory / "memory", vendor))
    yield Row(name="memory-kept", title="gateway, SQLite in memory, kept connections", at=at)


def started(stack: ExitStack, directory: Path) -> tuple[list[Row], list[str]]:
    """Everybody at work but standing still, and who could not be had."""
    vendor = stack.enter_context(contenders.vendor(directory / "vendor"))
    url = vendor.url.removesuffix("/v1/tasks")
    rows, missing = [Row(name="straight", title="(a) straight at the stand-in", at=vendor)], []
    for name, title, start in STARTS:
        if ONLY and name not in ONLY:
            continue
        told(f"starting {title}")
        try:
            rows.append(Row(name=name, title=title, at=stack.enter_context(start(directory / name, url))))
        except Missing as why:
            missing.append(f"{title} was left out: {why}")
            told(missing[-1])
    told("starting the gateways")
    rows += [row for row in gateways(stack, directory, url) if not ONLY or row.name in ONLY]
    return rows, missing


def main() -> None:
    """Start all, measure in rounds, write the page."""
    chance, speeds = Random(7), []  # noqa: S311 - an order, no secret
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        rows, missing = started(stack, Path(place))
        for row in rows[1:]:
            send(row.at, signal.SIGSTOP)
            stack.callback(send, row.at, signal.SIGCONT)
        begun = time.monotonic()
        for number in range(ROUNDS):
            cells = [(row, callers) for callers in CALLERS for row in rows]
            chance.shuffle(cells)
            for row, callers in cells:
                speeds.append(machine.speed())
                with at_work(row.at) if row.name != "straight" else nullcontext():
                    cell = measured(row, callers, f"{number}-{row.name}-{callers}")
                row.cells = {**row.cells, callers: [*row.cells.get(callers, []), cell]}
            told(f"round {number + 1} of {ROUNDS}, {time.monotonic() - begun:.0f} s")
        write(rows, missing, speeds, begun)


def write(rows: list[Row], missing: list[str], speeds: list[float], begun: float) -> None:
    """The section of the page, and the chart."""
    titles, cells = {row.name: row.title for row in rows}, {row.name: row.cells for row in rows}
    chart = comparison.chart(titles, cells).relative_to(machine.ROOT)
    every = [cell.run for row in rows for each in row.cells.values() for cell in each]
    sent, bad = sum(run.requests for run in every), sum(run.refused + run.broken for run in every)
    text = f"""
![requests a second of each contender]({chart})

{comparison.figures(titles, cells)}
{comparison.asynchronous(titles, cells)}
Ratios, each made within a round, and the median of them; beside some of them, what is wanted:

{comparison.ratios(titles, cells)}
{HOW}
{CORES if machine.PINNED else ""}

The gateway does all that it promises: authentication, idempotency, capability check, encryption, durable accept, mark
and outcome, events, two lines of log. (b) to (e) keep nothing. CPU is microseconds for each request, of the contender
and, after the plus, of PostgreSQL. "In memory" is SQLite where a flush costs nothing.

Rounds: {ROUNDS}, with {SECONDS} s for each figure after {WARM} s that do not count. {contenders.CLINICS} clinics;
{sent:,} requests, {bad} of them refused or broken; all that the gateway took in was delivered.
{" ".join(f"{each}." for each in missing)}

{machine.about()}. A loop that is always the same took {min(speeds):.1f} to {max(speeds):.1f} ms between figures.
Python {platform.python_version()}, {comparison.versions(versions())}.
In all: {(time.monotonic() - begun) / 60:.0f} minutes.
"""
    page.write("compare", "Passing a task on", text)


def versions() -> dict[str, str]:
    """Of what is no package of ours."""

    def said(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return (done.stdout or done.stderr).split("\n")[0]

    found = {"nginx": said(machine.program("nginx", "nginx-light"), "-v").rpartition("/")[2]}
    found["wrk"] = said(machine.program("wrk", "wrk"), "-v").split()[1]
    found["node"] = said("node", "--version") if shutil.which("node") else "none"
    peers = contenders.HERE / "peers"
    for name in ("n8n", "node_red"):
        found |= json.loads((peers / name / "package.json").read_text())["dependencies"]
    pins = (peers / "fastapi" / "requirements.txt").read_text().split()
    return {**found, **{name: number for name, _, number in (pin.partition("==") for pin in pins) if name in BY_HAND}}


if __name__ == "__main__":
    main()
