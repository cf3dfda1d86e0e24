"""Reading answers that prove less than they seem to.

A 2xx is judged by what the gateway makes of it (`rules/verdict.py`): an exception of `parse_success` is Unknown there,
so raising is a fine way to say "unreadable". `parse_error` must never raise: what it cannot read proves what its
status proves.
"""

from __future__ import annotations

from collections.abc import Iterator

from adapters.base import Applied, Blocked, HttpResponse, NotApplied, Outcome, Pending, Sent, Unknown, by_status
from gateway.conformance import bodies, canaries
from gateway.conformance.check import Fault, Faults, Group, Subject
from gateway.files.source import dotted
from gateway.rules.verdict import of_answer

_SUCCESSES = (200, 201, 202, 204, 206, 299)
_ERRORS = (302, 400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504)
_SERVER_ERRORS = (500, 502, 503, 504, 520, 599)
_OTHERS = (*range(100, 200), *range(300, 600), 600, 999)
_ENOUGH = 2_000
"""Bytes of a long body that are enough where depth does not matter."""


def an_unreadable_2xx_is_unknown(it: Subject) -> Faults:
    """A 2xx that cannot be read is unknown, never a creation and never a failure.

    It was probably carried out. Decode the body into a Struct and let what does not fit raise; only a shape that the
    vendor documents may be Refused.
    """
    for command in _commands(it):
        for kind, body in bodies.UNREADABLE.items():
            for status in _SUCCESSES:
                outcome = _effective(it, command, HttpResponse(status=status, body=body))
                if not isinstance(outcome, Unknown):
                    yield Fault(command.operation, f"{status} with {kind} is read as {_name(outcome)}")


def no_body_makes_an_error_raise(it: Subject) -> Faults:
    """No body of an error makes `parse_error` raise.

    Catch what decoding raises (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) and return
    `by_status(response)`.
    """
    for command, what, response in _errors(it):
        try:
            it.adapter.parse_error(command, response)
        except Exception as error:  # noqa: BLE001 - whatever it raises is the fault
            yield Fault(command.operation, f"{response.status} with {what} raises {type(error).__name__}")


def an_unreadable_error_proves_what_its_status_proves(it: Subject) -> Faults:
    """An error that cannot be read proves what its status proves, and no more.

    A proxy's page looks like the application's. Begin with `by_status(response)` and say more only when the vendor's
    own envelope is recognised; keep the wait of a 429.
    """
    for command in _commands(it):
        for kind, body in bodies.UNREADABLE.items():
            for status in _OTHERS:
                response = HttpResponse(status=status, headers={"retry-after": "7"}, body=body[:_ENOUGH])
                found, expected = _error(it, command, response), by_status(response)
                if found is not None and not _agree(found, expected):
                    yield Fault(command.operation, f"{status} with {kind} is read as {_name(found)}")


def an_error_status_never_creates(it: Subject) -> Faults:
    """An error status never proves a creation, whatever its body says.

    Return Applied and Pending from `parse_success` only.
    """
    for sample in it.samples.answers:
        for status in _ERRORS:
            outcome = _error(it, sample.command, HttpResponse(status=status, body=sample.reply.body))
            if isinstance(outcome, Applied | Pending):
                yield Fault(sample.name, f"with status {status} it is read as {_name(outcome)}")


def a_server_s_error_proves_nothing(it: Subject) -> Faults:
    """A 5xx is unknown, even with a body that would prove a refusal elsewhere.

    The request may have been carried out before the server failed. Ask for the status before believing the body.
    """
    told = it.samples.proving("applied", "pending", "refused", "not_applied", "unknown")
    for sample in [sample for sample in told if sample.response.status not in _SERVER_ERRORS]:
        for status in _SERVER_ERRORS:
            outcome = _error(it, sample.command, HttpResponse(status=status, body=sample.reply.body))
            if outcome is not None and not isinstance(outcome, Unknown):
                yield Fault(sample.name, f"with status {status} it is read as {_name(outcome)}")


def an_error_s_body_with_a_2xx_never_creates(it: Subject) -> Faults:
    """The body of an error never proves a creation, even with a 2xx.

    Look for what only a success has: its id, its code.
    """
    for sample in it.samples.proving("refused", "blocked", "not_applied", "unknown"):
        outcome = _effective(it, sample.command, HttpResponse(status=200, body=sample.reply.body))
        if isinstance(outcome, Applied | Pending):
            yield Fault(sample.name, f"with status 200 it is read as {_name(outcome)}")


def a_beginning_of_an_answer_proves_nothing(it: Subject) -> Faults:
    """An answer that was cut off proves nothing.

    Decode the whole body as JSON before reading anything of it.
    """
    for sample in it.samples.created:
        for beginning in bodies.beginnings(sample.response.body):
            outcome = _effective(it, sample.command, HttpResponse(status=200, body=beginning))
            if not isinstance(outcome, Unknown):
                yield Fault(sample.name, f"its first {len(beginning)} bytes are read as {_name(outcome)}")
                break


def a_value_of_a_wrong_type_is_no_refusal(it: Subject) -> Faults:
    """A value of a wrong type in a success makes no failure of it.

    The task may stand in the chart all the same. What is not the documented refusal is Unknown at worst.
    """
    for sample in it.samples.created:
        for at, body in bodies.spoilt(sample.response.body):
            outcome = _effective(it, sample.command, HttpResponse(status=sample.response.status, body=body))
            if not isinstance(outcome, Applied | Pending | Unknown):
                yield Fault(sample.name, f"a wrong value at {dotted(at)} makes it {_name(outcome)}")


def _commands(it: Subject) -> Iterator[Sent]:
    return (canaries.command(operation) for operation in it.adapter.operations)


def _errors(it: Subject) -> Iterator[tuple[Sent, str, HttpResponse]]:
    """Every unreadable body with every kind of error, and every sampled error with each of its values spoilt."""
    for command in _commands(it):
        for kind, body in bodies.UNREADABLE.items():
            for status in _ERRORS:
                yield command, kind, HttpResponse(status=status, body=body)
    for sample in [sample for sample in it.samples.answers if sample not in it.samples.created]:
        for at, body in bodies.spoilt(sample.response.body):
            what = f"a wrong value at {dotted(at)} of {sample.name}"
            yield sample.command, what, HttpResponse(status=sample.response.status, body=body)


def _effective(it: Subject, command: Sent, response: HttpResponse) -> Outcome:
    """What the gateway makes of an answer."""
    return of_answer(it.adapter, command, response, doubt=False)


def _error(it: Subject, command: Sent, response: HttpResponse) -> Outcome | None:
    """What the adapter makes of an error; None when it raises, which another check tells."""
    try:
        return it.adapter.parse_error(command, response)
    except Exception:  # noqa: BLE001 - see no_body_makes_an_error_raise
        return None


def _agree(found: Outcome, expected: Outcome) -> bool:
    if isinstance(found, NotApplied) and isinstance(expected, NotApplied):
        return found.retry_after == expected.retry_after
    if isinstance(found, Blocked) and isinstance(expected, Blocked):
        return found.code == expected.code
    return type(found) is type(expected)


def _name(outcome: Outcome) -> str:
    return type(outcome).__name__


GROUP = Group(
    title="Answers",
    checks=(
        an_unreadable_2xx_is_unknown,
        no_body_makes_an_error_raise,
        an_unreadable_error_proves_what_its_status_proves,
        an_error_status_never_creates,
        a_server_s_error_proves_nothing,
        an_error_s_body_with_a_2xx_never_creates,
        a_beginning_of_an_answer_proves_nothing,
        a_value_of_a_wrong_type_is_no_refusal,
    ),
)
