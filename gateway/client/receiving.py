"""Receiving a gateway's callbacks: proved by the Standard Webhooks signature, then read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from gateway.errors import TaskGatewayError
from schemas.event import Notice
from schemas.private import Secret


class BadCallback(TaskGatewayError):  # noqa: N818 - what it is
    """A callback that no secret signed, that is too old, or that cannot be read: answer it with a 4xx."""


def verify_webhook(headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret | str]) -> Notice:
    """The event in a callback, proved by any of `secrets` ("whsec_..."): two while one takes the place of the other.

    `body` is the raw body as it came. Its time must be within five minutes of now. An event may come more than once:
    its `id` says so. Raises BadCallback.
    """
    given = {name.lower(): value for name, value in headers.items()}
    for secret in secrets:
        try:
            Webhook(secret.reveal() if isinstance(secret, Secret) else secret).verify(body, given, json_parse=False)
            return msgspec.json.decode(body, type=Notice)
        except WebhookVerificationError:
            continue
        except (ValueError, msgspec.MsgspecError) as error:
            raise BadCallback("it cannot be read") from error
    raise BadCallback("no secret of ours signed it")
