"""The task API's stand-in (X-API-Key): tasks, their list, and webhook subscriptions.

Written from the create-task page; the list, the errors and the webhooks from the list-tasks, introduction,
webhooks-guide and create-webhook-subscription pages. Where they are silent we chose: a create answers 201, because
the introduction lists both 200 and 201 and only the upsert says 200; the newest task is listed first; the events are
`task_created` and `task_updated`, formed like the documented `patient_...` ones, and look like

    {"id": ..., "event_type": "task_updated", "created_at": ..., "data": {"id": <task id>, "company_id": ...}}

for the guide says only: ids, and no patient text.

Beside the control API of every stand-in, `PATCH /_sandbox/tasks/{id}` with `{"status": "completed"}` (or another title,
description, patient_id) changes a task as its staff would, and pushes `task_updated` (`"pushes": 0` or `2`: not at all,
or twice). `result_failed` means nothing here, for a created task exists at once; `no_result` is `no_webhook`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

import msgspec
from aiohttp import web
from msgspec import Struct

from gateway.sandbox.control import add_control, told
from gateway.sandbox.push import Manner, Message, Try, delivered, hex_hmac
from gateway.sandbox.settings import Clock, TaskApiSettings, utc_now
from gateway.sandbox.stand import Json, Stand, number, read_object, reply
from gateway.sandbox.task_api_checks import LINKS, check_task, error, read_time, refusal, unprocessable


class Subscription(Struct, frozen=True):
    """One receiver; no `event_types` means all of them."""

    id: str
    url: str
    secret: str
    event_types: Sequence[str] = ()


class Subscribe(Struct):
    """What POST /v1/webhooks takes."""

    url: str
    event_types: list[str]
    description: str | None = None


class Change(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a person at the clinic does to a task."""

    status: Literal["pending", "in_progress", "completed"] | None = None
    patient_id: str | None = None
    title: str | None = None
    description: str | None = None
    pushes: int = 1


class Task(Struct):
    """A task as it is answered, and the assignees, which never are."""

    shown: Json
    assigned_user_ids: list[str]

    def matches(self, query: Mapping[str, str]) -> bool:
        """Whether the list's filters let it through."""
        who = query.get("assigned_user_id")
        same = (query.get(name) in (None, self.shown[name]) for name in ("patient_id", "status", "priority", "type"))
        return all(same) and (who is None or who in self.assigned_user_ids)


class TaskApi(Stand):
    """The task API's memory and answers."""

    def __init__(self, settings: TaskApiSettings, clock: Clock) -> None:
        super().__init__(clock)
        self.settings = settings
        self._begin()

    def _begin(self) -> None:
        secret = self.settings.webhook_secret
        self.subscriptions = [Subscription(str(uuid4()), url, secret) for url in self.settings.webhook_urls]
        self.tasks: dict[str, Task] = {}

    def reset(self) -> None:
        """As at the start; subscriptions are those of the settings again."""
        super().reset()
        self._begin()

    def require_key(self, request: web.Request) -> None:
        """401 unless X-API-Key is the company's."""
        if request.headers.get("X-API-Key") != self.settings.api_key:
            raise refusal(401, "authentication_error", "invalid_api_key", "Invalid or missing API key")

    async def create_task(self, request: web.Request) -> web.Response:
        """POST /v1/tasks: the bare task, without its assignees."""
        self.require_key(request)
        body = read_object(await request.read()) if request.content_type == "application/json" else None
        check_task(body, self.missing(body or {}))
        given = body or {}
        shown = self.show(given)
        self.tasks[shown["id"]] = Task(shown, given["assigned_user_ids"])
        self.create("task", shown["id"], given)
        fault = self.faults.take_result("create_task")
        kind = None if fault is None else fault.kind
        pushes = {"no_webhook": 0, "no_result": 0, "duplicate_webhook": 2}.get(kind or "", 1)
        push = self.push("task_created", shown["id"], pushes)
        if kind == "early_webhook":
            await push
        else:
            self.later(push)
        return reply(shown, 201)

    def show(self, given: Json) -> Json:
        """A new task in the page's reply shape."""
        now = stamp(self.clock())
        deadline = read_time(given["deadline"])
        return {
            "id": str(uuid4()),
            "title": given["title"],
            "description": given["description"],
            "tags": given.get("tags") or [],
            "deadline": None if deadline is None else stamp(deadline),
            "created_at": now,
            "updated_at": now,
            "priority": given.get("priority", "medium"),
            "created_by_id": given["created_by_id"],
            "company_id": self.settings.company_id,
            "version": 1,
            "status": given.get("status", "pending"),
            **{name: given.get(name) for name in LINKS},
            "type": given.get("type"),
            "external_message_ids": {},
        }

    async def list_tasks(self, request: web.Request) -> web.Response:
        """GET /v1/tasks: `page` from 1, `limit` 1 to 100, 50 unless asked; all given filters hold."""
        self.require_key(request)
        page, limit = number(request.query, "page", 1), number(request.query, "limit", 50, most=100)
        if page is None or limit is None:
            name = "page" if page is None else "limit"
            fault = ("int_parsing", "Input should be a valid integer in range")
            raise unprocessable([error(["query", name], fault, request.query[name])])
        found = [task.shown for task in reversed(self.tasks.values()) if task.matches(request.query)]
        data = found[(page - 1) * limit : page * limit]
        more = page * limit < len(found)
        pagination = {"has_more": more, "total": len(found), "page": page, "limit": limit}
        return reply({"data": data, "pagination": pagination})

    async def get_task(self, request: web.Request) -> web.Response:
        """GET /v1/tasks/{id}."""
        self.require_key(request)
        task = self.tasks.get(request.match_info["id"])
        if task is None:
            raise refusal(404, "invalid_request_error", "not_found", "Task not found", "task_id")
        return reply(task.shown)

    async def subscribe(self, request: web.Request) -> web.Response:
        """POST /v1/webhooks: the answer is the only one that ever shows the secret."""
        self.require_key(request)
        try:
            wanted = msgspec.json.decode(await request.read(), type=Subscribe)
        except msgspec.MsgspecError as problem:
            raise unprocessable([error(["body"], ("value_error", str(problem)), None)]) from None
        secret = f"whsec_{secrets.token_hex(16)}"
        subscription = Subscription(str(uuid4()), wanted.url, secret, wanted.event_types)
        self.subscriptions.append(subscription)
        now = stamp(self.clock())
        answer = {
            "id": subscription.id,
            "url": wanted.url,
            "event_types": wanted.event_types,
            "description": wanted.description,
            "is_active": True,
            "company_id": self.settings.company_id,
            "created_at": now,
            "updated_at": now,
            "secret_key": secret,
        }
        return reply(answer, 201)

    async def push(self, event_type: str, task_id: str, pushes: int = 1) -> None:
        """Tells every subscription that wants it, signed over the raw bytes with its own secret."""
        event_id = str(uuid4())
        data = {"id": task_id, "company_id": self.settings.company_id}
        event = {"id": event_id, "event_type": event_type, "created_at": stamp(self.clock()), "data": data}
        body = msgspec.json.encode(event)
        tries = tuple(Try(wait, answer_within=30.0) for wait in (0.0, *self.settings.retry_after))
        manner = Manner(tries, again=lambda outcome: not delivered(outcome))

        async def to(subscription: Subscription) -> None:
            headers = {"X-Solum-Signature": f"sha256={hex_hmac(subscription.secret, body)}"}
            await self.pusher.push(subscription.url, Message(event_id, body, lambda _attempt: headers), manner)

        wanting = [each for each in self.subscriptions if not each.event_types or event_type in each.event_types]
        for _ in range(pushes):
            await asyncio.gather(*map(to, wanting))

    async def change(self, request: web.Request) -> web.Response:
        """PATCH /_sandbox/tasks/{id}."""
        change: Change = await told(request, Change)
        task = self.tasks.get(request.match_info["id"])
        if task is None:
            raise web.HTTPNotFound
        version = task.shown["version"] + 1
        edited = {**msgspec.to_builtins(change), "version": version, "updated_at": stamp(self.clock())}
        task.shown |= {name: value for name, value in edited.items() if name != "pushes"}
        self.later(self.push("task_updated", task.shown["id"], change.pushes))
        return reply(task.shown)


def stamp(at: datetime) -> str:
    """A time as the page shows it: `2023-11-07T05:31:56Z`, with a fraction where there is one."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def task_api_app(settings: TaskApiSettings | None = None, clock: Clock = utc_now) -> web.Application:
    """The task API's stand-in as an application."""
    api = TaskApi(settings or TaskApiSettings(), clock)
    app = api.application()
    app.router.add_post("/v1/tasks", api.operation("create_task", api.create_task))
    app.router.add_get("/v1/tasks", api.operation("lookup", api.list_tasks))
    app.router.add_get("/v1/tasks/{id}", api.operation("lookup", api.get_task))
    app.router.add_post("/v1/webhooks", api.operation("webhooks", api.subscribe))
    app.router.add_patch("/_sandbox/tasks/{id}", api.change)
    add_control(app, api)
    return app
