"""A tap on the line to PostgreSQL: what goes through can be cut off at a COMMIT, before or after the server has it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

Cut = Literal["before", "answer"]
_SOCKET = ".s.PGSQL.5432"


class Tap:
    """Forwards connections to the server's socket."""

    def __init__(self, server: Path, here: Path) -> None:
        self.server = server
        self.here = here
        self.cut: Cut | None = None
        """Where the next COMMIT is cut off."""
        self.closes_at_cut = False
        """Nobody gets through any more from that cut on."""
        self.closed = False
        """Nobody gets through any more."""
        self._ends: list[socket.socket] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(here / _SOCKET))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def hang_up(self) -> None:
        """Break every connection."""
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """No more of it."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.hang_up()
        for end in self._ends:
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                if self.closed:
                    client.close()
                    continue
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self.server / _SOCKET))
                self._ends += [client, server]
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._forward, args=(one, other, one is client), daemon=True).start()

    def _forward(self, one: socket.socket, other: socket.socket, is_client: bool) -> None:  # noqa: FBT001
        with suppress(OSError):
            while data := one.recv(65536):
                if is_client and self.cut and b"COMMIT" in data:
                    self._cut(data, one, other)
                    return
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)

    def _cut(self, data: bytes, client: socket.socket, server: socket.socket) -> None:
        self.closed = self.closed or self.closes_at_cut
        cut, self.cut = self.cut, None
        client.shutdown(socket.SHUT_RDWR)
        if cut == "answer":
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)  # what was sent before it is still read


@contextmanager
def tap(server: Path, here: Path) -> Iterator[Tap]:
    opened = Tap(server, here)
    try:
        yield opened
    finally:
        opened.stop()
