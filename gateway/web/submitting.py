"""Submitting and explaining, the same for tasks, notes and claims."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from litestar import Response
from litestar.openapi.datastructures import ResponseSpec
from msgspec import structs

from gateway.errors import Refused
from gateway.flows.planner import Submission
from gateway.flows.submit import Submitted
from gateway.rules.reading import Draft, given, read
from gateway.rules.record import Record, present
from gateway.web.body import StrictRequest
from gateway.web.lines import tell
from gateway.web.preferences import Preferences, key_of, preferences
from gateway.web.problems import problems, respond
from gateway.web.services import Services
from schemas.command import COMMANDS, NAMING, Command
from schemas.delivery import FINAL, Delivery, Explanation
from schemas.problem import FieldError, Problem, problem

SUBMIT_ANSWERS: dict[int, ResponseSpec] = {
    202: ResponseSpec(Delivery, generate_examples=False, description="Stored; not final yet"),
    **problems(400, 404, 409, 413, 415, 422),
}
"""What a submit can answer besides 201."""

EXPLAIN_ANSWERS = problems(400, 404, 413, 415)


async def submit(
    request: StrictRequest, services: Services, kind: type[Command], extra: Mapping[str, Any] | None = None
) -> Response[Any]:
    """Submit the request's command and answer as it prefers. `extra` are fields that stand in the URL."""
    wishes = preferences(request.headers.getall("prefer", []))
    posted = {**request.posted, **(extra or {})}
    lines = request.headers.getall("idempotency-key", [])
    key = key_of(lines, request.user, request.url.path.rstrip("/"), request.posted, services.salt)
    draft = _with_url(request, kind, extra) if extra else request.draft
    submission = Submission(app=request.user, draft=draft, kind=kind, posted=posted, key=key, strict=wishes.strict)
    try:
        submitted = await services.desk.submit(submission)
    except Refused as refused:
        raise Refused(refused.problem, {**refused.headers, **wishes.at_once.applied}) from refused
    record = submitted.record
    if not wishes.respond_async:
        record = await _awaited(services, submitted, wishes.wait)
    return answer(request, structs.replace(submitted, record=record), wishes)


def _with_url(request: StrictRequest, kind: type[Command], extra: Mapping[str, Any]) -> Draft[Any]:
    """The command with the fields of the URL; a body that says otherwise of one of them is wrong."""
    draft = read({**request.posted, **extra}, kind)
    others = (
        FieldError(code="invalid-value", pointer=f"/{name}", field=name, source="schema", detail="not that of the URL")
        for name, value in extra.items()
        if given(request.posted.get(name)) not in (None, value)
    )
    return structs.replace(draft, errors=(*draft.errors, *others))


async def _awaited(services: Services, submitted: Submitted, wait: float | None) -> Record:
    """The record after the vendor's first reply, or final if the caller waits for that.

    A gateway that stops still waits for what is being sent, and no more for results that a vendor owes.
    """
    first_reply = services.configured.config.answer_within
    if wait is None:
        return await services.desk.first_reply(submitted, first_reply)
    waiting = asyncio.create_task(services.desk.settled(submitted.record, final=True, within=wait))
    stopping = asyncio.create_task(services.stopping.wait())
    try:
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            return waiting.result()
    finally:
        waiting.cancel()
        stopping.cancel()
    return await services.desk.settled(submitted.record, final=False, within=min(wait, first_reply))


async def explain(request: StrictRequest, services: Services, kind: type[Command]) -> Response[Explanation]:
    """What submitting the request's command would do."""
    wishes = preferences(request.headers.getall("prefer", []))
    explanation = await services.desk.explain(
        Submission(app=request.user, draft=request.draft, kind=kind, posted=request.posted, strict=wishes.strict)
    )
    return Response(explanation, headers=wishes.at_once.applied)


def answer(request: StrictRequest, submitted: Submitted, wishes: Preferences) -> Response[Any]:
    """One rule for first answers and replays: 201 final and good, 202 not final, 422 final and bad."""
    record = submitted.record
    tell(request, delivery_id=record.id, state=record.state, replayed=submitted.replayed)
    honoured = structs.replace(wishes, strict=wishes.strict and record.content.strict)  # a replay may not have been
    headers = {
        "Location": location(record),
        **honoured.applied,
        **({"Idempotent-Replayed": "true"} if submitted.replayed else {}),
    }
    if record.state == "delivered":
        return Response(present(record), status_code=201, headers=headers)
    if record.state not in FINAL:
        return Response(present(record), status_code=202, headers={**headers, "Retry-After": "2"})
    return respond(request, _bad_end(record), headers)


def _bad_end(record: Record) -> Problem:
    """The delivery's own problem, carrying the delivery."""
    found = record.content.problem or problem("vendor-rejected")
    return structs.replace(found, status=422, delivery=present(record))


def location(record: Record) -> str:
    """Where the delivery is."""
    return f"/v1/{NAMING[COMMANDS[record.kind]].plural}/{record.id}"
