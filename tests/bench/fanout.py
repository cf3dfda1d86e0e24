"""How many events a second are brought to apps: ten of them, each told of everything."""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench import contenders, machine, page  # noqa: E402 - the path is set above

APPS, SECONDS, CALLERS = 10, 3, 16


def apps(url: str) -> str:
    """Apps that are told of every delivery of their clinics, at that URL."""
    return "".join(
        f"  app{number}: {{keys: [{{id: app{number}, sha256: {sha256(bytes([number])).hexdigest()}}}], clinics: ['*'],"
        f" roles: [read], callback: {{url: '{url}/app{number}', scope: clinics,"
        f' secrets: ["whsec_{"k" * 43}="]}}}}\n'
        for number in range(APPS)
    )


def main() -> None:
    """Tasks are taken in for a while; then it is waited until every app knows of all of them."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        directory = Path(place)
        vendor = stack.enter_context(contenders.vendor(directory / "vendor")).url.removesuffix("/v1/tasks")
        calls = directory / "receiver" / "calls"
        receiver = stack.enter_context(contenders.receiver(directory / "receiver"))
        config = contenders.write_config(directory / "config", vendor, reuse=True, more=apps(receiver))
        at = stack.enter_context(contenders.serving(config, f"sqlite:///{directory / 'gateway.db'}"))
        before, begun = machine.cpu(at.pid), time.perf_counter()
        run = machine.posted(at.url, CALLERS, SECONDS, "run", str(contenders.CLINICS), contenders.KEY)
        contenders.settled(at)
        accepted = time.perf_counter() - begun
        events = contenders.events(at)
        while (told := calls.read_bytes().count(b"\n")) < events * APPS:
            machine.told(f"  {told:,} of {events * APPS:,} after {time.perf_counter() - begun:.0f} s")
            time.sleep(0.5)
        seconds = time.perf_counter() - begun
        cpu = (machine.cpu(at.pid) - before) * 1e6
    rows = [
        ("tasks delivered", f"{run.requests:,} in {accepted:.0f} s"),
        ("events told", f"{events:,} to {APPS} apps in {seconds:.0f} s"),
        ("calls a second", f"{told / seconds:,.0f}"),
        ("CPU us for each call, the tasks' own included", f"{cpu / told:.0f}"),
    ]
    text = (
        f"{page.table(('', ''), rows)}\nEach call is signed; an app hears of one delivery's events in order. One core."
    )
    page.write("fanout", "Events out", text)


if __name__ == "__main__":
    main()
