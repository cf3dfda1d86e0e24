"""An event loop without sockets, whose time passes only when nothing is ready: then it jumps to the next timer."""

from __future__ import annotations

import asyncio
from asyncio.base_events import BaseEventLoop
from collections.abc import Coroutine
from contextvars import Context, ContextVar
from typing import Any

ALIVE_IN: ContextVar[int | None] = ContextVar("ALIVE_IN", default=None)
"""Which life of the gateway a task belongs to; None: to the world outside it."""

_FAST = 1e-6
_MOST_TURNS = 20_000
"""Turns of the loop within one virtual second; more is an engine that spins."""
_LONGEST = 365 * 24 * 3600.0
"""Virtual seconds that no story takes; one that does waits for what never comes."""


class Spinning(Exception):  # noqa: N818 - what it does
    """The loop turns and turns, and its time does not pass, or the story does not."""


class _Jump:
    """What the loop asks for sockets: there are none, so it passes the time instead."""

    def __init__(self) -> None:
        self.time = 0.0
        self._second = 0
        self._turns = 0

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("everything waits, and nothing will ever happen")
        self.time += timeout
        if self.time > _LONGEST:
            raise Spinning("a year has passed, and the story waits for what never comes")
        if int(self.time) != self._second:
            self._second, self._turns = int(self.time), 0
        self._turns += 1
        if self._turns > _MOST_TURNS:
            raise Spinning(f"at {self.time:.3f} s")
        return []


class Clockwork(BaseEventLoop):
    """The loop; its tasks know which life they belong to, and `end` ends a life."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Jump()
        self._clock_resolution = _FAST
        self._tasks: list[tuple[int | None, asyncio.Task[Any]]] = []
        self.set_task_factory(self._begun)

    def time(self) -> float:
        return self._selector.time

    def _process_events(self, event_list: Any) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """There is no other thread to be woken by."""

    def _begun(self, loop: Any, coro: Coroutine[Any, Any, Any], context: Context | None = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, context=context)
        life = context.get(ALIVE_IN) if context else ALIVE_IN.get()
        if life is not None:
            if len(self._tasks) > 256:
                self._tasks = [(of, other) for of, other in self._tasks if not other.done()]
            self._tasks.append((life, task))
        return task

    async def end(self, life: int) -> None:
        """Cancel every task of that life, the oldest first, until none is left."""
        while tasks := [task for of, task in self._tasks if of == life and not task.done()]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


def played(story: Coroutine[Any, Any, Any]) -> Any:
    """Run the story to its end on a clockwork."""
    loop = Clockwork()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(story)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        asyncio.set_event_loop(None)
        loop.close()
