"""What a type of the configuration expects, in words, and why a value does not fit it; never with the value's text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from gateway.files.references import FORMS
from schemas.private import Secret
from schemas.words import NOT_BLANK

_NOUNS: Mapping[type, str] = {
    dict: "a mapping", list: "a list", tuple: "a list", str: "text", bool: "true or false", int: "a whole number",
    float: "a number", Secret: f"a secret, {FORMS}",
}  # fmt: skip
_GOT: Mapping[type, str] = {**_NOUNS, int: "a number", float: "a fraction", NoneType: "nothing"}
_TRUTHS = {"true": ("true", "yes", "on", "y"), "false": ("false", "no", "off", "n")}
_NUMERIC = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


@lru_cache
def struct_fields(kind: type[Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """A Struct's fields."""
    return msgspec.structs.fields(kind)


@lru_cache
def bare_type(kind: Any) -> tuple[Any, Meta | None]:
    """A type without its annotation, and the annotation that is nearest to it."""
    if get_origin(kind) is Annotated:
        bare, *notes = get_args(kind)
        return bare, next((note for note in notes if isinstance(note, Meta)), None)
    return kind, None


def wanted(kind: Any) -> str:
    """What a type expects, in words."""
    bare, meta = bare_type(kind)
    origin = get_origin(bare) or bare
    if origin in (Union, UnionType):
        return wanted(get_args(bare)[0])
    if origin is Literal:
        words = get_args(bare)
        return f"one of {', '.join(map(str, words))}" if len(words) > 1 else str(words[0])
    if isinstance(origin, type) and issubclass(origin, Struct):
        names = [field.encode_name for field in struct_fields(origin) if field.required]
        return f"a mapping with {', '.join(names)}" if names else "a mapping"
    form = meta.description if meta and bare in (str, int, float) else None
    return f"{form or _NOUNS.get(origin, 'another value')}{_limits(meta)}"


def described(kind: Any) -> str:
    """What a type expects, and what for."""
    notes = [note for note in get_args(kind)[1:] if isinstance(note, Meta) and note.description]
    says = notes[-1].description if get_origin(kind) is Annotated and notes else None
    words = wanted(kind)
    return words if says is None or says in words else f"{words} ({says[0].lower()}{says[1:]})"


def _limits(meta: Meta | None) -> str:
    """What a number is held to, as the end of a phrase."""
    if meta is None:
        return ""
    limits = [("above", meta.gt), ("at least", meta.ge), ("at most", meta.le)]
    told = " and ".join(f"{words} {limit:g}" for words, limit in limits if limit is not None)
    return told and f", {told}"


def mismatch(kind: Any, value: Any) -> str:
    """That a value is of another kind altogether."""
    bare, _ = bare_type(kind)
    origin = get_origin(bare) or bare
    advice = ""
    if origin in (str, Secret) and isinstance(value, int | float):
        advice = "; put it in quotes"
    elif origin in (list, tuple) and isinstance(value, str | int | float):
        advice = "; put it in [ ]"
    got = str(value).lower() if isinstance(value, bool) else _GOT[type(value)]
    return f"expected {wanted(kind)}, got {got}{advice}"


def misfit(kind: Any, value: Any, *, referred: bool) -> str:
    """Why a scalar does not fit; `referred`: it came by a reference."""
    bare, meta = bare_type(kind)
    out_of_range = type(value) is bare or (bare is float and type(value) is int)
    if out_of_range and bare is not str:
        return f"expected {wanted(kind)}"
    if not isinstance(value, str):
        return mismatch(kind, value)
    if bare is str:
        any_text = not meta or meta.pattern in (None, NOT_BLANK)
        got = f", got {'a blank' if value else 'an empty'} one" if any_text and not value.strip() else ""
        return f"expected {wanted(kind)}{got}"
    return mismatch(kind, value) + _meant(bare, value, referred=referred)


def _meant(bare: Any, text: str, *, referred: bool) -> str:
    """What a text that stands for a number or a truth was meant to be, as the end of a message."""
    if (bare is bool and text in _TRUTHS) or (bare in (int, float) and _NUMERIC.fullmatch(text)):
        return "; write it here, a reference is always text" if referred else "; remove the quotes"
    if bare in (int, float) and _NUMERIC.fullmatch(text.lstrip("0")):
        return "; remove the leading zero"
    meant = [truth for truth, words in _TRUTHS.items() if bare is bool and text.lower() in words]
    return f"; write {meant[0]}" if meant else ""
