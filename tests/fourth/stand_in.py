"""Meridian's stand-in, written from meridian.md: what it takes, what it refuses, what it holds and what it pushes."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web

CLIENT = {"grant_type": "client_credentials", "client_id": "mpc_4f1", "client_secret": "mps_9c27", "scope": "tasks"}
SECRET = "whsec_meridian"
PRACTICE = 20417
USERS = {118, 121, 122}
TEXTS = {"subject": 200, "body": 8000, "external_ref": 64}


class VendorError(Exception):
    """An error in the page's envelope."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(code)
        self.status = status
        self.error = {"code": code, "message": message, "request_id": "req_1", **more}


class Meridian:
    """The vendor. What a test wants of it is said in the attributes; it may look at everything."""

    def __init__(self, hook: str) -> None:
        self.hook = hook
        self.tokens: set[str] = set()
        """Those that are good."""
        self._ids = itertools.count(5_500_000_001)
        self._at_work: set[asyncio.Task[None]] = set()
        self.forget()

    def forget(self) -> None:
        """A practice without tasks, and nothing that a test wants."""
        self.works = True
        """Whether jobs are done; else they stay queued until it is set."""
        self.next: list[str] = []
        """What befalls the next creates: `lose` (carried out, but the answer is lost) or `slow_down`."""
        self.rows: list[dict[str, Any]] = []
        """Every task, queued ones included, oldest first."""
        self.notes: list[dict[str, Any]] = []
        self.asked: list[str] = []
        """Every call, as `POST /v3/tasks 202`, with its query."""

    def fill(self, count: int) -> None:
        """Tasks of others, taken in the last minutes."""
        for number in range(count):
            self._add({"subject": f"Other {number}", "body": "Somebody else's."}, age=count - number, state="OPEN")

    def posted(self, path: str) -> list[str]:
        """How each POST to `path` was answered."""
        return [call.rpartition(" ")[2] for call in self.asked if call.startswith(f"POST {path} ")]

    def app(self) -> web.Application:
        """The page's addresses."""
        app = web.Application(middlewares=[self._in_the_pages_words])
        app.router.add_post("/oauth2/token", self._token)
        app.router.add_post("/v3/tasks", self._create)
        app.router.add_get("/v3/tasks", self._list)
        app.router.add_get("/v3/tasks/{id}", self._read)
        app.router.add_get("/v3/jobs/{id}", self._job)
        app.router.add_post("/v3/notes", self._note)
        app.on_cleanup.append(self._stop)
        return app

    @web.middleware
    async def _in_the_pages_words(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            if request.path.startswith("/v3/"):
                self._let_in(request)
            answer = await handler(request)
        except VendorError as fault:
            waits = {"Retry-After": "1"} if fault.status == 429 else {}
            answer = web.json_response({"error": fault.error}, status=fault.status, headers=waits)
        self.asked.append(f"{request.method} {request.path_qs} {answer.status}")
        return answer

    def _let_in(self, request: web.Request) -> None:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            raise VendorError(401, "token_expired", "Ask for a new one")
        if request.headers.get("Meridian-Practice-Id") != str(PRACTICE):
            raise VendorError(403, "practice_not_connected", "The practice has not granted access")

    async def _token(self, request: web.Request) -> web.Response:
        if dict(await request.post()) != CLIENT:
            raise VendorError(401, "token_invalid", "No such client")
        token = f"mat_{next(self._ids)}"
        self.tokens.add(token)
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": 1800, "scope": "tasks"})

    async def _create(self, request: web.Request) -> web.Response:
        task = _task_of(await _json(request))
        befalls = self.next.pop(0) if self.next else ""
        if befalls == "slow_down":
            raise VendorError(429, "slow_down", "10 calls a second")
        self._refuse_a_second(task.get("external_ref"))
        row = self._add(task)
        self._start(self._work(row))
        if befalls == "lose" and request.transport is not None:
            request.transport.abort()
        queued = {"job_id": row["job_id"], "state": "QUEUED", "external_ref": row["external_ref"]}
        return web.json_response({"data": queued}, status=202)

    def _refuse_a_second(self, ref: str | None) -> None:
        for row in self.rows:
            if ref is not None and row["external_ref"] == ref:
                existing = {"job_id": row["job_id"], "task_id": row["id"]}
                raise VendorError(409, "duplicate_external_ref", "There already", existing=existing)

    def _add(self, task: dict[str, Any], *, age: float = 0, state: str = "QUEUED") -> dict[str, Any]:
        row = {
            "id": None if state == "QUEUED" else next(self._ids),
            "job_id": next(self._ids),
            "external_ref": None,
            "state": state,
            "created_at": f"{datetime.now(UTC) - timedelta(seconds=age):%Y-%m-%dT%H:%M:%SZ}",
            **task,
        }
        self.rows.append(row)
        return row

    async def _work(self, row: dict[str, Any]) -> None:
        """The job: a moment later the task is in the practice's system, and the webhook says so."""
        await asyncio.sleep(0.05)
        while not self.works:  # noqa: ASYNC110 - the thread of a test sets it
            await asyncio.sleep(0.02)
        row.update(id=next(self._ids), state="OPEN")
        told = {"job_id": row["job_id"], "task_id": row["id"], "external_ref": row["external_ref"], "state": "OPEN"}
        await self._push("task.created", told)

    async def _push(self, type_: str, data: dict[str, Any]) -> None:
        body = event(type_, data, event_id=f"evt_{next(self._ids)}")
        async with aiohttp.ClientSession() as client:
            while True:
                async with client.post(self.hook, data=body, headers=signed(body)) as answer:
                    if answer.ok:
                        return
                await asyncio.sleep(0.1)

    def _start(self, work: Any) -> None:
        started = asyncio.get_running_loop().create_task(work)
        self._at_work.add(started)
        started.add_done_callback(self._at_work.discard)

    async def _stop(self, _app: web.Application) -> None:
        for started in self._at_work:
            started.cancel()

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        page, size = int(query["page"]), int(query["page_size"])
        if page < 1 or not 1 <= size <= 200:
            raise VendorError(400, "malformed", "page from 1, page_size from 1 to 200")
        rows = [row for row in self.rows if row["created_at"] >= query["created_from"]]
        meta = {"page": page, "page_size": size, "total_pages": -(-len(rows) // size), "total": len(rows)}
        return web.json_response({"data": rows[(page - 1) * size : page * size], "meta": meta})

    async def _read(self, request: web.Request) -> web.Response:
        return web.json_response({"data": self._found("id", request)})

    async def _job(self, request: web.Request) -> web.Response:
        row = self._found("job_id", request)
        state = "QUEUED" if row["id"] is None else "DONE"
        job = {"job_id": row["job_id"], "state": state, "external_ref": row["external_ref"]}
        return web.json_response({"data": job if row["id"] is None else {**job, "task_id": row["id"]}})

    def _found(self, key: str, request: web.Request) -> dict[str, Any]:
        for row in self.rows:
            if str(row[key]) == request.match_info["id"]:
                return row
        raise VendorError(404, "not_found", "No such task or job in this practice")

    async def _note(self, request: web.Request) -> web.Response:
        note = (await _json(request)).get("note") or {}
        _check_text("note.text", note.get("text"), 4000)
        _check("note.task_id", note.get("task_id"), good=type(note.get("task_id")) is int)
        if note["task_id"] not in {row["id"] for row in self.rows}:
            raise VendorError(404, "not_found", "No such task in this practice")
        self.notes.append(note)
        return web.json_response({"data": {"id": next(self._ids), "task_id": note["task_id"]}}, status=201)


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        return dict(await request.json())
    except ValueError:
        raise VendorError(400, "malformed", "not JSON") from None


def _task_of(body: dict[str, Any]) -> dict[str, Any]:
    """The task of a create, which is what the page's table says."""
    task = dict(body.get("task") or {})
    for name, most in TEXTS.items():
        if name in task or name != "external_ref":
            _check_text(f"task.{name}", task.get(name), most)
    if "assignee" in task:
        _check_users("task.assignee.user_id", [task["assignee"].get("user_id")])
    _check_users("task.watchers", task.get("watchers", []))
    priority = task.get("priority", "NORMAL")
    _check("task.priority", priority, good=priority in {"LOW", "NORMAL", "HIGH", "STAT"})
    return task


def _check_users(name: str, users: list[Any]) -> None:
    _check(name, users, good=len(users) <= 10 and all(type(user) is int and user in USERS for user in users))


def _check_text(name: str, value: Any, most: int) -> None:
    _check(name, value, good=isinstance(value, str) and 1 <= len(value) <= most)


def _check(name: str, value: Any, *, good: bool) -> None:
    if not good:
        code = "missing" if value is None else "invalid"
        fault = {"name": name, "code": code, "message": f"{name} is not acceptable"}
        raise VendorError(422, "validation_failed", "1 field is not acceptable", fields=[fault])


def event(type_: str, data: dict[str, Any], event_id: str) -> bytes:
    """An event's body."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    told = {"event_id": event_id, "type": type_, "occurred_at": now, "practice_id": PRACTICE, "data": data}
    return json.dumps(told).encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """The headers of a push, signed now."""
    at = str(int(time.time()))
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Meridian-Timestamp": at, "Meridian-Signature": f"v1={digest}", "Content-Type": "application/json"}


@contextmanager
def serving(vendor: Meridian) -> Iterator[str]:
    """The vendor at work, in a thread of its own; its origin."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(vendor.app())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> str:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return "http://{}:{}".format(*runner.addresses[0])

    try:
        yield asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
