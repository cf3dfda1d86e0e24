"""Numbered SQL files, each applied once; written for SQLite, and read by PostgreSQL in its own words.

A file only adds, so that replicas of the release before go on working beside the new ones. What nobody uses any more is
taken away a release later, by a file whose name begins with its number and `contract`.
"""

from __future__ import annotations

from importlib import resources

from gateway.store.base import StoreUnavailable


def scripts() -> dict[str, str]:
    """All of them by name, in order."""
    found = (entry for entry in resources.files(__name__).iterdir() if entry.name.endswith(".sql"))
    return {entry.name: entry.read_text() for entry in sorted(found, key=lambda entry: entry.name)}


def missing(version: int) -> list[str]:
    """The scripts that a database of that version has not seen. Raises StoreUnavailable for one of newer code."""
    ours = list(scripts().values())
    if version > len(ours):
        raise StoreUnavailable(f"the database's schema is version {version}, newer than this program's {len(ours)}")
    return ours[version:]


def check(version: int) -> None:
    """Raises StoreUnavailable for a database of newer code, and for one that has not seen every script."""
    if missing(version):
        raise StoreUnavailable("the database's schema is older than this program's; a start of the gateway updates it")
