"""Names of the clinic's directory, turned into the ids one connection knows."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from msgspec import Struct

from gateway.rules.clinic import Clinic
from schemas.problem import FieldError

_DIRECT = "id:"


class Named(Struct, frozen=True):
    """One person as the caller named them: the ids here (several for a team, none if not known here), and a name."""

    ids: tuple[str, ...]
    display: str


def find(clinic: Clinic, connection: str, name: str) -> Named | None:
    """The person of the directory, or the vendor's own id behind `id:`; None for anything else."""
    if name.startswith(_DIRECT) and len(name) > len(_DIRECT):
        direct = name.removeprefix(_DIRECT)
        return Named((direct,), direct)
    person = clinic.people.get(name)
    return Named(person.ids.get(connection, ()), person.name) if person else None


def unknown(clinic: Clinic, name: str, pointer: str, field: str) -> FieldError:
    """The problem of a name that nobody has, with the nearest one that somebody has."""
    near = get_close_matches(name, clinic.people, n=1)
    hint = (
        f"did you mean {near[0]!r}?" if near else f"the directory has: {', '.join(sorted(clinic.people)) or 'nobody'}"
    )
    return FieldError(
        code="unknown-person", pointer=pointer, field=field, source=f"clinic: {clinic.id} (people)", detail=hint
    )


def displayed(people: Sequence[Named]) -> str:
    """Their names as folded text shows them."""
    return ", ".join(person.display for person in people)
