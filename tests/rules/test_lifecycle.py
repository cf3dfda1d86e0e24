"""Every state with every input, as the table of transitions has it, and what holds on every path through it."""

from itertools import product
from typing import get_args

import pytest

from gateway.rules.lifecycle import Input, Standing, Step, step
from schemas.delivery import FINAL, RESENDABLE, State

STATES = get_args(State)
INPUTS = get_args(Input)

TOO_LATE, UNKNOWN = "too-late", "outcome-unknown"
NOT_RESENDABLE, NOT_RESOLVABLE = "not-resendable", "not-resolvable"

# What is not here is nothing: impossible, or meaningless in that state. Standing: nothing sent yet.
# fmt: off
TABLE = {
    "queued": {
        "mark": Step("sending"),
        "lease_ended": Step("queued"),
        "cancel": Step("cancelled"),
        "pause": Step("held"),
        "expire": Step("failed"),
        "retry": Step("queued"),
        "not_applied": Step("queued"),               # the attempt ended before its mark
        "blocked": Step("held"),                     # likewise
        "resolve_created": Step("queued", refusal=NOT_RESOLVABLE),
        "resolve_not_created": Step("queued", refusal=NOT_RESOLVABLE),
    },
    "held": {
        "cancel": Step("cancelled"),
        "expire": Step("failed"),
        "retry": Step("held"),
        "ready": Step("queued"),
        "parent_failed": Step("failed"),
        "resolve_created": Step("held", refusal=NOT_RESOLVABLE),
        "resolve_not_created": Step("held", refusal=NOT_RESOLVABLE),
    },
    "sending": {
        "not_applied": Step("queued"),
        "refused": Step("rejected"),
        "blocked": Step("held"),
        "pending": Step("submitted"),
        "applied": Step("delivered"),
        "unknown": Step("unknown"),
        "lease_ended": Step("unknown"),
        "accepted": Step("sending", keep=True),
        "created": Step("sending", keep=True),
        "created_other": Step("sending", keep=True),
        "failed": Step("sending", keep=True),
        "work": Step("sending", keep=True),
        "cancel": Step("sending", refusal=TOO_LATE),
        "retry": Step("sending", refusal=NOT_RESENDABLE),
        "resolve_created": Step("sending", refusal=NOT_RESOLVABLE),
        "resolve_not_created": Step("sending", refusal=NOT_RESOLVABLE),
    },
    "submitted": {
        "created": Step("delivered"),
        "failed": Step("failed"),
        "accepted": Step("submitted"),
        "overdue": Step("submitted"),
        "applied": Step("delivered"),
        "cancel": Step("submitted", refusal=TOO_LATE),
        "retry": Step("submitted", refusal=NOT_RESENDABLE),
        "resolve_created": Step("submitted", refusal=NOT_RESOLVABLE),
        "resolve_not_created": Step("submitted", refusal=NOT_RESOLVABLE),
    },
    "unknown": {
        "created": Step("delivered"),
        "accepted": Step("submitted"),
        "failed": Step("failed"),
        "not_applied": Step("queued"),               # the attempt's own late answer, as if it had been on time
        "refused": Step("rejected"),
        "blocked": Step("held"),
        "pending": Step("submitted"),
        "applied": Step("delivered"),
        "unknown": Step("unknown"),
        "absent": Step("queued"),
        "absent_again": Step("unknown"),
        "resolve_created": Step("delivered"),
        "resolve_not_created": Step("failed"),
        "cancel": Step("unknown", refusal=TOO_LATE),
        "retry": Step("unknown", refusal=UNKNOWN),
    },
    "delivered": {
        "created": Step("delivered"),                # the same ids again: nothing new
        "accepted": Step("delivered"),
        "work": Step("delivered"),
        "created_other": Step("delivered", conflict=True),
        "failed": Step("delivered", conflict=True),
        "cancel": Step("delivered", refusal=TOO_LATE),
        "retry": Step("delivered", refusal=NOT_RESENDABLE),
        "resolve_created": Step("delivered", refusal=NOT_RESOLVABLE),
        "resolve_not_created": Step("delivered", refusal=NOT_RESOLVABLE),
    },
    "rejected": {
        "retry": Step("rejected"),
        "failed": Step("rejected"),
        "created": Step("rejected", conflict=True),
        "created_other": Step("rejected", conflict=True),
        "accepted": Step("rejected", conflict=True),
        "cancel": Step("rejected", refusal=TOO_LATE),
        "resolve_created": Step("rejected", refusal=NOT_RESOLVABLE),
        "resolve_not_created": Step("rejected", refusal=NOT_RESOLVABLE),
    },
    "failed": {
        "retry": Step("failed"),
        "failed": Step("failed"),
        "created": Step("failed", conflict=True),
        "created_other": Step("failed", conflict=True),
        "accepted": Step("failed", conflict=True),
        "cancel": Step("failed", refusal=TOO_LATE),
        "resolve_created": Step("failed", refusal=NOT_RESOLVABLE),
        "resolve_not_created": Step("failed", refusal=NOT_RESOLVABLE),
    },
    "cancelled": {
        "cancel": Step("cancelled"),
        "failed": Step("cancelled"),
        "created": Step("cancelled", conflict=True),
        "created_other": Step("cancelled", conflict=True),
        "accepted": Step("cancelled", conflict=True),
        "retry": Step("cancelled", refusal=NOT_RESENDABLE),
        "resolve_created": Step("cancelled", refusal=NOT_RESOLVABLE),
        "resolve_not_created": Step("cancelled", refusal=NOT_RESOLVABLE),
    },
}
RESOLVED = {"resolve_created": Step("delivered"), "resolve_not_created": Step("failed")}
SEEN_WHILE_WAITING = {"created": Step("delivered"), "accepted": Step("submitted"), "failed": Step("failed")}
# By standing: the pairs that differ from the table above.
VARIANTS = {
    "attempted before": (Standing(attempted=True), {
        "queued": SEEN_WHILE_WAITING,
        "held": SEEN_WHILE_WAITING,
    }),
    "an attempt still open": (Standing(attempted=True, open_attempt=True), {
        "queued": {**SEEN_WHILE_WAITING, "cancel": Step("queued", refusal=TOO_LATE)},
        "held": {**SEEN_WHILE_WAITING, "cancel": Step("held", refusal=TOO_LATE)},
    }),
    "overdue": (Standing(attempted=True, overdue=True), {
        "queued": SEEN_WHILE_WAITING,
        "held": SEEN_WHILE_WAITING,
        "submitted": RESOLVED,
    }),
    "in conflict": (Standing(attempted=True, conflict=True), {
        "queued": {**SEEN_WHILE_WAITING, "retry": Step("queued", refusal=UNKNOWN)},
        "held": {**SEEN_WHILE_WAITING, "retry": Step("held", refusal=UNKNOWN)},
        **{
            state: {"retry": Step(state, refusal=UNKNOWN), **(RESOLVED if state in FINAL else {})}
            for state in STATES if state not in {"queued", "held"}
        },
    }),
}
# fmt: on
PAIRS = [
    pytest.param(state, on, Standing(), TABLE[state].get(on), id=f"{state}-{on}")
    for state, on in product(STATES, INPUTS)
] + [
    pytest.param(state, on, standing, by_state.get(state, {}).get(on, TABLE[state].get(on)), id=f"{state}-{on}-{name}")
    for name, (standing, by_state) in VARIANTS.items()
    for state, on in product(STATES, INPUTS)
]


def test_the_table_speaks_of_every_state_and_of_no_input_that_there_is_not():
    assert set(TABLE) == set(STATES)
    assert {on for row in TABLE.values() for on in row} == set(INPUTS)


@pytest.mark.parametrize(("state", "on", "standing", "expected"), PAIRS)
def test_each_state_goes_on_each_input_where_the_table_says(state, on, standing, expected):
    assert step(state, on, standing) == expected


# The walk

PROOFS = frozenset({"not_applied", "blocked", "absent"})
"""What proves that an attempt created nothing, so that another may follow. After `blocked` it is held first."""
SENT = frozenset({"sending", "submitted", "unknown"})
KEPT = frozenset({"accepted", "created", "created_other", "failed"})


def ended(at, on):
    """Where an input leads from a point of the walk; None where it leads nowhere.

    A point: state, attempted, conflict, overdue, what was kept during the attempt, whether a sighting that it was
    created stands on record, whether the last attempt was proved to have created nothing, whether absence was used up.
    """
    state, attempted, conflict, overdue, kept, created, proved, resent = at
    standing = Standing(attempted=attempted, overdue=overdue, conflict=conflict)
    if on in {"absent", "absent_again"} and (on == "absent_again") != resent:
        return None
    if on == "created_other" and state not in {"delivered", "sending"}:
        return None
    to = step(state, on, standing)
    if to is None or to.refusal:
        return None
    if to.keep:
        return (state, attempted, conflict, overdue, kept | ({on} & KEPT), created, proved, resent)
    now_created = created or on in {"created", "created_other", "applied"}
    if on == "resolve_not_created":
        now_created = False  # a person has looked: what was seen is not so
    resolved = on.startswith("resolve")
    after = (
        to.state,
        attempted or on == "mark",
        (conflict or to.conflict) and not resolved,
        (overdue or on == "overdue") and to.state == "submitted",
        frozenset(),
        now_created,
        on in PROOFS or (proved and on != "mark"),
        resent or on == "absent",
    )
    for seen in sorted(kept) if to.state != "sending" else ():
        after = ended(after, seen) or after
    return after


def walk():
    """Every move that can be made from a new delivery, queued or held."""
    begun = [(state, False, False, False, frozenset(), False, False, False) for state in ("queued", "held")]
    seen, moves = set(begun), []
    while begun:
        at = begun.pop()
        for on in INPUTS:
            to = ended(at, on)
            if to is None:
                continue
            moves.append((at, on, to))
            if to not in seen:
                seen.add(to)
                begun.append(to)
    return moves


MOVES = walk()


def test_the_walk_reaches_every_state():
    assert {to[0] for _, _, to in MOVES} == set(STATES)


def test_what_was_sent_waits_again_only_after_a_proof_that_nothing_was_created():
    back = {on for at, on, to in MOVES if at[0] in SENT and to[0] in {"queued", "held"}}

    assert back == PROOFS


def test_no_path_marks_a_second_time_without_a_proof_that_nothing_was_created():
    marked_again = [at for at, on, _ in MOVES if on == "mark" and at[1]]

    assert marked_again
    assert all(proved for *_, proved, _ in marked_again)


def test_no_path_makes_a_delivery_safe_to_resend_while_a_creation_is_on_record():
    on_record = [to for *_, to in MOVES if to[5]]

    assert any(to[0] in RESENDABLE for to in on_record)
    assert [to for to in on_record if to[0] in RESENDABLE and not to[2]] == []


def test_a_final_state_changes_only_by_a_person_who_settles_a_conflict():
    left = {(on, at[2]) for at, on, to in MOVES if at[0] in FINAL and to[0] != at[0]}

    assert left == {("resolve_created", True), ("resolve_not_created", True)}


def test_only_what_waits_can_be_cancelled():
    assert {at[0] for at, on, to in MOVES if to[0] == "cancelled" and on == "cancel"} == {"queued", "held", "cancelled"}


def test_absence_sends_a_delivery_again_once():
    assert all(not at[7] for at, on, to in MOVES if on == "absent" and to[0] == "queued")
    assert {to[0] for _, on, to in MOVES if on == "absent_again"} == {"unknown"}
