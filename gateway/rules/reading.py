"""A caller's JSON object read as a command, with everything that is wrong with it found in one go.

What is wrong is said in the gateway's own words, never by repeating a value: callers' values are patients' data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from typing import Any, Generic, TypeVar, get_args

import msgspec
from msgspec import structs

from schemas.command import Patient, Priority, Source, Status
from schemas.private import Private
from schemas.problem import FieldError

C = TypeVar("C", bound=Private)

_NESTED: Mapping[str, type[Patient | Source]] = {"patient": Patient, "source": Source}
_CHOICES = {
    "priority": get_args(Priority),
    "status": get_args(Status),
    "outcome": ("created", "not_created"),
}
_FIRST_YEAR, _LAST_YEAR = 1900, 9900
"""Dates beyond these cannot be told in every timezone, and are no due dates."""
_SPEAKABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")
_PATH = re.compile(r" - at `\$(?P<path>.*)`$")
_STEP = re.compile(r"\[(?P<index>\d+|\.\.\.)\]|\.(?P<name>\w+)")


class Draft(Private, Generic[C], frozen=True, kw_only=True):
    """A command as far as it could be read.

    Where fields are missing or wrong, `errors` says so and the command holds what is right, so that the rules can find
    the rest of what is wrong; `command` is None when not even its clinic can be told.
    """

    command: C | None
    errors: tuple[FieldError, ...]


def read(posted: Mapping[str, Any], type_: type[C]) -> Draft[C]:
    """Read a posted object as a `type_`: a command, or another body that is all text and ids."""
    return at_once(posted, type_) or field_by_field(posted, type_)


def at_once(posted: Mapping[str, Any], type_: type[C]) -> Draft[C] | None:
    """The object, if nothing is wrong with it; nearly all are so, and it takes a third of the time."""
    fields: dict[str, Any] = {}
    for name, raw in posted.items():
        value = _given(name, raw)
        if value is not None:
            fields[name] = value
        elif isinstance(raw, list | dict) or name not in type_.__struct_fields__:
            return None
    try:
        command = msgspec.convert(fields, type_)
    except (ValueError, RecursionError):
        return None
    dates = (value for name, value in fields.items() if isinstance(getattr(command, name), datetime))
    return Draft(command=command, errors=()) if all(map(_in_range, dates)) else None


def _given(name: str, raw: Any) -> Any:
    """A field's value without what is not given; `vendor_fields` are the vendor's affair."""
    return raw if name == "vendor_fields" else given(raw, keep_blanks=name == "metadata")


def _in_range(date: Any) -> bool:
    return _FIRST_YEAR <= int(str(date)[:4]) <= _LAST_YEAR


def field_by_field(posted: Mapping[str, Any], type_: type[C]) -> Draft[C]:
    """The object as far as it can be read, with all that is wrong with it."""
    errors: list[FieldError] = []
    fields = _fields(posted, type_, "", errors)
    missing = [field.name for field in _shape(type_) if field.required and field.name not in fields]
    wrong = {error.pointer for error in errors}
    errors.extend(_missing(name, type_) for name in missing if f"/{name}" not in wrong)
    if "clinic_id" in missing:
        return Draft(command=None, errors=tuple(errors))
    return Draft(command=type_(**fields, **dict.fromkeys(missing, "")), errors=tuple(errors))


@cache
def _shape(type_: type[Private]) -> tuple[structs.FieldInfo, ...]:
    """The fields of a type; msgspec evaluates all of its annotations each time it is asked."""
    return structs.fields(type_)


def _missing(name: str, type_: type[Private]) -> FieldError:
    return FieldError(
        code="missing-required-fields",
        pointer=f"/{name}",
        field=name,
        source=f"schema: {type_.__name__}",
        detail="always required",
    )


def _fields(posted: Mapping[str, Any], type_: type[Private], at: str, errors: list[FieldError]) -> dict[str, Any]:
    known = {field.name: field for field in _shape(type_)}
    read_so_far: dict[str, Any] = {}
    for name, raw in posted.items():
        if name not in known:
            errors.append(_unknown(name, at, known))
            continue
        value = _given(name, raw)
        if value is None:
            if isinstance(raw, list | dict) and not _takes(known[name].type, type(raw)):
                errors.append(_invalid(name, at, ""))
            continue
        if name in _NESTED and isinstance(value, dict):
            nested = _fields(value, _NESTED[name], f"{at}/{name}", errors)
            if nested:
                read_so_far[name] = _NESTED[name](**nested)
            continue
        try:
            converted = msgspec.convert(value, known[name].type)
        except (msgspec.ValidationError, RecursionError) as error:
            errors.append(_invalid(name, at, str(error)))
            continue
        if isinstance(converted, datetime) and not _in_range(value):
            errors.append(_invalid(name, at, "out of range"))
            continue
        read_so_far[name] = converted
    return read_so_far


@cache
def _takes(type_: Any, container: type[Any]) -> bool:
    """Whether a field may hold a list, or an object; an empty one is not given then, and wrong where it may not."""
    try:
        msgspec.convert(container(), type_)
    except msgspec.ValidationError:
        return False
    return True


def given(value: Any, *, keep_blanks: bool = False) -> Any:
    """The value without what is not given: null, blank text, and lists and objects with nothing else in them."""
    match value:
        case str():
            return value if keep_blanks or value.strip() else None
        case list():
            return [kept for element in value if (kept := given(element)) is not None] or None
        case dict():
            kept = {key: given(each, keep_blanks=keep_blanks) for key, each in value.items()}
            return {key: each for key, each in kept.items() if each is not None} or None
        case _:
            return value


def speakable(name: str) -> bool:
    """Whether a caller's key is plainly a name, so that a problem may repeat it."""
    return _SPEAKABLE.match(name) is not None


def _unknown(name: str, at: str, known: Mapping[str, Any]) -> FieldError:
    near = get_close_matches(name, known, n=1)
    path = f"{at}/{name}" if speakable(name) else at
    return FieldError(
        code="unknown-field",
        pointer=path,
        field=path.strip("/").replace("/", ".") or None,
        source="schema",
        detail=f"did you mean {near[0]!r}?" if near else f"the fields here are {', '.join(sorted(known))}",
    )


def _invalid(name: str, at: str, said: str) -> FieldError:
    found = _PATH.search(said)
    rule = said[: found.start()] if found else said
    steps = _STEP.findall(found["path"]) if found else []
    inner = "".join(f"/{index or attribute}" for index, attribute in steps if index != "...")
    return FieldError(
        code="invalid-value",
        pointer=f"{at}/{name}{inner}",
        field=f"{at}/{name}".strip("/").replace("/", "."),
        source="schema",
        detail=_in_our_words(name, rule),
    )


def _in_our_words(name: str, rule: str) -> str:
    if name in _CHOICES:
        return f"one of {', '.join(_CHOICES[name])}"
    if name == "due_at":
        return "an RFC 3339 date and time with an offset, such as 2026-03-01T09:00:00-06:00"
    if rule.startswith("Expected `"):
        return rule[0].lower() + rule[1:].replace("`", "")
    return "not what this field takes"


def beside(known: Sequence[FieldError], further: Sequence[FieldError]) -> tuple[FieldError, ...]:
    """`known` and those of `further` that say something new: not again of a field that is wrong already."""
    wrong = {error.pointer for error in known if error.pointer}
    news = (
        error
        for error in further
        if error.pointer is None
        or not any(error.pointer == pointer or pointer.startswith(error.pointer + "/") for pointer in wrong)
    )
    return (*known, *news)
