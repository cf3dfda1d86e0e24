"""Cobalt's stand-in: tasks, task notes, claims, the event lookup and the webhook configuration.

Written from the create-task, create-task-note and create-claim pages; the rest from those on authentication, webhook
events, webhook setup, receiving webhooks and awaiting results. Where no page prints a status we chose: tasks and
notes 200 (claims say 202), `User not found.` and `Appointment not found.` 404, a duplicate claim 409, else 400.
Unknown keys of tasks and claims are ignored, because no page says otherwise; only notes refuse them.

What a caller can bring about by values alone:

| value | effect |
|---|---|
| `[sandbox:fail]` in a description or note | taken, then `task.failed` or `task_note.failed` |
| an `emr_task_id` that the link's EMR does not hold | taken, then `task_note.failed` |
| an assignee `missing-...`, or not among the link's users | `User not found.` |
| an appointment `noemr-...` | `Appointment is missing emr_appointment_id; cannot create claim.` |
| an appointment `absent-...` | `Appointment not found.` |
| an appointment with characters beside 0-9A-Za-z and `-` | `Invalid 'appointment_id' format. ...` |
| an appointment `fail-...` | taken, then `claim.failed` |

Beside the control API of every stand-in:

| call | does |
|---|---|
| `PUT /_sandbox/links/{access_token}` `{"expired": true}` | 403 `login_required` from now on, and the account event |
| `GET /_sandbox/events` | every event with its id: `{count, items[]}` |
| `POST /_sandbox/events/{id}/push` | pushes an event again, or late |
"""

from __future__ import annotations

import secrets
from uuid import uuid4

from aiohttp import web
from msgspec import Struct

from gateway.sandbox.cobalt_checks import check_appointment, check_note, check_notify_list, check_text, read_body
from gateway.sandbox.cobalt_claims import Claim, list_claims
from gateway.sandbox.cobalt_events import look_up
from gateway.sandbox.cobalt_memory import LOGIN_REQUIRED, CobaltMemory, Job
from gateway.sandbox.cobalt_replies import refusal
from gateway.sandbox.cobalt_webhook import add_hook, remove_hook, rotate_secret, show_hooks
from gateway.sandbox.control import add_control, listed, told
from gateway.sandbox.settings import Clock, CobaltSettings, utc_now
from gateway.sandbox.stand import reply

FAIL_MARK = "[sandbox:fail]"
CONDITIONAL = ("subject", "assignee_user_id", "phone_call_type_id")
ECHOED = ("subject", "description", "assignee_user_id", "patient_mrn")
QUEUED = "processing. A webhook event will be sent upon completion."


class Expiry(Struct, forbid_unknown_fields=True):
    """Whether a link's EMR login is expired."""

    expired: bool


class Cobalt(CobaltMemory):
    """What Cobalt's servers answer."""

    async def create_task(self, request: web.Request) -> web.Response:
        """POST /v1/tasks; fields that were not given are null in the event."""
        token, link = self.require_link(request)
        body = await read_body(request)
        required = ("description", "patient_mrn", *self.settings.requires.get(link.emr, ()))
        check_text(body, required=(*required, *self.missing(body)), optional=CONDITIONAL)
        check_notify_list(body)
        if not link.has_user(body.get("assignee_user_id")):
            raise refusal(404, "User not found.")
        task_id, emr_task_id = secrets.token_hex(12), str(uuid4())

        def settled(worked: bool) -> None:  # noqa: FBT001 - a callback's one argument
            if worked:
                self.emr_tasks[token].add(emr_task_id)

        self.create("task", task_id, body)
        job = Job(
            operation="create_task",
            access_token=token,
            type="task",
            ids={"task_id": task_id},
            made={"emr_task_id": emr_task_id, **{name: body.get(name) for name in ECHOED}},
            fails=FAIL_MARK in body["description"],
            reason="Failed to create task",
            settled=settled,
        )
        number = await self.queue(job)
        return reply({"success": True, "message": f"Task {QUEUED}", "task_id": task_id, "job_id": number})

    async def add_note(self, request: web.Request) -> web.Response:
        """POST /v1/tasks/notes; the task is looked for in the EMR, so an unknown one fails later."""
        token, _link = self.require_link(request)
        body = await read_body(request)
        check_note(body)
        note_id = secrets.token_hex(12)
        self.create("note", note_id, body)
        job = Job(
            operation="add_note",
            access_token=token,
            type="task_note",
            ids={"task_note_id": note_id},
            made={"emr_note_id": str(uuid4()), "emr_task_id": body["emr_task_id"], "note": body["note"]},
            fails=FAIL_MARK in body["note"] or body["emr_task_id"] not in self.emr_tasks[token],
            reason="Failed to create task note",
        )
        number = await self.queue(job)
        answer = {"success": True, "message": f"Task note {QUEUED}", "task_note_id": note_id, "job_id": number}
        return reply(answer)

    async def create_claim(self, request: web.Request) -> web.Response:
        """POST /v1/claims; guarded against duplicates while one is pending or completed."""
        token, link = self.require_link(request)
        appointment_id = check_appointment(await read_body(request), link.emr)
        if any(claim.blocks(token, appointment_id) for claim in self.claims):
            raise refusal(409, "A claim for this appointment is already pending or completed.")
        claim = Claim.of(token, appointment_id, self.clock())
        self.claims.append(claim)
        self.create("claim", claim.claim_id, {"appointment_id": appointment_id})
        job = Job(
            operation="create_claim",
            access_token=token,
            type="claim",
            ids=claim.ids(),
            made=claim.emr_ids(),
            fails=appointment_id.startswith("fail-"),
            reason="Failed to create claim",
            settled=claim.settle,
        )
        answer = {
            "success": True,
            "message": "Claim creation queued. A webhook event will be sent upon completion.",
            "claim_id": claim.claim_id,
            "appointment_id": appointment_id,
            "job_id": await self.queue(job),
        }
        return reply(answer, 202)

    async def webhook_events(self, request: web.Request) -> web.Response:
        """GET /v1/webhook-events: the one way to ask how a job ended."""
        token, _link = self.require_link(request)
        return reply(look_up(self.events, token, request.query))

    async def get_claims(self, request: web.Request) -> web.Response:
        """GET /v1/claims."""
        token, _link = self.require_link(request)
        return reply(list_claims(self.claims, token, request.query))

    async def webhook(self, request: web.Request) -> web.Response:
        """POST, GET and DELETE /v1/webhook, and rotate-secret: the client's own, no link needed."""
        self.require_client(request)
        if request.path.endswith("/rotate-secret"):
            return reply(rotate_secret(self.hooks))
        if request.method == "POST":
            return reply(add_hook(self.hooks, await read_body(request)))
        if request.method == "DELETE":
            return reply(remove_hook(self.hooks, request.match_info["id"]))
        return reply(show_hooks(self.hooks))

    async def put_link(self, request: web.Request) -> web.Response:
        """PUT /_sandbox/links/{access_token}; an expiry is told as the account-events page says."""
        token = request.match_info["access_token"]
        if token not in self.settings.links:
            raise web.HTTPNotFound
        expiry: Expiry = await told(request, Expiry)
        if not expiry.expired:
            self.expired.discard(token)
        elif token not in self.expired:
            self.expired.add(token)
            link = self.settings.links[token]
            data = {
                "access_token_reference_id": link.reference_id,
                "emr_instance_domain": f"{link.emr}.sandbox.invalid",
                "message": LOGIN_REQUIRED,
            }
            self.later(self.push(self.happened(token, "access_token.login_required", data)))
        return reply(expiry)

    async def get_events(self, _request: web.Request) -> web.Response:
        """GET /_sandbox/events."""
        return listed([event.envelope() for event in self.events])

    async def push_event(self, request: web.Request) -> web.Response:
        """POST /_sandbox/events/{id}/push; answers when the push is over."""
        for event in self.events:
            if event.id == request.match_info["id"]:
                await self.push(event)
                return web.Response(status=204)
        raise web.HTTPNotFound


def cobalt_app(settings: CobaltSettings | None = None, clock: Clock = utc_now) -> web.Application:
    """Cobalt's stand-in as an application."""
    cobalt = Cobalt(settings or CobaltSettings(), clock)
    app = cobalt.application()
    app.router.add_post("/v1/tasks", cobalt.operation("create_task", cobalt.create_task))
    app.router.add_post("/v1/tasks/notes", cobalt.operation("add_note", cobalt.add_note))
    app.router.add_post("/v1/claims", cobalt.operation("create_claim", cobalt.create_claim))
    app.router.add_get("/v1/claims", cobalt.operation("lookup", cobalt.get_claims))
    app.router.add_get("/v1/webhook-events", cobalt.operation("lookup", cobalt.webhook_events))
    webhook = cobalt.operation("webhooks", cobalt.webhook)
    app.router.add_post("/v1/webhook", webhook)
    app.router.add_get("/v1/webhook", webhook)
    app.router.add_post("/v1/webhook/rotate-secret", webhook)
    app.router.add_delete("/v1/webhook/{id}", webhook)
    app.router.add_put("/_sandbox/links/{access_token}", cobalt.put_link)
    app.router.add_get("/_sandbox/events", cobalt.get_events)
    app.router.add_post("/_sandbox/events/{id}/push", cobalt.push_event)
    add_control(app, cobalt)
    return app
