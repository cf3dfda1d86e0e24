"""A delivery's whole record as the store keeps it, and how callers see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import UNSET, structs

from schemas.command import COMMANDS, NAMING, Kind, Name
from schemas.delivery import FINAL, RESENDABLE, Delivery, Mapped, Route, State, VendorIds, WaitingFor, WorkStatus
from schemas.outcome import Ids, Values
from schemas.private import Private
from schemas.problem import Problem, problem


class Content(Private, frozen=True, kw_only=True):
    """The part of a record that may hold patient text: what was asked, what goes out, what was said of it."""

    command: Mapping[str, Any]
    """As posted."""
    values: Mapping[str, Any]
    """Canonical path to value, as it goes out."""
    extras: Mapping[str, Any] = {}
    """The caller's `vendor_fields` for this vendor, merged in after the adapter."""
    mapping: Sequence[Mapped]
    strict: bool = False
    """Whether it was to be refused rather than lose a field; a retry keeps to that."""
    problem: Problem | None = None
    sealed: bytes | None = None
    """What is stored, where no key opens it: nothing else of it is known then, and it is written back as it is."""


class Record(Private, frozen=True, kw_only=True):
    """One delivery. `fence` rises with each claim, so that a worker whose lease was lost can change nothing."""

    id: str
    kind: Kind
    clinic_id: str
    app: str
    connection: str
    account: str
    adapter: str
    emr: str | None
    rule: str
    config_version: str
    state: State
    awaits_parent: bool = False
    awaits_connection: bool = False
    overdue: bool = False
    conflict: bool = False
    reference: str | None = None
    vendor_id: str | None = None
    emr_id: str | None = None
    job_id: str | None = None
    work: WorkStatus | None = None
    parent_id: str | None = None
    """A note's task here."""
    emr_task_id: str | None = None
    """The EMR's id of a note's task."""
    lane: str | None = None
    """Deliveries of one lane go out one after the other: the notes of one task."""
    one_per: str | None = None
    """What the vendor takes only one of."""
    attempts: int = 0
    open_attempt: bool = False
    """An attempt that passed its mark has no outcome yet."""
    marked: int = 0
    """The fence of the last attempt that passed its mark; 0: none has."""
    sent_by: datetime | None = None
    """When that attempt has ended for certain, whatever became of it."""
    doubt: bool = False
    """An earlier attempt may have been applied and was not proved absent."""
    absent_at: datetime | None = None
    """When a complete look first found nothing of it."""
    resent: bool = False
    """The one resend that a proved absence allows has been used."""
    fence: int = 0
    lease_until: datetime | None = None
    due_at: datetime | None = None
    """When the next attempt may start, or, for what was sent, the next look at the vendor is due."""
    looks: int = 0
    """How many looks there were since it came into its state."""
    work_until: datetime | None = None
    """How long its work status is watched by looks."""
    give_up_after: float = 86400.0
    """Seconds that it may wait unsent."""
    hold_for: float = 604800.0
    """Seconds that it may be held."""
    give_up_at: datetime | None = None
    settles_within: int = 900
    """Seconds until a submitted delivery is overdue."""
    settle_by: datetime | None = None
    """When a submitted delivery becomes overdue."""
    retry_of: str | None = None
    retried_as: str | None = None
    trace: str | None = None
    """The trace it was accepted in, as a `traceparent`."""
    created_at: datetime
    updated_at: datetime
    version: int = 1
    purged: bool = False
    """Its words were forgotten, as the configuration's retention wants."""
    content: Content

    @property
    def operation(self) -> Name:
        """The operation that its kind stands for."""
        return NAMING[COMMANDS[self.kind]].operation

    @property
    def attempted(self) -> bool:
        """An attempt has passed its mark, now or before."""
        return self.marked > 0

    @property
    def values(self) -> Values:
        """What goes out; a note's `emr_task_id` may have become known after it was accepted."""
        known = {"emr_task_id": self.emr_task_id} if self.emr_task_id is not None else {}
        return {**self.content.values, **known}

    @property
    def problem(self) -> Problem | None:
        """Why it is not well."""
        return problem("unreadable") if self.content.sealed is not None else self.content.problem

    @property
    def has_words(self) -> bool:
        """Whether its command can be read: not forgotten, and opened by a key of ours."""
        return not self.purged and self.content.sealed is None

    @property
    def ids(self) -> Ids:
        """The vendor ids known so far, in the words adapters use."""
        known = {"id": self.vendor_id, "emr_id": self.emr_id, "job_id": self.job_id}
        return {name: value for name, value in known.items() if value is not None}

    @property
    def waiting_for(self) -> WaitingFor | None:
        """What a held delivery waits for; the parent first, where it waits for both."""
        if self.state != "held":
            return None
        return "parent" if self.awaits_parent else "connection"

    @property
    def safe_to_resend(self) -> bool:
        """True exactly when nothing was created and nothing says otherwise."""
        return self.state in RESENDABLE and not self.conflict

    def with_ids(self, ids: Ids) -> Record:
        """The record with what `ids` adds; an id once known is kept."""
        return structs.replace(
            self,
            vendor_id=self.vendor_id or ids.get("id"),
            emr_id=self.emr_id or ids.get("emr_id"),
            job_id=self.job_id or ids.get("job_id"),
        )


def present(record: Record, *, command: bool = True) -> Delivery:
    """The record as callers see it; lists leave the command out."""
    return Delivery(
        id=record.id,
        kind=record.kind,
        clinic_id=record.clinic_id,
        state=record.state,
        final=record.state in FINAL,
        safe_to_resend=record.safe_to_resend,
        waiting_for=record.waiting_for,
        overdue=record.overdue,
        conflict=record.conflict,
        reference=record.reference,
        route=Route(
            connection=record.connection,
            adapter=record.adapter,
            emr=record.emr,
            rule=record.rule,
            config_version=record.config_version,
        ),
        vendor=VendorIds(id=record.vendor_id, emr_id=record.emr_id, job_id=record.job_id),
        work=record.work,
        mapping=record.content.mapping,
        problem=record.problem,
        command=record.content.command if command else UNSET,
        attempts=record.attempts,
        retry_of=record.retry_of,
        retried_as=record.retried_as,
        created_at=record.created_at,
        updated_at=record.updated_at,
        version=record.version,
    )


def thin(record: Record) -> dict[str, Any]:
    """What an event says of a delivery: ids and state, no patient text."""
    found = record.problem
    return {
        "id": record.id,
        "kind": record.kind,
        "clinic_id": record.clinic_id,
        "state": record.state,
        "final": record.state in FINAL,
        "safe_to_resend": record.safe_to_resend,
        "reference": record.reference,
        "vendor": record.ids,
        "problem": found.code if found else None,
        "version": record.version,
    }
