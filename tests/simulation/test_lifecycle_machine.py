"""The store's transactions and the rules against a model of the lifecycle, along paths that Hypothesis makes up.

`LIFECYCLE_EXAMPLES=2000` plays more of them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from simulation import model
from simulation.clockwork import Clockwork
from simulation.model import Model, Thing
from simulation.synchronous import SimStore, database
from store.records import BY_OPERATOR, HOME, NOW, Ids, note, seen, task, webhook

from gateway.rules import attempts, wishes
from gateway.rules.attempts import Result
from gateway.rules.change import Attempt, Change
from gateway.rules.record import Record
from gateway.store import pacing
from gateway.store.following import Looked
from schemas.outcome import Applied, Blocked, NotApplied, Outcome, Pending, Refused, Sighting, Unknown
from schemas.problem import problem

LEASE = timedelta(seconds=model.LEASE)
PICK = st.integers(min_value=0, max_value=1_000)


class Lifecycle(RuleBasedStateMachine):
    """The same happenings to both; after each, both must say the same of every delivery."""

    @initialize()
    def begin(self) -> None:
        self.loop = Clockwork()
        self.database = database()
        self.store = SimStore(self.database, Ids())
        self.model = Model()
        self.attempts: list[Attempt] = []
        self.webhooks = 100_000  # far from the numbers that the store gives its own sightings

    def teardown(self) -> None:
        self.loop.close()
        self.database.close()

    def do(self, story: Coroutine[Any, Any, Any]) -> Any:
        asyncio.set_event_loop(self.loop)
        try:
            return self.loop.run_until_complete(story)
        finally:
            asyncio.set_event_loop(None)

    @property
    def now(self):
        return NOW + timedelta(seconds=self.model.now)

    def some(self, pick: int) -> Thing:
        things = list(self.model.things.values())
        return things[pick % len(things)]

    def change(self, delivery_id: str, decide: Callable[[Record], Change | None]) -> None:
        self.do(self.store.change(delivery_id, decide, self.now))

    def wish(self, delivery_id: str, wished: Callable[[Record], Change | None], granted: Callable[[], None]) -> None:
        """Both grant it, or both refuse."""
        try:
            granted()
        except model.Refused:
            refused = False
            try:
                self.change(delivery_id, wished)
            except wishes.Refusal:
                refused = True
            assert refused, "granted, and it should not have been"
        else:
            self.change(delivery_id, wished)

    def accepted(self, record: Record, thing: Thing) -> None:
        stored = self.do(self.store.accept(record, None, LEASE))
        try:
            self.model.accept(thing)
        except model.Refused:
            assert stored.what == "parent_not_created"
            return
        assert stored.what == "new"
        assert (stored.attempt is not None) == (self.model.claimable() == [thing])
        if stored.attempt:
            self.model.claim(thing)
            self.attempts.append(stored.attempt)

    @precondition(lambda self: len(self.model.things) < 8)
    @rule()
    def accept_task(self) -> None:
        number = len(self.model.things) + 1
        record = task(number, created_at=self.now, updated_at=self.now)
        self.accepted(record, Thing(record.id))

    @precondition(lambda self: self.model.things and len(self.model.things) < 8)
    @rule(pick=PICK)
    def accept_note(self, pick: int) -> None:
        tasks = [thing for thing in self.model.things.values() if thing.id.startswith("tsk")]
        parent = tasks[pick % len(tasks)]
        record = note(len(self.model.things) + 1, of=parent.id, created_at=self.now, updated_at=self.now)
        self.accepted(record, Thing(record.id, parent))

    @rule()
    def claim(self) -> None:
        expected = self.model.claimable()
        leased = self.do(self.store.claim(self.now, LEASE, most=100))
        assert {one.record.id for one in leased} == {thing.id for thing in expected}
        for one in leased:
            assert self.model.claim(self.model.things[one.record.id]) == one.attempt.fence
            self.attempts.append(one.attempt)

    @precondition(lambda self: self.attempts)
    @rule(pick=PICK)
    def mark(self, pick: int) -> None:
        at = -1 - pick % len(self.attempts)
        attempt = self.attempts[at]
        made: list[Change] = []

        def decide(current: Record) -> Change | None:
            made.extend(filter(None, [attempts.mark(current, attempt, self.now, self.now + timedelta(seconds=30))]))
            return made[0] if made else None

        if attempt.marked_at is None:
            self.change(attempt.delivery_id, decide)
            assert bool(made) == self.model.mark(self.model.things[attempt.delivery_id], attempt.fence)
            if made and made[0].attempt:
                self.attempts[at] = made[0].attempt
            else:
                self.attempts.remove(attempt)

    @precondition(lambda self: self.attempts)
    @rule(
        pick=PICK,
        outcome=st.sampled_from(["unknown", "unknown", *sorted(model.PROVED)]),
        unsent=st.sampled_from(["not_applied", "blocked"]),
    )
    def settle(self, pick: int, outcome: str, unsent: str) -> None:
        attempt = self.attempts.pop(-1 - pick % len(self.attempts))
        marked = attempt.marked_at is not None
        proved = outcome if marked else unsent
        ids = ids_of(attempt.delivery_id, "id", *(["emr_id"] if outcome == "applied" else []))
        result = Result(outcome=outcome_of(proved, ids), status=200, at=self.now, retry_at=self.now)
        self.change(attempt.delivery_id, lambda current: attempts.settle(current, attempt, result))
        self.model.settle(self.model.things[attempt.delivery_id], attempt.fence, proved, ids, marked=marked)
        self.store.transact(lambda tx: pacing.forgive(tx, "main"))  # the breaker's story is told elsewhere

    @precondition(lambda self: self.model.things)
    @rule(pick=PICK, says=st.sampled_from(sorted(model.SAYS)), other=st.booleans())
    def see(self, pick: int, says: str, other: bool) -> None:  # noqa: FBT001 - drawn
        thing = self.some(pick)
        ids = {} if says == "failed" else {"id": f"other-{thing.id}"} if other else ids_of(thing.id, "id", "emr_id")
        self.webhooks += 1
        operation = "add_note" if thing.parent else "create_task"
        told = Sighting(says=says, operation=operation, ref=thing.id, ids=ids)
        self.do(self.store.keep_webhook(webhook(self.webhooks), f"digest-{self.webhooks}"))
        self.do(self.store.sight(f"whk_{self.webhooks:06d}", None, [seen(told, self.webhooks)], self.now))
        self.model.see(thing, says, ids)

    @precondition(lambda self: self.model.things)
    @rule(pick=PICK)
    def look(self, pick: int) -> None:
        unknown = [thing for thing in self.model.things.values() if thing.state == "unknown"]
        thing = unknown[pick % len(unknown)] if unknown else self.some(pick)
        nothing = Looked(
            delivery_id=thing.id, began=self.now, sightings=[], complete=True, schedule=(60,), gap=model.ABSENCE
        )
        self.do(self.store.look(nothing, self.now))
        self.model.look(thing)

    @rule(seconds=st.sampled_from([1, 31, 31, 121, 301, 301, 901, 8 * model.DAY]))
    def time_passes(self, seconds: int) -> None:
        self.model.now += seconds
        while self.do(self.store.pass_time(self.now)):
            pass
        self.model.pass_time()

    @rule()
    def pause(self) -> None:
        self.do(self.store.pause(*HOME, problem("connection-blocked"), self.now, BY_OPERATOR))
        self.model.pause()

    @rule()
    def resume(self) -> None:
        self.do(self.store.resume(*HOME, self.now))
        self.model.resume()

    @precondition(lambda self: self.model.things)
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        thing = self.some(pick)
        self.wish(thing.id, lambda record: wishes.cancel(record, self.now), lambda: self.model.cancel(thing))

    @precondition(lambda self: self.model.things)
    @rule(pick=PICK)
    def retry(self, pick: int) -> None:
        thing = self.some(pick)
        self.wish(thing.id, lambda record: wishes.retry(record, self.now), lambda: self.model.retry(thing))

    @precondition(lambda self: self.model.things)
    @rule(pick=PICK, found=st.sampled_from([None, ("id",), ("id", "emr_id"), ("emr_id",)]))
    def resolve(self, pick: int, found: tuple[str, ...] | None) -> None:
        thing, created = self.some(pick), found is not None
        ids = ids_of(thing.id, *found) if found else None
        self.wish(
            thing.id,
            lambda record: wishes.resolve(record, self.now, created=created, ids=ids or {}),
            lambda: self.model.resolve(thing, ids),
        )

    @invariant()
    def both_say_the_same(self) -> None:
        for thing in self.model.things.values():
            record = self.do(self.store.get(thing.id))
            waits = {"parent"} & thing.awaits or thing.awaits
            assert (record.state, record.conflict, record.overdue, record.fence, record.waiting_for) == (
                thing.state, thing.conflict, thing.overdue, thing.fence,
                next(iter(waits)) if thing.state == "held" else None,
            ), thing.id  # fmt: skip
            assert record.safe_to_resend == (thing.state in model.RESENDABLE and not thing.conflict)


def ids_of(delivery_id: str, *names: str) -> dict[str, str]:
    return {name: f"{name}-{delivery_id}" for name in names}


def outcome_of(name: str, ids: dict[str, str]) -> Outcome:
    made: dict[str, Callable[[], Outcome]] = {
        "applied": lambda: Applied(ids=ids), "pending": lambda: Pending(ids=ids), "refused": lambda: Refused(code="no"),
        "blocked": lambda: Blocked(code="credentials"), "not_applied": lambda: NotApplied(code="http-429"),
        "unknown": lambda: Unknown(code="http-502"),
    }  # fmt: skip
    return made[name]()


Lifecycle.TestCase.settings = settings(
    max_examples=int(os.environ.get("LIFECYCLE_EXAMPLES", "200")),
    stateful_step_count=50,
)
TestLifecycle = Lifecycle.TestCase
