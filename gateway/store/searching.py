"""Looking for deliveries by whatever a person has in hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

_IDS = ("id", "vendor_id", "emr_id", "job_id", "emr_task_id", "reference")


class Search(Struct, frozen=True, kw_only=True):
    """What deliveries are looked for by: any id, reference or idempotency key that is `text`, or a patient's hashes."""

    text: str = ""
    apps: Sequence[str] = ()
    """Those whose idempotency keys are looked through."""
    patient: Sequence[str] = ()


def conditions(search: Search) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """What deliveries that are found meet, each condition with its parameters."""
    if search.patient:
        hashes = ", ".join("?" * len(search.patient))
        yield f"id IN (SELECT delivery_id FROM patients WHERE hash IN ({hashes}))", tuple(search.patient)  # noqa: S608 - our own text
    if search.text:
        by_id = " UNION ".join(f"SELECT id FROM deliveries WHERE {column} = ?" for column in _IDS)  # noqa: S608 - likewise
        apps = ", ".join("?" * len(search.apps)) or "''"
        by_key = f"SELECT delivery_id FROM idempotency_keys WHERE app IN ({apps}) AND key = ?"  # noqa: S608 - likewise
        yield f"id IN ({by_id} UNION {by_key})", (*[search.text] * len(_IDS), *search.apps, search.text)
