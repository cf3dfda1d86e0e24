"""How long a start takes with 1, 1,000 and 10,000 clinics, from the command to the first 200 of /health/ready."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench import contenders, machine, page  # noqa: E402 - the path is set above

TIMES = 3


def main() -> None:
    """Each number of clinics in turns."""
    sizes = (1, 1000, 10_000)
    with tempfile.TemporaryDirectory() as place:
        made = {size: Path(place) / str(size) for size in sizes}
        for size, directory in made.items():
            contenders.write_config(directory / "config", "http://127.0.0.1:9", reuse=True, clinics=size)
        seconds: dict[int, list[float]] = {size: [] for size in sizes}
        megabytes = {}
        for number in range(TIMES):
            for size, directory in made.items():
                database = f"sqlite:///{directory / f'{number}.db'}"
                begun = time.perf_counter()
                with contenders.serving(directory / "config", database) as at:
                    seconds[size].append(time.perf_counter() - begun)
                    megabytes[size] = machine.memory(at.pid)
    rows = [(f"{size:,}", f"{median(seconds[size]):.1f}", f"{megabytes[size]:.0f}") for size in sizes]
    text = f"""{page.table(("clinics", "seconds", "MB"), rows)}
Median of {TIMES}; an empty database, one core."""
    page.write("start", "Starting", text)


if __name__ == "__main__":
    main()
