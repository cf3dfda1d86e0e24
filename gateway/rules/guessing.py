"""Whether a secret could be guessed: as far as its looks tell, which is not far."""

from __future__ import annotations

from collections.abc import Iterable

SHORTEST = 22
"""Characters of 128 random bits in base64url."""
_DISTINCT = 8
"""128 random bits have as many different characters in hexadecimal, but for three in a million."""
_NAME = 4
"""Characters of a name that random text does not hold by chance."""
_WORDS = ("webhook", "token", "secret", "password", "changeme", "production", "sandbox", "example")


def guessable(text: str, names: Iterable[str] = ()) -> bool:
    """Whether a text is too short or too plain to be random, without words that people put into one.

    `names` are further such words: those of what the secret is for.
    """
    rest = text.lower()
    for word in sorted({*_WORDS, *(name for name in names if len(name) >= _NAME)}, key=len, reverse=True):
        rest = rest.replace(word.lower(), "")
    return len(rest) < SHORTEST or plain(text)


def plain(text: str | bytes) -> bool:
    """Whether a text, or a key, has too few different characters to be random."""
    return len(set(text)) < _DISTINCT
