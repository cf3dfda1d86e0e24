"""Answers as a vendor may word them next year, or words them already elsewhere: what is tolerated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.base import Applied, HttpResponse, Outcome, Pending, Unknown
from gateway.conformance import bodies
from gateway.conformance.check import Fault, Faults, Group, Subject
from gateway.conformance.samples import AnswerSample
from gateway.files.source import Spot, dotted
from gateway.rules.verdict import of_answer

_FORMS: tuple[Any, ...] = (4711, "4711", 2**70, str(2**70), "AbC-4711/d")
_NO_IDS: tuple[Any, ...] = (None, "", [], {}, True)


def new_fields_change_nothing(it: Subject) -> Faults:
    """Fields that the vendor adds to an answer change nothing.

    Read into Structs that do not forbid unknown fields, and name only what is needed.
    """
    for sample in it.samples.answers:
        document = bodies.document(sample.response.body)
        if document is not None and _read(it, sample, bodies.grown(document)) != _read(it, sample, document):
            yield Fault(sample.name, "is read otherwise with fields that no page names")


def new_words_lose_no_creation(it: Subject) -> Faults:
    """A word that no page names, beside the id of what was created, loses no creation.

    Type such fields as `str`, not as an enum, and map the words you know with a default ("other").
    """
    for sample in _created(it):
        document, ids = bodies.document(sample.response.body), _ids(sample)
        depth = min((len(at) for at, value in bodies.leaves(document) if str(value) in ids), default=0)
        for at, value in bodies.leaves(document):
            if isinstance(value, str) and value not in ids and len(at) >= depth > 0:
                outcome = _read(it, sample, bodies.replaced(document, at, "brand-new"))
                if not isinstance(outcome, Applied | Pending) or outcome.ids != sample.outcome["ids"]:
                    yield Fault(sample.name, f"'brand-new' at {dotted(at)} makes it {type(outcome).__name__}")


def an_id_is_text_however_it_came(it: Subject) -> Faults:
    """An id is a string whether the vendor writes it as a number or as text.

    Type it `str | int` and return `str(...)` of it; never through a float.
    """
    for sample in _created(it):
        document = bodies.document(sample.response.body)
        for at in _id_places(sample, document):
            for form in _FORMS:
                outcome = _read(it, sample, bodies.replaced(document, at, form))
                if not isinstance(outcome, Applied | Pending) or str(form) not in outcome.ids.values():
                    yield Fault(sample.name, f"{form!r} at {dotted(at)} is not read as '{form}'")


def a_blank_id_is_no_id(it: Subject) -> Faults:
    """What has no id is unknown: null, blank and things that are no id are not taken for one.

    `str(None)` is "None". Let a Struct of `str | int` refuse them, and return Unknown where the id is empty.
    """
    for sample in _created(it):
        document = bodies.document(sample.response.body)
        places = _id_places(sample, document)
        for blank in _NO_IDS if places else ():
            changed = document
            for at in places:
                changed = bodies.replaced(changed, at, blank)
            outcome = _read(it, sample, changed)
            if not isinstance(outcome, Unknown):
                yield Fault(sample.name, f"with {blank!r} for each id it is read as {type(outcome).__name__}")


def ids_are_found_where_samples_show_them(it: Subject) -> Faults:
    """Where the samples show ids at the top and under `data`, every success is read in both shapes.

    Look in both places for each id, not in the one that the first key suggests.
    """
    for operation in it.adapter.operations:
        samples = [sample for sample in it.samples.created if sample.operation == operation.name]
        shapes = {sample.name: _shape(sample) for sample in samples}
        if {"top", "data"} <= set(shapes.values()):
            for sample in samples:
                outcome = _read(it, sample, _turned(sample))
                if not isinstance(outcome, Applied | Pending) or outcome.ids != sample.outcome["ids"]:
                    other = "under data" if shapes[sample.name] == "top" else "at the top"
                    yield Fault(sample.name, f"its ids are not found {other}")


def moments_in_any_form_change_nothing(it: Subject) -> Faults:
    """A moment in another form loses no answer.

    Vendors change how they write times, and nothing here depends on theirs: leave them out of the Structs.
    """
    for sample in it.samples.answers:
        document = bodies.document(sample.response.body)
        before = _read(it, sample, document)
        for at, value in bodies.leaves(document):
            for form in bodies.CLOCKS if bodies.is_moment(value) else ():
                outcome = _read(it, sample, bodies.replaced(document, at, form))
                if outcome != before:
                    yield Fault(sample.name, f"{form!r} at {dotted(at)} makes it {type(outcome).__name__}")


def _created(it: Subject) -> list[AnswerSample]:
    """The samples of successes that are read as such; of others the samples' own checks tell."""
    read = ((sample, _read(it, sample, bodies.document(sample.response.body))) for sample in it.samples.created)
    return [sample for sample, outcome in read if isinstance(outcome, Applied | Pending)]


def _read(it: Subject, sample: AnswerSample, document: Any) -> Outcome:
    reply: HttpResponse = msgspec.structs.replace(sample.reply, body=bodies.encoded(document))
    return of_answer(it.adapter, sample.command, reply, doubt=False)


def _ids(sample: AnswerSample) -> frozenset[str]:
    told: Mapping[str, str] = sample.outcome.get("ids", {})
    return frozenset(told.values())


def _id_places(sample: AnswerSample, document: Any) -> list[Spot]:
    """Where the answer's ids stand in its body; where no key ends with "id", every text that reads the same."""
    places = [at for at, value in bodies.leaves(document) if str(value) in _ids(sample)]
    return [at for at in places if str(at[-1]).lower().endswith("id")] or places


def _shape(sample: AnswerSample) -> str:
    places = _id_places(sample, bodies.document(sample.response.body))
    if places and all(len(at) == 1 for at in places):
        return "top"
    return "data" if places and all(at[:-1] == ("data",) for at in places) else "other"


def _turned(sample: AnswerSample) -> Any:
    """The answer with its ids under `data` where they stood at the top, and the other way round."""
    document = bodies.document(sample.response.body)
    places = _id_places(sample, document)
    if _shape(sample) == "top":
        ids = {at[0]: document[at[0]] for at in places}
        rest = {key: value for key, value in document.items() if key not in ids}
        return {**rest, "data": {**rest.get("data", {}), **ids}}
    ids = {at[1]: document["data"][at[1]] for at in places}
    kept = {key: value for key, value in document["data"].items() if key not in ids}
    return {**document, "data": kept, **ids}


GROUP = Group(
    title="Tolerance",
    checks=(
        new_fields_change_nothing,
        new_words_lose_no_creation,
        an_id_is_text_however_it_came,
        a_blank_id_is_no_id,
        ids_are_found_where_samples_show_them,
        moments_in_any_form_change_nothing,
    ),
)
