"""Two configurations held against each other by what each would do with the same command.

What is told names fields, connections and ids of ours, never a value: values are patients' data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

from msgspec import Struct

from gateway.rules.planning import Plan
from gateway.rules.reading import speakable
from schemas.delivery import Fate, Mapped
from schemas.private import Private
from schemas.problem import FieldError

DifferenceKind = Literal["refused", "taken", "reason", "clinic", "route", "held", "mapping"]
"""refused: taken here, and not there. taken: the other way round. reason: refused by both, for others. clinic: in
neither configuration. route: goes another way. held: waits, or no longer. mapping: a field ends otherwise."""

EXAMPLES = 3
"""How many ids a difference is shown with."""


class Planned(Private, frozen=True, kw_only=True):
    """What one configuration would do with a command. Only one that is not refused has a way for certain."""

    refusals: frozenset[str] = frozenset()
    way: Mapping[str, str] = {}
    fates: Mapping[str, tuple[Fate, str | None]] = {}
    """What becomes of each field, and its place there."""
    values: Mapping[str, Any] = {}
    """What goes out, by field."""
    text: str = ""
    """The field that folded ones join."""
    body: Any = None
    """The vendor request's, as it is shown to callers."""
    held: bool = False


NO_CLINIC = Planned(refusals=frozenset({"unknown-clinic: its clinic is not configured"}))
"""What a configuration does with the commands of a clinic that it does not have."""


class Difference(Struct, frozen=True):
    """One thing that would be otherwise, in words that are the same for every command it happens to."""

    kind: DifferenceKind
    what: str


class Differing(Struct, frozen=True, kw_only=True):
    """All stored commands of a clinic that one difference would happen to, and the newest ids."""

    clinic_id: str
    kind: DifferenceKind
    what: str
    count: int
    examples: tuple[str, ...]


def refused(errors: Iterable[FieldError]) -> Planned:
    """A command that is refused without a plan."""
    return Planned(refusals=frozenset(map(_reason, errors)))


def planned(plan: Plan, errors: Iterable[FieldError], report: Iterable[Mapped], *, body: Any, held: bool) -> Planned:
    """A command with a plan, sound or not. `report` is the plan's with what the adapter adds."""
    connection = plan.connection
    return Planned(
        refusals=frozenset(map(_reason, errors)),
        way={
            "connection": connection.name,
            "adapter": connection.adapter.name,
            "emr": connection.emr or "none",
            "account": connection.account.name,
            "address": connection.account.base_url,
        },
        fates={_spoken(each.field): (each.fate, each.place) for each in report},
        values={**plan.values, **{f"vendor_fields.{_spoken(key)}": value for key, value in plan.extras.items()}},
        text=plan.operation.text,
        body=body,
        held=held,
    )


def differences(here: Planned, there: Planned) -> list[Difference]:
    """What the other configuration would do otherwise than the present one."""
    if here == there == NO_CLINIC:
        return [Difference("clinic", "its clinic is in neither configuration")]
    if here.refusals or there.refusals:
        return _refusals(here.refusals, there.refusals)  # what is not sent has no way
    ways = [f"{part} {here.way[part]} -> {there.way[part]}" for part in here.way if here.way[part] != there.way[part]]
    return [
        *([Difference("route", ", ".join(ways))] if ways else []),
        *([Difference("held", "waits" if there.held else "waits no longer")] if here.held != there.held else []),
        *_mappings(here, there),
    ]


def _refusals(here: frozenset[str], there: frozenset[str]) -> list[Difference]:
    new, gone = sorted(there - here), sorted(here - there)
    if not here:
        return [Difference("refused", reason) for reason in new]
    kind: DifferenceKind = "reason" if there else "taken"
    also = [Difference("reason", f"also {reason}") for reason in new]
    return [*also, *(Difference(kind, f"no longer {reason}") for reason in gone)]


def _mappings(here: Planned, there: Planned) -> list[Difference]:
    """Fields that end otherwise, or go out with another value; or else a request that differs elsewhere.

    Another vendor has other words and another connection other ids: there only the fates are compared.
    """
    same = {part: here.way[part] == there.way[part] for part in here.way}
    mine, theirs = (_fates(each, with_place=same["adapter"]) for each in (here, there))
    fated = [field for field in dict.fromkeys((*mine, *theirs)) if mine.get(field) != theirs.get(field)]
    changed = [
        Difference("mapping", f"{field}: {mine.get(field, 'nothing')} -> {theirs.get(field, 'nothing')}")
        for field in fated
    ]
    if not (same["adapter"] and same["connection"]):
        return changed
    told = {*fated, here.text} if fated else set()  # what is folded elsewhere changes the text as well
    valued = [field for field in here.values if here.values[field] != there.values.get(field) and field not in told]
    changed += [Difference("mapping", f"{field}: another value") for field in valued]
    return changed or ([Difference("mapping", "the vendor's request")] if here.body != there.body else [])


def _fates(planned: Planned, *, with_place: bool) -> Mapping[str, str]:
    return {
        field: f"{fate} as {place}" if place and with_place else fate for field, (fate, place) in planned.fates.items()
    }


def _reason(error: FieldError) -> str:
    field = f": {_spoken(error.field)}" if error.field else ""
    return f"{error.code}{field}" + (f" ({error.source})" if error.source else "")


def _spoken(field: str) -> str:
    """A field's name; keys of a caller's own making may be anything."""
    return field if speakable(field) else "?"


def grouped(found: Iterable[tuple[str, str, Sequence[Difference]]]) -> tuple[Differing, ...]:
    """Differences of (clinic id, delivery id) put together: by clinic, the gravest kind and the most frequent first."""
    ids: dict[tuple[str, Difference], list[str]] = {}
    for clinic_id, delivery_id, each in found:
        for difference in each:
            ids.setdefault((clinic_id, difference), []).append(delivery_id)
    kinds = get_args(DifferenceKind)
    ranked = sorted(ids.items(), key=lambda item: (item[0][0], kinds.index(item[0][1].kind), -len(item[1])))
    return tuple(
        Differing(
            clinic_id=clinic_id,
            kind=difference.kind,
            what=difference.what,
            count=len(those),
            examples=tuple(those[:EXAMPLES]),
        )
        for (clinic_id, difference), those in ranked
    )
