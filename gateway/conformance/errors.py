"""Reading errors: `parse_error` never raises, and what an error says never proves more than its status allows.

Every sampled body is tried under every status, with every wait, and bent; so an error that no page prints, and one that
a proxy made of another, are read as carefully as the vendor's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial

from adapters.base import (
    Applied,
    Blocked,
    HttpResponse,
    NotApplied,
    Outcome,
    Pending,
    Refused,
    Unknown,
    by_status,
)
from gateway.conformance import bodies, canaries
from gateway.conformance.bent import bent, changed, with_words
from gateway.conformance.calls import result
from gateway.conformance.check import Fault, Faults, Group, Subject, Told, once_a_place
from gateway.conformance.samples import AnswerSample
from schemas.outcome import VERDICTS

_DOUBTFUL = (429, 500)
"""Statuses by which nothing is refused, under which a body is bent besides its own."""
_FEW = (400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504, 408, 302)
_STATUSES = tuple(dict.fromkeys((*_FEW, 100, *range(300, 600), 600, 999)))
_WAITS = (
    "7", "0", "-1", "1.5", "", " ", "soon", "7, 8", "9" * 20, "\u0663", "Wed, 21 Oct 2026 07:28:00 GMT",
    "2026-10-21T07:28:00Z",
)  # fmt: skip
"""Retry-After as the standard has it, and as vendors have been seen to write it."""
_SUCCESSES = frozenset(range(200, 300))
Read = tuple[str, HttpResponse, str, object]
"""Where an error is from, the error, what it is, and what it is read as: an outcome, or what was raised."""
_WAITING = (429, 421, 425, 503)


@once_a_place
def no_body_makes_an_error_raise(it: Subject) -> Faults:
    """No error makes `parse_error` raise, whatever its status, its Retry-After and its body.

    Catch what decoding raises (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) and return
    `by_status(response)`; look a status or a code up with `.get()`, and hand Retry-After on as it is.
    """
    for where, _, what, error in read(it):
        if isinstance(error, Exception):
            yield Fault(where, f"{what} raises {type(error).__name__}")


@once_a_place
def an_unreadable_error_proves_what_its_status_proves(it: Subject) -> Faults:
    """An error that cannot be read proves what its status proves, and no more.

    A proxy's page looks like the application's. Begin with `by_status(response)` and say more only when the vendor's
    own envelope is recognised; keep the wait of a 429.
    """
    for where, response, what, found in _read(it, _unreadable(it)):
        if not isinstance(found, Exception) and not _agree(found, by_status(response)):
            yield Fault(where, f"{what} is read as {_name(found)}")


@once_a_place
def no_body_proves_more_than_its_status(it: Subject) -> Faults:
    """What the vendor's words make of a status is no more than the status proves, but where a sample shows it.

    A 5xx may hide a task that was created, a 429 is over in a while, a 404 may be a proxy's. So ask for the status
    before believing the body; and write a sample of each status with which the vendor's own words mean something else.
    """
    shown = {(sample.response.status, sample.outcome.get("type")) for sample in it.samples.answers}
    for where, response, what, found in read(it):
        if _is_more(found, by_status(response)) and (response.status, VERDICTS.get(type(found))) not in shown:
            yield Fault(where, f"{what} is read as {_name(found)}")


def _is_more(found: object, proved: Outcome) -> bool:
    """Whether more is read than the status proves; that a person must mend what was refused is no more."""
    less = isinstance(found, Unknown | Exception) or (isinstance(found, Blocked) and isinstance(proved, Refused))
    return not less and type(found) is not type(proved)


@once_a_place
def an_error_status_never_creates(it: Subject) -> Faults:
    """An error status never proves a creation, whatever its body says.

    Return Applied and Pending from `parse_success` only.
    """
    for where, _, what, found in read(it):
        if isinstance(found, Applied | Pending):
            yield Fault(where, f"{what} is read as {_name(found)}")


@once_a_place
def a_wait_is_handed_on(it: Subject) -> Faults:
    """What is not applied is told with the vendor's Retry-After, as it came.

    `NotApplied(code=..., retry_after=response.headers.get("retry-after"))`, or what `by_status(response)` made of it;
    without it the gateway asks again too soon, and is locked out.
    """
    for where, response, what, found in read(it):
        wait = response.headers.get("retry-after")
        if isinstance(found, NotApplied) and wait is not None and found.retry_after != wait:
            yield Fault(where, f"{what}: the wait of '{wait}' becomes {found.retry_after!r}")


@lru_cache(maxsize=1)
def read(it: Subject) -> Sequence[Read]:
    """Every error as it is read, once for all checks."""
    return list(_read(it, _told(it)))


def _read(it: Subject, errors: Iterable[Told]) -> Iterator[Read]:
    for where, command, what, response in errors:
        found = result(partial(it.adapter.parse_error, command, response))
        yield where, response, f"{response.status} {what}", found


def _told(it: Subject) -> Iterator[Told]:
    """Every error, each once: bodies of no vendor, then the sampled ones with every status, every wait, and bent."""
    yield from _unreadable(it)
    seen: set[tuple[str, int, str, bytes]] = set()
    kinds = ((each, each.response.body, f"{each.operation} {each.response.status}") for each in it.samples.answers)
    for error in (error for sample, _, words in with_words(kinds, it.words) for error in _sampled(sample, words)):
        _, command, _, response = error
        key = (command.operation, response.status, response.headers.get("retry-after", ""), response.body)
        if key not in seen:
            seen.add(key)
            yield error


def _sampled(sample: AnswerSample, words: Sequence[str]) -> Iterator[Told]:
    """A sampled body with every status and wait; that of an error also bent."""
    body, headers, own = sample.reply.body, sample.response.headers, {sample.response.status} - _SUCCESSES
    for status in _STATUSES if own else _FEW:
        yield sample.name, sample.command, "as it stands", HttpResponse(status=status, headers=headers, body=body)
    for status in {*_WAITING, *own}:
        for wait in _WAITS:
            response = HttpResponse(status=status, headers={**headers, "retry-after": wait}, body=body)
            yield sample.name, sample.command, f"with a Retry-After of {wait!r}", response
    for status in {*_DOUBTFUL, *own} if own else ():
        for what, other in (bent if status in own else changed)(sample.response.body, words):
            response = HttpResponse(status=status, headers={"retry-after": "7"}, body=other)
            yield sample.name, sample.command, f"with {what}", response


def _unreadable(it: Subject) -> Iterator[Told]:
    """Bodies of no vendor: each with some statuses, some with each."""
    for command in canaries.commands(it.adapter):
        for kind, body in bodies.UNREADABLE.items():
            for status in _STATUSES if kind in bodies.TYPICAL else _FEW:
                response = HttpResponse(status=status, headers={"retry-after": "7"}, body=body)
                yield command.operation, command, f"with {kind}", response


def _agree(found: object, expected: Outcome) -> bool:
    if isinstance(found, NotApplied) and isinstance(expected, NotApplied):
        return found.retry_after == expected.retry_after
    if isinstance(found, Blocked) and isinstance(expected, Blocked):
        return found.code == expected.code
    return type(found) is type(expected)


def _name(outcome: object) -> str:
    return type(outcome).__name__


GROUP = Group(
    title="Errors",
    checks=(
        no_body_makes_an_error_raise,
        an_unreadable_error_proves_what_its_status_proves,
        no_body_proves_more_than_its_status,
        an_error_status_never_creates,
        a_wait_is_handed_on,
    ),
)
