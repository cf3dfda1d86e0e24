"""Drift: where a vendor's answers and the capability table differ.

One way, a vendor refuses a command for a field that the table does not require. The other way, a rule on trial (an
`advisory` cell) wants a field, and the vendor takes commands without it.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from gateway.rules.clinic import Connection
from gateway.rules.record import Record
from schemas.delivery import FINAL
from schemas.outcome import MISSING_FIELD, Outcome, Refused

_NAME = re.compile(r"[\w.\[\]-]{1,100}")
"""What can be a field's name. Anything else in its place may be somebody's text, and is not kept."""


class Observed(Struct, frozen=True, kw_only=True):
    """A field that a vendor wanted and the table did not require; of the vendor's words, the name alone."""

    field: str | None
    """Our name; None: the vendor's name maps to no place."""
    vendor_name: str
    code: str
    status: int | None


def observed(record: Record, connection: Connection, outcome: Outcome, status: int | None) -> Observed | None:
    """What a vendor's answer to `record`, which went through `connection`, teaches of the table in force, if anything.

    Only a refusal that says a field is missing counts: one for a wrong value would not be cured by requiring the field.
    Nor would one for a field that was sent.
    """
    if not isinstance(outcome, Refused) or outcome.code != MISSING_FIELD:
        return None
    theirs, ours = outcome.field, outcome.ours
    if theirs is None or _NAME.fullmatch(theirs) is None:
        return None
    if ours is None:
        is_news = theirs not in record.content.extras and not _repeats(record, theirs)
    else:
        required = connection.rules[record.operation].fields[ours].need == "required"
        is_news = not required and ours not in record.values
    return Observed(field=ours, vendor_name=theirs, code=outcome.code, status=status) if is_news else None


def _repeats(record: Record, named: str) -> bool:
    """Whether what stands in a field's place was sent by us: then it may be a person's name, and is no field's."""
    sent = (record.values, record.content.extras)
    return named in msgspec.json.encode(sent).decode()


def told(record: Record, seen: Observed) -> dict[str, Any]:
    """What the event of a new observation says."""
    return {
        "vendor": record.adapter,
        "emr": record.emr,
        "clinic_id": record.clinic_id,
        "connection": record.connection,
        "operation": record.operation,
        "field": seen.field,
        "vendor_name": seen.vendor_name,
    }


class Tried(Struct, frozen=True, kw_only=True):
    """What became of a command that lacks fields which rules on trial want."""

    fields: tuple[str, ...]
    accepted: bool


def tried(before: Record, after: Record) -> Tried | None:
    """The trial that ends with a delivery's end, if the vendor's word ended it."""
    if before.state in FINAL:
        return None
    problem = after.content.problem
    by_vendor = problem is not None and problem.code == "vendor-failed"
    refused = after.state == "rejected" or (after.state == "failed" and by_vendor)
    fields = tuple(entry.field for entry in after.content.mapping if entry.fate == "missing")
    ended = after.state == "delivered" or refused
    return Tried(fields=fields, accepted=not refused) if ended and fields else None
