"""Vendors as they would be: bytes in, bytes out, in the shapes of their pages; and the truth of it all."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from random import Random
from typing import Any, Literal, Protocol
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

REFUSED = "[refuse]"
PAGE = 5
"""Rows of a page, so that there are pages."""
UNAUTHORISED = 401
_EDITED = 0.3
"""How many things staff are at within two minutes."""

Raw = tuple[int, dict[str, str], bytes]
Json = dict[str, Any]


class Made(Struct, kw_only=True):
    """What a vendor made of a request, and whose delivery it truly is.

    pending: it is still being made. done: it exists. failed: it never came to be.
    """

    owner: str
    link: str
    operation: str
    id: str
    at: datetime
    shown: Json
    emr_id: str | None = None
    job_id: str | None = None
    status: Literal["pending", "done", "failed"] = "pending"
    edited: bool = False
    """Whether staff have been at what it would be found by."""
    said: str = ""
    """Its words when it was made, where staff may change them and its marks."""


class Asked(Struct, frozen=True):
    """A request as it arrived; `owner` is the delivery that it truly is of."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    owner: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.url).query).items()}


class Around(Protocol):
    """What a vendor needs of the world."""

    chance: Random

    def now(self) -> datetime: ...

    def spawn(self, story: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]: ...

    def made(self, thing: Made) -> None: ...

    async def push(self, adapter: str, body: Json) -> None: ...


def told(status: int, body: Any) -> Raw:
    return status, {"content-type": "application/json"}, json.dumps(body).encode()


def reworded(chance: Random, text: str) -> str:
    """A text as staff leave it: something added, put in front, taken off its end, or written otherwise."""
    return chance.choice([f"{text} Called, no answer.", f"DONE {text}", text[: -(len(text) // 6)], text.upper()])


class Vendor:
    """What the three have in common: links that can be revoked, and things made."""

    def __init__(self, around: Around) -> None:
        self.around = around
        self.revoked: set[str] = set()
        self.things: list[Made] = []
        self._numbers = itertools.count(1)

    def link(self, asked: Asked) -> str:
        raise NotImplementedError

    def create(self, asked: Asked, link: str, body: Json) -> Raw:
        raise NotImplementedError

    def look_up(self, asked: Asked, link: str) -> Raw:
        raise NotImplementedError

    def unauthorised(self) -> Raw:
        raise NotImplementedError

    def answer(self, asked: Asked) -> Raw:
        """Carry the request out."""
        link = self.link(asked)
        if link in self.revoked:
            return self.unauthorised()
        return self.look_up(asked, link) if asked.method == "GET" else self.create(asked, link, json.loads(asked.body))

    def keep(self, thing: Made) -> None:
        """A thing is made; now and then staff are at it soon."""
        self.things.append(thing)
        self.around.made(thing)
        if self.around.chance.random() < _EDITED:
            self.later(self.around.chance.random() * self.around.chance.choice([1, 10, 120]), lambda: self.edit(thing))

    async def edit(self, thing: Made) -> None:
        """Staff change what a task says, where the vendor lets them."""

    def later(self, seconds: float, happens: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Let it happen after a while, or at once where that is no time."""

        async def after() -> None:
            await asyncio.sleep(seconds)
            await happens()

        self.around.spawn(after())


class TaskApiVendor(Vendor):
    """Makes a task at once, and tells by a webhook that it changed."""

    def link(self, asked: Asked) -> str:
        return asked.headers["x-api-key"]

    def unauthorised(self) -> Raw:
        detail = {"type": "authentication_error", "code": "invalid_api_key", "message": "Invalid API key"}
        return told(UNAUTHORISED, {"detail": detail})

    def create(self, asked: Asked, link: str, body: Json) -> Raw:
        if REFUSED in body["description"]:
            detail = {"type": "invalid_request_error", "code": "bad", "message": "no such user", "param": "tags"}
            return told(400, {"detail": detail})
        shown = {
            "id": f"t{next(self._numbers)}", "title": body["title"], "description": body["description"],
            "tags": body.get("tags", []), "patient_id": body.get("patient_id"), "status": "pending",
        }  # fmt: skip
        thing = Made(
            owner=asked.owner, link=link, operation="create_task", id=shown["id"], at=self.around.now(), shown=shown,
            status="done", said=body["description"],
        )  # fmt: skip
        self.keep(thing)
        self._tell(thing, "task_created")
        return told(201, shown)

    def _tell(self, thing: Made, event: str) -> None:
        body = {"id": f"h{next(self._numbers)}", "event_type": event, "data": {"id": thing.id}}
        chance = self.around.chance
        for _ in range(chance.choice([1, 1, 2])):
            self.later(chance.random() * 2, lambda: self.around.push("task_api", body))

    def work(self) -> None:
        """Somebody at the clinic works on a task."""
        if self.things:
            thing = self.around.chance.choice(self.things)
            thing.shown["status"] = self.around.chance.choice(["pending", "in_progress", "completed"])
            self._tell(thing, "task_updated")

    async def edit(self, thing: Made) -> None:
        """The words of a task, or its tags: another one's are copied beside its own, or over them.

        Not over those of one that has an equal, which in a list that breaks off nothing would tell from it then; nor
        over a mark that was copied, since two that change their marks are as good as each other.
        """
        chance, shown, other = self.around.chance, thing.shown, self.around.chance.choice(self.things[-4:])
        what = chance.choice(["title", "description", "before", "behind", "over"])
        equal = sum(each.said.startswith(thing.said) or thing.said.startswith(each.said) for each in self.things) > 1
        if what == "over" and (equal or thing.edited):
            what = "behind"
        if what in shown:
            shown[what] = reworded(chance, shown[what])
        else:
            tags, others = shown["tags"], other.shown["tags"]
            shown["tags"] = {"before": [*others, *tags], "behind": [*tags, *others], "over": others}[what]
            thing.edited = other.edited = True
        self._tell(thing, "task_updated")

    def look_up(self, asked: Asked, link: str) -> Raw:  # noqa: ARG002 - the key sees all of the company
        own = asked.path.removeprefix("/v1/tasks").strip("/")
        if own:
            for thing in self.things:
                if thing.id == own:
                    return told(200, thing.shown)
            return told(404, {"detail": {"type": "invalid_request_error", "code": "not_found", "message": "none"}})
        query = asked.query
        found = [
            thing.shown
            for thing in reversed(self.things)
            if query.get("patient_id") in (None, thing.shown["patient_id"])
        ]
        page = int(query["page"])
        rows, more = found[(page - 1) * PAGE : page * PAGE], page * PAGE < len(found)
        return told(200, {"data": rows, "pagination": {"has_more": more, "total": len(found), "page": page}})


class MaxCareVendor(Vendor):
    """Makes a task at once, which may reach the EHR later, or never."""

    def link(self, asked: Asked) -> str:
        return asked.headers["x-organization-id"]

    def unauthorised(self) -> Raw:
        return told(UNAUTHORISED, {"code": "unauthorized", "message": "Missing or invalid API key", "trace_id": "x"})

    def create(self, asked: Asked, link: str, body: Json) -> Raw:
        if REFUSED in body["notes"]:
            return told(400, {"code": "bad_request", "message": "'assigneeIds' must be a list", "trace_id": "x"})
        roll = self.around.chance.random()
        shown = {
            "id": f"m{next(self._numbers)}", "status": "not_started", "notes": body["notes"], "noteId": body["noteId"],
            "syncStatus": "synced" if roll < 0.6 else "pending",
            "assignedProviders": [{"id": one} for one in body["assigneeIds"]],
        }  # fmt: skip
        thing = Made(
            owner=asked.owner, link=link, operation="create_task", id=shown["id"], at=self.around.now(), shown=shown,
            status="done",
        )  # fmt: skip
        self.keep(thing)
        if 0.6 <= roll < 0.95:

            async def synced() -> None:
                shown["syncStatus"] = "synced"

            self.later(self.around.chance.random() * 2000, synced)
        return told(200, {"code": "success", "data": shown})

    async def edit(self, thing: Made) -> None:
        """What a task says."""
        thing.shown["notes"], thing.edited = reworded(self.around.chance, thing.shown["notes"]), True

    def look_up(self, asked: Asked, link: str) -> Raw:
        own = asked.path.removeprefix("/v4/tasks").strip("/")
        ours = [thing for thing in self.things if thing.link == link]
        if own:
            for thing in ours:
                if thing.id == own:
                    return told(200, {"code": "success", "data": thing.shown})
            return told(404, {"code": "not_found", "message": "Task not found", "trace_id": "x"})
        query = asked.query
        found = [thing.shown for thing in reversed(ours) if thing.shown["noteId"] == query["noteId"]]
        page, pages = int(query["page"]), -(-len(found) // PAGE)
        rows = found[(page - 1) * PAGE : page * PAGE]
        pagination = {"page": page, "pageSize": PAGE, "totalCount": len(found), "totalPages": pages}
        return told(200, {"code": "success", "data": {"tasks": rows, "pagination": pagination}})
