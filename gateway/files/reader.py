"""Reads plain data into the Structs of `schemas.config` and into adapters' credentials, noting every mistake.

msgspec stops at the first mistake and knows no lines; a person who mends a file wants all of them, with the line. A
value that does not fit is noted and replaced by an empty one, so that the rest is still checked; whoever reads must
ask the `Source` for mistakes before using anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from gateway.files.expected import bare_type, described, misfit, mismatch, struct_fields, wanted
from gateway.files.references import FORMS
from gateway.files.source import Source, Spot
from gateway.rules import published
from schemas.private import Secret

S = TypeVar("S", bound=Struct)
_BREAKS = frozenset("\r\n\0")


class Reader:
    """Reads one source.

    `production` refuses secrets that others can read. `private` never shows a value: for credentials.
    `also` says which further keys a mapping may have at its place; they are read otherwise.
    """

    def __init__(
        self,
        source: Source,
        *,
        production: bool,
        private: bool = False,
        also: Callable[[Spot], tuple[str, ...]] = lambda _spot: (),
    ) -> None:
        self._source = source
        self._production = production
        self._private = private
        self._also = also

    def read(self, kind: type[S]) -> S:
        """The whole file as a Struct."""
        value = self._source.data
        if not isinstance(value, dict):
            self._source.spoil(1, mismatch(kind, value))
            value = {}
        return self.struct(kind, value, lambda key: (key,))

    def struct(self, kind: type[S], value: Mapping[str, Any], at: Callable[[str], Spot]) -> S:
        """A Struct of the keys in `value`; `at` says where each stands."""
        fields = struct_fields(kind)
        names = tuple(field.encode_name for field in fields)
        found = dict(value)
        for key in tuple(value):
            allowed = (*names, *self._also(at(key)[:-1]))
            if key not in allowed:
                meant = self._unknown_key(at(key), "key", allowed, value)
                if meant:
                    found[meant] = found[key]
        given: dict[str, Any] = {}
        for field in fields:
            key = field.encode_name
            if found.get(key) is not None:
                given[field.name] = self.value(field.type, found[key], at(key))
            elif field.required:
                self._source.note(at(key), f"required, but missing; expected {described(field.type)}", whole=True)
                given[field.name] = _empty(field.type)
        return kind(**given)

    def value(self, kind: Any, value: Any, spot: Spot) -> Any:
        """A value of any type that configuration uses; an empty one where it does not fit."""
        bare, meta = bare_type(kind)
        if get_origin(bare) in (Union, UnionType):
            kind = _member(bare, value)
            bare, meta = bare_type(kind)
        if bare is Any:
            return value
        shape = _container(bare)
        if value is None or (shape is not None and not isinstance(value, shape)):
            self._source.note(spot, mismatch(kind, value), whole=True)
            return _empty(kind)
        if shape is None or shape is str:
            return self._scalar(kind, value, spot)
        if meta is not None and len(value) < (meta.min_length or 0):
            self._source.note(spot, "empty; expected at least one")
        if shape is dict:
            return self._keyed(bare, value, spot)
        item = (get_args(bare) or (Any,))[0]
        return tuple(self.value(item, entry, (*spot, index)) for index, entry in enumerate(value))

    def _keyed(self, bare: Any, value: dict[str, Any], spot: Spot) -> Any:
        if isinstance(bare, type) and issubclass(bare, Struct):
            return self.struct(bare, value, lambda key: (*spot, key))
        keys, values = get_args(bare) or (str, Any)
        empty: Any = {} if _container(bare_type(values)[0]) is dict else None
        data = {}
        for key, entry in tuple(value.items()):
            name = self._key(keys, key, spot, value)
            if name:
                data[name] = self.value(values, empty if entry is None else entry, (*spot, name))
        return data

    def _key(self, kind: Any, key: str, spot: Spot, beside: Mapping[str, Any]) -> str | None:
        """The key, or what a misspelt one must mean; None, and noted, when it may not stand at `spot`."""
        bare, meta = bare_type(kind)
        if get_origin(bare) is Literal and key not in get_args(bare):
            return self._unknown_key((*spot, key), (meta and meta.title) or "key", get_args(bare), beside)
        self._scalar(kind, key, (*spot, key))
        return key

    def _unknown_key(self, spot: Spot, what: str, known: tuple[str, ...], beside: Mapping[str, Any]) -> str | None:
        """Note a key that nobody knows; what it must mean, and is from now on read as, if that is not there yet."""
        meant = self._source.unknown_key(spot, what, known)
        if meant is None or meant in beside:
            return None
        self._source.read_as(spot, meant)
        return meant

    def _scalar(self, kind: Any, value: Any, spot: Spot) -> Any:
        bare, meta = bare_type(kind)
        if get_origin(bare) is Literal:
            return self._word(kind, (meta and meta.title) or "value", value, spot)
        if bare is Secret:
            return self._secret(value, spot)
        if self._private and isinstance(value, str) and _BREAKS.intersection(value):
            self._source.note(spot, "holds a line break or a NUL; expected one line of text")
            return _empty(kind)
        words = ((meta and meta.extra_json_schema) or {}).get("enum")
        if meta and words and isinstance(value, str) and value not in words:
            self._source.unknown(spot, meta.title or "value", value, words, expected=wanted(kind))
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError:
            self._source.note(spot, misfit(kind, value, referred=spot in self._source.references))
            return _empty(kind)

    def _word(self, kind: Any, what: str, value: Any, spot: Spot) -> Any:
        words = get_args(bare_type(kind)[0])
        if isinstance(value, str) and value in words:
            return value
        if not isinstance(value, str):
            self._source.note(spot, mismatch(kind, value))
        elif self._private:
            self._source.note(spot, f"expected {wanted(kind)}")
        else:
            self._source.unknown(spot, what, value, map(str, words))
        return words[0]

    def _secret(self, value: str, spot: Spot) -> Secret:
        if not value:
            self._source.note(spot, f"the secret is empty; expected {FORMS}, or the secret itself")
        if _BREAKS.intersection(value):
            self._source.note(spot, "the secret holds a line break or a NUL; expected one line of text")
        if value != value.strip():
            self._source.note(spot, "the secret begins or ends with a space; remove it")
        if self._production:
            self._check_kept(value, spot)
        return Secret(value)

    def _check_kept(self, value: str, spot: Spot) -> None:
        """A secret is one only while nobody else can read it."""
        if spot not in self._source.references:
            self._source.note(spot, f"a secret stands in the file; in production expected {FORMS}")
        elif value in published.SECRETS:
            self._source.note(spot, "a secret of the sandbox, which anybody can read; use one of your own")
        elif spot in self._source.exposed:
            problem = f"everybody on this machine may read or change {self._source.references[spot]}; make it private"
            self._source.note(spot, f"{problem}: chmod o-rw")


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
        bare, _ = bare_type(member)
        container = _container(bare)
        passed_over = get_origin(bare) is Literal and value not in get_args(bare)
        if (container if container in (dict, list) else None) is shape and not passed_over:
            return member
    return members[0]


def _empty(kind: Any) -> Any:
    """A stand-in for what could not be read, so that the rest can be."""
    bare, _ = bare_type(kind)
    origin = get_origin(bare) or bare
    if origin in (Union, UnionType):
        return None if NoneType in get_args(bare) else _empty(get_args(bare)[0])
    if origin is Literal:
        return get_args(bare)[0]
    if bare is Secret:
        return Secret("")
    if isinstance(origin, type) and issubclass(origin, Struct):
        return origin(**{field.name: _empty(field.type) for field in struct_fields(origin) if field.required})
    return origin() if origin in (dict, list, tuple, str, bool, int, float) else None
