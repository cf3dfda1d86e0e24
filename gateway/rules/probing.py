"""Trying a connection without touching anything: what is asked, and what the answer proves.

Asked is what a look at a delivery asks, for an id that nobody has: a read that lists no patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from msgspec import Struct

from adapters.base import Adapter, HttpResponse, Link, Sent
from gateway.rules import verdict
from gateway.rules.clinic import Connection
from gateway.rules.masking import masked
from schemas.command import LISTS
from schemas.outcome import Blocked, Refused

NOBODY = "00000000-0000-4000-8000-000000000000"
"""An id that nobody has."""

_MOST_SHOWN = 200
_HALF = 0.5
"""A Date has whole seconds: on average it is behind by half a one."""

ProbeStatus = Literal["works", "refused", "unreachable", "unclear", "no-read"]
"""works: the vendor knows us. refused: it does not, or not any more. unreachable: nobody answers. unclear: somebody
does, and proves nothing. no-read: the vendor has nothing that could be read without doing something."""


class Proved(Struct, frozen=True):
    """What trying a connection has shown, and the vendor's word or the fault behind it."""

    status: ProbeStatus
    detail: str = ""
    ahead: float | None = None
    """By how many seconds the vendor's clock is ahead of ours; None: it did not tell."""


def ahead(headers: Mapping[str, str], now: datetime) -> float | None:
    """By how many seconds the clock behind an answer was ahead of `now`, to about one; None: it does not tell."""
    try:
        told = parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    aware = told if told.tzinfo else told.replace(tzinfo=UTC)
    return (aware - now).total_seconds() + _HALF


def asked(connection: Connection, now: datetime) -> Sent:
    """A delivery that never was, as a look at it needs it."""
    operation = connection.adapter.operations[0]
    return Sent(
        ref=NOBODY,
        operation=operation.name,
        values={path: [NOBODY] if path in LISTS else NOBODY for path in operation.places},
        at=now,
        ids={"id": NOBODY, "emr_id": NOBODY, "job_id": NOBODY},
    )


def proved(adapter: Adapter[Any, Any], link: Link[Any, Any], sent: Sent, response: HttpResponse) -> Proved:
    """What the answer to a look proves. A vendor that says in its own words that there is no such thing knows us."""
    http = f"HTTP {response.status}"
    if 200 <= response.status < 300:  # noqa: PLR2004 - the class of successes
        try:
            adapter.parse_lookup(sent, response)
        except Exception:  # noqa: BLE001 - whoever answers may break a parser in any way
            return Proved("unclear", f"{http}, which cannot be read: is base_url the vendor's?")
        return Proved("works", http)
    match verdict.of_answer(adapter, sent, response, doubt=False):
        case Refused():
            return Proved("works", f"{http}: no such id, as it should be")
        case Blocked(code="config"):
            return Proved("unclear", f"{http}, not in the vendor's words: is base_url the vendor's?")
        case Blocked(message=said):
            words = " ".join(masked(said, link).split())[:_MOST_SHOWN]
            return Proved("refused", f"{http}: {words}" if words else http)
        case _:
            return Proved("unclear", http)
