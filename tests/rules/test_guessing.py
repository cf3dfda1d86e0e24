"""What can be guessed, as far as a text's looks tell."""

import secrets
import uuid
from base64 import urlsafe_b64encode
from random import Random

import pytest

from gateway.rules.guessing import SHORTEST, guessable, plain


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "hunter2", "4f1c7a9e2b6d80359d3e7", "a" * 64, "ababababababababababababababab", "0" * 32,
        "webhook-token-of-production", "change-me-CHANGEME-changeme", "acme-main-webhook-secret-token",
    ],
)  # fmt: skip
def test_short_plain_and_spoken_texts_can_be_guessed(text):
    assert guessable(text, ("acme-main", "acme", "main"))


def test_what_a_random_source_makes_cannot_be_guessed_however_it_is_written():
    chance = Random(7)  # noqa: S311 - the same texts in every run
    for _ in range(500):
        bits = chance.randbytes(16)
        for text in (bits.hex(), urlsafe_b64encode(bits).decode().rstrip("="), str(uuid.UUID(bytes=bits))):
            assert not guessable(text, ("cobalt-main", "cobalt", "solum", "ab"))
        assert not plain(bits)


def test_128_random_bits_are_as_long_as_the_shortest():
    assert len(secrets.token_urlsafe(16)) == SHORTEST


def test_words_may_stand_before_what_is_random():
    assert not guessable(f"cobalt-webhook-{secrets.token_hex(16)}", ("cobalt",))


def test_a_key_of_repeated_bytes_is_plain():
    assert plain(b"password" * 4)
