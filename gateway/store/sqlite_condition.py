"""How a SQLite file is doing, found out by reading alone, beside a gateway at work on it."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.rules.store_diagnosis import Condition
from gateway.store.rows import Tx

_MOST_FAULTS = 10
_WRITE_VERSION = 18
"""Where the header says how the file is written."""


def condition(tx: Tx, path: Path) -> Condition:
    """Read the whole file for what is broken, and ask for the rest."""
    checked = [row[0] for row in tx.execute(f"PRAGMA quick_check({_MOST_FAULTS})").fetchall()]
    return Condition(
        schema=tx.execute("PRAGMA user_version").fetchone()[0],
        journal=_journal(path),
        size=path.stat().st_size,
        log_size=_size(path.with_name(f"{path.name}-wal")),
        faults=() if checked == ["ok"] else tuple(checked),
    )


def free(place: Path) -> int:
    """The bytes that are free on the disk of a directory, or of the nearest one above it that is there."""
    there = next(each for each in (place, *place.absolute().parents) if each.exists())
    disk = os.statvfs(there)
    return disk.f_bavail * disk.f_frsize


def _journal(file: Path) -> str:
    """As the file's header says: for a file that nobody has open, SQLite itself would not tell."""
    with file.open("rb") as opened:
        return "wal" if opened.read(_WRITE_VERSION + 1)[_WRITE_VERSION:] == b"\x02" else "a rollback journal"


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
