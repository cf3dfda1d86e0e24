"""The X-API-Key task API (published by Solum Health): tasks for a company's own task list.

https://docs.getsolum.com/api-reference/tasks/create-task. Remember: unknown keys are dropped without a word, and the
reply has no assignees, so our own tag (`gw:<delivery id>`) is the one mark that survives the round trip.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from adapters.base import (
    FOLDED,
    Adapter,
    Applied,
    BadSignature,
    Blocked,
    HttpRequest,
    HttpResponse,
    Link,
    NoSettings,
    Operation,
    Outcome,
    Page,
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
    """A key for one company. `mark: false` leaves our tag out, and with it the lookup by tag."""

    api_key: Secret
    mark: bool = True


class _Task(Struct):
    """What is read of the vendor's task; it has more."""

    id: str | int
    title: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    patient_id: str | int | None = None
    status: str | None = None


class _Pagination(Struct):
    has_more: bool


class _List(Struct):
    data: list[_Task]
    pagination: _Pagination


class _Detail(Struct):
    """The vendor's error, {"detail": {type, code, message, param}}."""

    message: str
    param: str | None = None


class _Invalid(Struct):
    """One row of the framework's own 422, {"detail": [{loc, msg, type}]}; the schema's wording is Pydantic's."""

    msg: str
    type: str = ""
    loc: list[str | int] = []


class _Error(Struct):
    detail: _Detail | list[_Invalid] | str


class _Hook(Struct):
    """A webhook: ids only. Where the id of the task stands is not printed, so the likely places are read."""

    event_type: str = ""
    type: str = ""
    event: str = ""
    event_id: str | None = None
    id: str | None = None
    task_id: str | int | None = None
    data: dict[str, Any] = {}


_WORK: Mapping[str, Work] = {"pending": "pending", "in_progress": "in_progress", "completed": "completed"}
_MARK = "gw:"


class TaskApi(Adapter[Account, NoSettings]):
    """The task API's dialect."""

    name = "task_api"
    docs = "https://docs.getsolum.com/api-reference/tasks/create-task"
    base_url = "https://api.getsolum.com"
    account = Account
    pushes = "signed"
    operations = (
        Operation(name="create_task", path="/v1/tasks", extras=True, places={
            "title": Place("title", "required"),
            "description": Place("description", "required"),
            "assignees": Place("assigned_user_ids", "required"),
            "created_by": Place("created_by_id", "required"),
            "due_at": Place("deadline", "required"),
            "tags": Place("tags"),
            "source.call_id": Place("call_id"),
            "source.fax_id": Place("fax_id"),
            "source.assistant_id": Place("assistant_id"),
            "source.session_id": Place("session_id"),
            "patient.id": Place("patient_id"),
            "status": Place("status"),
            "priority": Place("priority"),
            "type": Place("type"),
            "patient.mrn": FOLDED,
        }),
    )  # fmt: skip

    def headers(self, link: Link[Account, NoSettings]) -> Mapping[str, str]:
        """One key."""
        return {"X-API-Key": link.account.api_key.reveal()}

    def build_request(self, sent: Sent, link: Link[Account, NoSettings]) -> HttpRequest:
        """The table's request, with our tag behind the caller's."""
        if link.account.mark:
            tags = [*sent.values.get("tags", ()), _MARK + sent.ref]
            sent = msgspec.structs.replace(sent, values={**sent.values, "tags": tags})
        return super().build_request(sent, link)

    def parse_success(self, sent: Sent, response: HttpResponse) -> Outcome:
        """The bare task, no envelope."""
        task = msgspec.json.decode(response.body, type=_Task)
        if not str(task.id):
            return Unknown(code="no-id")
        return Applied(ids={"id": str(task.id)}, work=_work(task), work_raw=task.status)

    def parse_error(self, sent: Sent, response: HttpResponse) -> Outcome:
        """{"detail": ...} as object, list or text; it proves a refusal on 400, 404, 409 and 422."""
        by = by_status(response)
        try:
            detail = msgspec.json.decode(response.body, type=_Error).detail
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return by
        message = (
            detail.message if isinstance(detail, _Detail) else detail if isinstance(detail, str) else _told(detail)
        )
        if isinstance(by, Blocked) and by.code == "credentials":
            return Blocked(code="credentials", message=message)
        if response.status not in {400, 404, 409, 422}:
            return by
        if isinstance(detail, str):  # a router's own 404 reads the same: {"detail": "Not Found"}
            return by if response.status == 404 else Refused(code="refused", message=message)  # noqa: PLR2004 - a status is its own best name
        return _refusal(detail, message)

    def build_lookup(self, sent: Sent, link: Link[Account, NoSettings], page: int) -> HttpRequest | None:
        """The task itself where its id is known; else the whole list: what staff may edit must not hide it."""
        if task_id := sent.ids.get("id"):
            url = f"{link.base_url}/v1/tasks/{quote(task_id, safe='')}"
        elif link.account.mark:
            url = f"{link.base_url}/v1/tasks?{urlencode({'page': page, 'limit': 100})}"
        else:
            return None
        return HttpRequest(method="GET", url=url, headers=self.headers(link))

    def parse_lookup(self, sent: Sent, response: HttpResponse) -> Page:
        """One task, or a page of them; the last page of the list is complete."""
        if sent.ids.get("id"):
            return Page(sightings=[_seen(msgspec.json.decode(response.body, type=_Task))])
        listed = msgspec.json.decode(response.body, type=_List)
        more = listed.pagination.has_more
        return Page(sightings=[_seen(task) for task in listed.data], more=more, complete=not more)

    def verify_webhook(
        self,
        headers: Mapping[str, str],
        body: bytes,
        secrets: Sequence[Secret],
        now: datetime,
    ) -> None:
        """`X-Solum-Signature`: sha256=<hex HMAC-SHA256 of the raw body>; the whole whsec_ text is the key."""
        given = headers.get("x-solum-signature", "")
        for secret in secrets:
            expected = "sha256=" + hmac.new(secret.reveal().encode(), body, hashlib.sha256).hexdigest()
            if hmac.compare_digest(expected.encode(), given.encode()):
                return
        raise BadSignature("X-Solum-Signature does not match")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> Sequence[Sighting]:
        """Ids only, so a task's event means: go and look."""
        hook = msgspec.json.decode(body, type=_Hook)
        kind = hook.event_type or hook.type or hook.event
        task_id = hook.task_id or hook.data.get("task_id") or hook.data.get("id")
        if not kind.startswith("task") or task_id is None:
            return (Sighting(says="other", event_id=hook.event_id or hook.id),)
        return (
            Sighting(
                says="changed",
                operation="create_task",
                event_id=hook.event_id or hook.id,
                ids={"id": str(task_id)},
            ),
        )


def _work(task: _Task) -> Work | None:
    return None if task.status is None else _WORK.get(task.status, "other")


def _seen(task: _Task) -> Sighting:
    marks = tuple(dict.fromkeys(tag.removeprefix(_MARK) for tag in task.tags or () if tag.startswith(_MARK)))
    values: Values = {
        path: value
        for path, value in {
            "title": task.title,
            "description": task.description,
            "patient.id": None if task.patient_id is None else str(task.patient_id),
        }.items()
        if value is not None
    }
    return Sighting(
        says="created",
        operation="create_task",
        ref=marks[0] if len(marks) == 1 else None,
        refs=marks if len(marks) > 1 else (),
        ids={"id": str(task.id)},
        values=values,
        work=_work(task),
        work_raw=task.status,
    )


def _told(rows: Sequence[_Invalid]) -> str:
    return "; ".join(f"{'.'.join(str(part) for part in row.loc)}: {row.msg}" for row in rows)


def _refusal(detail: _Detail | Sequence[_Invalid], message: str) -> Refused:
    if isinstance(detail, _Detail):
        return Refused(code="refused", message=message, field=detail.param)
    if not detail:
        return Refused(code="refused", message=message)
    first = detail[0]
    missing = first.type in {"missing", "value_error.missing"}
    wire = next((part for part in first.loc if isinstance(part, str) and part != "body"), None)
    return Refused(code="missing-field" if missing else "invalid-format", message=message, field=wire)


adapter = TaskApi()
