"""Which delivery a sighting is of: one correlator for webhooks, lookups and late answers.

Order of evidence: the vendor's id; its `job_id` within connection and operation (the vendor's own samples reuse one
number); our own mark; then content, and that only where the sighting's ids belong to no delivery. Exactly one
candidate, or the sighting is parked: a wrong match would put one patient's result on another's task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from typing import Any

from msgspec import Struct

from gateway.rules.record import Record
from schemas.delivery import RESENDABLE
from schemas.outcome import Sighting

_TELLING = frozenset({"description", "text", "appointment_id"})
_BEGINNING = 20
"""A vendor may echo a text cut short; this many characters of it are enough to compare."""


class Match(Struct, frozen=True):
    """The one delivery that the sighting is of, and the evidence that says so."""

    delivery_id: str
    by: str


class Parked(Struct, frozen=True):
    """No delivery, or more than one, fits."""

    why: str


def correlate(sighting: Sighting, candidates: Iterable[Record]) -> Match | Parked:
    """The delivery among `candidates` (all of the sighting's connection that could be meant), or why none is."""
    pool = [record for record in candidates if sighting.operation in (None, record.operation)]
    tests = (("vendor id", _by_id), ("job id", _by_job), ("our mark", _by_mark))
    for by, fits in tests:
        found = [record for record in pool if fits(record, sighting)]
        if found:
            return _one(found, by)
    if not sighting.values:
        return Parked("no delivery has these ids")
    if any(_shares_an_id(record, sighting) for record in pool):
        return Parked("its ids contradict those of a delivery")
    alike = [record for record in pool if _by_content(record, sighting)]
    # What ended badly was proved, or found by a person, not to be there; so it comes second.
    return _one([record for record in alike if record.state not in RESENDABLE] or alike, "content")


def fits(record: Record, sighting: Sighting) -> bool:
    """Whether the sighting may be of this delivery, by any evidence."""
    tests = (_by_id, _by_job, _by_mark, _by_content)
    return sighting.operation in (None, record.operation) and any(test(record, sighting) for test in tests)


def _one(found: list[Record], by: str) -> Match | Parked:
    if len(found) == 1:
        return Match(found[0].id, by)
    return Parked(f"{len(found)} deliveries fit by {by}" if found else "no delivery fits")


def _by_id(record: Record, sighting: Sighting) -> bool:
    seen, known = sighting.ids, record.ids
    if "id" in seen and "id" in known:
        return seen["id"] == known["id"]
    return "emr_id" in seen and seen["emr_id"] == known.get("emr_id")


def _by_job(record: Record, sighting: Sighting) -> bool:
    job = sighting.ids.get("job_id")
    return job is not None and job == record.job_id and not _contradicts(record, sighting)


def _contradicts(record: Record, sighting: Sighting) -> bool:
    known = record.ids
    return any(name in known and known[name] != value for name, value in sighting.ids.items())


def _shares_an_id(record: Record, sighting: Sighting) -> bool:
    known = record.ids
    return any(name in known and known[name] == value for name, value in sighting.ids.items())


def _by_mark(record: Record, sighting: Sighting) -> bool:
    return sighting.ref is not None and sighting.ref == record.id


def _by_content(record: Record, sighting: Sighting) -> bool:
    """Only a delivery that was sent and has no vendor id yet, nor another id that differs; all echoes must be equal."""
    return (
        record.attempted
        and record.vendor_id is None
        and not _contradicts(record, sighting)
        and sighting.ref in (None, record.id)
        and not sighting.refs
        and echoes(sighting.values, record.values)
    )


def echoes(seen: Mapping[str, Any], ours: Mapping[str, Any]) -> bool:
    """Whether every field the vendor echoes equals what we sent, white space aside; the text must be among them."""
    equal = (path in ours and _alike(path, theirs, ours[path]) for path, theirs in seen.items())
    return not _TELLING.isdisjoint(seen) and all(equal)


def _alike(path: str, theirs: Any, ours: Any) -> bool:
    if isinstance(theirs, list) and isinstance(ours, list):
        return bool(theirs) and sorted(map(str, theirs)) == sorted(map(str, ours[: len(theirs)]))
    seen, sent = " ".join(str(theirs).split()), " ".join(str(ours).split())
    cut_short = path in {"description", "text"} and len(seen) >= _BEGINNING and sent.startswith(seen)
    return seen == sent or cut_short


_ANCHORS = frozenset({"patient.mrn", "patient.id", "encounter_note_id", "appointment_id", "emr_task_id"})
_SIMILAR = 0.6
_COMPARED = 2000
"""So many characters of a text are compared for likeness."""


def could_be(record: Record, sighting: Sighting) -> bool:
    """Whether the sighting may be of this delivery after all, though it does not match: somebody may have edited it.

    Too much here costs a person's look; too little, a second entry in a patient's chart. What it hangs on must be the
    same; its text need only be like ours.
    """
    if sighting.operation not in {None, record.operation} or _contradicts(record, sighting):
        return False
    if sighting.ref is not None:
        return sighting.ref == record.id
    if record.id in sighting.refs:
        return True
    ours, theirs = record.values, sighting.values
    if any(path in ours and not _alike(path, theirs[path], ours[path]) for path in _ANCHORS & theirs.keys()):
        return False
    return all(_resembles(theirs[path], ours.get(path)) for path in ("description", "text") if path in theirs)


def _resembles(theirs: Any, ours: Any) -> bool:
    """Whether one text holds the other, however much was written around it, or is much like it."""
    seen, sent = (" ".join(str(text or "").split()).casefold() for text in (theirs, ours))
    if seen in sent or sent in seen:
        return True
    return SequenceMatcher(None, seen[:_COMPARED], sent[:_COMPARED]).ratio() >= _SIMILAR
