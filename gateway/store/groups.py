"""Lists over several clinics: the first rows of each, merged.

An index has the rows of one clinic in order, and none has those of some. So each group is read along its index, as far
as the whole list is wanted; sorting all that they ever had would take longer with every year.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from gateway.store.rows import in_scope

Clause = tuple[str, tuple[Any, ...]]
"""A condition and its parameters."""
_MOST = 48
"""Of more groups than this, rows lie so close together that one walk past the others' is shorter."""


def of_clinics(clinics: Collection[str], times: int = 1) -> list[Clause]:
    """A group for each clinic, or one for all ("*"), or for so many; `times`: each will be split into as many again."""
    if "*" in clinics or not 0 < len(clinics) * times <= _MOST:
        return [in_scope(clinics)]
    return [("clinic_id = ?", (clinic_id,)) for clinic_id in sorted(clinics)]


def together(clauses: Sequence[Clause]) -> Clause:
    """All conditions at once."""
    return " AND ".join(text for text, _ in clauses), tuple(part for _, parts in clauses for part in parts)


def first_of(select: str, clauses: Sequence[Clause], groups: Sequence[Clause], order: str, limit: int) -> Clause:
    """A statement for the first `limit` rows in an order, of those that meet all clauses and are of a group."""
    parts = [together([group, *clauses]) for group in groups]
    if len(parts) == 1:
        ((where, parameters),) = parts
        return f"{select} WHERE {where} ORDER BY {order} LIMIT ?", (*parameters, limit)
    each = [
        f"SELECT * FROM ({select} WHERE {where} ORDER BY {order} LIMIT ?) AS group_{number}"  # noqa: S608 - our own text
        for number, (where, _) in enumerate(parts)
    ]
    given = [part for _, parameters in parts for part in (*parameters, limit)]
    return f"{' UNION ALL '.join(each)} ORDER BY {order} LIMIT ?", (*given, limit)
