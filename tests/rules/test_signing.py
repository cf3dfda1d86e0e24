"""Callbacks are signed so that the standard's own library verifies them."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.rules.signing import is_secret, signed
from schemas.private import Secret

OLD, NEW = (f"whsec_{b64encode(name * 32).decode()}" for name in (b"o", b"n"))
BODY = '{"id":"evt_1","note":"Müller"}'.encode()


def headers(*secrets, at=None):
    return signed("evt_1", at or datetime.now(UTC), BODY, [Secret(secret) for secret in secrets])


def test_the_standard_s_own_library_verifies_what_is_signed():
    assert Webhook(NEW).verify(BODY, dict(headers(NEW))) == json.loads(BODY)


def test_while_a_secret_takes_the_place_of_another_both_verify():
    both = dict(headers(NEW, OLD))

    assert Webhook(NEW).verify(BODY, both) == Webhook(OLD).verify(BODY, both)
    assert len(both["webhook-signature"].split()) == 2


def test_another_body_id_time_or_secret_does_not_verify():
    found = dict(headers(NEW))
    later = {**found, "webhook-timestamp": str(int(found["webhook-timestamp"]) + 1)}
    for body, given, secret in (
        (BODY + b" ", found, NEW),
        (BODY, {**found, "webhook-id": "evt_2"}, NEW),
        (BODY, later, NEW),
        (BODY, found, OLD),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, given)


def test_the_offset_of_the_clock_is_minded():
    elsewhere = datetime.now(timezone(timedelta(hours=-6)))

    assert Webhook(NEW).verify(BODY, dict(headers(NEW, at=elsewhere)))


@pytest.mark.parametrize(
    ("sound", "text"),
    [
        (True, NEW), (True, NEW.removeprefix("whsec_")), (True, f"whsec_{b64encode(b'k' * 24).decode()}"),
        (True, f"whsec_{b64encode(b'k' * 64).decode()}"), (False, f"whsec_{b64encode(b'k' * 23).decode()}"),
        (False, f"whsec_{b64encode(b'k' * 65).decode()}"), (False, ""), (False, "whsec_"),
        (False, "a secret as somebody thought it up"), (False, "not-base64-but-long-enough-for-it"),
        (False, "whsec_abc"), (False, f"{NEW}\n"), (False, f"whpk_{b64encode(b'k' * 32).decode()}"),
    ],
)  # fmt: skip
def test_a_secret_is_24_to_64_bytes_in_base64(sound, text):
    assert is_secret(Secret(text)) is sound
