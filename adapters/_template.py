"""Template: tasks in the system of a vendor.

https://vendor.example/docs/create-task. Remember: the one fact that will surprise the next reader.

Work from top to bottom and make each part the vendor's; docs/adding-a-vendor.md goes along with it, and has the parts
that not every vendor needs: an OAuth2 token, looking for what was created, webhooks. After each step
`task-gateway adapter test` on this file says what does not hold yet. No other file changes.
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
    Refused,
    Secret,
    Sent,
    by_status,
)


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an account's `credentials` hold; what differs from clinic to clinic goes into a second Struct."""

    api_key: Secret


class _Task(Struct):
    """Only what is read of the reply; a vendor may add fields at any time."""

    id: str | int


class _Fault(Struct):
    message: str
    field: str | None = None


class _Error(Struct):
    """The vendor's own words for a refusal: {"error": {"message", "field"}}."""

    error: _Fault


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
        return Applied(ids={"id": str(task.id)})

    def parse_error(self, sent: Sent, response: HttpResponse) -> Outcome:
        """Any other status: it proves what it proves; the vendor's own words say why, and which field."""
        proved = by_status(response)
        try:
            fault = msgspec.json.decode(response.body, type=_Error).error
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return proved
        if isinstance(proved, Refused):
            return Refused(code="refused", message=fault.message, field=fault.field)
        return proved


adapter = Template()
