"""Signed webhooks: what proves a body, and everything that does not. Whatever `verify_webhook` raises is a bad one."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from adapters.base import Secret
from gateway.conformance import bodies
from gateway.conformance.check import Fault, Faults, Group, Subject
from gateway.conformance.samples import WebhookSample
from gateway.conformance.watch import noticed

DIGEST = re.compile(r"[A-Za-z0-9+/_-]{40,}")
"""A digest in a header, as hex or base64."""
_TIME = re.compile(r"\d{10}(\d{3})?(?!\d)|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
"""A time in a header: seconds or milliseconds since 1970, or RFC 3339."""
_OTHER = Secret("whsec_YW5vdGhlciBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcw==")
"""A secret of another account, whether it is used as it stands or as base64."""
_STALE = timedelta(hours=1)
_LATE = timedelta(minutes=1)
_OTHER_ALPHABETS = ("é" * 64, "\uff10" * 64, "\x00" * 64, "a" * 1_000_000)


def signed(it: Subject) -> bool:
    """Whether the vendor signs what it pushes."""
    return it.adapter.pushes == "signed"


def the_signature_proves_the_body(it: Subject) -> Faults:
    """The signature of each sample proves its body, a minute early and a minute late as well.

    Clocks differ and networks are slow. Sign the raw bytes; the secret's text is `secret.reveal()`.
    """
    for sample in it.samples.webhooks:
        for skew in (timedelta(0), -_LATE, _LATE):
            if not _proves(it, sample, now=sample.webhook.at + skew):
                yield Fault(sample.name, f"its signature does not prove it {skew.total_seconds():+.0f} s from its time")


def either_secret_proves_during_a_rotation(it: Subject) -> Faults:
    """While a secret is rotated, either one proves the body.

    Try each of `secrets`; raise BadSignature only after the last.
    """
    for sample in it.samples.webhooks:
        for secrets in ([_OTHER, sample.secret], [sample.secret, _OTHER]):
            if not _proves(it, sample, secrets=secrets):
                yield Fault(sample.name, "is not proved when a second secret is configured")


def another_secret_or_none_proves_nothing(it: Subject) -> Faults:
    """Another secret, an empty list of secrets and missing headers prove nothing.

    Raise BadSignature wherever nothing matched, also when there was nothing to try.
    """
    for sample in it.samples.webhooks:
        if _proves(it, sample, secrets=[_OTHER]):
            yield Fault(sample.name, "is proved by another secret")
        if _proves(it, sample, secrets=[]):
            yield Fault(sample.name, "is proved without a secret")
        if _proves(it, sample, headers={}):
            yield Fault(sample.name, "is proved without a signature")


def a_changed_body_is_not_proved(it: Subject) -> Faults:
    """A body with one bit changed is not proved, nor any other body.

    The signature must stand over the whole body.
    """
    for sample in it.samples.webhooks:
        for at in range(len(sample.body)):
            forged = sample.body[:at] + bytes([sample.body[at] ^ 1]) + sample.body[at + 1 :]
            if _proves(it, sample, body=forged):
                yield Fault(sample.name, f"is proved with byte {at} changed")
        for kind, body in bodies.UNREADABLE.items():
            if _proves(it, sample, body=body):
                yield Fault(sample.name, f"{kind} is proved by its signature")


def every_character_of_a_signature_counts(it: Subject) -> Faults:
    """Every character of a signature counts.

    Compare the whole of it, with `hmac.compare_digest`.
    """
    for sample in it.samples.webhooks:
        for name, start, end in _digests(it, sample):
            text = sample.webhook.headers[name]
            for at in range(start, end - 2):  # the last of base64 may hold bits that mean nothing
                forged = text[:at] + ("1" if text[at] == "0" else "0") + text[at + 1 :]
                if _proves(it, sample, headers={**sample.webhook.headers, name: forged}):
                    yield Fault(sample.name, f"is proved with character {at} of {name} changed")


def a_signature_of_another_form_is_a_bad_one(it: Subject) -> Faults:
    """A signature that is cut, doubled, empty or in another alphabet is a bad one.

    Check its form before comparing; a prefix such as sha256= belongs to it.
    """
    for sample in it.samples.webhooks:
        for name, start, end in _digests(it, sample):
            text = sample.webhook.headers[name]
            cut = text[:start] + text[start : (start + end) // 2] + text[end:]
            for bad in ("", " ", "0", cut, text[::-1], text[:start] + "0" * 64 + text[end:], *_OTHER_ALPHABETS):
                if _proves(it, sample, headers={**sample.webhook.headers, name: bad}):
                    yield Fault(sample.name, f"is proved by {bad[:12]!a}... in {name}")


def an_old_signature_proves_nothing(it: Subject) -> Faults:
    """Where the vendor signs a time, a signature proves nothing an hour before or after it.

    Raise BadSignature when `abs(now.timestamp() - the signed time)` is over what the page says, or five minutes;
    otherwise what was overheard once can be sent again for ever.
    """
    for sample in it.samples.webhooks:
        if any(_signs_a_time(it, sample, name) for name in sample.webhook.headers):
            for skew in (_STALE, -_STALE, 24 * 365 * _STALE):
                if _proves(it, sample, now=sample.webhook.at + skew):
                    yield Fault(sample.name, f"is proved {abs(skew)} {'after' if skew > -skew else 'before'} its time")


def _signs_a_time(it: Subject, sample: WebhookSample, name: str) -> bool:
    """Whether a header holds a time without which the signature proves nothing."""
    text = sample.webhook.headers[name]
    digests = [found.span() for found in DIGEST.finditer(text)]
    for found in _TIME.finditer(text):
        start, end = found.span()
        if not any(low <= start < high for low, high in digests):
            other = text[: end - 1] + ("1" if text[end - 1] == "0" else "0") + text[end:]
            if not _proves(it, sample, headers={**sample.webhook.headers, name: other}):
                return True
    return False


def a_signature_is_compared_in_constant_time(it: Subject) -> Faults:
    """A signature is compared in constant time, be it good or bad.

    `hmac.compare_digest(expected, given)`; `==` tells by its time how much of a guess was right.
    """
    for sample in it.samples.webhooks:
        bad = {
            name: DIGEST.sub(lambda found: "0" * len(found[0]), text) for name, text in sample.webhook.headers.items()
        }
        for what, headers in (("good", sample.webhook.headers), ("bad", bad)):
            with noticed(hmac.compare_digest) as calls:
                _proves(it, sample, headers=headers)
            if not calls:
                yield Fault(sample.name, f"a {what} signature is compared without hmac.compare_digest")


def _digests(it: Subject, sample: WebhookSample) -> Iterator[tuple[str, int, int]]:
    """Where digests that matter stand: the header, and from where to where in it."""
    for name, text in sample.webhook.headers.items():
        for found in DIGEST.finditer(text):
            start, end = found.span()
            other = text[:start] + "0" * (end - start) + text[end:]
            if not _proves(it, sample, headers={**sample.webhook.headers, name: other}):
                yield name, start, end


def _proves(it: Subject, sample: WebhookSample, **changed: Any) -> bool:
    """Whether the sample is proved, with something of it changed: headers, body, secrets or now."""
    given = {
        "headers": sample.webhook.headers,
        "body": sample.body,
        "secrets": [sample.secret],
        "now": sample.webhook.at,
    }
    try:
        it.adapter.verify_webhook(*{**given, **changed}.values())
    except Exception:  # noqa: BLE001 - the gateway reads anything raised as a bad signature
        return False
    return True


GROUP = Group(
    title="Signatures",
    concerns=signed,
    otherwise="the vendor signs nothing",
    checks=(
        the_signature_proves_the_body,
        either_secret_proves_during_a_rotation,
        another_secret_or_none_proves_nothing,
        a_changed_body_is_not_proved,
        every_character_of_a_signature_counts,
        a_signature_of_another_form_is_a_bad_one,
        an_old_signature_proves_nothing,
        a_signature_is_compared_in_constant_time,
    ),
)
