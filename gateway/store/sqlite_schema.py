"""The schema of a SQLite file: numbered migrations, counted in the file itself."""

from __future__ import annotations

import sqlite3

from gateway.store import migrations
from gateway.store.rows import Tx


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Apply the migrations that the file has not seen. Raises StoreUnavailable for a file of newer code."""
    version = _version(connection)
    for number, script in enumerate(migrations.missing(version), start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


def check_up_to_date(tx: Tx | sqlite3.Connection) -> None:
    """Raises StoreUnavailable for a file of newer code, and for one whose migrations are still to come."""
    migrations.check(_version(tx))


def _version(tx: Tx | sqlite3.Connection) -> int:
    version: int = tx.execute("PRAGMA user_version").fetchone()[0]
    return version
