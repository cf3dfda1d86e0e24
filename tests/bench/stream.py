"""A thousand subscribers of the event stream, and how soon each of them hears what happens."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

import httpx

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench import contenders, machine, page  # noqa: E402 - the path is set above

SUBSCRIBERS, APPS, TASKS = 1000, 50, 20
_PATIENCE = 60


def keys() -> list[str]:
    """A key of each app; one app may not have as many streams."""
    return [f"tgk_reader{number}_a-key-for-the-benchmark" for number in range(APPS)]


def apps() -> str:
    """The apps of the keys."""
    return "".join(
        f"  reader{number}: {{keys: [{{id: reader{number}, sha256: {sha256(key.encode()).hexdigest()}}}],"
        " clinics: ['*'], roles: [read]}\n"
        for number, key in enumerate(keys())
    )


async def subscriber(url: str, key: str, heard: dict[str, list[float]], ready: asyncio.Semaphore) -> None:
    """Note when each delivery's end is heard of."""
    to = urlsplit(url)
    reader, writer = await asyncio.open_connection(to.hostname, to.port)
    writer.write(f"GET /v1/events/stream HTTP/1.1\r\nHost: {to.netloc}\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
    await writer.drain()
    status = await reader.readline()
    assert b" 200 " in status, status
    ready.release()
    try:
        async for line in reader:
            if line.startswith(b"data:") and b'"task.delivered"' in line:
                told = json.loads(line.removeprefix(b"data:"))
                heard.setdefault(told["data"]["id"], []).append(time.perf_counter())
    finally:
        writer.close()


async def measured(url: str) -> tuple[list[float], int]:
    """Milliseconds from each task's answer until each subscriber heard of it, and how many heard of all."""
    heard: dict[str, list[float]] = {}
    ready = asyncio.Semaphore(0)
    listening = [
        asyncio.create_task(subscriber(url, keys()[number % APPS], heard, ready)) for number in range(SUBSCRIBERS)
    ]
    for _ in range(SUBSCRIBERS):
        await asyncio.wait_for(ready.acquire(), _PATIENCE)
    answered = {}
    headers = {"Authorization": f"Bearer {contenders.KEY}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=_PATIENCE) as http:
        for number in range(TASKS):
            sent = time.perf_counter()
            made = await http.post(url, json=contenders.TASK, headers={"Idempotency-Key": f"{number}"})
            answered[made.json()["id"]] = sent
            await asyncio.sleep(0.5)
    until = time.monotonic() + _PATIENCE
    while any(len(heard.get(id_, ())) < SUBSCRIBERS for id_ in answered) and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    for each in listening:
        each.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    times = [(at - sent) * 1000 for id_, sent in answered.items() for at in heard.get(id_, ())]
    return times, sum(len(heard.get(id_, ())) == SUBSCRIBERS for id_ in answered)


def main() -> None:
    """Subscribe, submit, hear."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        directory = Path(place)
        vendor = stack.enter_context(contenders.vendor(directory / "vendor")).url.removesuffix("/v1/tasks")
        config = contenders.write_config(directory / "config", vendor, reuse=True, more=apps())
        at = stack.enter_context(contenders.serving(config, f"sqlite:///{directory / 'gateway.db'}"))
        empty, before = machine.memory(at.pid), machine.cpu(at.pid)
        times, whole = asyncio.run(measured(at.url))
        memory, cpu = machine.memory(at.pid), (machine.cpu(at.pid) - before) * 1e6
    cuts = quantiles(times, n=100, method="inclusive")
    rows = [
        ("tasks of which every subscriber heard", f"{whole} of {TASKS}"),
        ("from the POST until a subscriber knows of the delivery, p50 / p99", f"{cuts[49]:.0f} / {cuts[98]:.0f} ms"),
        ("memory for each subscriber", f"{(memory - empty) * 1000 / SUBSCRIBERS:.0f} kB"),
        ("CPU for each delivery told to one subscriber", f"{cpu / len(times):.0f} us"),
    ]
    text = (
        f"{page.table(('', ''), rows)}\n{SUBSCRIBERS:,} streams of {APPS} apps, two tasks a second; SQLite, one core."
    )
    page.write("stream", "The event stream", text)


if __name__ == "__main__":
    main()
