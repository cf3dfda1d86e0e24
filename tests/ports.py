"""Ports for programs that tests start."""

from __future__ import annotations

import random
import socket

_OURS = range(20_000, 32_000)
"""Below those that outgoing connections take: one is still free when a program comes to it, and when it comes back."""
_ANY = random.SystemRandom()  # nobody's seed: each process of a test run gets others


def free_port(count: int = 1) -> int:
    """The first of `count` ports in a row that nobody listens on."""
    while True:
        first = _ANY.choice(_OURS)
        if all(_is_free(first + offset) for offset in range(count)):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
