"""A vendor whose adapter breaks in every way, and puts patient text and secrets into whatever it raises or returns.

https://clumsy.example/docs. Remember: the command's title says what goes wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from adapters.base import (
    Adapter,
    Applied,
    Blocked,
    HttpRequest,
    HttpResponse,
    Link,
    NoSettings,
    NotApplied,
    Operation,
    Outcome,
    Page,
    Pending,
    Place,
    Refused,
    Secret,
    Sent,
    Sighting,
    Token,
    Unknown,
)


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`breaks`: the token call, and where."""

    api_key: Secret
    breaks: str = ""


def _way(sent: Sent) -> str:
    found = re.search(r"way-([a-z-]+)", str(sent.values["title"]))
    return found[1] if found else ""


class Clumsy(Adapter[Account, NoSettings]):
    """Breaks as it is told."""

    name = "clumsy"
    docs = "https://clumsy.example/docs"
    base_url = "https://clumsy.example"
    account = Account
    pushes = "signed"
    operations = (
        Operation(name="create_task", path="/v1/clumsy", extras=True, places={
            "title": Place("title", "required"),
            "description": Place("text", "required"),
            "patient.mrn": Place("mrn"),
        }),
    )  # fmt: skip

    def headers(self, link: Link[Account, NoSettings]) -> Mapping[str, str]:
        return {"X-Clumsy-Key": link.account.api_key.reveal()}

    def build_request(self, sent: Sent, link: Link[Account, NoSettings]) -> HttpRequest:
        match _way(sent):
            case "build":
                raise ValueError(sent.values, link.account.api_key.reveal())
            case "unsendable":
                headers = {"X-Title": f"{sent.values['title']}\r\n", "X-Clumsy-Key": link.account.api_key.reveal()}
                return HttpRequest(method="POST", url=link.base_url, headers=headers, json=dict(sent.values))
            case "nowhere":
                return HttpRequest(
                    method="POST", url=f"nonsense://{sent.values['patient.mrn']}", json=dict(sent.values)
                )
        return super().build_request(sent, link)

    def parse_success(self, sent: Sent, response: HttpResponse) -> Outcome:
        text = response.body.decode()
        outcomes: Mapping[str, Outcome] = {
            "unknown": Unknown(code=text),
            "refused": Refused(code=text, message=text, field=text),
            "missing": Refused(code="missing-field", message=text, field=str(sent.values["patient.mrn"])),
            "blocked": Blocked(code=text, message=text),
            "not-applied": NotApplied(code=text, retry_after=text),
            "pending": Pending(ids={}),
            "worked": Applied(ids={"id": sent.ref}, work="other", work_raw=text),
        }
        if _way(sent) not in outcomes:
            raise LookupError(text)
        return outcomes[_way(sent)]

    def parse_error(self, sent: Sent, response: HttpResponse) -> Outcome:
        raise LookupError(response.body.decode())

    def build_lookup(self, sent: Sent, link: Link[Account, NoSettings], page: int) -> HttpRequest | None:
        if _way(sent) == "pending":
            raise ValueError(sent.values, link.account.api_key.reveal())
        return HttpRequest(method="GET", url=f"{link.base_url}/v1/clumsy", headers=self.headers(link))

    def parse_lookup(self, sent: Sent, response: HttpResponse) -> Page:
        raise ValueError(sent.values, response.body)

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret], now: Any) -> None:
        if b"unproved" in body:
            raise ValueError(body, [secret.reveal() for secret in secrets])

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> Sequence[Sighting]:
        raise ValueError(headers, body)

    def build_token(self, link: Link[Account, NoSettings]) -> HttpRequest | None:
        if link.account.breaks == "build-token":
            raise ValueError(link.account.api_key.reveal())
        if link.account.breaks:
            return HttpRequest(method="POST", url=f"{link.base_url}/token", form={"k": link.account.api_key.reveal()})
        return None

    def parse_token(self, response: HttpResponse) -> Token:
        raise ValueError(response.body)


adapter = Clumsy()
