"""Copying a SQLite database whole and consistent, beside a gateway at work on it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from gateway.store.base import StoreUnavailable

_PAGES = 1000
"""So many pages at a time; between them others write."""


def copy(source: Path, target: Path, told: Callable[[int, int], None] = lambda _done, _of: None) -> None:
    """Make `target`, a new file for its owner alone, a copy of `source`; `told` hears how many pages are done of all.

    Raises StoreUnavailable: there is no `source`, or there is a `target` already.
    """
    if not source.exists():
        raise StoreUnavailable(f"{source}: there is no such database")
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise StoreUnavailable(f"{target}: {error.strerror}") from error
    here, there = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True), sqlite3.connect(target)
    try:
        here.backup(there, pages=_PAGES, progress=lambda _status, left, total: told(total - left, total))
        there.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{source}: {error}") from error
    finally:
        there.close()
        here.close()
