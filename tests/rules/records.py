"""Records to try the rules on: a task that waits to be sent, but for what a test says otherwise."""

from datetime import UTC, datetime, timedelta

from msgspec import structs

from gateway.rules.attempts import Result
from gateway.rules.change import Attempt
from gateway.rules.record import Content, Record
from schemas.outcome import Sighting

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
LEASE = timedelta(seconds=120)
VALUES = {"description": "Call Ms. Okafor back about her labs", "patient.mrn": "1001", "title": "Call back"}


def later(**by):
    """A moment after NOW."""
    return NOW + timedelta(**by)


ENDED = later(seconds=30)


def record(state="queued", values=VALUES, problem=None, *, attempted=None, **facts) -> Record:
    """A Cobalt task in `state`, after one marked attempt where it can only be there after one, or if told."""
    sent = state in {"sending", "submitted", "delivered", "rejected", "unknown"} if attempted is None else attempted
    content = Content(command={"clinic_id": "lakeside-family"}, values=dict(values), mapping=(), problem=problem)
    basics = {
        "id": "tsk_1", "kind": "task", "clinic_id": "lakeside-family", "app": "intake", "connection": "emr",
        "account": "cobalt-main", "adapter": "cobalt", "emr": "eclinicalworks", "rule": "routes[1]",
        "config_version": "9f2c",
        "attempts": int(sent), "marked": int(sent), "fence": int(sent), "open_attempt": state == "sending",
        "lease_until": NOW + LEASE if state == "sending" else None, "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return Record(**{**basics, **facts}, state=state, content=content)


def note(state="held", **facts) -> Record:
    """A note on tsk_1."""
    own = {"id": "note_1", "kind": "note", "parent_id": "tsk_1", "values": {"text": "Called"}}
    return record(state, **{**own, **facts})


def attempt(fence=1, *, marked=True) -> Attempt:
    """An attempt that began at NOW."""
    return Attempt(delivery_id="tsk_1", fence=fence, started_at=NOW, marked_at=NOW if marked else None)


def result(outcome, status=200) -> Result:
    """An attempt's end, at ENDED; a next try would be due five minutes after NOW, a look one minute after it."""
    return Result(outcome=outcome, status=status, at=ENDED, retry_at=later(minutes=5), look_at=later(minutes=1))


def sighting(says="created", **facts) -> Sighting:
    """The vendor telling of a task."""
    return Sighting(says=says, operation="create_task", **facts)


def changed(before, after) -> set[str]:
    """The names of the fields in which two records differ, the bookkeeping of versions aside."""
    return {
        name
        for name in structs.asdict(before).keys() - {"version", "updated_at"}
        if getattr(before, name) != getattr(after, name)
    }
