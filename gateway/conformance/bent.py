"""A sampled body bent in every way that a vendor, a proxy or a fault may bend it, one change at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from gateway.conformance import bodies
from gateway.files.source import Spot, dotted

_TEXTS = ("", " ", ":", "a: b: c", "''", "Zoë 漢字", "0", "-1", "x" * 5_000)
"""Texts that nobody has written yet."""
_ADDED = (True, "x", {"message": "x"})
_SHOWN = 60
S = TypeVar("S")
Bent = tuple[str, bytes]
"""What was done to a body, and the body."""


def with_words(samples: Iterable[tuple[S, str, str]], words: Sequence[str]) -> Iterator[tuple[S, str, Sequence[str]]]:
    """Each sample, its body, and the words to try on it: none where another of its kind had them in the same shape."""
    seen: set[tuple[str, frozenset[Spot]]] = set()
    for sample, body, kind in samples:
        shape = kind, frozenset(at for at, _ in bodies.values(bodies.document(body)))
        yield sample, body, () if shape in seen else words
        seen.add(shape)


def bent(body: str, words: Sequence[str]) -> Iterator[Bent]:
    """The body changed, and grown."""
    yield from changed(body, words)
    yield from grown(body, words)


def grown(body: str, words: Sequence[str]) -> Iterator[Bent]:
    """The body with each of `words` for a new key in each of its objects."""
    document = bodies.document(body)
    for at, part in (((), document), *bodies.values(document)):
        for word in words if isinstance(part, dict) else ():
            for value in _ADDED if word not in part else ():
                yield f"'{word}' added{_at(at)}", bodies.encoded(bodies.replaced(document, at, {**part, word: value}))


def changed(body: str, words: Sequence[str]) -> Iterator[Bent]:
    """The body with each of its values replaced, a text also by each of `words`, or left out."""
    document = bodies.document(body)
    for at, right in bodies.values(document):
        for other in _others(right, words):
            yield f"{_shown(other)}{_at(at)}", bodies.encoded(bodies.replaced(document, at, other))
        yield f"nothing{_at(at)}", bodies.encoded(bodies.without(document, at))


def _others(right: Any, words: Sequence[str]) -> Iterator[Any]:
    """What may stand where `right` does: values of other types, and others of its own."""
    yield from (wrong for wrong in bodies.WRONG_VALUES if type(wrong) is not type(right))
    if isinstance(right, str):
        yield from (text for text in (*_TEXTS, *_parts(right), *words) if text != right)
    elif isinstance(right, bool):
        yield not right
    elif isinstance(right, int):
        yield from (0, -1, right + 1)
    elif isinstance(right, dict | list):
        yield type(right)()


def _parts(text: str) -> Iterator[str]:
    """Each beginning and each end of a text, by its words."""
    told = text.split(" ")
    for at in range(1, len(told)):
        yield " ".join(told[:at])
        yield " ".join(told[at:])


def _at(spot: Spot) -> str:
    return f" at {dotted(spot)}" if spot else ""


def _shown(value: Any) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
