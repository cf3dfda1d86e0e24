"""The faults that can be switched on, and which of them a request meets.

A fault is about a request's answer (`latency`, `stall`, `status`, `malformed`, `drop_after_read`, `drop_before`) or
about the result that comes of it (the rest). A request meets at most one of each, the first one switched on that
names its operation and is not used up; so a list of faults is also a script: first a 503, then a drop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

Operation = Literal["create_task", "add_note", "create_claim", "lookup", "webhooks"]
AnswerKind = Literal["latency", "stall", "status", "malformed", "drop_after_read", "drop_before"]
ResultKind = Literal["no_webhook", "duplicate_webhook", "early_webhook", "result_failed", "no_result"]

ANSWER: frozenset[str] = frozenset(AnswerKind.__args__)  # type: ignore[attr-defined]  # a Literal's own
BEFORE: frozenset[str] = frozenset({"stall", "status", "drop_before"})
"""The kinds whose `seconds` pass before anything is done; for the others they pass between the work and the answer."""
RESULT: frozenset[str] = frozenset(ResultKind.__args__)  # type: ignore[attr-defined]  # a Literal's own


class Fault(Struct, kw_only=True, forbid_unknown_fields=True):
    """One thing that goes wrong.

    - `latency`: the work is done at once, its answer comes `seconds` later. `stall`: the work itself begins later.
    - `status`: answers `status` with `body` and `headers`; nothing is created.
    - `malformed`: the work is done, the answer's JSON breaks off half way, or is `body`.
    - `drop_after_read`: the work is done, the connection is closed without an answer.
    - `drop_before`: nothing is done, the connection is closed without an answer.
    - `no_webhook`: the result is there to be looked up, and is not pushed. `no_result`: it never comes at all.
    - `duplicate_webhook`: pushed twice. `early_webhook`: pushed before the request is answered.
    - `result_failed`: taken, and failed later, with `body` as the reason where one is given.
    """

    on: Operation | Literal["*"]
    kind: AnswerKind | ResultKind
    times: int | None = None
    """How many requests it hits; null: until it is cleared."""
    seconds: float = 0.0
    """How long the answer is held back; every kind about the answer takes it."""
    status: int = 503
    body: str | None = None
    headers: Mapping[str, str] = {}


class Faults:
    """The faults now switched on, in order."""

    def __init__(self) -> None:
        self.active: list[Fault] = []

    def replace(self, faults: Sequence[Fault]) -> None:
        """Switches on exactly these."""
        self.active = list(faults)

    def take_answer(self, operation: Operation) -> Fault | None:
        """The fault that the answer to this request meets; uses up one of its times."""
        return self._take(operation, ANSWER)

    def take_result(self, operation: Operation) -> Fault | None:
        """The fault that the result of this request meets; uses up one of its times."""
        return self._take(operation, RESULT)

    def _take(self, operation: Operation, kinds: frozenset[str]) -> Fault | None:
        for fault in self.active:
            if fault.kind in kinds and fault.on in ("*", operation) and fault.times != 0:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None
