"""A delivery: the durable record of one command on its way to one connection, as callers see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.command import Kind
from schemas.outcome import Work
from schemas.private import Private
from schemas.problem import FieldError, Problem

State = Literal["queued", "held", "sending", "submitted", "delivered", "rejected", "failed", "unknown", "cancelled"]
"""queued: durable here, nothing has reached the vendor. held: waits for what `waiting_for` names. sending: an
attempt is in flight. submitted: the vendor took it, its result comes later. delivered: it exists in the vendor's
system. rejected: refused, nothing was created. failed: see the problem. unknown: sent, outcome not known, never
resent blindly. cancelled: withdrawn before it was sent."""

FINAL: frozenset[State] = frozenset({"delivered", "rejected", "failed", "cancelled"})
RESENDABLE: frozenset[State] = frozenset({"rejected", "failed", "cancelled"})

WaitingFor = Literal["parent", "connection"]
Fate = Literal["sent", "folded", "defaulted", "added", "not_carried", "missing"]
"""sent: in a place of its own. folded: joined the text. defaulted: sent, filled in by configuration. added: put in by
the adapter. not_carried: the vendor has no place for it. missing: not given, though a rule on trial wants it."""


class Mapped(Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"place": "as"}):
    """What became of one canonical field: its fate and, as `as`, the vendor's name for where it went."""

    field: str
    fate: Fate
    place: str | None = None


class Route(Struct, frozen=True, kw_only=True):
    """The way a delivery takes, and the rule and configuration that chose it."""

    connection: str
    adapter: str
    emr: str | None
    rule: str
    config_version: str


class VendorIds(Struct, frozen=True, kw_only=True):
    """The vendor's ids of what was created, as far as known."""

    id: str | None = None
    emr_id: str | None = None
    job_id: str | None = None


class WorkStatus(Struct, frozen=True, kw_only=True):
    """What the vendor last said about the work itself; outside the delivery's state."""

    status: Work
    raw: str | None
    at: datetime


class Delivery(Private, frozen=True, kw_only=True):
    """The delivery resource, the same for tasks, notes and claims."""

    id: str
    kind: Kind
    clinic_id: str
    state: State
    final: bool
    safe_to_resend: bool
    waiting_for: WaitingFor | None
    overdue: bool
    conflict: bool
    reference: str | None
    route: Route
    vendor: VendorIds
    work: WorkStatus | None
    mapping: Sequence[Mapped]
    problem: Problem | None
    command: Mapping[str, Any] | UnsetType = UNSET
    """The command as submitted; left out of lists."""
    attempts: int
    retry_of: str | None
    retried_as: str | None
    created_at: datetime
    updated_at: datetime
    version: int


_FACTS = (
    "What is known of it. Of an attempt: `first_byte_at` (null: nothing left), `ended_at`, `milliseconds`, `verdict`,"
    " `code`, `status`, and `config_version`, that of the clinic's configuration with which it was sent."
)


class Happening(Private, frozen=True, kw_only=True):
    """One line of a timeline: when, what, and the facts of it (for an attempt its verdict and timing)."""

    at: datetime
    what: str
    facts: Annotated[Mapping[str, Any], Meta(description=_FACTS)] = {}


class Explanation(Private, frozen=True, kw_only=True):
    """What would become of a command that is explained."""

    would: Literal["send", "hold", "refuse"]
    waiting_for: WaitingFor | None = None
    route: Mapping[str, Any] | None = None
    mapping: tuple[Mapped, ...] = ()
    problems: tuple[FieldError, ...] = ()
    advisories: tuple[str, ...] = ()
    request: Mapping[str, Any] | None = None
    """The exact vendor request, secrets masked, HTTP's own headers aside; the delivery's own id stands as zeros."""
