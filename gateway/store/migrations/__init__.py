"""Numbered SQL files, each applied once; written for SQLite, and read by PostgreSQL in its own words."""

from __future__ import annotations

from importlib import resources

from gateway.store.base import StoreUnavailable


def missing(version: int) -> list[str]:
    """The scripts that a database of that version has not seen. Raises StoreUnavailable for one of newer code."""
    found = (entry for entry in resources.files(__name__).iterdir() if entry.name.endswith(".sql"))
    ours = [entry.read_text() for entry in sorted(found, key=lambda entry: entry.name)]
    if version > len(ours):
        raise StoreUnavailable(f"the database's schema is version {version}, newer than this program's {len(ours)}")
    return ours[version:]


def check(version: int) -> None:
    """Raises StoreUnavailable for a database of newer code, and for one that has not seen every script."""
    if missing(version):
        raise StoreUnavailable("the database's schema is older than this program's; a start of the gateway updates it")
