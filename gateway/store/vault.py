"""Sealing what may hold patient text before it reaches the database: AES-256-GCM, each value bound to its own row.

A stored value is one byte that says how it is kept, then, if sealed: the length of the key's id, the id, a random
nonce of 12 bytes, and the ciphertext with its tag. The row's identity is authenticated with it, so a value that
somebody moves to another row does not open there.
"""

from __future__ import annotations

import hmac
import os
from base64 import b64decode
from collections.abc import Callable, Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.rules.clinic import EncryptionKey

_PLAIN, _SEALED = b"p", b"s"
_NONCE = 12


class Unreadable(Exception):  # noqa: N818 - what it is
    """A stored value that none of the keys opens, or that was tampered with."""


class KeyMissing(Unreadable):
    """A value that was sealed with a key of another id than ours; the text is that id."""


class Vault:
    """The keys in force: the first seals, all open. Without a key values are kept in plain."""

    def __init__(self, keys: Sequence[EncryptionKey] = ()) -> None:
        self.use(keys)

    def use(self, keys: Sequence[EncryptionKey]) -> None:
        """Work with these keys from now on."""
        self._ciphers = {key.id: AESGCM(b64decode(key.key.reveal())) for key in keys}
        self._first = keys[0].id if keys else None
        self._hashing = tuple(_hashing(b64decode(key.key.reveal())) for key in keys)

    def seal(self, plain: bytes, row: str) -> bytes:
        """`plain` as it is stored in `row` ("deliveries/tsk_1")."""
        if self._first is None:
            return _PLAIN + plain
        nonce = os.urandom(_NONCE)
        return head(self._first) + nonce + self._ciphers[self._first].encrypt(nonce, plain, row.encode())

    def open(self, stored: bytes, row: str) -> bytes:
        """What was sealed in `row`. Raises Unreadable."""
        if stored[:1] == _PLAIN:
            return stored[1:]
        key_id, rest = _split(stored)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise KeyMissing(key_id)
        try:
            return cipher.decrypt(rest[:_NONCE], rest[_NONCE:], row.encode())
        except (InvalidTag, ValueError) as error:
            raise Unreadable(f"key {key_id} does not open it") from error

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of the keys, the one that seals first."""
        return tuple(self._ciphers)

    def hashes(self, text: str, secret: bytes) -> tuple[str, ...]:
        """A keyed hash of `text` with each key, as it is written today first; the last is `secret`'s, for no key."""
        return tuple(_hashed(text, key) for key in (*self._hashing, _hashing(secret)))

    def hash(self, text: str, secret: Callable[[], bytes]) -> str:
        """The first of them; `secret` is asked for only where there is no key."""
        keys = self._hashing  # looked at once: another thread may change it
        return _hashed(text, keys[0] if keys else _hashing(secret()))

    def is_current(self, stored: bytes) -> bool:
        """Whether it is kept as `seal` would keep it today."""
        return (None if stored[:1] == _PLAIN else _split(stored)[0]) == self._first


def head(key_id: str) -> bytes:
    """How everything begins that a key has sealed."""
    return _SEALED + bytes([len(key_id.encode())]) + key_id.encode()


def _hashed(text: str, key: bytes) -> str:
    return hmac.new(key, text.encode(), "sha256").hexdigest()


@lru_cache(maxsize=32)
def _hashing(secret: bytes) -> bytes:
    """The key for hashing that belongs to a key for sealing."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"task gateway: patients").derive(secret)


def _split(stored: bytes) -> tuple[str, bytes]:
    """The id of the key that sealed it, and what follows. Raises Unreadable."""
    if len(stored) < 2 or stored[:1] != _SEALED:  # noqa: PLR2004 - the two leading bytes
        raise Unreadable("not a stored value")
    end = 2 + stored[1]
    try:
        return stored[2:end].decode(), stored[end:]
    except UnicodeDecodeError as error:
        raise Unreadable("not a stored value") from error
