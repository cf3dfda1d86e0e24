"""What a request costs with 1, 1,000 and 10,000 clinics: it must not grow with them."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench import contenders, machine, page  # noqa: E402 - the path is set above

ROUNDS, SECONDS, CALLERS = 3, 4, 16


def main() -> None:
    """Three gateways, asked in turns; each command is for another of its clinics."""
    sizes = (1, 1000, 10_000)
    rates: dict[int, list[float]] = {size: [] for size in sizes}
    costs: dict[int, list[float]] = {size: [] for size in sizes}
    late: dict[int, list[float]] = {size: [] for size in sizes}
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        directory = Path(place)
        vendor = stack.enter_context(contenders.vendor(directory / "vendor")).url.removesuffix("/v1/tasks")
        gateways = {}
        for size in sizes:
            config = contenders.write_config(directory / str(size) / "config", vendor, reuse=True, clinics=size)
            database = f"sqlite:///{directory / str(size) / 'gateway.db'}"
            gateways[size] = stack.enter_context(contenders.serving(config, database))
        for number in range(ROUNDS):
            for size, at in gateways.items():
                machine.posted(at.url, CALLERS, 1, f"warm-{number}", str(size), contenders.KEY)
                before = machine.cpu(at.pid)
                run = machine.posted(at.url, CALLERS, SECONDS, f"run-{number}", str(size), contenders.KEY)
                rates[size].append(run.rate)
                costs[size].append((machine.cpu(at.pid) - before) * 1e6 / max(run.requests, 1))
                late[size].append(run.p99)
    rows = [
        (
            f"{size:,}", f"{median(rates[size]):,.0f}", f"{median(late[size]):.3g}", f"{median(costs[size]):.0f}",
            f"{median(cost / one for cost, one in zip(costs[size], costs[1], strict=True)):.2f}",
        )
        for size in sizes
    ]  # fmt: skip
    text = f"""{page.table(("clinics", "req/s", "p99 ms", "CPU us", "CPU to that with one"), rows)}
The whole path with {CALLERS} callers, kept connections, SQLite; {ROUNDS} rounds of {SECONDS} s, medians."""
    page.write("clinics", "Many clinics", text)


if __name__ == "__main__":
    main()
