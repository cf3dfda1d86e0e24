"""What must not leak: credentials and patient text, in anything that a log or a traceback could print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from adapters.base import Sent
from gateway.conformance import bodies, canaries
from gateway.conformance.calls import Call, building, reading, result
from gateway.conformance.canaries import PATIENT, leaks
from gateway.conformance.check import Fault, Faults, Group, Subject
from gateway.conformance.samples import AT
from gateway.conformance.signatures import DIGEST
from gateway.files.source import Spot, dotted

_TELLING = frozenset({"title", "description", "text", "patient.mrn", "patient.id"})
"""The fields that hold patient text."""
_HIDDEN = frozenset({"message", "reason", "values"})
"""The parts of a reading that may hold patient text; they do not print."""


def nothing_that_is_built_prints_a_secret_or_a_patient(it: Subject) -> Faults:
    """Nothing that is built prints a secret or patient text.

    Use HttpRequest and Secret as they are; a Struct of your own that holds either must not print it.
    """
    way = canaries.link(it.adapter)
    commands = [
        Sent(
            ref="tsk_1",
            operation=operation.name,
            values={path: PATIENT if path in _TELLING else canaries.value(path) for path in operation.places},
            at=AT,
            ids={"id": PATIENT},
        )
        for operation in it.adapter.operations
    ]
    built = [(name, result(call)) for name, call in building(it, commands) if name != "headers"]
    for where, value in (("account", way.account), ("connection", way.connection), ("link", way), *built):
        if found := leaks(value):
            yield Fault(where, f"{type(value).__name__} prints {', '.join(found)}")


def nothing_that_is_read_prints_a_patient(it: Subject) -> Faults:
    """Nothing that is read prints patient text, and no code holds any.

    Vendors echo what was sent. `message`, `reason` and `values` do not print; `code` does, so it is a word of yours.
    """
    for where, read in _readings(it):
        value = result(read)
        if not isinstance(value, Exception):
            shown = [value, getattr(value, "code", ""), *(value if isinstance(value, Sequence) else ())]
            if any(leaks(part) for part in shown):
                yield Fault(where, f"{type(value).__name__} prints what the vendor wrote there")


def no_error_quotes_what_it_could_not_read(it: Subject) -> Faults:
    """No exception quotes the body that could not be read.

    A traceback reaches the log. Let msgspec raise, or raise ValueError with words of your own.
    """
    for where, read in _readings(it):
        error = result(read)
        if isinstance(error, Exception) and leaks(error):
            yield Fault(where, f"{type(error).__name__} quotes what the vendor wrote there")
    for body in (f'"{PATIENT}"'.encode(), f'{{"{PATIENT}": "{PATIENT}"'.encode(), f"{PATIENT} \xff".encode("latin-1")):
        for name, call in reading(it, body):
            error = result(call)
            if isinstance(error, Exception) and leaks(error):
                yield Fault(name, f"{type(error).__name__} quotes the body")


def no_bad_signature_tells_the_good_one(it: Subject) -> Faults:
    """What is raised for a bad signature tells neither the good one, nor the secret, nor the body.

    Say which header does not match, and nothing of what was expected.
    """
    for sample in it.samples.webhooks:
        given = sample.webhook.headers
        digests = [found for text in given.values() for found in DIGEST.findall(text)]
        held = [text for text in (*digests, sample.webhook.secret, sample.webhook.body) if text]
        for headers in ({}, {name: DIGEST.sub("0" * 64, text) for name, text in given.items()}):
            call = partial(it.adapter.verify_webhook, headers, sample.body, [sample.secret], sample.webhook.at)
            error = result(call)
            told = "".join(map(str, (error, getattr(error, "__cause__", ""), getattr(error, "__context__", ""))))
            if any(text in told for text in held):
                yield Fault(sample.name, f"{type(error).__name__} tells what was expected")


def _readings(it: Subject) -> Iterator[Call]:
    """Each sample read with patient text in each of its texts in turn, but those that are told as they came."""
    for answer in it.samples.answers:
        succeeded = 200 <= answer.response.status < 300  # noqa: PLR2004 - the class of successes
        parse = it.adapter.parse_success if succeeded else it.adapter.parse_error
        for at, body in _marked(answer.response.body, answer.outcome):
            yield f"{answer.name}: {dotted(at)}", partial(parse, answer.command, replace(answer.reply, body=body))
    for look in it.samples.lookups:
        for at, body in _marked(look.response.body, msgspec.to_builtins(look.lookup.sightings)):
            call = partial(it.adapter.parse_lookup, look.command, replace(look.reply, body=body))
            yield f"{look.name}: {dotted(at)}", call
    for hook in it.samples.webhooks:
        for at, body in _marked(hook.webhook.body, hook.sightings):
            yield f"{hook.name}: {dotted(at)}", partial(it.adapter.parse_webhook, hook.webhook.headers, body)


def _marked(body: str, told: Any) -> Iterator[tuple[Spot, bytes]]:
    document, plain = bodies.document(body), set(_printed(told))
    for at, value in bodies.leaves(document):
        if isinstance(value, str) and value not in plain:
            yield at, bodies.encoded(bodies.replaced(document, at, f"{PATIENT} {value}"))


def _printed(told: Any) -> Iterator[str]:
    """The texts of a reading that are told as they came: ids, codes, references."""
    if isinstance(told, Mapping):
        for key, value in told.items():
            if key not in _HIDDEN:
                yield from _printed(value)
    elif isinstance(told, str):
        yield told
    elif isinstance(told, Sequence):
        for value in told:
            yield from _printed(value)


GROUP = Group(
    title="Privacy",
    checks=(
        nothing_that_is_built_prints_a_secret_or_a_patient,
        nothing_that_is_read_prints_a_patient,
        no_error_quotes_what_it_could_not_read,
        no_bad_signature_tells_the_good_one,
    ),
)
