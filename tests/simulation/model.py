"""Appendix C of the design as a small model: deliveries through one connection, without a database or a record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

LEASE, SETTLES, ABSENCE, PROBE = 120, 900, 300, 900
DAY = 86_400
RESENDABLE = frozenset({"rejected", "failed", "cancelled"})
FINAL = RESENDABLE | {"delivered"}
SAYS = {"created": "delivered", "accepted": "submitted", "failed": "failed"}
PROVED = {
    "not_applied": "queued", "refused": "rejected", "blocked": "held", "pending": "submitted", "applied": "delivered",
    "unknown": "unknown",
}  # fmt: skip


class Refused(Exception):  # noqa: N818 - what it is
    """A wish that is not granted."""


@dataclass
class Thing:
    """A delivery. `known`: its ids at the vendor and in the EMR."""

    id: str
    parent: Thing | None = None
    state: str = "queued"
    awaits: set[str] = field(default_factory=set)
    conflict: bool = False
    overdue: bool = False
    known: dict[str, str] = field(default_factory=dict)
    fence: int = 0
    marked: int = 0
    open: bool = False
    lease: int | None = None
    sent_by: int = 0
    absent: int | None = None
    resent: bool = False
    created: int = 0
    give_up: int = 0
    settle_by: int = 0
    kept: list[tuple[str, dict[str, str]]] = field(default_factory=list)


class Model:
    """All that can happen, and what it does."""

    def __init__(self) -> None:
        self.now = 0
        self.things: dict[str, Thing] = {}
        self.paused = False
        self.probe: int | None = None

    def accept(self, thing: Thing) -> None:
        if thing.parent:
            if thing.parent.state in RESENDABLE and not thing.parent.conflict:
                raise Refused
            if "emr_id" not in thing.parent.known or thing.parent.state in RESENDABLE:
                thing.awaits.add("parent")
        thing.awaits |= {"connection"} if self.paused else set()
        self.things[thing.id] = thing
        thing.created = self.now
        self._move(thing, "held" if thing.awaits else "queued")

    def claimable(self) -> list[Thing]:
        return [thing for thing in self.things.values() if thing.state == "queued" and thing.lease is None and not any(
            other.parent and other.parent is thing.parent for other in self._before(thing)
            if other.state in {"queued", "held", "sending"}
        )]  # fmt: skip

    def _before(self, thing: Thing) -> Iterator[Thing]:
        for other in self.things.values():
            if other is thing:
                return
            yield other

    def claim(self, thing: Thing) -> int:
        thing.fence, thing.lease = thing.fence + 1, self.now + LEASE
        return thing.fence

    def mark(self, thing: Thing, fence: int) -> bool:
        if thing.state != "queued" or thing.fence != fence or thing.lease is None:
            return False
        thing.state, thing.marked, thing.open, thing.sent_by, thing.absent = "sending", fence, True, self.now + 30, None
        return True

    def settle(self, thing: Thing, fence: int, outcome: str, ids: dict[str, str], *, marked: bool) -> None:
        last = marked and thing.marked == fence
        if thing.fence == fence and thing.lease is not None:
            before, thing.lease, thing.open = thing.state, None, False
            self._proved(thing, outcome, ids)
            if before == "sending":
                if self.probe is not None and thing.state in {"submitted", "delivered", "rejected"}:
                    self.resume()
                self._keep_no_longer(thing)
        elif thing.fence != fence and marked:
            thing.open = thing.open and not last
            if last and thing.state == "unknown":
                self._proved(thing, outcome, ids)
            elif outcome in {"applied", "pending"}:
                self.see(thing, "created" if outcome == "applied" else "accepted", ids)

    def _proved(self, thing: Thing, outcome: str, ids: dict[str, str]) -> None:
        if outcome in {"applied", "pending"}:
            thing.known = {**ids, **thing.known}
        if outcome == "blocked":
            thing.awaits.add("connection")
        self._move(thing, PROVED[outcome])
        if outcome == "blocked":
            self.pause(probe=self.now + PROBE)
        self._if_paused(thing)

    def see(self, thing: Thing, says: str, ids: dict[str, str]) -> None:
        attempted, state = thing.marked > 0, thing.state
        if state == "sending":
            thing.kept.append((says, ids))
        elif state in RESENDABLE:
            if says != "failed" and not thing.conflict:
                thing.known = {**ids, **thing.known}
                thing.conflict = True
        elif state == "delivered":
            other = any(thing.known.get(name, value) != value for name, value in ids.items())
            thing.conflict = thing.conflict or says == "failed" or (says == "created" and other)
            if not (says == "failed" or (says == "created" and other)):
                thing.known = {**ids, **thing.known}
                self._tell_notes(thing)
        elif attempted:
            thing.known = {**ids, **thing.known}
            if SAYS[says] != state:
                thing.fence, thing.lease, thing.overdue, thing.absent = thing.fence + 1, None, False, None
                self._move(thing, SAYS[says])
            self._tell_notes(thing)

    def look(self, thing: Thing) -> None:
        if thing.state != "unknown" or self.now <= thing.sent_by:
            return
        if thing.absent is None:
            thing.absent = self.now
        elif self.now - thing.absent >= ABSENCE and not thing.resent:
            thing.resent, thing.open, thing.absent = True, False, None
            self._move(thing, "queued")
            self._if_paused(thing)

    def pass_time(self) -> None:
        for thing in self.things.values():
            if thing.lease is not None and thing.lease <= self.now:
                thing.fence, thing.lease = thing.fence + 1, None
                if thing.state == "sending":
                    self._move(thing, "unknown")
                    self._keep_no_longer(thing)
                self._if_paused(thing)
        for thing in self.things.values():
            if thing.state in {"queued", "held"} and thing.lease is None and thing.give_up <= self.now:
                self._move(thing, "failed")
        for thing in self.things.values():
            thing.overdue = thing.overdue or (thing.state == "submitted" and thing.settle_by <= self.now)
        if self.probe is not None and self.now >= self.probe:
            self.probe = self.now + PROBE
            held = [thing for thing in self.things.values() if thing.state == "held" and "parent" not in thing.awaits]
            for thing in sorted(held, key=lambda thing: (thing.created, thing.id))[:1]:
                thing.awaits.clear()
                self._move(thing, "queued")

    def pause(self, probe: int | None = None) -> None:
        if not self.paused:
            self.paused, self.probe = True, probe
        elif probe is None:
            self.probe = None
        for thing in self.things.values():
            if thing.state == "held":
                thing.awaits.add("connection")
            elif thing.lease is None:
                self._if_paused(thing)

    def resume(self) -> None:
        self.paused, self.probe = False, None
        for thing in self.things.values():
            if thing.state == "held" and "connection" in thing.awaits:
                thing.awaits.remove("connection")
                self._move(thing, "held" if thing.awaits else "queued")

    def cancel(self, thing: Thing) -> None:
        if thing.state not in {"queued", "held", "cancelled"} or (thing.open and thing.state != "cancelled"):
            raise Refused
        if thing.state != "cancelled":
            thing.fence, thing.lease = thing.fence + 1, None
            self._move(thing, "cancelled")

    def retry(self, thing: Thing) -> None:
        if thing.conflict or thing.state not in {"queued", "held", "rejected", "failed"}:
            raise Refused

    def resolve(self, thing: Thing, ids: dict[str, str] | None) -> None:
        if ids and self._tells_the_emr_id(thing, ids):
            thing.known |= ids
            self._tell_notes(thing)
            return
        if not (thing.state == "unknown" or thing.overdue or (thing.state in FINAL and thing.conflict)):
            raise Refused
        thing.fence, thing.lease, thing.open, thing.overdue, thing.conflict = thing.fence + 1, None, False, False, False
        thing.known |= ids or {}
        self._move(thing, "failed" if ids is None else "delivered")

    def _tells_the_emr_id(self, thing: Thing, ids: dict[str, str]) -> bool:
        new = "emr_id" in ids and "emr_id" not in thing.known
        same = all(thing.known.get(name, value) == value for name, value in ids.items())
        return thing.state == "delivered" and not thing.conflict and new and same

    def _move(self, thing: Thing, to: str) -> None:
        waits_anew = to != thing.state and (to == "held" or (to == "queued" and thing.state in {"held", "unknown"}))
        if waits_anew or not thing.give_up:
            thing.give_up = self.now + (7 * DAY if to == "held" else DAY)
        if to == "submitted" and thing.state != "submitted":
            thing.settle_by = self.now + SETTLES
        thing.state = to
        self._tell_notes(thing)

    def _tell_notes(self, task: Thing) -> None:
        for note in self.things.values():
            if note.parent is task and note.state == "held" and "parent" in note.awaits:
                if task.state in RESENDABLE:
                    if not task.conflict:
                        self._move(note, "failed")
                elif "emr_id" in task.known:
                    note.awaits.remove("parent")
                    self._move(note, "held" if note.awaits else "queued")

    def _if_paused(self, thing: Thing) -> None:
        if self.paused and thing.state == "queued" and thing.lease is None:
            thing.awaits.add("connection")
            self._move(thing, "held")

    def _keep_no_longer(self, thing: Thing) -> None:
        kept, thing.kept = thing.kept, []
        for says, ids in kept:
            self.see(thing, says, ids)
