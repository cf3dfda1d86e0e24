"""Whether memory stays flat under half an hour of work: `make soak`. SOAK_MINUTES=n: shorter or longer."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import linear_regression

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench import contenders, machine, page  # noqa: E402 - the path is set above

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
CALLERS, SECONDS = 16, 10


def main() -> None:
    """Work without a pause, and look at the memory after each part of it."""
    seen: list[tuple[float, float]] = []
    requests = 0
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        directory = Path(place)
        vendor = stack.enter_context(contenders.vendor(directory / "vendor")).url.removesuffix("/v1/tasks")
        config = contenders.write_config(directory / "config", vendor, reuse=False)
        at = stack.enter_context(contenders.serving(config, f"sqlite:///{directory / 'gateway.db'}"))
        begun = time.monotonic()
        while (minutes := (time.monotonic() - begun) / 60) < MINUTES:
            word = f"soak-{len(seen)}"
            run = machine.posted(at.url, CALLERS, SECONDS, word, str(contenders.CLINICS), contenders.KEY)
            assert not run.refused + run.broken, run
            requests += run.requests
            seen.append(((time.monotonic() - begun) / 60, machine.memory(at.pid)))
            if len(seen) % 6 == 0:
                machine.told(f"  {minutes:.0f} min, {requests:,} requests, {seen[-1][1]:.0f} MB")
        stored = contenders.delivered(at)
    later = [(minute, megabytes) for minute, megabytes in seen if minute > MINUTES / 3]
    slope = linear_regression(*zip(*later, strict=True)).slope
    marks = [seen[min(len(seen) - 1, round(part * (len(seen) - 1)))] for part in (0, 0.25, 0.5, 0.75, 1)]
    rows = [(f"{minute:.1f}", f"{megabytes:.0f}") for minute, megabytes in marks]
    text = f"""{page.table(("minute", "MB"), rows)}
{requests:,} requests in {MINUTES:g} minutes with {CALLERS} callers, {stored:,} deliveries stored; fresh connections,
SQLite, one core. After the first third memory changes by {slope:+.2f} MB a minute."""
    page.write("soak", "Half an hour", text)


if __name__ == "__main__":
    main()
