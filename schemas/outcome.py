"""What a vendor's answer proved (`Outcome`), and what a vendor told us besides (`Sighting`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from schemas.command import Name
from schemas.private import Private, Secret

Work = Literal["pending", "in_progress", "completed", "other"]
Ids = Mapping[str, str]
"""Vendor ids, always strings: "id" (the vendor's record), "emr_id" (the EMR's), "job_id", as far as known."""
Values = Mapping[str, Any]
"""Canonical path ("patient.mrn") to JSON-ready value."""


class Applied(Struct, frozen=True, kw_only=True):
    """It exists in the vendor's system, and in the EMR where the vendor says so."""

    ids: Ids
    work: Work | None = None
    work_raw: str | None = None


class Pending(Struct, frozen=True, kw_only=True):
    """The vendor took it; the result comes later."""

    ids: Ids


MISSING_FIELD = "missing-field"
"""The code of a `Refused` that says a field is wanted and was not given. The capability table learns from these."""


class Refused(Private, frozen=True, kw_only=True):
    """The application refused it; nothing was created.

    `field` is the field at fault by the vendor's own name. Where it is a field that was not given, `code` is
    "missing-field".
    """

    code: str
    message: str = ""
    field: str | None = None
    ours: str | None = None
    """Our name for `field`; None: it maps to no place. The gateway's to say: adapters leave it out."""


class Blocked(Private, frozen=True, kw_only=True):
    """Nothing was created, and nothing will be until a person mends credentials or configuration."""

    code: str
    message: str = ""


class NotApplied(Struct, frozen=True, kw_only=True):
    """Proved not to have been applied; may be tried again. `retry_after` is the vendor's header, as it came."""

    code: str
    retry_after: str | None = None


class Unknown(Struct, frozen=True, kw_only=True):
    """It may have been applied. Never resent blindly."""

    code: str


Outcome = Applied | Pending | Refused | Blocked | NotApplied | Unknown

Verdict = Literal["applied", "pending", "refused", "blocked", "not_applied", "unknown"]
VERDICTS: Mapping[type, Verdict] = {
    Applied: "applied",
    Pending: "pending",
    Refused: "refused",
    Blocked: "blocked",
    NotApplied: "not_applied",
    Unknown: "unknown",
}
"""The word for each kind of outcome."""

Says = Literal["created", "accepted", "failed", "changed", "blocked", "other"]


class Sighting(Private, frozen=True, kw_only=True):
    """One thing the vendor told us, pushed (webhook) or asked for (lookup). `changed` means: go and look."""

    says: Says
    operation: Name | None = None
    event_id: str | None = None
    reference: str | None = None
    """The vendor's name for the connection."""
    ref: str | None = None
    """Our own delivery id, where the vendor carried it."""
    refs: Sequence[str] = ()
    """Where it carries several of ours instead, all of them: staff copy tags."""
    ids: Ids = {}
    values: Values = {}
    """The canonical fields it echoes."""
    reason: str | None = None
    work: Work | None = None
    work_raw: str | None = None


class Page(Private, frozen=True, kw_only=True):
    """One page of a lookup. `complete`: after the last page, what is not listed does not exist."""

    sightings: Sequence[Sighting]
    more: bool = False
    complete: bool = False


class Token(Struct, frozen=True, kw_only=True):
    """An access token and its life in seconds."""

    value: Secret
    expires_in: int
