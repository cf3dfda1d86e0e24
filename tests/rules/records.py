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


def record(state="queued", values=VALUES, problem=None, **facts) -> Record:
    """A Cobalt task in `state`; one that can only be there after an attempt is marked as attempted."""
    facts.setdefault("attempted", state in {"sending", "submitted", "delivered", "rejected", "unknown"})
    facts.setdefault("attempts", int(facts["attempted"]))
    facts.setdefault("open_attempt", state == "sending")
    content = Content(command={"clinic_id": "lakeside-family"}, values=dict(values), mapping=(), problem=problem)
    basics = {
        "id": "tsk_1", "kind": "task", "clinic_id": "lakeside-family", "app": "intake", "connection": "emr",
        "adapter": "cobalt", "emr": "eclinicalworks", "rule": "routes[1]", "config_version": "9f2c",
        "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return Record(**{**basics, **facts}, state=state, content=content)


def note(state="held", **facts) -> Record:
    """A note on tsk_1."""
    return record(
        state, **{"id": "note_1", "kind": "note", "parent_id": "tsk_1", "values": {"text": "Called"}, **facts}
    )


def attempt(fence=0, *, marked=True) -> Attempt:
    """An attempt that began at NOW."""
    return Attempt(delivery_id="tsk_1", fence=fence, started_at=NOW, marked_at=NOW if marked else None)


def result(outcome, status=200) -> Result:
    """An attempt's end, half a minute after NOW; the next try is due five minutes after it."""
    return Result(outcome=outcome, status=status, at=later(seconds=30), retry_at=later(minutes=5))


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
