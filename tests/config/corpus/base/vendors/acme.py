"""Acme: a vendor that was dropped in. https://acme.example. Remember: it takes a text and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from adapters.base import Adapter, Applied, HttpResponse, Link, NoSettings, Operation, Outcome, Place, Secret, Sent


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key, and the region it is for."""

    key: Secret
    region: str = "eu"


class Acme(Adapter[Account, NoSettings]):
    """One table, one header."""

    name = "acme"
    docs = "https://acme.example"
    base_url = "https://api.acme.example"
    account = Account
    pushes = "unsigned"
    operations = (Operation(name="create_task", path="/tasks", places={"description": Place("text", "required")}),)

    def headers(self, link: Link[Account, NoSettings]) -> Mapping[str, str]:
        """The key."""
        return {"Authorization": link.account.key.reveal()}

    def parse_success(self, sent: Sent, response: HttpResponse) -> Outcome:
        """It answers with our own id."""
        return Applied(ids={"id": sent.ref if response.body else ""})


adapter = Acme()
