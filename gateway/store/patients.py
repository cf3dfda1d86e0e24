"""Finding the deliveries of a patient, though the words are sealed: keyed hashes of the references stand beside them.

A record's number is short and could be guessed from a plain hash. The key is derived from the first encryption key;
where there is none it comes from the database's own secret, and the words are there to be read anyway.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from gateway.store.rows import Tx


def references(command: Mapping[str, Any]) -> frozenset[str]:
    """Every reference to a patient in a command as posted, in its plainest form."""
    patient = command.get("patient") or {}
    given = (patient.get("mrn"), *(patient.get("ids") or {}).values())
    return frozenset(plain(text) for text in given if text)


def plain(reference: str) -> str:
    """The reference as people may write it either way: without white space, in one case and one kind of digits."""
    return "".join(unicodedata.normalize("NFKC", reference).casefold().split())


def note(tx: Tx, delivery_id: str, command: Mapping[str, Any]) -> None:
    """Make a new delivery known by its patient."""
    for written in _written(tx, command):
        tx.execute("INSERT INTO patients (hash, delivery_id) VALUES (?, ?)", (written, delivery_id))


def renew(tx: Tx, delivery_id: str, command: Mapping[str, Any]) -> None:
    """Note it as it is noted with today's first key."""
    noted = tx.execute("SELECT hash FROM patients WHERE delivery_id = ? ORDER BY hash", (delivery_id,)).fetchall()
    if [hash_ for (hash_,) in noted] != _written(tx, command):
        forget(tx, delivery_id)
        note(tx, delivery_id, command)


def forget(tx: Tx, delivery_id: str) -> None:
    """Make a delivery unknown by its patient."""
    tx.execute("DELETE FROM patients WHERE delivery_id = ?", (delivery_id,))


def hashes(tx: Tx, reference: str) -> tuple[str, ...]:
    """Everything that the reference may be noted as: with each key, and from a time without one."""
    return tx.vault.hashes(plain(reference), _secret(tx))


def _written(tx: Tx, command: Mapping[str, Any]) -> list[str]:
    """What is noted of a command today, in order."""
    return sorted(tx.vault.hash(reference, lambda: _secret(tx)) for reference in references(command))


def _secret(tx: Tx) -> bytes:
    row = tx.execute("SELECT value FROM meta WHERE name = 'salt'").fetchone()
    return row[0].encode() if row else b""
