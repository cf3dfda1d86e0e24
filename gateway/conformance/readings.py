"""What reading gives has the types that it says, whatever was read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, get_args

import msgspec

from adapters.base import HttpResponse, Outcome, Page, Sighting
from gateway.conformance import answers, errors
from gateway.conformance.bent import changed, with_words
from gateway.conformance.calls import result
from gateway.conformance.check import Fault, Faults, Group, Subject, once_a_place

_IDS = frozenset({"id", "emr_id", "job_id"})
Read = tuple[str, str, object]
"""Where something is from, what it is, and what it was read as."""


@once_a_place
def an_outcome_has_its_types(it: Subject) -> Faults:
    """Every answer is read as an outcome whose parts have their types.

    Return one of the six on every path. `code` and `message` are texts: where the vendor writes null, leave `message`
    out. `ids` holds texts under `id`, `emr_id` and `job_id`; `str(...)` makes one of a number.
    """
    for where, what, outcome in _outcomes(it):
        if why := _malformed(outcome, get_args(Outcome)):
            yield Fault(where, f"{what} is read as {why}")


@once_a_place
def a_sighting_has_its_types(it: Subject) -> Faults:
    """Every look is read as a Page, every webhook as Sightings, whose parts have their types.

    Return a Page on every path of `parse_lookup`, and a list or tuple on every path of `parse_webhook`. `ids` holds
    texts under `id`, `emr_id` and `job_id`; what the vendor writes null for is left out.
    """
    for where, what, page in _pages(it):
        sightings = page.sightings if isinstance(page, Page) else ()
        for why in filter(None, (_malformed(page, (Page,)), *(_malformed(each, (Sighting,)) for each in sightings))):
            yield Fault(where, f"{what} is read as {why}")
    for where, what, told in _webhooks(it):
        if isinstance(told, Exception):
            continue
        if not isinstance(told, list | tuple):
            yield Fault(where, f"{what} is read as {type(told).__name__}, no list or tuple")
            continue
        for why in filter(None, (_malformed(each, (Sighting,)) for each in told)):
            yield Fault(where, f"{what} is read as {why}")


def _outcomes(it: Subject) -> Iterator[Read]:
    yield from ((where, what, found) for where, _, what, found in errors.read(it))
    for where, command, what, response in answers.told(it):
        yield where, f"{response.status} {what}", result(partial(it.adapter.parse_success, command, response))


def _pages(it: Subject) -> Iterator[Read]:
    samples = ((sample, sample.response.body, sample.operation) for sample in it.samples.lookups)
    for sample, body, words in with_words(samples, it.words):
        for what, other in changed(body, words):
            response = HttpResponse(status=200, body=other)
            page = result(partial(it.adapter.parse_lookup, sample.command, response))
            yield sample.name, f"a page with {what}", page


def _webhooks(it: Subject) -> Iterator[Read]:
    samples = ((sample, sample.webhook.body, "") for sample in it.samples.webhooks)
    for sample, body, words in with_words(samples, it.words):
        for what, other in changed(body, words):
            told = result(partial(it.adapter.parse_webhook, sample.webhook.headers, other))
            yield sample.name, f"a webhook with {what}", told


def _malformed(value: Any, kinds: tuple[type, ...]) -> str | None:
    """What is wrong with the types of something that was read; what raised was not read, and is told elsewhere."""
    name = type(value).__name__
    if isinstance(value, Exception):
        return None
    if not isinstance(value, kinds):
        return f"{name}, no {' or '.join(kind.__name__ for kind in kinds)}"
    try:
        read = msgspec.convert(msgspec.to_builtins(value), type(value))
    except (msgspec.ValidationError, TypeError) as error:
        return f"{name}: {error}"
    unheard = set(getattr(read, "ids", ())) - _IDS
    return f"{name} with an id called '{min(unheard)}'" if unheard else None


GROUP = Group(title="Readings", checks=(an_outcome_has_its_types, a_sighting_has_its_types))
