"""Callbacks signed as Standard Webhooks says, so that any of its libraries verifies them."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

from schemas.private import Secret

SECRET = "whsec_ and 24 to 64 bytes in base64, such as `openssl rand -base64 32` makes"  # noqa: S105 - a description
"""What a callback's secret is, in words."""
_SECRET = re.compile(r"(?:whsec_)?([A-Za-z0-9+/]+={0,2})")


def is_secret(secret: Secret) -> bool:
    """Whether callbacks can be signed with it; `whsec_` may be left out."""
    found = _SECRET.fullmatch(secret.reveal())
    try:
        return found is not None and 24 <= len(b64decode(found[1], validate=True)) <= 64  # noqa: PLR2004 - the standard's
    except ValueError:
        return False


def signed(event_id: str, at: datetime, body: bytes, secrets: Sequence[Secret]) -> Mapping[str, str]:
    """The headers of one try at `at`; every secret signs, so that a new one can be put in before the old one goes."""
    at = at.astimezone(UTC)  # the library takes the digits for UTC, whatever the offset
    signatures = (Webhook(secret.reveal()).sign(event_id, at, body.decode()) for secret in secrets)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
