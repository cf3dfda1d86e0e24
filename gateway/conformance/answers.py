"""Reading a 2xx that proves less than it seems to.

It is judged by what the gateway makes of it (`rules/verdict.py`): an exception of `parse_success` is Unknown there, so
raising is a fine way to say "unreadable".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.base import Applied, HttpResponse, Outcome, Pending, Sent, Unknown
from gateway.conformance import bodies, canaries
from gateway.conformance.bent import bent, changed, with_words
from gateway.conformance.check import Fault, Faults, Group, Subject, Told, once_a_place
from gateway.rules.verdict import of_answer
from schemas.outcome import VERDICTS

_SUCCESSES = (*range(200, 209), 226, 299)


@once_a_place
def an_unreadable_2xx_is_unknown(it: Subject) -> Faults:
    """A 2xx that cannot be read is unknown, never a creation and never a failure.

    It was probably carried out. Decode the body into a Struct and let what does not fit raise; only a shape that the
    vendor documents may be Refused.
    """
    for where, command, what, response in _unreadable(it):
        outcome = _read(it, command, response)
        if not isinstance(outcome, Unknown):
            yield Fault(where, f"{response.status} {what} is read as {_name(outcome)}")


@once_a_place
def only_a_sampled_refusal_is_one_with_a_2xx(it: Subject) -> Faults:
    """A 2xx is a failure only in a shape that a sample shows; any other that is no success is unknown.

    The vendor took the request, so the task may stand in the chart whatever else the answer says. Return Unknown, or
    let it raise. If the vendor's page does show such a refusal with a 2xx, write a sample of it.
    """
    for where, command, what, response in _sampled(it):
        outcome = _read(it, command, response)
        if not isinstance(outcome, Applied | Pending | Unknown) and not _shown(it, outcome, response.body):
            yield Fault(where, f"{response.status} {what} is read as {_name(outcome)}")


def told(it: Subject) -> Iterator[Told]:
    """Every 2xx: bodies of no vendor, then the sampled ones, of successes and of errors."""
    yield from _unreadable(it)
    yield from _sampled(it)


def _unreadable(it: Subject) -> Iterator[Told]:
    for command in canaries.commands(it.adapter):
        for kind, body in bodies.UNREADABLE.items():
            for status in _SUCCESSES:
                yield command.operation, command, f"with {kind}", HttpResponse(status=status, body=body)


def _sampled(it: Subject) -> Iterator[Told]:
    """Each sampled body with each 2xx, and bent; to a body that is no success nothing is added."""
    kinds = ((each, each.response.body, f"{each.operation} {each.outcome.get('type')}") for each in it.samples.answers)
    for sample, body, words in with_words(kinds, it.words):
        headers, created = sample.response.headers, sample in it.samples.created
        for status in _SUCCESSES:
            response = HttpResponse(status=status, headers=headers, body=sample.reply.body)
            yield sample.name, sample.command, "as it stands", response
        status = sample.response.status if created else 200
        for what, other in bent(body, words) if created else changed(body, words):
            yield sample.name, sample.command, f"with {what}", HttpResponse(status=status, headers=headers, body=other)


def _shown(it: Subject, outcome: Outcome, body: bytes) -> bool:
    """Whether a sample shows this outcome of a 2xx with a body of the same shape."""
    found = bodies.document(body.decode())
    return any(
        sample.response.status in _SUCCESSES and _alike(bodies.document(sample.response.body), found, it.words)
        for sample in it.samples.proving(VERDICTS[type(outcome)])
    )


def _alike(told: Any, found: Any, words: tuple[str, ...]) -> bool:
    """Whether `found` has the shape of `told`, as far as the adapter's words go: keys, types, truths, words."""
    if isinstance(told, dict) and isinstance(found, dict):
        ours, theirs = ({key for key in words if part.get(key) not in ("", None)} for part in (told, found))
        return ours == theirs and all(_alike(told[key], found[key], words) for key in ours)
    if isinstance(told, str) and isinstance(found, str):
        return told == found or told not in words
    return type(told) is type(found) and (told == found or not isinstance(told, bool))


def an_error_s_body_with_a_2xx_never_creates(it: Subject) -> Faults:
    """The body of an error never proves a creation, even with a 2xx.

    Look for what only a success has: its id, its code.
    """
    for sample in it.samples.proving("refused", "blocked", "not_applied", "unknown"):
        outcome = _read(it, sample.command, msgspec.structs.replace(sample.reply, status=200))
        if isinstance(outcome, Applied | Pending):
            yield Fault(sample.name, f"with status 200 it is read as {_name(outcome)}")


def a_beginning_of_an_answer_proves_nothing(it: Subject) -> Faults:
    """An answer that was cut off proves nothing.

    Decode the whole body as JSON before reading anything of it.
    """
    for sample in it.samples.created:
        for beginning in bodies.beginnings(sample.response.body):
            outcome = _read(it, sample.command, HttpResponse(status=200, body=beginning))
            if not isinstance(outcome, Unknown):
                yield Fault(sample.name, f"its first {len(beginning)} bytes are read as {_name(outcome)}")
                break


def _read(it: Subject, command: Sent, response: HttpResponse) -> Outcome:
    """What the gateway makes of an answer."""
    return of_answer(it.adapter, command, response, doubt=False)


def _name(outcome: Outcome) -> str:
    return type(outcome).__name__


GROUP = Group(
    title="Answers",
    checks=(
        an_unreadable_2xx_is_unknown,
        only_a_sampled_refusal_is_one_with_a_2xx,
        an_error_s_body_with_a_2xx_never_creates,
        a_beginning_of_an_answer_proves_nothing,
    ),
)
