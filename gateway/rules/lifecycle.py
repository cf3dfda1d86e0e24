"""The states a delivery can be in, and what moves it: one table, nothing else decides.

Two things hold for every path through it (the tests walk them all): `queued` is re-entered after a mark only through
`not_applied` or a proved absence, and no path makes a delivery safe to resend while a `created` is on record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct

from schemas.delivery import FINAL, State
from schemas.problem import Code

Input = Literal[
    # our own steps
    "mark", "lease_ended", "pause", "ready", "parent_failed", "expire", "overdue",
    # what an attempt proved
    "not_applied", "refused", "blocked", "pending", "applied", "unknown",
    # what was seen besides: by webhook, by lookup
    "accepted", "created", "created_other", "failed", "work", "absent", "absent_again",
    # what people ask
    "cancel", "retry", "resolve_created", "resolve_not_created",
]  # fmt: skip
"""`created_other`: created, but under another id than the one on record. `absent`: proved absent, the first time."""


class Step(Struct, frozen=True):
    """Where an input leads.

    `conflict`: the state stays and a person must look. `keep`: the input waits for the attempt in flight. `refusal`: a
    person's wish that cannot be granted.
    """

    state: State
    conflict: bool = False
    keep: bool = False
    refusal: Code | None = None


class Standing(Struct, frozen=True, kw_only=True):
    """What the table needs to know of a delivery besides its state."""

    attempted: bool = False
    """An attempt has passed its mark."""
    open_attempt: bool = False
    """An attempt that passed its mark has no outcome yet."""
    overdue: bool = False
    conflict: bool = False


_MOVES: Mapping[tuple[State, Input], State] = {
    ("queued", "mark"): "sending",
    ("queued", "lease_ended"): "queued",
    ("queued", "not_applied"): "queued",
    ("queued", "pause"): "held",
    ("queued", "blocked"): "held",
    ("queued", "expire"): "failed",
    ("queued", "cancel"): "cancelled",
    ("queued", "retry"): "queued",
    ("held", "ready"): "queued",
    ("held", "parent_failed"): "failed",
    ("held", "expire"): "failed",
    ("held", "cancel"): "cancelled",
    ("held", "retry"): "held",
    ("sending", "not_applied"): "queued",
    ("sending", "refused"): "rejected",
    ("sending", "blocked"): "held",
    ("sending", "pending"): "submitted",
    ("sending", "applied"): "delivered",
    ("sending", "unknown"): "unknown",
    ("sending", "lease_ended"): "unknown",
    ("submitted", "created"): "delivered",
    ("submitted", "applied"): "delivered",
    ("submitted", "accepted"): "submitted",
    ("submitted", "failed"): "failed",
    ("submitted", "overdue"): "submitted",
    # an unknown listens to evidence, to the attempt's own late answer, to proved absence, and to people
    ("unknown", "created"): "delivered",
    ("unknown", "accepted"): "submitted",
    ("unknown", "failed"): "failed",
    ("unknown", "not_applied"): "queued",
    ("unknown", "refused"): "rejected",
    ("unknown", "blocked"): "held",
    ("unknown", "pending"): "submitted",
    ("unknown", "applied"): "delivered",
    ("unknown", "unknown"): "unknown",
    ("unknown", "absent"): "queued",
    ("unknown", "absent_again"): "unknown",
    ("unknown", "resolve_created"): "delivered",
    ("unknown", "resolve_not_created"): "failed",
    ("delivered", "created"): "delivered",
    ("delivered", "accepted"): "delivered",
    ("delivered", "work"): "delivered",
    ("rejected", "failed"): "rejected",
    ("rejected", "retry"): "rejected",
    ("failed", "failed"): "failed",
    ("failed", "retry"): "failed",
    ("cancelled", "failed"): "cancelled",
    ("cancelled", "cancel"): "cancelled",
}

_SEEN_BEFORE_SENDING: Mapping[Input, State] = {"created": "delivered", "accepted": "submitted", "failed": "failed"}
"""What evidence of an earlier attempt does to a delivery that waits for its next one."""

_CONFLICTS: frozenset[tuple[State, Input]] = frozenset(
    {
        ("delivered", "failed"),
        ("delivered", "created_other"),
        *(
            (state, on)
            for state in ("rejected", "failed", "cancelled")
            for on in ("created", "created_other", "accepted")
        ),
    }
)

_SEEN: frozenset[Input] = frozenset({"accepted", "created", "created_other", "failed", "work"})
_RESOLUTIONS: Mapping[Input, State] = {"resolve_created": "delivered", "resolve_not_created": "failed"}


def step(state: State, on: Input, standing: Standing = Standing()) -> Step | None:  # noqa: B008 - frozen
    """Where `on` leads from `state`; None when it means nothing there."""
    if on in _WISHES:
        return _WISHES[on](state, on, standing)
    if state == "sending" and on in _SEEN:
        return Step("sending", keep=True)
    if state in {"queued", "held"} and on in _SEEN_BEFORE_SENDING:
        return Step(_SEEN_BEFORE_SENDING[on]) if standing.attempted else None
    if (state, on) in _CONFLICTS:
        return Step(state, conflict=True)
    to = _MOVES.get((state, on))
    return None if to is None else Step(to)


def _resolve(state: State, on: Input, standing: Standing) -> Step:
    open_question = (
        state == "unknown" or (state == "submitted" and standing.overdue) or (state in FINAL and standing.conflict)
    )
    return Step(_RESOLUTIONS[on]) if open_question else Step(state, refusal="not-resolvable")


def _cancel(state: State, _on: Input, standing: Standing) -> Step:
    to = _MOVES.get((state, "cancel"))
    if to is None or (state != "cancelled" and standing.open_attempt):
        return Step(state, refusal="too-late")
    return Step(to)


def _retry(state: State, _on: Input, standing: Standing) -> Step:
    if state == "unknown" or standing.conflict:
        return Step(state, refusal="outcome-unknown")
    if (state, "retry") in _MOVES:
        return Step(state)
    return Step(state, refusal="not-resendable")


_WISHES: Mapping[Input, Callable[[State, Input, Standing], Step]] = {
    "resolve_created": _resolve,
    "resolve_not_created": _resolve,
    "cancel": _cancel,
    "retry": _retry,
}
