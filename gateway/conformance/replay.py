"""A sample played again: its credentials as the adapter's own, and values in the words of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from adapters.base import Adapter, HttpRequest, Link, Outcome, Page, Secret, Sighting
from gateway.conformance.samples import Linked, Looked, Request
from schemas.outcome import VERDICTS


def link(adapter: Adapter[Any, Any], told: Linked) -> Link[Any, Any]:
    """The way into the vendor's system. Raises msgspec.ValidationError when the credentials do not fit."""
    account, connection = (
        msgspec.convert(given, kind, dec_hook=lambda wanted, text: wanted(text))
        for given, kind in ((told.account, adapter.account), (told.connection, adapter.connection))
    )
    token = Secret(told.token) if told.token is not None else None
    return Link(base_url=told.base_url, account=account, connection=connection, emr=told.emr, token=token)


def shown(value: Outcome | Sighting) -> dict[str, Any]:
    """A value as a sample writes it: the fields that are given. Unlike its repr, this shows them."""
    given = {name: told for name, told in msgspec.to_builtins(value).items() if told not in ("", None, {}, [], ())}
    return given if isinstance(value, Sighting) else {"type": VERDICTS[type(value)], **given}


def seen(sightings: Sequence[Sighting]) -> list[dict[str, Any]]:
    """Sightings as a sample writes them."""
    return [shown(sighting) for sighting in sightings]


def page(read: Page) -> Looked:
    """A page as a sample writes it."""
    return Looked(sightings=seen(read.sightings), more=read.more, complete=read.complete)


def plain(told: Looked) -> Any:
    """A page as JSON-ready data."""
    return msgspec.to_builtins(told)


def differences(built: HttpRequest, told: Request) -> list[str]:
    """Where a request is not the sample's, byte for byte."""
    pairs = {
        "method": (built.method, told.method),
        "url": (built.url, told.url),
        "headers": (_sorted(built.headers), _sorted(told.headers)),
        "body": (built.json, told.body),
        "form": (built.form, told.form),
    }
    return [
        f"{part}: built {_json(ours)}, the sample has {_json(theirs)}"
        for part, (ours, theirs) in pairs.items()
        if _json(ours) != _json(theirs)
    ]


def _sorted(headers: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(headers.items()))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
