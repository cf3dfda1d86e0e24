"""MaxCare's stand-in, v4: tasks on clinical notes, to be asked for again; there are no webhooks.

Written from the create-a-task and list-tasks pages, and the guides on errors, authentication, rate limits and
pagination. A create answers 200, the one success the errors guide lists. What we guess: an organization that did not
install the app is `forbidden` (403), a missing header of that name `bad_request`; ids of another version
(without `nte_` or `prv_`) are `'noteId' must be a valid ID`; and every spelling of `syncStatus` beside `synced`.

Beside the control API of every stand-in:

| call | does |
|---|---|
| `PUT /_sandbox/sync` `{"syncStatus": "pending", "syncedAfter": 0.5}` | new tasks start so; synced later, null: never |
| `PATCH /_sandbox/tasks/{id}` `{"status": ..., "syncStatus": ...}` | changes a task |

A `result_failed` fault starts a task with the syncStatus `failed`; the faults about webhooks mean nothing here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
from aiohttp import web
from msgspec import Struct

from gateway.sandbox.control import add_control, told
from gateway.sandbox.maxcare_checks import RateLimit, check_task, refused
from gateway.sandbox.settings import Clock, MaxCareSettings, Provider, utc_now
from gateway.sandbox.stand import Handler, Json, Stand, number, read_object, reply


class Sync(Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How new tasks reach the EHR: with which status they start, and after how long they are synced."""

    sync_status: str = "synced"
    synced_after: float | None = None


class Change(Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """What becomes of a task in the clinic."""

    description: str | None = None
    status: str | None = None
    sync_status: str | None = None


class Task(Struct):
    """A task as it is answered, and whose it is."""

    organization: str
    shown: Json

    def matches(self, query: Mapping[str, str]) -> bool:
        """Whether the list's filters let it through; `status` is a comma list, `providerId` an assignee."""
        assigned = {provider["id"] for provider in self.shown["assignedProviders"]}
        return (
            query.get("noteId") in (None, self.shown["noteId"])
            and ("providerId" not in query or query["providerId"] in assigned)
            and ("status" not in query or self.shown["status"] in query["status"].split(","))
        )


class MaxCare(Stand):
    """MaxCare's memory and answers."""

    def __init__(self, settings: MaxCareSettings, clock: Clock) -> None:
        super().__init__(clock)
        self.settings = settings
        self.providers = {provider.id: provider for provider in settings.providers}
        self._begin()

    def _begin(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.sync = Sync()
        self.limit = RateLimit(self.settings.per_minute, self.clock)

    def reset(self) -> None:
        """As at the start, the minute's requests included."""
        super().reset()
        self._begin()

    def limited(self, handler: Handler) -> Handler:
        """`handler` under the cap that all organizations of the app share."""

        async def limit(request: web.Request) -> web.Response:
            return await self.limit.answer(handler, request)

        return limit

    def require_organization(self, request: web.Request) -> str:
        """The organization asked for, behind a good key."""
        if request.headers.get("Authorization") != f"Bearer {self.settings.api_key}":
            raise refused(401, "unauthorized", "Missing or invalid API key")
        organization = request.headers.get("X-Organization-Id", "")
        if not organization:
            raise refused(400, "bad_request", "'X-Organization-Id' is required")
        if organization not in self.settings.organizations:
            raise refused(403, "forbidden", "The organization has not installed this app")
        return organization

    async def create_task(self, request: web.Request) -> web.Response:
        """POST /v4/tasks."""
        organization = self.require_organization(request)
        body = read_object(await request.read()) if request.content_type == "application/json" else None
        if body is None:
            raise refused(400, "bad_request", "Request body must be a JSON object")
        check_task(body, self.missing(body))
        fault = self.faults.take_result("create_task")
        failed = fault is not None and fault.kind == "result_failed"
        task = Task(organization, self.show(body, "failed" if failed else self.sync.sync_status))
        self.tasks[task.shown["id"]] = task
        self.create("task", task.shown["id"], body)
        if not failed and self.sync.synced_after is not None:
            self.later(self.synced(task, self.sync.synced_after))
        return reply({"code": "success", "data": task.shown})

    def show(self, given: Json, sync_status: str) -> Json:
        """A new task in the page's reply shape."""
        now = stamp(self.clock())
        return {
            "id": f"tsk_{uuid4().hex}",
            "status": "not_started",
            "syncStatus": sync_status,
            "notes": given["notes"][: self.settings.reply_notes_length],
            "noteId": given["noteId"],
            "ehrType": self.settings.ehr_type,
            "assignedProviders": [self.provider(each) for each in given["assigneeIds"]],
            "createdAt": now,
            "updatedAt": now,
        }

    def provider(self, ident: str) -> Json:
        """A provider as the reply shows one; who is not in the settings gets a made-up name."""
        known = self.providers.get(ident)
        if known is None:
            known = Provider(
                id=ident,
                first_name="Sam",
                last_name="Sandbox",
                display_first_name="Sam",
                display_last_name="Sandbox",
                username=f"s{ident[-6:]}",
            )
        shown: Json = msgspec.to_builtins(known)
        return shown

    async def list_tasks(self, request: web.Request) -> web.Response:
        """GET /v4/tasks, newest first, by `page` and `pageSize` (100 unless asked, and at most)."""
        organization = self.require_organization(request)
        page, size = number(request.query, "page", 1), number(request.query, "pageSize", 100, most=100)
        if page is None or size is None:
            name = "page" if page is None else "pageSize"
            raise refused(400, "bad_request", f"'{name}' must be a valid number")
        found = [
            task.shown
            for task in reversed(self.tasks.values())
            if task.organization == organization and task.matches(request.query)
        ]
        pages = -(-len(found) // size)
        pagination = {"page": page, "pageSize": size, "totalCount": len(found), "totalPages": pages}
        data = {"tasks": found[(page - 1) * size : page * size], "pagination": pagination}
        return reply({"code": "success", "data": data})

    async def get_task(self, request: web.Request) -> web.Response:
        """GET /v4/tasks/{id}; another organization's is as absent as one that never was."""
        organization = self.require_organization(request)
        task = self.tasks.get(request.match_info["id"])
        if task is None or task.organization != organization:
            raise refused(404, "not_found", "Task not found")
        return reply({"code": "success", "data": task.shown})

    async def synced(self, task: Task, delay: float) -> None:
        """Ends a task's way into the EHR."""
        await asyncio.sleep(delay)
        task.shown |= {"syncStatus": "synced", "updatedAt": stamp(self.clock())}

    async def put_sync(self, request: web.Request) -> web.Response:
        """PUT /_sandbox/sync."""
        self.sync = await told(request, Sync)
        return reply(self.sync)

    async def change(self, request: web.Request) -> web.Response:
        """PATCH /_sandbox/tasks/{id}."""
        change: Change = await told(request, Change)
        task = self.tasks.get(request.match_info["id"])
        if task is None:
            raise web.HTTPNotFound
        task.shown |= {**msgspec.to_builtins(change), "updatedAt": stamp(self.clock())}
        return reply(task.shown)


def stamp(at: datetime) -> str:
    """A time as PostgreSQL prints one, and so the page: `2026-03-20 18:35:10.209452+00`, without trailing zeros."""
    at = at.astimezone(UTC)
    fraction = f".{at.microsecond:06}".rstrip("0").rstrip(".")
    return f"{at:%Y-%m-%d %H:%M:%S}{fraction}+00"


def maxcare_app(settings: MaxCareSettings | None = None, clock: Clock = utc_now) -> web.Application:
    """MaxCare's stand-in as an application."""
    maxcare = MaxCare(settings or MaxCareSettings(), clock)
    app = maxcare.application()
    app.router.add_post("/v4/tasks", maxcare.operation("create_task", maxcare.limited(maxcare.create_task)))
    app.router.add_get("/v4/tasks", maxcare.operation("lookup", maxcare.limited(maxcare.list_tasks)))
    app.router.add_get("/v4/tasks/{id}", maxcare.operation("lookup", maxcare.limited(maxcare.get_task)))
    app.router.add_put("/_sandbox/sync", maxcare.put_sync)
    app.router.add_patch("/_sandbox/tasks/{id}", maxcare.change)
    add_control(app, maxcare)
    return app
