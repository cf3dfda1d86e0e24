"""Vendor name: what it takes.

https://vendor.example/docs/create-task. Remember: the one fact that will surprise the next reader.

Copy this file to <vendor>.py, here or into a directory of `adapter_paths`, and work from top to bottom. Nothing else
needs an edit: the file is found by its place, and configuration names it by `name`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from adapters.base import (
    FOLDED,
    Adapter,
    Applied,
    HttpResponse,
    Link,
    NoSettings,
    Operation,
    Outcome,
    Place,
    Secret,
    Sent,
    Unknown,
)


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an account's `credentials` hold; a clinic's own go into a second Struct, `connection`."""

    api_key: Secret


class _Task(Struct):
    """Only what is read of the reply; a vendor may add fields at any time."""

    id: str | int


class Template(Adapter[Account, NoSettings]):
    """One table of places an operation, the headers, and how to read the reply: that is a vendor."""

    name = "template"
    docs = "https://vendor.example/docs/create-task"
    base_url = "https://api.vendor.example"
    account = Account
    operations = (
        Operation(name="create_task", path="/v1/tasks", places={
            "description": Place("text", "required"),   # our name: the vendor's name
            "assignees": Place("assignee", most=1),     # a list of which the vendor takes one
            "patient.mrn": Place("patient.mrn"),        # dotted: nested objects
            "title": FOLDED,                            # no place of its own: joins the text
            "due_at": FOLDED,                           # what is named nowhere here is not carried
            "priority": FOLDED,
        }),
    )  # fmt: skip

    def headers(self, link: Link[Account, NoSettings]) -> Mapping[str, str]:
        """What every call carries."""
        return {"Authorization": f"Bearer {link.account.api_key.reveal()}"}

    def parse_success(self, sent: Sent, response: HttpResponse) -> Outcome:
        """A 2xx: only a reply that is understood counts; whatever raises here is read as unknown, never as refused."""
        task = msgspec.json.decode(response.body, type=_Task)
        return Applied(ids={"id": str(task.id)}) if str(task.id) else Unknown(code="no-id")


adapter = Template()
