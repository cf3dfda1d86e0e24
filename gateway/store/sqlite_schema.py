"""The schema of a SQLite file: numbered migrations, counted in the file itself."""

from __future__ import annotations

import sqlite3
from importlib import resources
from importlib.resources.abc import Traversable

from gateway.store.base import StoreUnavailable
from gateway.store.rows import Tx


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Apply the migrations that the file has not seen. Raises StoreUnavailable for a file of newer code."""
    version, scripts = _version(connection), _scripts()
    for number, script in enumerate(scripts[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{script.read_text()}\nPRAGMA user_version = {number};\nCOMMIT;")


def check_up_to_date(tx: Tx) -> None:
    """Raises StoreUnavailable for a file of newer code, and for one whose migrations are still to come."""
    if _version(tx) < len(_scripts()):
        raise StoreUnavailable("the database's schema is older than this program's; a start of the gateway updates it")


def _version(tx: Tx | sqlite3.Connection) -> int:
    version: int = tx.execute("PRAGMA user_version").fetchone()[0]
    ours = len(_scripts())
    if version > ours:
        raise StoreUnavailable(f"the database's schema is version {version}, newer than this program's {ours}")
    return version


def _scripts() -> list[Traversable]:
    found = resources.files("gateway.store.migrations").iterdir()
    return sorted((entry for entry in found if entry.name.endswith(".sql")), key=lambda entry: entry.name)
