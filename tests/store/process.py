"""A process of its own with the store of a file, to be killed or starved: `python process.py loop|starve FILE FIRST`.

It tells each acknowledged id on a line, after the acceptance has returned.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from pathlib import Path

from store.records import accept, task

from gateway.store.base import StoreUnavailable
from gateway.store.sqlite import SqliteStore
from gateway.world import World

TOGETHER = 8
ROOM = 800_000


def tell(line: str) -> None:
    """At once, and whole."""
    os.write(1, f"{line}\n".encode())


async def loop(store: SqliteStore, first: int) -> None:
    """Accept for ever, several at a time."""

    async def one_after_another(number: int) -> None:
        while True:
            tell((await accept(store, task(number))).record.id)
            number += TOGETHER

    tell("ready")
    await asyncio.gather(*(one_after_another(first + offset) for offset in range(TOGETHER)))


async def starve(store: SqliteStore, first: int) -> None:
    """Accept until no file may grow any more, then once more when it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, hard))
    number = first
    try:
        while True:
            tell((await accept(store, task(number))).record.id)
            number += 1
    except StoreUnavailable:
        tell("unavailable")
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    tell((await accept(store, task(number + 1))).record.id)


async def main(what: str, path: str, first: int) -> None:
    store = SqliteStore(Path(path), World().new_id)
    await store.open()
    await {"loop": loop, "starve": starve}[what](store, first)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
