"""How many webhooks a second are taken in: verified, stored durably, answered, and read afterwards."""

from __future__ import annotations

import hmac
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench import contenders, machine, page  # noqa: E402 - the path is set above
from journeys.world import TOKEN  # noqa: E402

SECONDS = 5
COUNT = 60_000


def signed(file: Path) -> None:
    """Webhooks that differ, each with its signature on the line before."""
    with file.open("w") as out:
        for number in range(COUNT):
            body = f'{{"event_type":"task.updated","event_id":"evt-{number}","data":{{"task_id":"v-{number}"}}}}'
            digest = hmac.new(contenders.HOOK_SECRET.encode(), body.encode(), "sha256").hexdigest()
            out.write(f"sha256={digest}\n{body}\n")


def main() -> None:
    """Several numbers of callers, one after the other."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        directory = Path(place)
        file = directory / "webhooks"
        signed(file)
        vendor = stack.enter_context(contenders.vendor(directory / "vendor")).url.removesuffix("/v1/tasks")
        rows = []
        for callers in (1, 16, 64):
            start = contenders.gateway(contenders.sqlite, reuse=True)
            with start(directory / f"gateway-{callers}", vendor) as at:
                url = at.url.replace("/v1/tasks", f"/v1/webhooks/tasks/{TOKEN}")
                before = machine.cpu(at.pid)
                run = machine.posted(url, callers, SECONDS, str(file), script="webhook.lua")
                cpu = (machine.cpu(at.pid) - before) * 1e6 / max(run.requests, 1)
            assert not run.refused + run.broken, run
            rows.append((str(callers), f"{run.rate:,.0f}", f"{run.p50:.3g}", f"{run.p99:.3g}", f"{cpu:.0f}"))
    text = f"""{page.table(("senders", "webhooks/s", "p50 ms", "p99 ms", "CPU us"), rows)}
Each is signed, stored in a durable commit before the 200, and read; it names a task that nobody has, so it is kept
until one is found. SQLite, one core, {SECONDS} s each."""
    page.write("webhooks", "Webhooks in", text)


if __name__ == "__main__":
    main()
