"""What is written to the database, commit by commit, against the table of states and the vendors' truth."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable
from hashlib import sha256

from msgspec import Struct
from simulation.vendors import Made

FINAL = frozenset({"delivered", "rejected", "failed", "cancelled"})
RESENDABLE = FINAL - {"delivered"}

LEADS = {
    "queued": {"sending", "held", "failed", "cancelled", "delivered", "submitted"},
    "held": {"queued", "cancelled", "failed", "delivered", "submitted"},
    "sending": {"queued", "rejected", "held", "submitted", "delivered", "unknown"},
    "submitted": {"delivered", "failed"},
    "unknown": {"delivered", "submitted", "failed", "queued", "rejected", "held"},
    "delivered": {"failed"},
    "rejected": {"delivered", "failed"},
    "failed": {"delivered"},
    "cancelled": {"delivered", "failed"},
}
"""Appendix C of the design, as pairs; out of a final state only by `resolve`."""

_WATCH = """
CREATE TEMP TABLE happened (
    seq INTEGER PRIMARY KEY, what TEXT, id TEXT, old TEXT, new TEXT, was_conflict INT, conflict INT, old_vendor_id TEXT,
    vendor_id TEXT, emr_id TEXT, job_id TEXT, resent INT, version INT, retry_of TEXT, fence INT, old_fence INT
);
CREATE TEMP TRIGGER stored AFTER INSERT ON main.deliveries BEGIN
    INSERT INTO happened (what, id, new, conflict, vendor_id, emr_id, job_id, resent, version, retry_of, fence)
    VALUES ('stored', NEW.id, NEW.state, NEW.conflict, NEW.vendor_id, NEW.emr_id, NEW.job_id, 0, NEW.version,
        NEW.retry_of, NEW.fence);
END;
CREATE TEMP TRIGGER changed AFTER UPDATE ON main.deliveries
WHEN OLD.version <> NEW.version OR OLD.state <> NEW.state OR OLD.conflict <> NEW.conflict
    OR OLD.vendor_id IS NOT NEW.vendor_id OR OLD.emr_id IS NOT NEW.emr_id OR OLD.fence > NEW.fence BEGIN
    INSERT INTO happened (what, id, old, new, was_conflict, conflict, old_vendor_id, vendor_id, emr_id, job_id, resent,
        version, retry_of, fence, old_fence)
    VALUES ('changed', NEW.id, OLD.state, NEW.state, OLD.conflict, NEW.conflict, OLD.vendor_id, NEW.vendor_id,
        NEW.emr_id, NEW.job_id, NEW.resent - OLD.resent, NEW.version, NEW.retry_of, NEW.fence, OLD.fence);
END;
CREATE TEMP TRIGGER told AFTER INSERT ON main.events WHEN NEW.delivery_id IS NOT NULL BEGIN
    INSERT INTO happened (what, id, new) VALUES ('event', NEW.delivery_id, NEW.type);
END;
CREATE TEMP TRIGGER ended AFTER UPDATE ON main.attempts WHEN NEW.verdict IS NOT NULL BEGIN
    INSERT INTO happened (what, id, new) VALUES ('verdict', NEW.delivery_id, NEW.verdict);
END;
CREATE TEMP TRIGGER wished AFTER INSERT ON main.audit BEGIN
    INSERT INTO happened (what, id, new, old)
    VALUES ('asked', NEW.about, NEW.action, CAST(substr(NEW.reason, 2) AS TEXT));
END;
"""


class Broken(AssertionError):  # noqa: N818 - what an invariant is
    """An invariant does not hold."""


class Known(Struct):
    """A delivery as last written."""

    state: str
    conflict: bool = False
    vendor_id: str | None = None
    retry_of: str | None = None

    @property
    def safe_to_resend(self) -> bool:
        return self.state in RESENDABLE and not self.conflict


class History:
    """Every commit is checked as it is made, every creation as a vendor makes it, and `look` checks what is."""

    def __init__(self, connection: sqlite3.Connection, at: Callable[[], float]) -> None:
        self._connection = connection
        self._at = at
        connection.executescript(_WATCH)
        self._seen = connection.total_changes
        self.known: dict[str, Known] = {}
        self.made: defaultdict[str, list[Made]] = defaultdict(list)
        self.by_id: dict[tuple[str, str, str], Made] = {}
        self.lied_to: set[str] = set()
        """Deliveries that a person was wrong about: what was true when they looked was no longer when they said it."""
        self.counts: Counter[str] = Counter()
        self._digest = sha256()
        self.lines: list[str] = []

    @property
    def digest(self) -> str:
        """The same for the same run."""
        return self._digest.hexdigest()

    def note(self, line: str) -> None:
        """A line of the story."""
        self.lines.append(f"{self._at():12.3f} {line}")
        self._digest.update(self.lines[-1].encode())

    def exists(self, owner: str) -> list[Made]:
        """What a vendor has, or is making, of a delivery."""
        return [thing for thing in self.made[owner] if thing.status != "failed"]

    def family(self, owner: str) -> set[str]:
        """A delivery with what it repeats and what repeats it."""
        root = owner
        while root in self.known and (before := self.known[root].retry_of):
            root = before
        found = {root}
        while more := {id_ for id_, known in self.known.items() if known.retry_of in found} - found:
            found |= more
        return found

    def create(self, thing: Made) -> None:
        """A vendor has made something."""
        self.note(f"made {thing.id} of {thing.owner}")
        self.made[thing.owner].append(thing)
        self.by_id[thing.link, thing.operation, thing.id] = thing
        family = self.family(thing.owner)
        if len([each for of in sorted(family) for each in self.exists(of)]) > 1 and not family & self.lied_to:
            raise Broken(f"{thing.owner} was created twice")

    def committed(self) -> None:
        """A transaction is durable: every line of it must be allowed."""
        if self._connection.total_changes == self._seen:
            return
        rows = self._connection.execute("SELECT * FROM happened ORDER BY seq").fetchall()
        self._connection.execute("DELETE FROM happened")
        self._seen = self._connection.total_changes
        if not rows:
            return
        lines = [_Line(*row[1:]) for row in rows]
        told = Counter((line.id, line.new) for line in lines if line.what == "event")
        beside = {(line.what, line.id, line.new) for line in lines}
        for line in lines:
            if line.what in {"stored", "changed"}:
                self._move(line, told, beside)
            elif line.what == "asked" and line.new == "resolve":
                self._check_word(line)
        left = [
            key
            for key, count in told.items()
            if count and not key[1].endswith(("overdue", "work_changed", "suspected"))
        ]
        if left:
            raise Broken(f"events without a change: {left}")

    def _check_word(self, line: _Line) -> None:
        exists = bool(self.exists(line.id))
        if exists != (line.old or "").startswith("created"):
            self.lied_to |= self.family(line.id)

    def _move(self, line: _Line, told: Counter[tuple[str, str]], beside: set[tuple[str, str, str]]) -> None:
        before = self.known.get(line.id)
        self.known[line.id] = Known(line.new, bool(line.conflict), line.vendor_id, line.retry_of)
        self._is_told(line, told)
        if line.what == "stored":
            if line.new not in {"queued", "held"}:
                raise Broken(f"{line.id} began {line.new}")
            return
        if before is None or before.state != line.old:
            raise Broken(f"{line.id} was {before and before.state}, not {line.old}")
        if line.fence < line.old_fence:
            raise Broken(f"{line.id}: its fence fell")
        by_person = ("asked", line.id, "resolve") in beside
        settles = line.moved or line.was_conflict > line.conflict
        if line.old in FINAL and settles and not by_person:
            raise Broken(f"{line.id} was {line.old}, and no person made it {line.new}")
        if line.moved:
            self._leads(line, beside)
        if line.vendor_id != line.old_vendor_id:
            self._has_id(line, by_person=by_person)

    def _is_told(self, line: _Line, told: Counter[tuple[str, str]]) -> None:
        """Every change has its event, in the same commit."""
        kind = {"tsk": "task", "note": "note", "clm": "claim"}[line.id.partition("_")[0]]
        if line.moved:
            self.note(f"{line.id} {line.old} -> {line.new}")
            self.counts[line.new] += 1
        for what in [line.new] * line.moved + ["conflict"] * (line.conflict > (line.was_conflict or 0)):
            told[line.id, f"{kind}.{what}"] -= 1
            if told[line.id, f"{kind}.{what}"] < 0:
                raise Broken(f"{line.id} became {what} without an event")

    def _leads(self, line: _Line, beside: set[tuple[str, str, str]]) -> None:
        if line.new not in LEADS[line.old]:
            raise Broken(f"{line.id}: {line.old} -> {line.new}")
        if line.new == "queued" and line.old in {"sending", "unknown"}:
            self._goes_again(line, beside)
        if line.new == "delivered" and line.id not in self.lied_to:
            self._is_there(line)

    def _goes_again(self, line: _Line, beside: set[tuple[str, str, str]]) -> None:
        proved = ("verdict", line.id, "not_applied") in beside or line.resent == 1
        if not proved:
            raise Broken(f"{line.id} goes again after {line.old}, unproved")
        if self.exists(line.id):
            raise Broken(f"{line.id} goes again, and the vendor has it")

    def _has_id(self, line: _Line, *, by_person: bool) -> None:
        if line.old_vendor_id is not None and not by_person:
            raise Broken(f"{line.id} had the id {line.old_vendor_id}, now {line.vendor_id}")
        if line.vendor_id and line.vendor_id not in {thing.id for thing in self.made[line.id]}:
            raise Broken(f"{line.id} was given {line.vendor_id}, which is another's")

    def _is_there(self, line: _Line) -> None:
        if not any(thing.status == "done" for thing in self.made[line.id]):
            raise Broken(f"{line.id} is delivered, and the vendor does not have it")
        if line.emr_id and line.emr_id not in {thing.emr_id for thing in self.made[line.id]}:
            raise Broken(f"{line.id} has the EMR id {line.emr_id}, which is another's")

    def look(self) -> None:
        """What is safe to send again was created by nobody."""
        for id_, known in self.known.items():
            if known.safe_to_resend and self.made[id_] and self.exists(id_) and id_ not in self.lied_to:
                raise Broken(f"{id_} is safe to resend ({known.state}), and the vendor has it")


class _Line(Struct):
    what: str
    id: str
    old: str | None
    new: str
    was_conflict: int | None
    conflict: int | None
    old_vendor_id: str | None
    vendor_id: str | None
    emr_id: str | None
    job_id: str | None
    resent: int | None
    version: int | None
    retry_of: str | None
    fence: int | None
    old_fence: int | None

    @property
    def moved(self) -> bool:
        return self.old != self.new
