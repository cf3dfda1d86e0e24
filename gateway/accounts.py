"""The accounts of gateway.yaml: our contracts with vendors, checked against their adapters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from adapters.base import Adapter
from gateway.files.reader import Reader
from gateway.files.source import Source, Spot, nearest
from gateway.rules.clinic import Account, Limits
from schemas import config

_TOKEN = re.compile(r"[A-Za-z0-9._~-]+")


def read_accounts(
    source: Source,
    shapes: Mapping[str, config.Account],
    adapters: Mapping[str, Adapter[Any, Any]],
    *,
    production: bool,
    whole: bool,
) -> Mapping[str, Account]:
    """The accounts by name, without those whose adapter is unknown.

    Unless `adapters` is the `whole` of them, an account may name one whose file is broken.
    """
    accounts = {}
    tokens: dict[str, str] = {}
    for name, shape in shapes.items():
        adapter = adapters.get(shape.adapter)
        if adapter is None and (whole or nearest(shape.adapter, adapters)):
            meant = source.unknown(("accounts", name, "adapter"), "adapter", shape.adapter, adapters)
            adapter = adapters.get(meant or "")
        if adapter is None:
            continue
        accounts[name] = _account(source, name, shape, adapter, production=production)
        _check_webhook(source, name, shape, adapter, production=production)
        token = shape.webhook.token.reveal() if shape.webhook else ""
        if token and token in tokens:
            problem = f"the same as that of {tokens[token]}; give each account one of its own"
            source.note(("accounts", name, "webhook", "token"), problem)
        tokens.setdefault(token, name)
    return accounts


def _account(
    source: Source, name: str, shape: config.Account, adapter: Adapter[Any, Any], *, production: bool
) -> Account:
    base_url = (shape.base_url or adapter.base_url).rstrip("/")
    fault = "expected a URL without a query" if "?" in base_url else url_fault(base_url, production=production)
    if fault:
        source.note(("accounts", name, "base_url"), fault)
    webhook = shape.webhook
    return Account(
        name=name,
        adapter=adapter,
        base_url=base_url,
        credentials=_credentials(source, name, shape, adapter.account, production=production),
        webhook_token=webhook.token if webhook else None,
        webhook_secrets=webhook.secrets if webhook else (),
        limits=Limits(concurrency=shape.limits.concurrency, per_minute=shape.limits.per_minute),
        reuse_connections=shape.reuse_connections,
    )


def _credentials(source: Source, name: str, shape: config.Account, kind: type[Struct], *, production: bool) -> Struct:
    """The adapter's Struct of the account, from `credentials` and from options that stand beside it."""
    values = dict(shape.credentials)
    spots: dict[str, Spot] = {key: ("accounts", name, "credentials", key) for key in values}
    beside = source.data["accounts"][name]
    for key in kind.__struct_encode_fields__:
        if key in beside and key not in config.Account.__struct_fields__:
            if key in values:
                source.note(("accounts", name, key), "given here and in credentials; remove one")
            values[key], spots[key] = beside[key], ("accounts", name, key)
    reader = Reader(source, production=production, private=True)
    return reader.struct(kind, values, lambda key: spots.get(key, ("accounts", name, "credentials", key)))


def _check_webhook(
    source: Source, name: str, shape: config.Account, adapter: Adapter[Any, Any], *, production: bool
) -> None:
    spot = ("accounts", name, "webhook")
    if shape.webhook is None:
        return
    if not _TOKEN.fullmatch(shape.webhook.token.reveal()):
        problem = "part of a URL: expected letters, digits, '.', '_', '~' and '-' alone"
        source.note((*spot, "token"), problem)
    if adapter.pushes == "nothing":
        source.note(spot, f"{adapter.name} sends no webhooks; remove it", whole=True)
    elif adapter.pushes == "unsigned" and shape.webhook.secrets:
        source.note((*spot, "secrets"), f"{adapter.name} signs no webhooks; remove them")
    if production and adapter.pushes == "signed" and not shape.webhook.secrets:
        source.note((*spot, "secrets"), f"{adapter.name} signs its webhooks; in production expected its secret")


def url_fault(url: str, *, production: bool) -> str | None:
    """What is wrong with a URL that the gateway would call, without the URL; None: nothing."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return "expected an http:// or https:// URL"
    if not sound or any(letter.isspace() or not letter.isprintable() for letter in url):
        return "expected an http:// or https:// URL"
    if parts.username is not None or parts.password is not None:
        return "expected a URL without credentials"
    if parts.fragment:
        return "expected a URL without a fragment"
    if production and parts.scheme != "https":
        return "in production expected https://"
    return None
