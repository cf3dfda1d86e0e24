"""How what is stored is sealed: with which keys, and whether these open it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gateway.rules.store_diagnosis import Sealing
from gateway.store.resealing import SEALED
from gateway.store.rows import Tx
from gateway.store.vault import Unreadable, head

_TRIED = 20
"""How many values of each table a key is tried on, the newest."""
_LEADING = 2
"""The bytes of a stored value that say whether it is sealed, and how long the key's id is."""


def sealing(tx: Tx) -> Sealing:
    """Count every value by the key that sealed it, and try each key of ours on some of them."""
    counts: Counter[str | None] = Counter()
    for table, _, column in SEALED:
        counts += _counted(tx, table, column)
    unopened = frozenset(key for key in tx.vault.key_ids if not all(_opens(tx, key, *where) for where in SEALED))
    plain = counts.pop(None, 0)
    return Sealing(plain=plain, sealed={key: count for key, count in counts.items() if key}, unopened=unopened)


def _counted(tx: Tx, table: str, column: str) -> Counter[str | None]:
    """How many values of a table each key has sealed; None: no key."""
    kinds = _grouped(tx, table, column, _LEADING, "1 = 1")
    counts: Counter[str | None] = Counter()
    for kind, count in kinds:
        if kind[:1] != head("")[:1]:
            counts[None] += count
            continue
        same = f"substr({column}, 1, {_LEADING}) = ?"
        for beginning, of_key in _grouped(tx, table, column, _LEADING + kind[1], same, kind):
            counts[beginning[_LEADING:].decode(errors="replace")] += of_key
    return counts


def _grouped(
    tx: Tx, table: str, column: str, length: int, where: str, *parameters: bytes
) -> Sequence[tuple[bytes, int]]:
    """How often each beginning of some length comes."""
    rows = tx.execute(
        f"SELECT substr({column}, 1, {length}), count(*) FROM {table}"  # noqa: S608 - our own names
        f" WHERE {column} IS NOT NULL AND {where} GROUP BY 1",
        parameters,
    ).fetchall()
    return [(bytes(beginning), count) for beginning, count in rows]


def _opens(tx: Tx, key: str, table: str, keys: tuple[str, ...], column: str) -> bool:
    """Whether a key opens what it is said to have sealed."""
    names, beginning = ", ".join(keys), head(key)
    rows = tx.execute(
        f"SELECT {names}, {column} FROM {table} WHERE substr({column}, 1, {len(beginning)}) = ?"  # noqa: S608 - likewise
        f" ORDER BY {', '.join(f'{name} DESC' for name in keys)} LIMIT {_TRIED}",
        (beginning,),
    ).fetchall()
    try:
        for *identity, stored in rows:
            tx.vault.open(bytes(stored), "/".join([table, *map(str, identity)]))
    except Unreadable:
        return False
    return True
