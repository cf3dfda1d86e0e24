"""The machine under a measurement: programs each on a core of their own, what they take of it, and the callers.

The contender has core 0. What it is measured with (callers, the vendor's stand-in, PostgreSQL) has core 1, so that
figures are those of one core. BENCH_PIN=0 leaves both to the system, as is done where there is only one.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import rich_click as click
from msgspec import Struct

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".bench"
"""What is built once, and the sections of the page."""
HERE = Path(__file__).parent
TICK = os.sysconf("SC_CLK_TCK")
PINNED = os.environ.get("BENCH_PIN", "1") == "1" and (os.cpu_count() or 1) > 1
CONTENDER, OTHERS = 0, 1
_START = 120.0


class Missing(Exception):  # noqa: N818 - what it is
    """A program that cannot be had here; the text says why."""


class Run(Struct, frozen=True, kw_only=True):
    """What callers saw: requests a second, and milliseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    refused: int
    broken: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def pinned(core: int, *command: object) -> list[str]:
    """The command, on one core."""
    return [*(["taskset", "--cpu-list", str(core)] if PINNED else []), *map(str, command)]


def program(name: str, package: str) -> str:
    """Where a program is, installed from the system's packages if need be. Raises Missing."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "--quiet"], check=False, stdout=sys.stderr)  # noqa: S607
        subprocess.run(
            ["apt-get", "install", "--yes", "--no-install-recommends", package],  # noqa: S607
            check=False, stdout=sys.stderr,
        )  # fmt: skip
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise Missing(f"{name} is not installed (package {package})")
    return found


@contextmanager
def running(
    command: Sequence[str], directory: Path, log: str, environ: Mapping[str, str] = {}
) -> Iterator[subprocess.Popen[bytes]]:
    """A program at work, its output in `log`; ended at the end."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TASK_GATEWAY_")}
    with (directory / log).open("ab") as output:
        process = subprocess.Popen(command, cwd=directory, env={**env, **environ}, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answering(process: subprocess.Popen[bytes], url: str, log: Path, **asked: Any) -> None:
    """Wait until it answers with success. Raises Missing when it does not."""
    end = time.monotonic() + _START
    while process.poll() is None and time.monotonic() < end:
        try:
            if httpx.request(**{"method": "GET", **asked}, url=url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise Missing(f"it does not start: {log.read_text(errors='replace')[-400:]}")


def tree(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in children:
        yield from tree(child)


def cpu(pid: int) -> float:
    """Seconds of CPU that it and all below it have taken."""
    return sum(_of(each) for each in tree(pid))


def _of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(map(int, fields[11:15])) / TICK


def memory(pid: int) -> float:
    """Megabytes that it and all below it hold."""
    pages = 0
    for each in tree(pid):
        try:
            pages += int(Path(f"/proc/{each}/statm").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def speed() -> float:
    """Milliseconds of a loop that is always the same: how fast the machine is just now."""
    begun = time.perf_counter()
    total = 0
    for number in range(200_000):
        total += number * number
    return (time.perf_counter() - begun) * 1000


def posted(url: str, callers: int, seconds: int, *arguments: str, script: str = "post.lua") -> Run:
    """Callers that each post something as soon as the last was answered."""
    command = pinned(
        OTHERS, program("wrk", "wrk"), "--threads", 1, "--connections", callers, "--duration", f"{seconds}s",
        "--timeout", "30s", "--script", HERE / script, url, "--", *arguments,
    )  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("{"))
    return Run(**json.loads(line))


def about() -> str:
    """The machine and its system, for the page."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return f"{os.cpu_count()} cores ({model}), {gigabytes:.0f} GB, {platform.system()} {platform.release()}"


def told(text: str) -> None:
    """Say what is being done."""
    click.echo(text, err=True)
