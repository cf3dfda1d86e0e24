"""What people ask of a delivery: cancel, retry, resolve. What cannot be granted raises `Refusal`."""

from __future__ import annotations

from datetime import datetime

from msgspec import structs

from gateway.rules.change import Change, change, moved, standing, with_problem
from gateway.rules.lifecycle import Input, step
from gateway.rules.record import Record
from schemas.delivery import FINAL, State
from schemas.outcome import Ids
from schemas.problem import Code, problem


class Refusal(Exception):  # noqa: N818 - what it is
    """A person's wish that the delivery's state does not allow."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code: Code = code


def unchanged(record: Record, version: int | None) -> None:
    """Nothing, if the record still is the version that the person saw. Raises Refusal: what they found may be old."""
    if version is not None and version != record.version:
        raise Refusal("version-changed")


def _wish(record: Record, on: Input) -> State:
    granted = step(record.state, on, standing(record))
    if granted is None or granted.refusal:
        raise Refusal(granted.refusal if granted and granted.refusal else "not-resendable")
    return granted.state


def cancel(record: Record, now: datetime) -> Change | None:
    """Withdraw it; raises Refusal once it may have been sent.

    The fence rises, so that a worker that holds the lease can no longer mark.
    """
    to = _wish(record, "cancel")
    if to == record.state:
        return None
    after = moved(record, to, now, fence=record.fence + 1, lease_until=None, due_at=None)
    return change(record, with_problem(after, problem("cancelled")))


def retry(record: Record, now: datetime) -> Change | None:
    """Look now, for what waits; for what ended, None: the caller makes a new delivery. Raises Refusal elsewhere."""
    _wish(record, "retry")
    if record.state in FINAL:
        if record.retried_as:
            raise Refusal("already-retried")
        repeatable(record)
        return None
    return Change(record=structs.replace(record, due_at=now, updated_at=now, version=record.version + 1))


def repeatable(record: Record) -> None:
    """Nothing, if its command is there to be sent as a new delivery. Raises Refusal."""
    if not record.has_words:
        raise Refusal("not-resendable" if record.purged else "unreadable")


def resolve(record: Record, now: datetime, *, created: bool, ids: Ids) -> Change:
    """A person has looked in the vendor's system. Raises Refusal when there is no open question.

    What is delivered may still be told the EMR's id that nobody knew, since its notes wait for that.
    """
    if created and _tells_the_emr_id(record, ids):
        return change(record, structs.replace(record.with_ids(ids), updated_at=now, version=record.version + 1))
    to = _wish(record, "resolve_created" if created else "resolve_not_created")
    known = structs.replace(record, vendor_id=None, emr_id=None).with_ids({**record.ids, **ids}) if created else record
    after = moved(
        known,
        to,
        now,
        fence=record.fence + 1,
        lease_until=None,
        due_at=None,
        doubt=not created and record.attempted,  # a person's word is no proof: a repeat may meet it at the vendor
        conflict=False,
        overdue=False,
        open_attempt=False,
    )
    return change(record, with_problem(after, None if created else problem("not-created")))


def _tells_the_emr_id(record: Record, ids: Ids) -> bool:
    contradicts = any(record.ids.get(name, value) != value for name, value in ids.items())
    is_open = record.emr_id is None and "emr_id" in ids
    return record.state == "delivered" and not record.conflict and is_open and not contradicts
