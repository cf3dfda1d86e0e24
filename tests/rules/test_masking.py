"""Secrets masked by value wherever a request is shown."""

import msgspec
import pytest
from msgspec import structs
from rules.clinics import BY_ADAPTER, CONFIG

from adapters.base import HttpRequest, Link
from gateway.rules.masking import shown
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
    return HttpRequest(**{"method": "POST", "url": "https://acme.example/tasks", **parts})


def test_a_request_without_secrets_is_shown_as_it_is():
    body = {"text": "Call", "tags": ["a"], "count": 3, "none": None, "yes": True}

    assert shown(request(headers={"Accept": "*/*"}, json=body), LINK) == {
        "method": "POST", "url": "https://acme.example/tasks", "headers": {"Accept": "*/*"}, "json": body,
    }  # fmt: skip


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
        visible = str(shown(request(headers=connection.adapter.headers(link)), link))

        assert secrets
        assert "***" in visible
        assert not [secret for secret in secrets if secret in visible]
