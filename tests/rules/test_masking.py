"""Secrets masked by value wherever a request is shown."""

import base64
import hmac

import msgspec
import pytest
from msgspec import structs
from rules.clinics import BY_ADAPTER, CONFIG

from adapters.base import HttpRequest, Link
from gateway.rules.masking import shown, without_secrets
from schemas.outcome import Applied, Blocked, NotApplied, Refused
from schemas.private import Secret


class Account(msgspec.Struct, frozen=True, kw_only=True):
    client_id: Secret
    client_secret: Secret
    region: str = "north"


LINK = Link(
    base_url="https://acme.example",
    account=Account(client_id=Secret("ci-1"), client_secret=Secret("ci-1-secret")),
    connection=Account(client_id=Secret("at-2"), client_secret=Secret("")),
    token=Secret("tok-3"),
)


def request(**parts):
    """A builder of one and the same request."""
    return lambda _link: HttpRequest(**{"method": "POST", "url": "https://acme.example/tasks", **parts})


@pytest.mark.parametrize("kind", [Refused, Blocked])
def test_a_vendor_that_repeats_a_credential_is_not_repeated(kind):
    said = without_secrets(kind(code="credentials", message="invalid key ci-1-secret of tok-3"), LINK)

    assert said == kind(code="credentials", message="invalid key *** of ***")


def test_a_field_at_fault_is_shown_without_secrets_too():
    said = without_secrets(Refused(code="refused", field="ci-1-secret", ours="title"), LINK)

    assert (said.field, said.ours) == ("***", "title")


@pytest.mark.parametrize("outcome", [Applied(ids={"id": "ci-1"}), NotApplied(code="http-429"), Refused(code="refused")])
def test_an_outcome_without_words_stays_as_it_is(outcome):
    assert without_secrets(outcome, LINK) == outcome


def test_a_request_without_secrets_is_shown_as_it_is():
    body = {"text": "Call", "tags": ["a"], "count": 3, "none": None, "yes": True}

    assert shown(request(headers={"Accept": "*/*"}, json=body), LINK) == {
        "method": "POST", "url": "https://acme.example/tasks", "headers": {"Accept": "*/*"}, "json": body,
    }  # fmt: skip


def with_headers(headers):
    """A builder of requests with headers that are made of the link."""
    return lambda link: HttpRequest(
        method="POST", url="https://acme.example/tasks", headers=headers(link), json={"a": 1}
    )


# fmt: off
MASKED = {
    "a header": ({"headers": {"X-Key": "ci-1"}}, "headers", {"X-Key": "***"}),
    "a part of a header": ({"headers": {"Authorization": "Bearer tok-3"}}, "headers", {"Authorization": "Bearer ***"}),
    "the URL": ({"url": "https://acme.example/tasks?key=at-2"}, "url", "https://acme.example/tasks?key=***"),
    "the body": ({"json": {"key": "ci-1"}}, "json", {"key": "***"}),
    "deep in the body": ({"json": {"a": [{"b": "x tok-3 y"}]}}, "json", {"a": [{"b": "x *** y"}]}),
    "a form": ({"form": {"client_secret": "ci-1-secret"}}, "form", {"client_secret": "***"}),
    "one secret within another": ({"headers": {"X-Key": "ci-1-secret"}}, "headers", {"X-Key": "***"}),
    "two secrets": ({"headers": {"X-Key": "ci-1:tok-3"}}, "headers", {"X-Key": "***:***"}),
}
# fmt: on


@pytest.mark.parametrize(("parts", "where", "masked"), MASKED.values(), ids=MASKED)
def test_every_secret_of_the_link_is_masked_wherever_it_stands(parts, where, masked):
    assert shown(request(**parts), LINK)[where] == masked


def basic(link):
    both = f"{link.account.region}:{link.account.client_secret.reveal()}"
    return {"Authorization": f"Basic {base64.b64encode(both.encode()).decode()}", "X-Region": link.account.region}


def signed(link):
    return {"X-Signature": hmac.new(link.account.client_secret.reveal().encode(), b"body", "sha256").hexdigest()}


@pytest.mark.parametrize(
    ("headers", "visible"),
    [(basic, {"Authorization": "***", "X-Region": "north"}), (signed, {"X-Signature": "***"})],
)
def test_what_is_made_of_a_secret_is_hidden_as_a_whole(headers, visible):
    told = shown(with_headers(headers), LINK)

    assert told == {"method": "POST", "url": "https://acme.example/tasks", "headers": visible, "json": {"a": 1}}


def test_where_only_the_very_secret_will_do_nothing_is_shown():
    def wants(link):
        if link.account.client_secret.reveal() != "ci-1-secret":
            raise ValueError("no key")
        return {"X-Region": "north"}

    assert set(shown(with_headers(wants), LINK).values()) == {"***"}


def test_what_is_no_secret_is_shown():
    assert shown(request(headers={"X-Region": "north"}), LINK)["headers"] == {"X-Region": "north"}


def test_a_request_without_a_body_shows_none():
    assert shown(request(method="GET"), LINK).keys() == {"method", "url", "headers"}
    assert shown(request(json={}), LINK)["json"] == {}


def test_a_link_without_a_token_is_masked_too():
    assert shown(request(headers={"X-Key": "ci-1"}), structs.replace(LINK, token=None))["headers"] == {"X-Key": "***"}


@pytest.mark.parametrize("adapter", BY_ADAPTER)
def test_no_vendor_s_headers_show_a_secret(adapter):
    for connection in (one for clinic in CONFIG.clinics.values() for one in clinic.connections.values()):
        if connection.adapter.name != adapter:
            continue
        link = connection.link()
        secrets = [
            value.reveal()
            for settings in (link.account, link.connection)
            for value in structs.asdict(settings).values()
            if isinstance(value, Secret)
        ]
        visible = str(shown(with_headers(connection.adapter.headers), link))

        assert secrets
        assert "***" in visible
        assert not [secret for secret in secrets if secret in visible]
