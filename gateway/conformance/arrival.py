"""What was given arrives: every value of every field, alone and beside others, and nothing of it changed."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain, combinations
from typing import Any

import msgspec

from adapters.base import HttpRequest, Operation
from gateway.conformance import bodies, canaries
from gateway.conformance.check import Fault, Faults, Group, Subject, once_a_place
from gateway.conformance.requests import NOTHING, at
from schemas.command import CANONICAL, LISTS

_TEXTS = (
    "4711", "00123", "9" * 30, "u-17", "Abc/Def", "null", "0", "True", " before and behind ", "two  spaces, a\ttab",
    "one line\n\nanother\r\nand one more\n", "Zoë Müller, 漢字 and 🩺", "e\u0301 is not é",
    "non\u00a0breaking\u2028line",
    "<b>&amp;</b> \"quoted\" 'twice' \\n", "100% of {braces} and $signs", "a, b; c | d", "x" * 255,
)  # fmt: skip
"""Texts that callers send, and that careless code changes."""
_LISTS = (
    ["b"], ["b", "a", "c"], ["2", "10", "1"], ["Alpha", "alpha", " alpha "], ["Zoë", "two  spaces", "a, b"],
    [str(number) for number in range(100, 0, -1)],
)  # fmt: skip
_MOMENTS = (
    "2031-02-03T04:05:06Z", "2031-02-03T00:00:00Z", "2032-05-06T07:08:09-06:00", "2031-12-31T23:59:59+05:30",
    "2031-02-03T04:05:06.789012-07:00",
)  # fmt: skip
_FREE = frozenset(chain.from_iterable(CANONICAL.values())) - LISTS - canaries.WORDS.keys() - {"due_at"}
"""The fields that hold any text."""
_MILLISECONDS = 10**11
"""A number above this counts milliseconds since 1970, one below it seconds."""
_SHOWN = 60


def every_place_reaches_the_wire(it: Subject) -> Faults:
    """Every field that has a place reaches the wire: alone, beside any other, and beside all of them.

    Build the body with `super().build_request(...)` or `place(...)` and add to that; a field that is left out would be
    reported as sent all the same.
    """
    for operation in it.adapter.operations:
        given = {path: canaries.value(path) for path, spot in operation.places.items() if spot.wire is not None}
        alone = {path: list(_lost(it, operation, {path: value})) for path, value in given.items()}
        yield from chain.from_iterable(alone.values())
        arriving = [path for path, lost in alone.items() if not lost]
        for paths in (*combinations(arriving, 2), arriving):
            yield from _lost(it, operation, {path: given[path] for path in paths})


@once_a_place
def a_text_arrives_as_it_was_given(it: Subject) -> Faults:
    """A text arrives as it was given, with its spaces, line breaks, signs and zeros, whatever it says.

    Hand it on as it is: neither strip, cut, escape nor normalise it, and look it up nowhere. A text that the vendor
    does not take is the vendor's to refuse; a field whose words are the vendor's own is FOLDED.
    """
    for operation, path in _placed(it, _FREE):
        for text in (*_TEXTS, *it.words):
            yield from _lost(it, operation, {path: text})


@once_a_place
def a_list_arrives_whole_and_in_order(it: Subject) -> Faults:
    """A list arrives whole and in its order, as far as the place takes it (`most`).

    Neither sort nor thin it out; what you add goes behind what was given.
    """
    for operation, path in _placed(it, LISTS):
        for given in (*_LISTS, list(it.words)):
            yield from _lost(it, operation, {path: given})


def a_due_date_stays_the_moment_that_it_was(it: Subject) -> Faults:
    """A due date stays the moment that it was, to the second.

    It is RFC 3339 with an offset, or seconds or milliseconds since 1970; without an offset it is taken for UTC. A
    vendor that takes a day alone gets `due_at` FOLDED: the text then says day and time.
    """
    for operation, path in _placed(it, {"due_at"}):
        for moment in _MOMENTS:
            yield from _lost(it, operation, {path: moment})


def each_word_of_ours_has_one_of_the_vendor_s(it: Subject) -> Faults:
    """Each word of ours (priority, status) is sent, and no two of them as the same.

    Map every word. A vendor that has fewer of them gets the field FOLDED, so that the text says which one it was.
    """
    for operation, path in _placed(it, canaries.WORDS):
        sent: dict[str, str] = {}
        for word in canaries.WORDS[path]:
            if lost := list(_lost(it, operation, {path: word})):
                yield from lost
                continue
            wire = repr(_wires(it, operation, {path: word})[path])
            if sent.setdefault(wire, word) != word:
                yield Fault(f"{operation.name}: {path}", f"'{sent[wire]}' and '{word}' are both sent as {wire}")


def words_that_the_vendor_spells_otherwise_stand_in_a_sample(it: Subject) -> Faults:
    """Words of ours that the vendor spells otherwise stand in a sample, each with the vendor's own.

    Write them into a sample of the operation, from the page: `"words": {"priority": {"low": 4, "medium": 3, ...}}`.
    """
    for operation, path in _placed(it, canaries.WORDS):
        told = dict(_sampled(it, operation, path))
        for word in canaries.WORDS[path]:
            wire = _wires(it, operation, {path: word})[path]
            if word in told and told[word] != wire:
                yield Fault(f"{operation.name}: {path}", f"'{word}' is sent as {wire!r}, a sample has {told[word]!r}")
            if word not in told and wire != word:
                yield Fault(f"{operation.name}: {path}", f"'{word}' is sent as {wire!r}, which no sample shows")


def _sampled(it: Subject, operation: Operation, path: str) -> Iterator[tuple[str, Any]]:
    """The words of ours that samples show for a field, and the vendor's for each."""
    for sample in it.samples.answers:
        if sample.operation == operation.name:
            yield from sample.words.get(path, {}).items()
            if sample.request is not None and path in sample.sent.values:
                told = HttpRequest(method="", url="", json=sample.request.body, form=sample.request.form)
                yield sample.sent.values[path], at(told, str(operation.places[path].wire))


def _placed(it: Subject, among: Container[str]) -> Iterator[tuple[Operation, str]]:
    """Each of these fields that has a place at the vendor, with its operation."""
    for operation in it.adapter.operations:
        for path, spot in operation.places.items():
            if spot.wire is not None and path in among:
                yield operation, path


def _lost(it: Subject, operation: Operation, given: Mapping[str, Any]) -> Faults:
    """What does not arrive of the values given."""
    where = f"{operation.name}: {' with '.join(given) if len(given) < len(operation.places) else 'all fields'}"
    try:
        wires = _wires(it, operation, given)
    except Exception as error:  # noqa: BLE001 - whatever it raises is the fault
        yield Fault(where, f"{', '.join(map(_shown, given.values()))} raises {type(error).__name__}")
        return
    for path, value in given.items():
        wire, spot = wires[path], operation.places[path]
        if wire is NOTHING or wire is None:
            yield Fault(where, f"nothing stands at '{spot.wire}' for {_shown(value)}")
        elif not _is(path, value[: spot.most] if path in LISTS else value, wire):
            yield Fault(where, f"'{spot.wire}' holds {_shown(wire)} for {_shown(value)}")


def _wires(it: Subject, operation: Operation, given: Mapping[str, Any]) -> dict[str, Any]:
    """What stands at the vendor's name of each field, as it will be sent."""
    request = it.adapter.build_request(canaries.command(operation, given=given), canaries.link(it.adapter))
    sent = msgspec.structs.replace(request, json=msgspec.json.decode(msgspec.json.encode(request.json)))
    return {path: at(sent, str(operation.places[path].wire)) for path in given}


def _is(path: str, given: Any, wire: Any) -> bool:
    """Whether what is sent is what was given, be it wrapped in objects, or a number in place of its digits."""
    if path in canaries.WORDS:
        return True
    if path == "due_at":
        return _moment(wire) == datetime.fromisoformat(given).replace(microsecond=0)
    wanted = given if isinstance(given, list) else [given]
    held = [str(value) for _, value in bodies.leaves([wire])]
    if len(held) == 1 < len(wanted):  # a form has no lists; the vendor wants them joined
        return _in_order(held[0], wanted)
    return [text for text in held if text in wanted] == wanted


def _in_order(text: str, wanted: list[str]) -> bool:
    for part in wanted:
        if part not in text:
            return False
        text = text.partition(part)[2]
    return True


def _moment(wire: Any) -> datetime | None:
    """The moment that is sent, to the second; None where it is none."""
    if isinstance(wire, int | float):
        return datetime.fromtimestamp(wire // (1000 if wire > _MILLISECONDS else 1), UTC)
    try:
        moment = datetime.fromisoformat(str(wire)).replace(microsecond=0)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"


GROUP = Group(
    title="Arrival",
    checks=(
        every_place_reaches_the_wire,
        a_text_arrives_as_it_was_given,
        a_list_arrives_whole_and_in_order,
        a_due_date_stays_the_moment_that_it_was,
        each_word_of_ours_has_one_of_the_vendor_s,
        words_that_the_vendor_spells_otherwise_stand_in_a_sample,
    ),
)
