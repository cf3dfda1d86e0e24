"""The file that a SQLite database lies in: one process at a time has it, and reading leaves nothing behind."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from gateway.store.base import StoreUnavailable


def locked(path: Path) -> IO[str]:
    """The lock that keeps a second process away from the file; held until it is closed. Raises StoreUnavailable.

    What is made here is its owner's alone, and SQLite gives its log the permissions of the file.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_name(path.name + ".lock")
        for file in (path, beside):
            file.touch(0o600)
        lock = beside.open("w")
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StoreUnavailable(f"{path} is in use by another process") from error
    return lock


def reading_only(path: Path) -> str:
    """How the file is opened so that nothing is written. Raises StoreUnavailable: there is none.

    A file in WAL mode without a log is nobody's at the moment; opened as any other, SQLite would leave a new log beside
    it, which might then belong to a user who locks the gateway out.
    """
    if not path.exists():
        raise StoreUnavailable(f"{path}: there is no such file")
    return "?mode=ro" if path.with_name(path.name + "-wal").exists() else "?mode=ro&immutable=1"
