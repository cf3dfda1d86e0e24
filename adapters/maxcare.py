"""MaxCare (Max AI public API, v4): a task on a clinical note.

https://docs.maxcare.ai/api-reference/v4/tasks/create-a-task. Remember: success and error answers share the key
`code`, and a task is in the clinic's EHR only once `syncStatus` says `synced`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from adapters.base import (
    FOLDED,
    Adapter,
    Applied,
    Blocked,
    HttpRequest,
    HttpResponse,
    Link,
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
    Unknown,
    Values,
    Work,
    by_status,
)


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A marketplace (data) API key; its prefix tells production (max_prd_ak_) from staging (max_dev_ak_)."""

    api_key: Secret


class Connection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The clinic's organization; an opaque id, in two shapes."""

    organization_id: Secret


class _Task(Struct):
    """What is read of the vendor's task. Its timestamps ("2026-03-20 18:35:10.209452+00") are left alone."""

    id: str | int
    status: str | None = None
    syncStatus: str | None = None  # noqa: N815 - the vendor's name
    notes: str | None = None
    noteId: str | None = None  # noqa: N815 - likewise


class _Pagination(Struct):
    page: int
    totalPages: int  # noqa: N815 - likewise


class _Tasks(Struct):
    tasks: list[_Task]
    pagination: _Pagination


class _Envelope(Struct):
    """Success is `code: "success"` with `data`; an error has another code and a message."""

    code: str
    message: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


_WORK: Mapping[str, Work] = {"not_started": "pending", "in_progress": "in_progress"}
_FIELD = re.compile(r"^'(?P<field>\w+)' (?:is required|must be)")


class MaxCare(Adapter[Account, Connection]):
    """MaxCare's dialect."""

    name = "maxcare"
    docs = "https://docs.maxcare.ai/api-reference/v4/tasks/create-a-task"
    base_url = "https://api.maxcare.ai"
    account = Account
    connection = Connection
    operations = (
        Operation(name="create_task", path="/v4/tasks", places={
            "encounter_note_id": Place("noteId", "required"),
            "created_by": Place("providerId", "required"),
            "description": Place("notes", "required"),
            "assignees": Place("assigneeIds", "required"),
            "title": FOLDED,
            "due_at": FOLDED,
            "priority": FOLDED,
            "patient.mrn": FOLDED,
            "patient.id": FOLDED,
        }),
    )  # fmt: skip

    def headers(self, link: Link[Account, Connection]) -> Mapping[str, str]:
        """The key and the clinic, on every call."""
        return {
            "Authorization": f"Bearer {link.account.api_key.reveal()}",
            "X-Organization-Id": link.connection.organization_id.reveal(),
        }

    def parse_success(self, sent: Sent, response: HttpResponse) -> Outcome:
        """The task; pending until it is in the EHR. No error code is documented with a 2xx: there it proves nothing."""
        envelope = msgspec.json.decode(response.body, type=_Envelope)
        if envelope.code != "success":
            return Unknown(code="unrecognised")
        task = msgspec.json.decode(envelope.data, type=_Task)
        if not str(task.id):
            return Unknown(code="no-id")
        if task.syncStatus != "synced":
            return Pending(ids={"id": str(task.id)})
        return Applied(ids={"id": str(task.id)}, work=_work(task), work_raw=task.status)

    def parse_error(self, sent: Sent, response: HttpResponse) -> Outcome:
        """{code, message, trace_id}: only a documented code, with its own status, proves more than the status."""
        try:
            envelope = msgspec.json.decode(response.body, type=_Envelope)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return by_status(response)
        return _documented(envelope, response) or by_status(response)

    def build_lookup(self, sent: Sent, link: Link[Account, Connection], page: int) -> HttpRequest | None:
        """The task itself where its id is known; else all tasks of its note."""
        if task_id := sent.ids.get("id"):
            url = f"{link.base_url}/v4/tasks/{quote(task_id, safe='')}"
        else:
            query = {"noteId": sent.values["encounter_note_id"], "page": page, "pageSize": 100}
            url = f"{link.base_url}/v4/tasks?{urlencode(query)}"
        return HttpRequest(method="GET", url=url, headers=self.headers(link))

    def parse_lookup(self, sent: Sent, response: HttpResponse) -> Page:
        """One task, or a page of the note's; the last page is complete."""
        envelope = msgspec.json.decode(response.body, type=_Envelope)
        if envelope.code != "success":
            raise ValueError("not a success envelope")
        if sent.ids.get("id"):
            return Page(sightings=[_seen(msgspec.json.decode(envelope.data, type=_Task))])
        listed = msgspec.json.decode(envelope.data, type=_Tasks)
        more = listed.pagination.page < listed.pagination.totalPages
        return Page(sightings=[_seen(task) for task in listed.tasks], more=more, complete=not more)


def _work(task: _Task) -> Work | None:
    return None if task.status is None else _WORK.get(task.status, "other")


def _seen(task: _Task) -> Sighting:
    echoed = {"encounter_note_id": task.noteId, "description": task.notes}  # staff change who is assigned
    values: Values = {path: value for path, value in echoed.items() if value is not None}
    return Sighting(
        says="created" if task.syncStatus == "synced" else "accepted",
        operation="create_task",
        ids={"id": str(task.id)},
        values=values,
        work=_work(task),
        work_raw=task.status,
    )


def _documented(envelope: _Envelope, response: HttpResponse) -> Outcome | None:
    """The documented errors (https://docs.maxcare.ai/guides/errors); None for any other."""
    message = envelope.message
    match response.status, envelope.code:
        case 400, "bad_request":
            found = _FIELD.match(message)
            required = found is not None and "is required" in message
            code = "missing-field" if required else "bad-request"
            return Refused(code=code, message=message, field=found and found["field"])
        case 404, "not_found":
            return Refused(code="not-found", message=message)
        case (401, "unauthorized") | (403, "forbidden"):
            return Blocked(code="credentials", message=message)
        case 429, "rate_limit_exceeded":
            return NotApplied(code="rate-limited", retry_after=response.headers.get("retry-after"))
        case _:
            return None


adapter = MaxCare()
