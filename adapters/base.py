"""What an adapter is: one vendor's dialect as tables and pure functions over values.

An adapter file holds, in this order: a docstring with the vendor's documentation page and the one fact to remember;
two credential Structs; private Structs for what it reads; the class; `adapter = Name()` at the end. Its heart is one
table of places per operation: where each canonical field goes. No adapter does I/O, reads a clock, draws random
numbers or logs; the gateway owns those.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, TypeVar, final

from msgspec import Struct

from schemas.command import Name
from schemas.outcome import (
    Applied,
    Blocked,
    Ids,
    NotApplied,
    Outcome,
    Page,
    Pending,
    Refused,
    Sighting,
    Token,
    Unknown,
    Values,
    Work,
)
from schemas.private import Private, Secret

__all__ = [
    "FOLDED", "Adapter", "Applied", "BadSignature", "Blocked", "HttpRequest", "HttpResponse", "Ids", "Link", "Name",
    "NoSettings", "NotApplied", "Operation", "Outcome", "Page", "Pending", "Place", "Pushes", "Refused", "Secret",
    "Sent", "Sighting", "Token", "Unknown", "Values", "Work", "by_status", "place",
]  # fmt: skip

A = TypeVar("A")
C = TypeVar("C")
Pushes = Literal["nothing", "unsigned", "signed"]


class Place(Struct, frozen=True):
    """Where one canonical field goes. A field without a place is not carried."""

    wire: str | None
    """The vendor's name, dotted when nested ("task.patient.mrn"); None: the field joins the text."""
    need: Literal["required", "varies", "optional"] = "optional"
    """`varies`: some EMRs want it; the capability table says which."""
    most: int | None = None
    """A list of which the vendor takes this many."""


FOLDED = Place(None)


class Operation(Struct, frozen=True, kw_only=True):
    """How far one vendor supports one canonical command."""

    name: Name
    path: str
    places: Mapping[str, Place]
    text: str = "description"
    """The canonical field that folded ones join."""
    emrs: tuple[str, ...] | None = None
    """The EMRs that have it; None: all."""
    extras: bool = False
    """Whether it takes `vendor_fields`."""
    one_per: tuple[str, ...] = ()
    """The vendor refuses a second one with these values."""
    settles_within: int = 900
    """Seconds until a pending result is overdue."""


class HttpRequest(Private, frozen=True, kw_only=True):
    """A request as a value; nothing is sent by making one."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    json: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None


class HttpResponse(Private, frozen=True, kw_only=True):
    """A vendor's answer: header names in lower case, the body as its bytes (at most 1 MiB)."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Link(Struct, Generic[A, C], frozen=True, kw_only=True):
    """One clinic's way into one system: origin, the account's credentials, the connection's, the EMR, the token."""

    base_url: str
    account: A
    connection: C
    emr: str | None = None
    token: Secret | None = None


class Sent(Private, frozen=True, kw_only=True):
    """A command as it goes out. `ref` is our own delivery id; `ids` what the vendor has told us of it so far."""

    ref: str
    operation: Name
    values: Values
    at: datetime
    ids: Ids = {}


class NoSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The credentials of a vendor that needs none at this level."""


class BadSignature(Exception):  # noqa: N818 - the interface's name; it reads as what it is
    """A webhook's signature does not prove its body."""


def by_status(response: HttpResponse) -> Outcome:
    """What a status alone proves, when the vendor's own envelope is not recognised.

    A refusal by a proxy looks like one by the application, so 404 and 405 only block; a 408 or any 5xx may hide a
    request that was carried out, so they prove nothing.
    """
    status = response.status
    if status in {400, 411, 413, 414, 415, 422, 431}:
        return Refused(code=f"http-{status}")
    if status in {401, 402, 403}:
        return Blocked(code="credentials")
    if status in {307, 308, 404, 405}:
        return Blocked(code="config")
    if status in {421, 425, 429}:
        return NotApplied(code=f"http-{status}", retry_after=response.headers.get("retry-after"))
    if status == 409:  # noqa: PLR2004 - a status is its own best name
        return Refused(code="conflict")
    return Unknown(code=f"http-{status}")


def place(operation: Operation, values: Values) -> dict[str, Any]:
    """The request body that the operation's table makes of `values`, in the table's order."""
    body: dict[str, Any] = {}
    for path, spot in operation.places.items():
        if spot.wire is None or path not in values:
            continue
        value = values[path]
        if spot.most is not None:
            value = value[0] if spot.most == 1 else value[: spot.most]
        *parents, last = spot.wire.split(".")
        target = body
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = value
    return body


class Adapter(ABC, Generic[A, C]):
    """One vendor's dialect.

    Subclasses declare the class variables, `headers` and `parse_success`, and override the rest only where the
    vendor differs. Every method is pure. What a parse method raises is read as "unreadable", never as a refusal.
    docs/adding-a-vendor.md builds a whole one; `task-gateway adapter test` says what does not hold.
    """

    name: ClassVar[str]
    docs: ClassVar[str]
    base_url: ClassVar[str]
    """The vendor's origin, without a path."""
    account: ClassVar[type[Struct]] = NoSettings
    connection: ClassVar[type[Struct]] = NoSettings
    operations: ClassVar[tuple[Operation, ...]]
    pushes: ClassVar[Pushes] = "nothing"

    @abstractmethod
    def headers(self, link: Link[A, C]) -> Mapping[str, str]:
        """The headers that every call carries."""

    @abstractmethod
    def parse_success(self, sent: Sent, response: HttpResponse) -> Outcome:
        """What a 2xx answer proves. Only a shape the vendor documents may be `Refused` here."""

    def parse_error(self, sent: Sent, response: HttpResponse) -> Outcome:
        """What any other answer proves; by default what its status proves, which is also all that garbage proves.

        It does not raise, whatever the body is.
        """
        return by_status(response)

    def build_request(self, sent: Sent, link: Link[A, C]) -> HttpRequest:
        """The request of a command; overridden only for what a table cannot say."""
        operation = self.operation(sent.operation)
        return HttpRequest(
            method="POST",
            url=link.base_url + operation.path,
            headers=self.headers(link),
            json=place(operation, sent.values),
        )

    def build_lookup(self, sent: Sent, link: Link[A, C], page: int) -> HttpRequest | None:
        """The request for page `page` (from 1) of what the vendor knows of `sent`; None: it cannot be asked."""
        return None

    def parse_lookup(self, sent: Sent, response: HttpResponse) -> Page:
        """The sightings on one page of a lookup's answer. Raises ValueError when it cannot be read."""
        return Page(sightings=())

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret], now: datetime) -> None:
        """Prove that the vendor signed `body` with one of `secrets`. Raises BadSignature."""

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> Sequence[Sighting]:
        """What a webhook says; nothing for a type that means nothing to us. Raises when it cannot be read.

        A webhook is read after it was stored; of `headers` only a few are kept (`gateway/flows/receive.py`).
        """
        return ()

    def build_token(self, link: Link[A, C]) -> HttpRequest | None:
        """The request for an access token; None: the vendor has no token call."""
        return None

    def parse_token(self, response: HttpResponse) -> Token:
        """The token in the answer to `build_token`'s request. Raises ValueError when there is none."""
        raise ValueError("this vendor has no token call")

    @final
    def operation(self, name: Name) -> Operation:
        """The table of `name`. Raises LookupError when the vendor does not have the operation."""
        for operation in self.operations:
            if operation.name == name:
                return operation
        raise LookupError(f"{self.name} has no {name}")

    @final
    def supports(self, name: Name) -> bool:
        """Whether the vendor has the operation at all."""
        return any(operation.name == name for operation in self.operations)

    @final
    def ours(self, operation: Name, wire: str) -> str | None:
        """Our name for the vendor's field `wire`; None when it maps to no place."""
        places = self.operation(operation).places
        return next((path for path, spot in places.items() if spot.wire == wire), None)
