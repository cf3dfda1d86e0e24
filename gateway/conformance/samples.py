"""Samples as values: one exchange with a vendor per file, and what the adapter must make of it.

They lie in `samples/<adapter name>/*.json` beside the adapter's file. What a file holds besides its source says which
kind it is: `outcome` (the answer to a command), `lookup` (one page of a look), `webhook` or `token`. `source` is the
address of the page the sample was written from, or `sandbox: ...` / `live: ...` for an exchange recorded at the
vendor's sandbox or in production; `date` is the day of that, 2026-11-22. What a page leaves open is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

import adapters
from adapters.base import HttpResponse, Secret, Sent
from schemas.command import Name

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""When the commands of samples were sent, and webhooks came in that do not say."""

T = TypeVar("T")


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Part of a file; a misspelt key is refused rather than passed over."""


class Linked(_Part, frozen=True, kw_only=True):
    """The way into the vendor's system, credentials in plain: samples hold none that work."""

    base_url: str
    account: Mapping[str, Any] = {}
    connection: Mapping[str, Any] = {}
    emr: str | None = None
    token: str | None = None


class Command(_Part, frozen=True, kw_only=True):
    """What was sent: canonical paths and their values, and the vendor's ids as far as they were known."""

    ref: str
    values: Mapping[str, Any]
    ids: Mapping[str, str] = {}


class Request(_Part, frozen=True, kw_only=True):
    """The request, whole. `body` is its JSON, `form` its form."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: Any = None
    form: Mapping[str, str] | None = None


class Response(_Part, frozen=True, kw_only=True):
    """The answer, its body as the exact text."""

    status: int
    headers: Mapping[str, str] = {}
    body: str = ""


class Hook(_Part, frozen=True, kw_only=True):
    """A webhook as it came in (`at`), and the secret that signs it."""

    headers: Mapping[str, str] = {}
    body: str
    secret: str = ""
    at: datetime = AT


class Looked(_Part, frozen=True, kw_only=True):
    """What one page of a look shows."""

    sightings: Sequence[Mapping[str, Any]]
    more: bool = False
    complete: bool = False


class Told(_Part, frozen=True, kw_only=True):
    """A token as it is read."""

    value: str
    expires_in: int


class Sample(_Part, frozen=True, kw_only=True):
    """What every sample says of itself. `name` is its file's, with the directory."""

    source: str = ""
    date: str = ""
    about: str = ""
    name: str = ""


class _Exchange(Sample, frozen=True, kw_only=True):
    link: Linked
    request: Request | None = None
    response: Response

    @property
    def reply(self) -> HttpResponse:
        """The answer as an adapter gets it."""
        told = self.response
        return HttpResponse(status=told.status, headers=told.headers, body=told.body.encode())


class _About(_Exchange, frozen=True, kw_only=True):
    operation: Name
    sent: Command

    @property
    def command(self) -> Sent:
        """The command as an adapter gets it."""
        return Sent(ref=self.sent.ref, operation=self.operation, values=self.sent.values, at=AT, ids=self.sent.ids)


class AnswerSample(_About, frozen=True, kw_only=True):
    """A command, its request, the answer, and what that proves.

    `words` are the vendor's for ours, {"priority": {"low": 4, ...}}, where it has others.
    """

    outcome: Mapping[str, Any]
    words: Mapping[str, Mapping[str, Any]] = {}


class LookupSample(_About, frozen=True, kw_only=True):
    """One page of what the vendor knows of a command."""

    page: int = 1
    lookup: Looked


class TokenSample(_Exchange, frozen=True, kw_only=True):
    """A token call."""

    token: Told


class WebhookSample(Sample, frozen=True, kw_only=True):
    """A webhook and what it says."""

    webhook: Hook
    sightings: Sequence[Mapping[str, Any]]

    @property
    def body(self) -> bytes:
        """The bytes that were signed."""
        return self.webhook.body.encode()

    @property
    def secret(self) -> Secret:
        """What signs it."""
        return Secret(self.webhook.secret)


class Samples(Struct, frozen=True, kw_only=True):
    """All samples of one adapter, the pages kept beside them, and the files that cannot be read, with the reason."""

    answers: Sequence[AnswerSample] = ()
    lookups: Sequence[LookupSample] = ()
    tokens: Sequence[TokenSample] = ()
    webhooks: Sequence[WebhookSample] = ()
    pages: frozenset[str] = frozenset()
    unreadable: Sequence[tuple[str, str]] = ()

    @property
    def all(self) -> Sequence[Sample]:
        """Every one that can be read."""
        return (*self.answers, *self.lookups, *self.tokens, *self.webhooks)

    def proving(self, *outcomes: str) -> list[AnswerSample]:
        """The answers with one of these outcomes: "applied", "refused", ..."""
        return [sample for sample in self.answers if sample.outcome.get("type") in outcomes]

    @property
    def created(self) -> list[AnswerSample]:
        """The answers that prove a creation or a receipt."""
        return self.proving("applied", "pending")


_KINDS: Mapping[str, type[Sample]] = {
    "outcome": AnswerSample, "lookup": LookupSample, "token": TokenSample, "webhook": WebhookSample,
}  # fmt: skip
_OURS = Path(adapters.__file__).parent


def directory(file: Path, name: str) -> Path:
    """Where the samples of the adapter `name` in `file` lie: beside it; of those we ship, with our tests."""
    beside = file.resolve().parent / "samples" / name
    return beside if beside.is_dir() or file.resolve().parent != _OURS else _OURS.parent / "tests" / "samples" / name


def read_samples(folder: Path) -> Samples:
    """Every sample of a directory; what is wrong with a file is told among `unreadable`."""
    found: list[Sample] = []
    unreadable = []
    for path in sorted(folder.glob("*.json")):
        name = f"samples/{folder.name}/{path.name}"
        try:
            found.append(msgspec.structs.replace(_read(path), name=name))
        except (msgspec.MsgspecError, ValueError) as error:
            unreadable.append((name, str(error)))
    return Samples(
        answers=_of(AnswerSample, found),
        lookups=_of(LookupSample, found),
        tokens=_of(TokenSample, found),
        webhooks=_of(WebhookSample, found),
        pages=_pages(folder.parent / "pages.json"),
        unreadable=unreadable,
    )


def _read(path: Path) -> Sample:
    document = msgspec.json.decode(path.read_bytes())
    kinds = [kind for key, kind in _KINDS.items() if isinstance(document, dict) and key in document]
    if len(kinds) != 1:
        raise ValueError(f"a sample holds exactly one of {', '.join(_KINDS)}")
    return msgspec.convert(document, kinds[0])


def _of(kind: type[T], found: Sequence[Sample]) -> tuple[T, ...]:
    return tuple(sample for sample in found if isinstance(sample, kind))


def _pages(path: Path) -> frozenset[str]:
    """The names of the pages whose text is kept beside the samples."""
    return frozenset(msgspec.json.decode(path.read_bytes(), type=dict[str, Any])) if path.is_file() else frozenset()
