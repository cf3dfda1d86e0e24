"""What Cobalt refuses in a body, in the words of the create-task, create-task-note and create-claim pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from gateway.sandbox.cobalt_replies import refusal
from gateway.sandbox.stand import Json, read_object

CLAIMS_ON = ("eclinicalworks",)
APPOINTMENT_ID = re.compile(r"[0-9A-Za-z-]+")
"""The page asks for a UUID and shows 32 characters with letters past `f`; so anything that looks like either."""


async def read_body(request: web.Request) -> Json:
    """The request's JSON object."""
    body = read_object(await request.read()) if request.content_type == "application/json" else None
    if body is None:
        raise refusal(400, "Request body must be a JSON object.")
    return body


def check_text(body: Json, *, required: Iterable[str], optional: Iterable[str] = ()) -> None:
    """Refuses a body in which a required field is missing, null or blank, or a given field is no string."""
    for name in required:
        if is_blank(body.get(name)):
            raise refusal(400, f"Missing required field: {name}")
    for name in (*required, *optional):
        if not isinstance(body.get(name), str | None):
            raise refusal(400, f"{name} must be a string.")


def check_notify_list(body: Json) -> None:
    """Refuses a `notify_list` that is given and is not an array of strings; null is not one either."""
    given = body.get("notify_list", [])
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise refusal(400, "notify_list must be an array of strings if provided.")


def check_note(body: Json) -> None:
    """Refuses a note with any key beside the two, or without one of them."""
    unexpected = [name for name in body if name not in ("emr_task_id", "note")]
    if unexpected:
        raise refusal(400, f"Unexpected fields in request body: {', '.join(unexpected)}")
    check_text(body, required=("emr_task_id", "note"))


def check_appointment(body: Json, emr: str) -> str:
    """The appointment a claim is wanted for, or one of the page's refusals.

    The message for a foreign EMR is modelled on that of the live fetch; the claims page has none.
    """
    given = body.get("appointment_id")
    if is_blank(given):
        raise refusal(400, "'appointment_id' is required.")
    if not isinstance(given, str) or not APPOINTMENT_ID.fullmatch(given):
        raise refusal(400, "Invalid 'appointment_id' format. Please provide a valid UUID.")
    if emr not in CLAIMS_ON:
        raise refusal(400, f"Claim creation is not supported for {emr}. Currently supported: eClinicalWorks.")
    if given.startswith("noemr-"):
        raise refusal(400, "Appointment is missing emr_appointment_id; cannot create claim.")
    if given.startswith("absent-"):
        raise refusal(404, "Appointment not found.")
    return given


def is_blank(value: Any) -> bool:
    """Whether a field is as good as not given."""
    return value is None or (isinstance(value, str) and not value.strip())
