"""The request headers that change how a call is treated: Idempotency-Key, Prefer (RFC 7240), If-Match (RFC 9110)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gateway.errors import Refused
from gateway.rules.clinic import App
from gateway.store.deliveries import Key
from schemas.problem import problem

_LONGEST_WAIT = 25.0
_KEY = re.compile(r"^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$")


class Preferences(Struct, frozen=True, kw_only=True):
    """What a caller prefers. `wait` is in seconds, capped at 25."""

    respond_async: bool = False
    wait: float | None = None
    strict: bool = False

    @property
    def at_once(self) -> Preferences:
        """What is left of them for an answer that waits for nothing."""
        return Preferences(strict=self.strict)

    @property
    def applied(self) -> Mapping[str, str]:
        """The Preference-Applied header, where there is something to say."""
        said = [
            *(["respond-async"] if self.respond_async else []),
            *([f"wait={self.wait:g}"] if self.wait is not None else []),
            *(["handling=strict"] if self.strict else []),
        ]
        return {"Preference-Applied": ", ".join(said)} if said else {}


def preferences(lines: Sequence[str]) -> Preferences:
    """The Prefer header, in as many lines as it came; unknown preferences are ignored, as the RFC wants.

    Raises Refused if `wait` is no number.
    """
    said = dict(_preference(part) for part in ",".join(lines).split(",") if part.strip())
    wait = said.get("wait")
    if wait is not None and not re.fullmatch(r"\d{1,9}", wait):
        raise Refused(problem("malformed-header", "Prefer: wait takes whole seconds"))
    respond_async = "respond-async" in said and wait is None
    return Preferences(
        respond_async=respond_async,
        wait=None if wait is None else min(float(wait), _LONGEST_WAIT),
        strict=said.get("handling") == "strict",
    )


def _preference(part: str) -> tuple[str, str]:
    name, _, value = part.split(";", maxsplit=1)[0].partition("=")
    return name.strip().lower(), value.strip().strip('"').lower()


def key_of(lines: Sequence[str], app: App, path: str, posted: Mapping[str, Any], salt: str) -> Key | None:
    """The caller's Idempotency-Key, quoted or bare, with its fingerprint: a keyed hash, since bodies can be guessed.

    Raises Refused when it cannot be read, or is missing for an app that must send one.
    """
    if len(lines) > 1:
        raise Refused(problem("malformed-header", "Idempotency-Key comes once"))
    key = lines[0].strip() if lines else ""
    if not key:
        if app.require_key:
            raise Refused(problem("idempotency-key-required"))
        return None
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not _KEY.match(key):
        raise Refused(problem("malformed-header", "Idempotency-Key is 1 to 255 visible ASCII characters"))
    said = path.encode() + b"\n" + msgspec.json.encode(posted, order="deterministic")
    return Key(key=key, fingerprint=hmac.new(salt.encode(), said, "sha256").hexdigest())


def seen_version(lines: Sequence[str]) -> int | None:
    """The version that If-Match names, as a delivery's ETag shows it; None: any. Raises Refused for another form."""
    given = ",".join(lines).strip()
    if given in {"", "*"}:
        return None
    if not re.fullmatch(r'"\d{1,9}"', given):
        raise Refused(problem("malformed-header", 'If-Match is the ETag of the delivery, such as "3"'))
    return int(given.strip('"'))
