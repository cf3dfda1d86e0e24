"""Whose a thing at the vendor is that bears a mark of ours, where staff have copied marks from one onto another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import structs

from gateway.rules.correlate import could_be, echoes
from gateway.rules.record import Record
from schemas.outcome import Sighting


def borne(sighting: Sighting) -> tuple[str, ...]:
    """Every mark of ours on a thing."""
    return (*([sighting.ref] if sighting.ref is not None else []), *sighting.refs)


def copied(listed: Sequence[Sighting]) -> frozenset[str]:
    """The marks that stand beside another, or on several things: some were copied."""
    on: defaultdict[str, set[str | None]] = defaultdict(set)
    for sighting in listed:
        for mark in borne(sighting):
            on[mark].add(sighting.ids.get("id"))
    beside = {mark for sighting in listed for mark in borne(sighting) if len(borne(sighting)) > 1}
    return frozenset(beside | {mark for mark, things in on.items() if len(things) > 1})


def told_apart(listed: Sequence[Sighting], marked: Mapping[str, Record]) -> list[Sighting]:
    """What is listed, with a mark only where it can be believed; `marked` are the deliveries of the copied ones.

    A copied mark is that of the thing that says what its delivery says, if no other that bears it could be that one
    edited. Else the marks match nothing: they only say what the thing may be.
    """
    doubtful = copied(listed)
    likely: defaultdict[str, set[str | None]] = defaultdict(set)
    for sighting in listed:
        for mark in doubtful.intersection(borne(sighting)) & marked.keys():
            own = sighting.ids.get("id")
            if own != marked[mark].vendor_id and could_be(marked[mark], Sighting(says="other", values=sighting.values)):
                likely[mark].add(own)

    def is_own(mark: str, sighting: Sighting) -> bool:
        alone = likely[mark] == {sighting.ids.get("id")}
        return alone and echoes(sighting.values, marked[mark].values)

    def told(sighting: Sighting) -> Sighting:
        marks = borne(sighting)
        if doubtful.isdisjoint(marks):
            return sighting
        own = [mark for mark in marks if is_own(mark, sighting)]
        if len(own) == 1:
            return structs.replace(sighting, ref=own[0], refs=())
        return structs.replace(sighting, ref=None, refs=marks)

    return [told(sighting) for sighting in listed]


def says_another(sighting: Sighting, marked: Record, others: Iterable[Record]) -> bool:
    """Whether a thing with the mark of a delivery says what one of the others says, and not what its own does."""
    return not echoes(sighting.values, marked.values) and any(
        other.id != marked.id and echoes(sighting.values, other.values) for other in others
    )
