"""Wakes whoever waits for a delivery to change."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

QUEUED = "a delivery was queued"
"""What the dispatcher listens for."""
LOOK = "a look is due"
"""What the follower listens for."""
EVENTS = "something happened"
"""What those listen for who tell of events."""


RELOADED = "the configuration was reloaded"
"""What the reloader listens for: another process has."""


class Bell:
    """Rung after each commit that changed a delivery; those who listen for it wake."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def listen(self, name: str) -> Iterator[asyncio.Event]:
        """An event that is set when `name` rings. Listen first, then read, then wait: so no ring is missed."""
        event = asyncio.Event()
        listeners = self._listeners.setdefault(name, set())
        listeners.add(event)
        try:
            yield event
        finally:
            listeners.discard(event)
            if not listeners:
                self._listeners.pop(name, None)

    def ring(self, name: str) -> None:
        """Wake those who listen for `name`."""
        for event in self._listeners.get(name, ()):
            event.set()

    def tell(self, name: str) -> None:
        """Wake those who listen for `name` in other processes, where there are any."""

    def names(self) -> list[str]:
        """What is listened for here."""
        return list(self._listeners)
