"""The token call of vendors that have one (OAuth2): fetched by the gateway, carried by every other call."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from msgspec import Struct

from adapters.base import HttpRequest, HttpResponse
from gateway.conformance import bodies, canaries, replay
from gateway.conformance.check import Fault, Faults, Group, Subject
from gateway.files.source import dotted

_STATUSES = (200, 400, 401, 500)
_SIGNS = "AbC.dEf-_~+/="
"""Every sign that a bearer token may hold (RFC 6750)."""
_NO_TOKENS: tuple[Any, ...] = (None, "", [], {}, True)
_REFUSAL = b'{"error": "invalid_client", "error_description": "Client authentication failed"}'


def has_a_token(it: Subject) -> bool:
    """Whether the vendor has a token call."""
    return _request(it) is not None


def _request(it: Subject) -> HttpRequest | None:
    return it.adapter.build_token(canaries.link(it.adapter, token=None))


def the_token_call_has_a_sample(it: Subject) -> Faults:
    """The token call has a sample with its request, its answer and the token in it.

    Write `token.<case>.json` with `link`, `request`, `response` and `token: {value, expires_in}`.
    """
    if not any(sample.request for sample in it.samples.tokens):
        yield Fault("build_token", "no sample of a token call with its request")


def the_token_call_goes_where_the_account_says(it: Subject) -> Faults:
    """The token call goes to the link's origin, or to an address that the credentials hold.

    Begin its URL with `link.base_url`; a vendor with a host of its own for tokens gets a `token_url` in the account.
    """
    request = _request(it)
    way = canaries.link(it.adapter, token=None)
    held = [text for level in (way.account, way.connection) for text in _texts(level)]
    if request and not request.url.startswith((canaries.ORIGIN + "/", *held)):
        yield Fault("build_token", f"goes to {request.url}, whatever the account says")
    if request and request.json is not None and request.form is not None:
        yield Fault("build_token", "has a JSON body and a form")


def _texts(level: Struct) -> list[str]:
    return [text for text in msgspec.structs.astuple(level) if isinstance(text, str) and text]


def every_call_carries_the_token(it: Subject) -> Faults:
    """Every other call carries the token in its headers.

    `headers` puts `link.token.reveal()` where the vendor wants it.
    """
    with_token, with_another = (
        [dict(request.headers) for request in canaries.requests(it.adapter, canaries.link(it.adapter, token=token))][1:]
        for token in (canaries.SECRET, "another")
    )
    if any(one == other for one, other in zip(with_token, with_another, strict=True)):
        yield Fault("headers", "are the same whatever the token is")


def an_unreadable_answer_is_no_token(it: Subject) -> Faults:
    """An answer without a token raises ValueError, whatever it holds.

    Decode into a Struct with a required token, and refuse an empty one; msgspec's errors are ValueErrors.
    """
    for status in _STATUSES:
        for kind, body in {**bodies.UNREADABLE, "an OAuth2 error": _REFUSAL}.items():
            yield from _refused(it, HttpResponse(status=status, body=body), Fault("parse_token", f"{status}, {kind}"))
    for sample in it.samples.tokens:
        document = bodies.document(sample.response.body)
        for at in [at for at, value in bodies.leaves(document) if value == sample.token.value]:
            for blank in _NO_TOKENS:
                body = bodies.encoded(bodies.replaced(document, at, blank))
                about = Fault(sample.name, f"{json.dumps(blank)} at {dotted(at)}")
                yield from _refused(it, HttpResponse(status=200, body=body), about)
        for beginning in bodies.beginnings(sample.response.body):
            about = Fault(sample.name, f"an answer cut off after {len(beginning)} bytes")
            yield from _refused(it, HttpResponse(status=200, body=beginning), about)


def _refused(it: Subject, response: HttpResponse, about: Fault) -> Faults:
    try:
        it.adapter.parse_token(response)
    except (ValueError, RecursionError):
        return
    except Exception as error:  # noqa: BLE001 - whatever else it raises is the fault
        yield Fault(about.where, f"{about.what}: raises {type(error).__name__}, not ValueError")
    else:
        yield Fault(about.where, f"{about.what}: is read as a token")


def a_token_is_secret_and_has_an_end(it: Subject) -> Faults:
    """The token is a Secret with its life in whole seconds, whatever the vendor adds to the answer.

    `Token(value=Secret(text), expires_in=seconds)`; where the vendor says no life, choose a short one.
    """
    for sample in it.samples.tokens:
        body = bodies.encoded(bodies.grown(bodies.document(sample.response.body)))
        token = it.adapter.parse_token(msgspec.structs.replace(sample.reply, body=body))
        if sample.token.value in repr(token):
            yield Fault(sample.name, "the token prints; it is no Secret")
        if type(token.expires_in) is not int or token.expires_in <= 0:
            yield Fault(sample.name, f"expires_in is {token.expires_in!r}, not a number of seconds")


def a_token_replays(it: Subject) -> Faults:
    """Each sample of a token call replays, its request byte for byte, and any other token is read as it came.

    What differs is told; mend the adapter, or the sample if it is not what the page says.
    """
    for sample in it.samples.tokens:
        request = it.adapter.build_token(replay.link(it.adapter, sample.link))
        if request and sample.request:
            yield from (Fault(sample.name, text) for text in replay.differences(request, sample.request))
        token = it.adapter.parse_token(sample.reply)
        read, told = (token.value.reveal(), token.expires_in), (sample.token.value, sample.token.expires_in)
        if read != told:
            yield Fault(sample.name, f"read as {read}, the sample has {told}")
        document = bodies.document(sample.response.body)
        for at in [at for at, value in bodies.leaves(document) if value == sample.token.value]:
            body = bodies.encoded(bodies.replaced(document, at, _SIGNS))
            other = it.adapter.parse_token(msgspec.structs.replace(sample.reply, body=body)).value.reveal()
            if other not in (_SIGNS, sample.token.value):
                yield Fault(sample.name, f"the token '{_SIGNS}' is read as '{other}'")


GROUP = Group(
    title="Token",
    concerns=has_a_token,
    otherwise="the vendor has no token call",
    checks=(
        the_token_call_has_a_sample,
        the_token_call_goes_where_the_account_says,
        every_call_carries_the_token,
        an_unreadable_answer_is_no_token,
        a_token_is_secret_and_has_an_end,
        a_token_replays,
    ),
)
