"""A vendor with a token call, dropped in.

https://harbour.example/docs. Remember: a token is good for an hour.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from adapters.base import (
    Adapter,
    Applied,
    HttpRequest,
    HttpResponse,
    Link,
    NoSettings,
    Operation,
    Outcome,
    Place,
    Secret,
    Sent,
    Token,
)


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a token is asked for with."""

    user: str
    password: Secret


class _Granted(Struct):
    access_token: str
    expires_in: int


class _Made(Struct):
    id: str


class Harbour(Adapter[Account, NoSettings]):
    """Harbour's dialect."""

    name = "harbour"
    docs = "https://harbour.example/docs"
    base_url = "https://harbour.example"
    account = Account
    operations = (
        Operation(
            name="create_task", path="/tasks", places={"description": Place("text", "required"), "type": Place("t")}
        ),
    )

    def headers(self, link: Link[Account, NoSettings]) -> Mapping[str, str]:
        """The token."""
        return {"Authorization": f"Bearer {link.token.reveal() if link.token else ''}"}

    def parse_success(self, sent: Sent, response: HttpResponse) -> Outcome:
        """The task."""
        return Applied(ids={"id": msgspec.json.decode(response.body, type=_Made).id})

    def build_token(self, link: Link[Account, NoSettings]) -> HttpRequest:
        """The password grant."""
        form = {"grant_type": "password", "user": link.account.user, "password": link.account.password.reveal()}
        return HttpRequest(method="POST", url=f"{link.base_url}/token", form=form)

    def parse_token(self, response: HttpResponse) -> Token:
        """Granted, or not."""
        granted = msgspec.json.decode(response.body, type=_Granted)
        return Token(value=Secret(granted.access_token), expires_in=granted.expires_in)


adapter = Harbour()
