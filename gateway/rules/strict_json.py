"""JSON as callers' words must be read: UTF-8, each key once, no NaN, no NUL, not too deep and not too wide.

The usual readers let the last of two equal keys win, take NaN for a number, and fail at deep nesting or half a
surrogate pair only later, where nobody expects it.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

DEEPEST = 32
WIDEST = 256
"""How many keys an object may have: each one that we do not know is looked at, and told of, one by one."""


class Malformed(ValueError):  # noqa: N818 - what it is
    """No JSON of ours. The text says why, as what follows "it ..."; it repeats nothing of the document."""


def parse(raw: bytes) -> Any:
    """The document in `raw`. Raises Malformed."""
    try:
        text = raw.decode("utf-8")
        document = json.loads(text, object_pairs_hook=_each_key_once, parse_constant=_no_constant, parse_float=_finite)
    except Malformed:
        raise
    except UnicodeDecodeError:
        raise Malformed("is not UTF-8") from None
    except (ValueError, RecursionError):
        raise Malformed("is not JSON, or nests too deep") from None
    _check_text(document, text)
    return document


def _check_text(document: Any, text: str) -> None:
    if text.count("{") + text.count("[") > DEEPEST and _depth(document) > DEEPEST:
        raise Malformed(f"nests deeper than {DEEPEST} levels")
    if "\\u" in text:  # only an escape can bring these in
        decoded = json.dumps(document, ensure_ascii=False)
        if "\\u0000" in decoded:
            raise Malformed("holds a NUL")
        try:
            decoded.encode("utf-8")
        except UnicodeEncodeError:
            raise Malformed("holds half a surrogate pair") from None


def _depth(document: Any) -> int:
    deepest, level = 0, [document]
    while level := [each for each in level if isinstance(each, dict | list)]:
        deepest += 1
        level = [child for each in level for child in (each.values() if isinstance(each, dict) else each)]
    return deepest


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > WIDEST:
        raise Malformed(f"has an object with more than {WIDEST} keys")
    made = dict(pairs)
    if len(made) < len(pairs):
        raise Malformed("repeats a key")
    return made


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in {float("inf"), float("-inf")}:
        raise ValueError("a number is out of range")
    return number
