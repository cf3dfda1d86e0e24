"""Cobalt (usecobalt.com): tasks, task notes and claims in a connected EMR.

https://docs.usecobalt.com/api-reference/tasks/create and its neighbours. Remember: every create is only queued; what
became of it comes as an event, pushed by webhook or read at /v1/webhook-events.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET, Struct, UnsetType

from adapters.base import (
    FOLDED,
    Adapter,
    BadSignature,
    Blocked,
    HttpRequest,
    HttpResponse,
    Ids,
    Link,
    Name,
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
    by_status,
)


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The two headers that name our contract."""

    client_id: Secret
    client_secret: Secret


class Connection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The header that names one linked EMR login; permanent, like a password."""

    access_token: Secret


class _Reply(Struct):
    success: bool
    message: str = ""
    error: str = ""


class _Event(Struct):
    """An event as pushed and as listed; the list's own pages disagree on three of the names, so both are read."""

    data: dict[str, Any] = {}
    id: str | None = None
    event_id: str | None = None
    type: str = ""
    event_type: str = ""
    job_id: int | str | None = None
    job_execution_id: int | str | None = None
    access_token_reference_id: str | None = None


class _Pagination(Struct):
    current_page: int = 1
    total_pages: int = 1


class _Events(Struct):
    webhook_events: list[_Event]
    pagination: _Pagination | UnsetType = UNSET


class _Kind(Struct, frozen=True):
    """How Cobalt names one operation's record: the key of its id, of the EMR's id, and what its events echo."""

    operation: Name
    id: str
    emr_id: str
    echoes: Mapping[str, str]


_KINDS = {
    "task": _Kind("create_task", "task_id", "emr_task_id", {
        "description": "description", "title": "subject", "patient.mrn": "patient_mrn",
        "assignees": "assignee_user_id",
    }),
    "task_note": _Kind("add_note", "task_note_id", "emr_note_id", {"emr_task_id": "emr_task_id", "text": "note"}),
    "claim": _Kind("create_claim", "claim_id", "emr_claim_id", {"appointment_id": "appointment_id"}),
}  # fmt: skip
_EVENT_OF = {kind.operation: noun for noun, kind in _KINDS.items()}

# The pages word a missing field in two ways: tasks and notes "Missing required field: x", claims "'x' is required."
_REFUSALS = (
    (re.compile(r"^Missing required field: (?P<field>[\w.]+)"), "missing-field"),
    (re.compile(r"^'(?P<field>[\w.]+)' is required"), "missing-field"),
    (re.compile(r"^Unexpected fields in request body: (?P<field>[\w.]+)"), "unexpected-field"),
    (re.compile(r"^Invalid '(?P<field>[\w.]+)' format"), "invalid-format"),
    (re.compile(r"^User not found"), "user-not-found"),
    (re.compile(r"^Appointment not found"), "not-found"),
    (re.compile(r"^Appointment is missing emr_appointment_id"), "not-ready"),
    (re.compile(r"^A claim for this appointment is already pending or completed"), "duplicate"),
)


class Cobalt(Adapter[Account, Connection]):
    """Cobalt's dialect."""

    name = "cobalt"
    docs = "https://docs.usecobalt.com/api-reference/tasks/create"
    base_url = "https://api.usecobalt.com"
    account = Account
    connection = Connection
    pushes = "signed"
    operations = (
        Operation(name="create_task", path="/v1/tasks", places={
            "description": Place("description", "required"),
            "patient.mrn": Place("patient_mrn", "required"),
            "title": Place("subject", "varies"),
            "assignees": Place("assignee_user_id", "varies", most=1),
            "phone_call_type_id": Place("phone_call_type_id", "varies"),
            "notify": Place("notify_list"),
            "patient.id": FOLDED,
            "due_at": FOLDED,
            "priority": FOLDED,
        }),
        Operation(name="add_note", path="/v1/tasks/notes", text="text", places={
            "emr_task_id": Place("emr_task_id", "required"),
            "text": Place("note", "required"),
        }),
        Operation(
            name="create_claim", path="/v1/claims", emrs=("eclinicalworks",), one_per=("appointment_id",),
            places={"appointment_id": Place("appointment_id", "required")},
        ),
    )  # fmt: skip

    def headers(self, link: Link[Account, Connection]) -> Mapping[str, str]:
        """Three headers, lower case with underscores, just so."""
        return {
            "client_id": link.account.client_id.reveal(),
            "client_secret": link.account.client_secret.reveal(),
            "access_token": link.connection.access_token.reveal(),
        }

    def parse_success(self, sent: Sent, response: HttpResponse) -> Outcome:
        """A receipt: the record's id and the job's; or `success: false` in the documented envelope."""
        reply = msgspec.json.decode(response.body, type=_Reply)
        ids = _ids(json.loads(response.body), _KINDS[_EVENT_OF[sent.operation]])
        if not reply.success:
            plain = reply.message and not reply.error and not ids
            return _refusal(reply) if plain else Unknown(code="contradictory")
        return Pending(ids=ids) if ids else Unknown(code="no-id")

    def parse_error(self, sent: Sent, response: HttpResponse) -> Outcome:
        """The envelope {success: false, message[, error]}; it proves a refusal on 400, 404, 409 and 422."""
        by = by_status(response)
        try:
            reply = msgspec.json.decode(response.body, type=_Reply)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return by
        if reply.error == "login_required" and isinstance(by, Blocked | Refused):
            return Blocked(code="login_required", message=reply.message)
        if isinstance(by, Blocked) and by.code == "credentials":
            return Blocked(code="credentials", message=reply.message)
        refused = response.status in {400, 404, 409, 422} and not reply.success and bool(reply.message)
        return _refusal(reply) if refused else by

    def build_lookup(self, sent: Sent, link: Link[Account, Connection], page: int) -> HttpRequest | None:
        """The events of the job; without a job id, the successes of this kind since the day before it was sent."""
        if job_id := sent.ids.get("job_id"):
            query = {"job_id": job_id}
        else:
            since = sent.at - timedelta(days=1)
            query = {"event_type": f"{_EVENT_OF[sent.operation]}.created", "start_date": f"{since:%Y-%m-%d}"}
        paged = urlencode({**query, "page": page, "page_size": 100})
        return HttpRequest(method="GET", url=f"{link.base_url}/v1/webhook-events?{paged}", headers=self.headers(link))

    def parse_lookup(self, sent: Sent, response: HttpResponse) -> Page:
        """The listed events. Never complete: a job that still runs has no event."""
        listed = msgspec.json.decode(response.body, type=_Events)
        paging = listed.pagination
        return Page(
            sightings=[_sighting(event) for event in listed.webhook_events],
            more=paging is not UNSET and paging.current_page < paging.total_pages,
        )

    def verify_webhook(
        self,
        headers: Mapping[str, str],
        body: bytes,
        secrets: Sequence[Secret],
        now: datetime,
    ) -> None:
        """`cobalt-verification`: hex HMAC-SHA256 over JSON.stringify of the body, with nothing else signed."""
        given = headers.get("cobalt-verification", "")
        if re.fullmatch(r"[0-9a-fA-F]{64}", given) is None:
            raise BadSignature("cobalt-verification is no hex SHA-256")
        for signed in (body, _as_javascript(body)):
            for secret in secrets:
                expected = hmac.new(secret.reveal().encode(), signed, hashlib.sha256).hexdigest()
                if hmac.compare_digest(expected, given.lower()):
                    return
        raise BadSignature("cobalt-verification does not match")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> Sequence[Sighting]:
        """One event a webhook."""
        return (_sighting(msgspec.json.decode(body, type=_Event)),)


def _refusal(reply: _Reply) -> Refused:
    for pattern, code in _REFUSALS:
        if found := pattern.match(reply.message):
            return Refused(code=code, message=reply.message, field=found.groupdict().get("field"))
    return Refused(code="refused", message=reply.message)


def _ids(record: Mapping[str, Any], kind: _Kind) -> Ids:
    """The record's ids, at the top or (as some replies have them) under `data`; numbers become strings."""
    nested = record.get("data")
    levels = [record, *([nested] if isinstance(nested, dict) else [])]
    names = {"id": (kind.id,), "emr_id": (kind.emr_id,), "job_id": ("job_id", "job_execution_id")}
    found = {
        ours: next((text for level in levels for name in theirs if (text := _text(level, name))), None)
        for ours, theirs in names.items()
    }
    return {ours: text for ours, text in found.items() if text}


def _sighting(event: _Event) -> Sighting:
    noun, _, fact = (event.type or event.event_type).rpartition(".")
    event_id, reference = event.id or event.event_id, event.access_token_reference_id
    if noun == "access_token" and fact == "login_required":
        named = reference or _text(event.data, "access_token_reference_id")
        return Sighting(says="blocked", event_id=event_id, reference=named, reason=_text(event.data, "message"))
    kind = _KINDS.get(noun)
    if kind is None or fact not in {"created", "failed"}:
        return Sighting(says="other", event_id=event_id, reference=reference)
    echoed = {path: _text(event.data, wire) for path, wire in kind.echoes.items()}
    return Sighting(
        says="created" if fact == "created" else "failed",
        operation=kind.operation,
        event_id=event_id,
        reference=reference,
        ids=_ids({**event.data, "job_id": event.job_id or event.job_execution_id}, kind),
        values={path: [text] if path == "assignees" else text for path, text in echoed.items() if text is not None},
        reason=_reason(event.data),
    )


def _text(data: Mapping[str, Any], key: str) -> str | None:
    """The value as text; older events have ids as numbers."""
    value = data.get(key)
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else None


def _reason(data: Mapping[str, Any]) -> str | None:
    """`failure_reason`, or the newer `reasons` joined, as the vendor itself joins them."""
    reasons = data.get("reasons")
    rows = reasons if isinstance(reasons, list) else []
    told = [str(row["description"]) for row in rows if isinstance(row, dict) and row.get("description")]
    return _text(data, "failure_reason") or "; ".join(told) or None


def _as_javascript(body: bytes) -> bytes:
    """The body as JavaScript's JSON.stringify would write it, as near as Python gets: the vendor signs that."""
    try:
        document = json.loads(body, parse_float=_number)
    except (ValueError, OverflowError, RecursionError):
        return body
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _number(text: str) -> int | float:
    """JavaScript writes 1.0 as 1."""
    number = float(text)
    return int(number) if number.is_integer() else number


adapter = Cobalt()
