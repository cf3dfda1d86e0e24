"""Reads plain data into the Structs of `schemas.config` and into adapters' credentials, noting every mistake.

msgspec stops at the first mistake and knows no lines; a person who mends a file wants all of them, with the line. A
value that does not fit is noted and replaced by an empty one, so that the rest is still checked; whoever reads must
ask the `Source` for mistakes before using anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from gateway.files.source import Source, Spot
from schemas.private import Secret

S = TypeVar("S", bound=Struct)
_NOUNS: Mapping[type, str] = {
    dict: "a mapping", list: "a list", tuple: "a list", str: "text", bool: "true or false", int: "a whole number",
    float: "a number",
}  # fmt: skip
_GOT: Mapping[type, str] = {**_NOUNS, int: "a number", float: "a fraction", NoneType: "nothing"}
_BREAKS = frozenset("\r\n\0")


@lru_cache
def _fields(kind: type[Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


@lru_cache
def _bare(kind: Any) -> tuple[Any, Meta | None]:
    """A type without its annotation, and the annotation."""
    if get_origin(kind) is Annotated:
        bare, *notes = get_args(kind)
        return bare, next((note for note in notes if isinstance(note, Meta)), None)
    return kind, None


class Reader:
    """Reads one source.

    `production` refuses secrets that stand in the file itself. `private` never shows a value: for credentials.
    `skip` are places that are read otherwise.
    """

    def __init__(
        self, source: Source, *, production: bool, private: bool = False, skip: frozenset[Spot] = frozenset()
    ) -> None:
        self._source = source
        self._production = production
        self._private = private
        self._skip = skip

    def read(self, kind: type[S]) -> S:
        """The whole file as a Struct."""
        value = self._source.data
        if not isinstance(value, dict):
            self._source.spoil(1, _mismatch(dict, value))
            value = {}
        return self.struct(kind, value, lambda key: (key,))

    def struct(self, kind: type[S], value: Mapping[str, Any], at: Callable[[str], Spot]) -> S:
        """A Struct of the keys in `value`; `at` says where each stands."""
        fields = _fields(kind)
        names = tuple(field.encode_name for field in fields)
        for key in value:
            if key not in names and at(key) not in self._skip:
                self._source.unknown(at(key), "key", key, names, shown=key)
        given: dict[str, Any] = {}
        for field in fields:
            key = field.encode_name
            if value.get(key) is not None:
                given[field.name] = self.value(field.type, value[key], at(key))
            elif field.required:
                self._source.note(at(key), "required, but missing", whole=True)
                given[field.name] = _empty(field.type)
        return kind(**given)

    def value(self, kind: Any, value: Any, spot: Spot) -> Any:
        """A value of any type that configuration uses; an empty one where it does not fit."""
        bare, meta = _bare(kind)
        if get_origin(bare) in (Union, UnionType):
            kind = _member(bare, value)
            bare, meta = _bare(kind)
        if bare is Any:
            return value
        wanted = _container(bare)
        if value is None or (wanted is not None and not isinstance(value, wanted)):
            self._source.note(spot, _mismatch(wanted or str, value), whole=True)
            return _empty(kind)
        if wanted is dict:
            return self._keyed(bare, value, spot)
        if wanted is list:
            return self._items(bare, meta, value, spot)
        return self._scalar(kind, value, spot)

    def _items(self, bare: Any, meta: Meta | None, value: list[Any], spot: Spot) -> tuple[Any, ...]:
        if meta is not None and len(value) < (meta.min_length or 0):
            self._source.note(spot, "the list is empty")
        item = (get_args(bare) or (Any,))[0]
        return tuple(self.value(item, entry, (*spot, index)) for index, entry in enumerate(value))

    def _keyed(self, bare: Any, value: dict[str, Any], spot: Spot) -> Any:
        if isinstance(bare, type) and issubclass(bare, Struct):
            return self.struct(bare, value, lambda key: (*spot, key))
        keys, values = get_args(bare) or (str, Any)
        empty: Any = {} if _container(_bare(values)[0]) is dict else None
        data = {}
        for key, entry in value.items():
            known = self.key(keys, key, (*spot, key))
            if known:
                data[key] = self.value(values, empty if entry is None else entry, (*spot, key))
        return data

    def key(self, kind: Any, key: str, spot: Spot) -> bool:
        """Whether a key may stand in a mapping; noted when not."""
        bare, meta = _bare(kind)
        if get_origin(bare) is Literal and key not in get_args(bare):
            self._source.unknown(spot, (meta and meta.title) or "key", key, get_args(bare), shown=key)
            return False
        self._scalar(kind, key, spot)
        return True

    def _scalar(self, kind: Any, value: Any, spot: Spot) -> Any:
        bare, meta = _bare(kind)
        if get_origin(bare) is Literal:
            return self._word(get_args(bare), (meta and meta.title) or "value", value, spot)
        if bare is Secret:
            return self._secret(value, spot)
        if self._private and isinstance(value, str) and _BREAKS.intersection(value):
            self._source.note(spot, "holds a line break or a NUL")
            return _empty(kind)
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            self._source.note(spot, _misfit(kind, meta, value, error))
            return _empty(kind)

    def _word(self, words: tuple[Any, ...], what: str, value: Any, spot: Spot) -> Any:
        if isinstance(value, str) and value in words:
            return value
        if not isinstance(value, str):
            self._source.note(spot, _mismatch(str, value))
        elif self._private:
            self._source.note(spot, f"expected one of {', '.join(map(str, words))}")
        else:
            self._source.unknown(spot, what, value, map(str, words))
        return words[0]

    def _secret(self, value: str, spot: Spot) -> Secret:
        if not value:
            self._source.note(spot, "the secret is empty")
        if _BREAKS.intersection(value):
            self._source.note(spot, "the secret holds a line break or a NUL")
        if self._production and spot not in self._source.references:
            self._source.note(spot, "in production a secret must be a reference: ${env:NAME} or ${file:path}")
        return Secret(value)


def _container(bare: Any) -> type | None:
    """The Python type that a value of `bare` has in the file; None where msgspec is to say."""
    origin = get_origin(bare) or bare
    if bare is Secret or bare is str:
        return str
    if origin in (list, tuple):
        return list
    if origin is dict or (isinstance(origin, type) and issubclass(origin, Struct | Mapping)):
        return dict
    return None


def _member(union: Any, value: Any) -> Any:
    """The member of a union that the value is meant to be."""
    members = [member for member in get_args(union) if member is not NoneType]
    shape = type(value) if isinstance(value, (dict, list)) else None
    for member in members:
        wanted = _container(_bare(member)[0])
        if (wanted if wanted in (dict, list) else None) is shape:
            return member
    return members[0]


def _mismatch(wanted: type, value: Any) -> str:
    advice = ""
    if wanted is str and isinstance(value, (int, float)):
        advice = "; put it in quotes"
    return f"expected {_NOUNS[wanted]}, got {_GOT[type(value)]}{advice}"


def _misfit(kind: Any, meta: Meta | None, value: Any, error: Exception) -> str:
    """Why a scalar does not fit, never with its text."""
    bare, _ = _bare(kind)
    if bare in _NOUNS and not isinstance(value, bare) and not (bare is float and type(value) is int):
        return _mismatch(bare, value)
    if meta is not None and meta.pattern is not None:
        return f"expected {meta.description}"
    if isinstance(value, str):
        return "the text is empty" if not value else "does not fit"
    limit = str(error).removeprefix("Expected ").replace("`int`", _NOUNS[int]).replace("`float`", _NOUNS[float])
    return f"expected {limit}"


def _empty(kind: Any) -> Any:
    """A stand-in for what could not be read, so that the rest can be."""
    bare, _ = _bare(kind)
    origin = get_origin(bare) or bare
    if origin in (Union, UnionType):
        return None if NoneType in get_args(bare) else _empty(get_args(bare)[0])
    if origin is Literal:
        return get_args(bare)[0]
    if bare is Secret:
        return Secret("")
    if isinstance(origin, type) and issubclass(origin, Struct):
        return origin(**{field.name: _empty(field.type) for field in _fields(origin) if field.required})
    return origin() if origin in _NOUNS else None
