"""Problems (RFC 9457) and the closed list of their codes.

Every code has a status, a title, a cause and a fix; the gateway serves them as the page a problem's `type` names.
Problems never repeat the caller's values; what they list are the gateway's own allowed values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from msgspec import Struct

from schemas.private import Private

Code = Literal[
    # the request
    "malformed-body", "body-too-large", "body-too-slow", "unsupported-media-type", "malformed-header",
    "invalid-parameter", "idempotency-key-required", "idempotency-key-reused",
    "unauthenticated", "forbidden", "not-found", "method-not-allowed", "wrong-host", "rate-limited",
    # the command
    "missing-required-fields", "unknown-field", "invalid-value", "field-not-supported", "value-not-supported",
    "field-not-carried", "operation-unsupported", "unknown-clinic", "no-route", "unknown-connection",
    "unknown-person", "unknown-task",
    # the delivery
    "duplicate", "parent-not-created", "vendor-rejected", "vendor-failed", "gave-up", "parent-failed", "not-created",
    "connection-blocked", "connection-changed", "unreadable", "cancelled",
    "too-late", "outcome-unknown", "not-resendable", "not-resolvable", "already-retried", "version-changed",
    # the gateway
    "invalid-configuration", "unavailable", "internal-error",
]  # fmt: skip


class Explained(Struct, frozen=True):
    """What one code means: HTTP status, title, why it happens, what to do."""

    status: int
    title: str
    cause: str
    fix: str
    retryable: bool = False


CODES: Mapping[Code, Explained] = {
    "malformed-body": Explained(
        400, "The body is not acceptable JSON",
        "The body is empty, is no UTF-8 JSON object, repeats a key, holds a NUL, or nests deeper than 32 levels.",
        "Send one JSON object, encoded as UTF-8, each key once.",
    ),
    "body-too-large": Explained(
        413, "The body is too large", "A body may have at most 512 KiB.", "Send less; link to documents instead.",
    ),
    "body-too-slow": Explained(
        408, "The body came too slowly",
        "A body has ten seconds to come, so that nobody can hold a connection by sending next to nothing.",
        "Send it again, in one go.", retryable=True,
    ),
    "unsupported-media-type": Explained(
        415, "The content type is not JSON",
        "Only application/json (UTF-8) is read.", "Set Content-Type: application/json.",
    ),
    "malformed-header": Explained(
        400, "A header cannot be read",
        "Idempotency-Key is 1 to 255 visible characters; Prefer takes respond-async, wait=N and handling=strict.",
        "Correct the header that the problem names.",
    ),
    "invalid-parameter": Explained(
        400, "A query parameter cannot be read",
        "A filter, cursor or limit is unknown or out of range.", "See the operation's parameters under /schema.",
    ),
    "idempotency-key-required": Explained(
        400, "An Idempotency-Key is required",
        "This app is configured with require_key, so that a repeated request can never create twice.",
        "Send an Idempotency-Key header that is the same for every try of one command.",
    ),
    "idempotency-key-reused": Explained(
        422, "The Idempotency-Key was used for another request",
        "The key belongs to an earlier request with another path or body.",
        "Use a new key for a new command, and the same key only for the same one.",
    ),
    "unauthenticated": Explained(
        401, "No valid app key",
        "The Authorization header is missing or names no key of this gateway.",
        "Send Authorization: Bearer tgk_..., as printed by `task-gateway key new`.",
    ),
    "forbidden": Explained(
        403, "The app key lacks the role",
        "The key is valid, but the app does not have the role that this call needs.",
        "Ask the gateway's operator for the role the problem names.",
    ),
    "not-found": Explained(
        404, "There is nothing here",
        "The path or id does not exist, or is outside of the clinics this key may touch; the two look the same.",
        "Check the id, and the clinics that GET /v1/me lists.",
    ),
    "method-not-allowed": Explained(
        405, "The method is not allowed here", "The path exists, the method does not.", "See /schema.",
    ),
    "wrong-host": Explained(
        421, "The request is for another host",
        "Its Host header is none of the names that the gateway's `hosts` list.",
        "Call it by one of its names, or have the name added.",
    ),
    "rate-limited": Explained(
        429, "Too many requests",
        "The app has used up its limit (`apps.<name>.limits`); or too many calls came without a valid key.",
        "Wait as long as Retry-After says, then send it again; nothing was stored.", retryable=True,
    ),
    "missing-required-fields": Explained(
        422, "Required fields are missing",
        "The chosen connection's vendor or EMR needs fields that the command does not give and no default supplies.",
        "Give each field that errors[] names; `source` says whose rule it is.",
    ),
    "unknown-field": Explained(
        422, "A field is unknown",
        "Unknown fields are refused, so that a misspelt one is never silently dropped.",
        "Correct or remove the field; vendor_fields is the way to a vendor's own extras.",
    ),
    "invalid-value": Explained(
        422, "A value has the wrong form",
        "The value's type, length or format is not what the field takes.", "See errors[].detail for what it takes.",
    ),
    "field-not-supported": Explained(
        422, "A field is not supported here",
        "A capability rule refuses the field, or the operation takes no vendor_fields.",
        "Leave the field out for this clinic, or have its rule changed.",
    ),
    "value-not-supported": Explained(
        422, "A value is not supported here",
        "The chosen connection cannot express the value; a finished task must not arrive open.",
        "Send another value, or route to a connection that carries the field.",
    ),
    "field-not-carried": Explained(
        422, "A field would be lost",
        "The vendor has no place for the field; handling=strict (or the clinic's on_loss: refuse) forbids the loss.",
        "Leave the field out, or do without strict handling.",
    ),
    "operation-unsupported": Explained(
        422, "The operation is not supported here",
        "The connection's vendor or EMR does not offer this operation.",
        "See GET /v1/clinics/{id}/capabilities for what it offers.",
    ),
    "unknown-clinic": Explained(
        422, "The clinic is unknown",
        "No clinic of that id exists, or this key may not touch it; the two look the same.",
        "GET /v1/clinics lists the clinics of this key.",
    ),
    "no-route": Explained(
        422, "No connection is found for the command",
        "No rule of the clinic matches, or a note could go through several connections or none.",
        "Pin one with `connection`, or have a rule added.",
    ),
    "unknown-connection": Explained(
        422, "The connection is unknown", "The clinic has no connection of that name.",
        "Use one that the problem lists, or leave `connection` out.",
    ),
    "unknown-person": Explained(
        422, "A person is unknown",
        "People are names of the clinic's directory, or id:<the vendor's own id>.",
        "Use a name of the directory; errors[].detail suggests one.",
    ),
    "unknown-task": Explained(
        422, "The task is unknown",
        "The note names a task that does not exist here, or is outside of this key's clinics.",
        "Give the id of a task (tsk_...), or emr_task_id with clinic_id.",
    ),
    "duplicate": Explained(
        409, "There is one already",
        "The vendor takes one of these, and an earlier delivery of ours is open or delivered; the problem names it.",
        "Follow the earlier delivery.",
    ),
    "parent-not-created": Explained(
        409, "The note's task was not created",
        "The task was rejected, failed or cancelled, so there is nothing to put a note on.",
        "Retry the task first.",
    ),
    "vendor-rejected": Explained(
        422, "The vendor refused the command",
        "The vendor's application answered that it will not do this; nothing was created.",
        "Read the vendor's reason in detail, correct the command, and send it as a new one.",
    ),
    "vendor-failed": Explained(
        422, "The vendor failed to carry out the command",
        "The vendor took the command and reported later that it could not be carried out; nothing was created.",
        "Read the vendor's reason in detail; a retry makes a new delivery.",
    ),
    "gave-up": Explained(
        422, "The command was given up unsent",
        "It could not be sent within the clinic's give_up_after or hold_for; nothing reached the vendor.",
        "Mend the connection, then retry.",
    ),
    "parent-failed": Explained(
        422, "The note's task failed", "The task the note waited for ended without being created.",
        "Retry the task, then the note.",
    ),
    "not-created": Explained(
        422, "A person found that nothing was created",
        "The outcome was unknown, and an operator settled it as not created.", "Retry, if it is still wanted.",
    ),
    "connection-blocked": Explained(
        503, "The connection is blocked",
        "The vendor does not let this connection in (credentials, an expired link, or configuration); nothing is lost, "
        "deliveries are held.",
        "Mend the credentials or re-link the EMR, then resume the connection.",
    ),
    "connection-changed": Explained(
        503, "The connection has become another one",
        "The delivery was accepted for a connection that is no longer configured, or now leads to another vendor, "
        "account or EMR; it is held, and nothing was sent.",
        "Configure the connection as it was and reload, or cancel the delivery and submit its command anew.",
    ),
    "unreadable": Explained(
        503, "What is stored cannot be read",
        "It was sealed with an encryption key that is not configured any more, or was tampered with. It is neither "
        "shown nor sent.",
        "Configure the key it was sealed with again, and reload; nothing is lost as long as that key is.",
    ),
    "cancelled": Explained(
        422, "The command was cancelled", "It was withdrawn before it was sent.", "Send a new command.",
    ),
    "too-late": Explained(
        409, "It is too late to cancel",
        "The command has reached, or may have reached, the vendor, and no vendor here can withdraw one.",
        "Ask the clinic to close it in their own system.",
    ),
    "outcome-unknown": Explained(
        409, "The outcome must be settled first",
        "The command may have been created; sending it again could create a second one.",
        "Look in the vendor's system, then resolve the delivery as created or not_created.",
    ),
    "not-resendable": Explained(
        409, "It cannot be retried",
        "Only what is queued or held, or rejected or failed without conflict, can be retried; and only while its words "
        "are kept.",
        "Check the delivery's state and safe_to_resend.",
    ),
    "not-resolvable": Explained(
        409, "There is nothing to resolve",
        "Only an unknown outcome, an overdue submission or a conflict is settled by a person; what is delivered takes"
        " the EMR's id that it lacks, and nothing else.",
        "Check the delivery's state, overdue and conflict.",
    ),
    "already-retried": Explained(
        409, "It was retried already", "A retry made a new delivery; the problem names it.", "Follow that one.",
    ),
    "version-changed": Explained(
        412, "The delivery has changed meanwhile",
        "If-Match names an earlier version than the one that stands now; nothing was done.",
        "Read the delivery again, and decide by what it says now.",
    ),
    "invalid-configuration": Explained(
        422, "The configuration has mistakes",
        "A reload found mistakes in the files, so the configuration that was in force still is.",
        "Correct every line that errors[] names, then reload again.",
    ),
    "unavailable": Explained(
        503, "The gateway cannot store commands now",
        "The database is locked, full or not writable; nothing was accepted.",
        "Try again after Retry-After with the same Idempotency-Key.", retryable=True,
    ),
    "internal-error": Explained(
        500, "Something broke inside the gateway",
        "A fault of ours; it is in the log under the request id.",
        "Try again with the same Idempotency-Key; it is safe. Report the request id if it stays.", retryable=True,
    ),
}  # fmt: skip

assert set(CODES) == set(get_args(Code)), "every code is explained"  # noqa: S101 - a fault in this file, seen at import


class FieldError(Private, frozen=True, kw_only=True):
    """One thing wrong with a command.

    `pointer` is a JSON Pointer into the body as posted, `field` our name for the field (dotted when nested),
    `source` the origin of the rule that was broken ("emr_capabilities.yaml: cobalt.athenahealth (operator)"), or the
    vendor that refused it, with the vendor's own name for the field ("vendor: cobalt (subject)").
    """

    code: Code
    pointer: str | None = None
    field: str | None = None
    source: str | None = None
    detail: str | None = None


class Problem(Private, frozen=True, kw_only=True, omit_defaults=True):
    """An RFC 9457 problem as it is sent; `delivery` rides along where the command was stored."""

    type: str
    title: str
    status: int
    detail: str
    code: Code
    retryable: bool
    errors: Sequence[FieldError]
    instance: str | None = None
    request_id: str | None = None
    delivery: Any = None


def problem(code: Code, detail: str | None = None, errors: Sequence[FieldError] = ()) -> Problem:
    """The problem of `code`, with its page as `type`; without `detail`, the code's own cause."""
    explained = CODES[code]
    return Problem(
        type=f"/problems/{code}",
        title=explained.title,
        status=explained.status,
        detail=detail or explained.cause,
        code=code,
        retryable=explained.retryable,
        errors=errors,
    )


def problem_of(errors: Sequence[FieldError]) -> Problem:
    """The problem that holds `errors`, named after the first; there must be one."""
    codes = list(dict.fromkeys(error.code for error in errors))
    first = errors[0]
    told = f"{first.pointer}: {first.detail}" if first.pointer and first.detail else first.detail
    detail = told if len(errors) == 1 else f"{len(errors)} problems: {', '.join(codes)}"
    return problem(codes[0], detail, errors)
