"""Meridian Practice Cloud: tasks and notes, written into the practice's system by a job.

https://docs.meridian-practice.example/tasks (tests/fourth/meridian.md). Remember: a queued task has a job's id and
none of its own; nothing can be deleted, so what the list does not show does not exist.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct, structs

from adapters.base import (
    Adapter,
    Applied,
    BadSignature,
    Blocked,
    HttpRequest,
    HttpResponse,
    Ids,
    Link,
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
    Values,
    Work,
    by_status,
)

D = TypeVar("D")
_Says = Literal["created", "accepted", "failed", "changed", "blocked", "other"]


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Our integration, which serves all practices."""

    client_id: str
    client_secret: Secret


class Connection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One clinic's practice."""

    practice_id: str


class _Token(Struct):
    access_token: str
    expires_in: int


class _Data(Struct, Generic[D]):
    """The envelope of every success."""

    data: D


class _Queued(Struct):
    job_id: str | int


class _Note(Struct):
    id: str | int


class _Task(Struct):
    """`id` is null while the task is queued."""

    state: str
    id: str | int | None = None
    job_id: str | int | None = None
    external_ref: str | None = None
    subject: str | None = None
    body: str | None = None


class _Meta(Struct):
    page: int
    total_pages: int


class _Tasks(Struct):
    data: list[_Task]
    meta: _Meta


class _Failure(Struct):
    message: str


class _Told(Struct):
    """A job, or what an event is about; which fields are there depends on the event's type."""

    job_id: str | int | None = None
    task_id: str | int | None = None
    external_ref: str | None = None
    state: str | None = None
    failure: _Failure | None = None


class _Event(Struct):
    event_id: str
    type: str
    practice_id: str | int
    data: _Told


class _Fault(Struct):
    name: str
    code: str
    message: str


class _Error(Struct):
    code: str
    message: str
    fields: list[_Fault] = []


class _ErrorAnswer(Struct):
    """{"error": {"code", "message", "fields"}}: the API's own words, never a proxy's."""

    error: _Error


_WORK: Mapping[str, Work] = {"OPEN": "pending", "IN_PROGRESS": "in_progress", "DONE": "completed"}
_PRIORITY = {"low": "LOW", "medium": "NORMAL", "high": "HIGH", "urgent": "STAT"}
_JOB: Mapping[str, _Says] = {"DONE": "created", "FAILED": "failed"}
_EVENT: Mapping[str, _Says] = {
    "task.created": "created",
    "task.create_failed": "failed",
    "task.updated": "changed",
    "task.completed": "changed",
    "task.cancelled": "changed",
    "practice.disconnected": "blocked",
}
_FRESH = 300
"""Seconds that a webhook may be old."""


class Meridian(Adapter[Account, Connection]):
    """Meridian's dialect."""

    name = "meridian"
    docs = "https://docs.meridian-practice.example/tasks"
    base_url = "https://api.meridian-practice.example"
    account = Account
    connection = Connection
    pushes = "signed"
    operations = (
        Operation(name="create_task", path="/v3/tasks", settles_within=7200, places={
            "title": Place("task.subject", "required"),
            "description": Place("task.body", "required"),
            "assignees": Place("task.assignee.user_id", most=1),
            "patient.mrn": Place("task.patient.chart_number"),
            "patient.id": Place("task.patient.patient_id"),
            "due_at": Place("task.due_at"),
            "priority": Place("task.priority"),
            "type": Place("task.category"),
            "notify": Place("task.watchers", most=10),
        }),
        Operation(name="add_note", path="/v3/notes", text="text", places={
            "emr_task_id": Place("note.task_id", "required"),
            "text": Place("note.text", "required"),
        }),
    )  # fmt: skip

    def headers(self, link: Link[Account, Connection]) -> Mapping[str, str]:
        """The token and the clinic's practice."""
        token = link.token.reveal() if link.token else ""
        return {"Authorization": f"Bearer {token}", "Meridian-Practice-Id": link.connection.practice_id}

    def build_token(self, link: Link[Account, Connection]) -> HttpRequest | None:
        """OAuth2 client credentials, as a form."""
        form = {
            "grant_type": "client_credentials",
            "client_id": link.account.client_id,
            "client_secret": link.account.client_secret.reveal(),
            "scope": "tasks",
        }
        return HttpRequest(method="POST", url=f"{link.base_url}/oauth2/token", form=form)

    def parse_token(self, response: HttpResponse) -> Token:
        """Raises ValueError where there is none."""
        told = msgspec.json.decode(response.body, type=_Token)
        if not told.access_token:
            raise ValueError("an empty token")
        return Token(value=Secret(told.access_token), expires_in=told.expires_in)

    def build_request(self, sent: Sent, link: Link[Account, Connection]) -> HttpRequest:
        """The table's request in the vendor's words; a task has our reference."""
        request = super().build_request(structs.replace(sent, values=_spoken(sent.values)), link)
        if sent.operation != "create_task":
            return request
        task = (request.json or {})["task"]
        return structs.replace(request, json={"task": {**task, "external_ref": sent.ref}})

    def parse_success(self, sent: Sent, response: HttpResponse) -> Outcome:
        """A note is in the chart at once, a task when its job is done."""
        if sent.operation == "add_note":
            return Applied(ids={"id": str(msgspec.json.decode(response.body, type=_Data[_Note]).data.id)})
        return Pending(ids={"job_id": str(msgspec.json.decode(response.body, type=_Data[_Queued]).data.job_id)})

    def parse_error(self, sent: Sent, response: HttpResponse) -> Outcome:
        """What the status proves; where the API itself speaks, its words for it."""
        proved = by_status(response)
        try:
            error = msgspec.json.decode(response.body, type=_ErrorAnswer).error
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return proved
        if (response.status, error.code) == (409, "duplicate_external_ref"):
            return Unknown(code="duplicate")  # the id is our own: an earlier send got through, and can be found
        if (response.status, error.code) == (404, "not_found"):
            return Refused(code="not-found", message=error.message)
        if isinstance(proved, Blocked):
            return Blocked(code=proved.code, message=error.message)
        return _refused(error) if isinstance(proved, Refused) else proved

    def build_lookup(self, sent: Sent, link: Link[Account, Connection], page: int) -> HttpRequest | None:
        """The task or the job where its id is known, else what was taken since an hour before it was sent."""
        if sent.operation == "add_note":
            return None
        if task_id := sent.ids.get("id"):
            url = f"{link.base_url}/v3/tasks/{quote(task_id, safe='')}"
        elif job_id := sent.ids.get("job_id"):
            url = f"{link.base_url}/v3/jobs/{quote(job_id, safe='')}"
        else:
            since = sent.at - timedelta(hours=1)
            query = {"created_from": f"{since:%Y-%m-%dT%H:%M:%SZ}", "page": page, "page_size": 200}
            url = f"{link.base_url}/v3/tasks?{urlencode(query)}"
        return HttpRequest(method="GET", url=url, headers=self.headers(link))

    def parse_lookup(self, sent: Sent, response: HttpResponse) -> Page:
        """One task, one job, or a page of tasks; the last page is complete, since nothing can be deleted."""
        if sent.ids.get("id"):
            return Page(sightings=[_listed(msgspec.json.decode(response.body, type=_Data[_Task]).data)])
        if sent.ids.get("job_id"):
            job = msgspec.json.decode(response.body, type=_Data[_Told]).data
            return Page(sightings=[_told(job, _JOB.get(job.state or "", "accepted"))])
        listed = msgspec.json.decode(response.body, type=_Tasks)
        more = listed.meta.page < listed.meta.total_pages
        return Page(sightings=[_listed(task) for task in listed.data], more=more, complete=not more)

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret], now: datetime) -> None:
        """`v1=<hex>[,v1=<hex>]`: HMAC-SHA256 of "<timestamp>.<body>", for five minutes."""
        time = headers.get("meridian-timestamp", "")
        if not re.fullmatch(r"[0-9]{1,12}", time) or abs(now.timestamp() - int(time)) > _FRESH:
            raise BadSignature("meridian-timestamp is missing, malformed or too old")
        given = re.findall(r"v1=([0-9a-f]{64})(?:,|$)", headers.get("meridian-signature", ""))
        for secret in secrets:
            expected = hmac.new(secret.reveal().encode(), time.encode() + b"." + body, hashlib.sha256).hexdigest()
            if any(hmac.compare_digest(expected, each) for each in given):
                return
        raise BadSignature("meridian-signature does not match")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> Sequence[Sighting]:
        """A job's end is told whole; of what staff did later only that there is something to look at."""
        event = msgspec.json.decode(body, type=_Event)
        sighting = _told(event.data, _EVENT.get(event.type, "other"))
        return (structs.replace(sighting, event_id=event.event_id, reference=str(event.practice_id)),)


def _spoken(values: Values) -> dict[str, Any]:
    """The values with ids as the integers that the vendor wants, and its words for a priority."""
    spoken = dict(values)
    for people in ("assignees", "notify"):
        if people in spoken:
            spoken[people] = [_number(person) for person in spoken[people]]
    for one in ("patient.id", "emr_task_id"):
        if one in spoken:
            spoken[one] = _number(spoken[one])
    if "priority" in spoken:
        spoken["priority"] = _PRIORITY[spoken["priority"]]
    return spoken


def _number(given: str) -> str | int:
    """What is no number as the vendor writes one is left for it to refuse."""
    return int(given) if re.fullmatch("0|[1-9][0-9]{0,18}", given) else given


def _refused(error: _Error) -> Refused:
    """The first missing field of those at fault, else the first, else the error alone."""
    if not error.fields:
        return Refused(code="refused", message=error.message)
    fault = min(error.fields, key=lambda fault: fault.code != "missing")
    code = "missing-field" if fault.code == "missing" else "refused"
    return Refused(code=code, message=fault.message, field=fault.name)


def _ids(task_id: str | int | None, job_id: str | int | None) -> Ids:
    """What is known; the one id of a task is also the one that notes name it by."""
    known = {"id": task_id, "emr_id": task_id, "job_id": job_id}
    return {name: str(value) for name, value in known.items() if value is not None}


def _listed(task: _Task) -> Sighting:
    """One row: queued until it has an id."""
    echoed = {"title": task.subject, "description": task.body}
    return Sighting(
        says="accepted" if task.id is None else "created",
        operation="create_task",
        ref=task.external_ref,
        ids=_ids(task.id, task.job_id),
        values={path: value for path, value in echoed.items() if value is not None},
        work=None if task.id is None else _WORK.get(task.state, "other"),
        work_raw=None if task.id is None else task.state,
    )


def _told(told: _Told, says: _Says) -> Sighting:
    """What a job or an event says of its task. Raises ValueError for a task that is there without an id."""
    if says in {"blocked", "other"}:
        return Sighting(says=says)
    if says == "created" and told.task_id is None:
        raise ValueError("a task without an id")
    return Sighting(
        says=says,
        operation="create_task",
        ref=told.external_ref,
        ids=_ids(told.task_id, told.job_id),
        reason=told.failure.message if told.failure else None,
    )


adapter = Meridian()
