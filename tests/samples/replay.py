"""Samples as values: one documented exchange with a vendor per file, and what a replay of it must give.

A file lies at `<adapter>/<operation>.<case>.json`, `<adapter>/webhook.<case>.json` or
`<adapter>/lookup.<operation>.<case>.json`. `source` is the page it was written from (a name of `pages.json`, or an
address), `date` the day that page was read. What a page leaves open is left out, and is not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from adapters.base import (
    Adapter,
    Applied,
    Blocked,
    HttpResponse,
    Link,
    NotApplied,
    Outcome,
    Pending,
    Refused,
    Secret,
    Sent,
    Sighting,
    Unknown,
)
from schemas.command import Name

HERE = Path(__file__).parent
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Part of a file; a misspelt key is refused rather than passed over."""


class Linked(_Part):
    base_url: str
    account: Mapping[str, Any]
    connection: Mapping[str, Any]
    emr: str | None


class Command(_Part):
    ref: str
    values: Mapping[str, Any]
    ids: Mapping[str, str]


class Request(_Part):
    method: str
    url: str
    headers: Mapping[str, str]
    body: Any = None


class Response(_Part):
    status: int
    headers: Mapping[str, str]
    body: str


class Hook(_Part):
    headers: Mapping[str, str]
    body: str
    secret: str


class Looked(_Part):
    sightings: Sequence[Mapping[str, Any]]
    more: bool
    complete: bool


class Sample(_Part):
    source: str
    date: str
    about: str
    operation: Name | None = None
    link: Linked | None = None
    sent: Command | None = None
    page: int = 1
    request: Request | None = None
    response: Response | None = None
    outcome: Mapping[str, Any] | None = None
    webhook: Hook | None = None
    sightings: Sequence[Mapping[str, Any]] | None = None
    lookup: Looked | None = None


class Case(Struct, frozen=True):
    """A sample with its adapter's name and its own, "cobalt/create_task.example"."""

    adapter: str
    name: str
    sample: Sample

    @property
    def response(self) -> HttpResponse:
        told = self.sample.response
        return HttpResponse(status=told.status, headers=told.headers, body=told.body.encode())

    @property
    def sent(self) -> Sent:
        told = self.sample.sent
        return Sent(ref=told.ref, operation=self.sample.operation, values=told.values, at=AT, ids=told.ids)


def cases(adapter: str = "*", pattern: str = "*") -> list[Case]:
    """The samples, by adapter and by the pattern of their names."""
    return [
        Case(path.parent.name, f"{path.parent.name}/{path.stem}", _read(path))
        for path in sorted(HERE.glob(f"{adapter}/{pattern}.json"))
    ]


def pages() -> dict[str, list[str]]:
    """Every JSON document that the five vendor pages print, by page, each exactly as printed."""
    return msgspec.json.decode((HERE / "pages.json").read_bytes(), type=dict[str, list[str]])


def link(adapter: Adapter[Any, Any], told: Linked) -> Link[Any, Any]:
    """The way into the vendor's system, its credentials as the adapter's own Structs."""
    account, connection = (
        msgspec.convert(given, struct, dec_hook=lambda type_, text: type_(text))
        for given, struct in ((told.account, adapter.account), (told.connection, adapter.connection))
    )
    return Link(base_url=told.base_url, account=account, connection=connection, emr=told.emr)


KINDS = {
    Applied: "applied",
    Pending: "pending",
    Refused: "refused",
    Blocked: "blocked",
    NotApplied: "not_applied",
    Unknown: "unknown",
}


def shown(value: Outcome | Sighting) -> dict[str, Any]:
    """A value as a sample writes it: the fields that are given. Unlike its repr, this shows them."""
    given = {name: told for name, told in msgspec.to_builtins(value).items() if told not in ("", None, {}, [])}
    return given if isinstance(value, Sighting) else {"type": KINDS[type(value)], **given}


def altered(document: Any, change: Any) -> Any:
    """The document with `change` made to each of its objects, innermost first."""
    if isinstance(document, list):
        return [altered(part, change) for part in document]
    if isinstance(document, dict):
        return change({key: altered(part, change) for key, part in document.items()})
    return document


def prefixes(body: str) -> Iterator[bytes]:
    """Every beginning of a JSON document that is not yet all of it."""
    raw = body.strip().encode()
    return (raw[:length] for length in range(len(raw)))


def secret(case: Case) -> Secret:
    return Secret(case.sample.webhook.secret)


def _read(path: Path) -> Sample:
    return msgspec.json.decode(path.read_bytes(), type=Sample)
