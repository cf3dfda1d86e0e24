"""What the web tests stand on: the app as it is built, with a world, a database and a wire of the test's own."""

from __future__ import annotations

import asyncio
import hmac
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
from litestar import Litestar
from litestar.testing import TestClient
from web.declared import Declared

from gateway.app import build
from gateway.clinics import load
from gateway.rules.clinic import Config
from gateway.transport import TransportFault, Wire
from gateway.world import World

ROLES = ("submit", "read", "operate", "admin")
TOKEN = "webhook-token-0123456789"
SECRET = "whsec_of_the_tests"
AGE_OF_WORLD = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)

APPS: Mapping[str, str] = {
    "everything": f"clinics: ['*'], roles: [{', '.join(ROLES)}]",
    "submitter": "clinics: ['*'], roles: [submit]",
    "reader": "clinics: ['*'], roles: [read]",
    "operator": "clinics: ['*'], roles: [operate]",
    "administrator": "clinics: ['*'], roles: [admin]",
    "keyed": "clinics: ['*'], roles: [submit, read], require_key: true",
    "limited": "clinics: ['*'], roles: [submit, read], limits: {per_minute: 3}",
    "north": f"clinics: [north], roles: [{', '.join(ROLES)}]",
}

_CLINICS = {
    "north": """
id: north
name: North
timezone: America/Chicago
connections:
  emr:
    account: cobalt-main
    emr: eclinicalworks
    reference_id: ref_north
    credentials: {access_token: "at_north"}
  desk:
    account: solum
    defaults: {created_by: bot, assignees: [bot], due_in: 2d, title_from: description}
routes:
  - when: {type: [vob]}
    to: desk
  - to: emr
people:
  dr-wilson: {name: "Dr. Wilson", ids: {emr: "e-1", desk: "d-1"}}
  bot: {name: "Bot", ids: {desk: "d-0"}}
""",
    "south": """
id: south
name: South
timezone: America/New_York
connections:
  emr:
    account: cobalt-main
    emr: athenahealth
    reference_id: ref_south
    credentials: {access_token: "at_south"}
people:
  dr-wilson: {name: "Dr. Wilson", ids: {emr: "e-2"}}
""",
    "east": """
id: east
name: East
timezone: America/Denver
connections:
  max:
    account: maxcare-main
    credentials: {organization_id: "org_east"}
    defaults: {created_by: dr-wilson}
people:
  dr-wilson: {name: "Dr. Wilson", ids: {max: "prv_1"}}
""",
}
_TABLE = """
cobalt:
  "*": {create_claim: {supported: false, source: documented, note: "eClinicalWorks only"}}
  eclinicalworks: {create_claim: {supported: true, source: documented}}
  athenahealth: {create_task: {source: operator, fields: {title: required, assignees: required}}}
maxcare:
  "*": {create_task: {fields: {title: advisory}}}
"""


def key_of(app: str) -> str:
    """The key of one of the apps."""
    return f"tgk_{app}_secret-of-{app}"


def bearer(app: str) -> dict[str, str]:
    """The Authorization header of one of the apps."""
    return {"Authorization": f"Bearer {key_of(app)}"}


def write_config(directory: Path, *, more: str = "answer_within: 2\n", north: str = "") -> Path:
    """A configuration in the grammar of the documents: three clinics, three vendors, an app for each set of roles.

    `more` goes behind gateway.yaml, `north` behind that clinic's file.
    """
    (directory / "clinics").mkdir(parents=True)
    for name, text in {**_CLINICS, "north": _CLINICS["north"] + north}.items():
        (directory / "clinics" / f"{name}.yaml").write_text(text)
    (directory / "emr_capabilities.yaml").write_text(_TABLE)
    apps = "\n".join(
        f"  {app}: {{keys: [{{id: {app}, sha256: {sha256(key_of(app).encode()).hexdigest()}}}], {rest}}}"
        for app, rest in APPS.items()
    )
    (directory / "gateway.yaml").write_text(f"""
mode: development
database: sqlite:///{directory.parent}/gateway.db
accounts:
  cobalt-main:
    adapter: cobalt
    base_url: http://cobalt.invalid
    credentials: {{client_id: "ci_tests", client_secret: "cs_tests"}}
    webhook: {{token: "{TOKEN}", secrets: ["{SECRET}"]}}
  solum: {{adapter: task_api, base_url: "http://solum.invalid", credentials: {{api_key: "sk_tests"}}}}
  maxcare-main: {{adapter: maxcare, base_url: "http://maxcare.invalid", credentials: {{api_key: "max_tests"}}}}
apps:
{apps}
{more}""")
    return directory


class _Body(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


Handler = Callable[[httpx.Request], "httpx.Response | Coroutine[Any, Any, httpx.Response]"]


class Vendors(httpx.AsyncBaseTransport):
    """All vendors at once: notes what is sent, after the mark, and answers from `handler`."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.handler: Handler = accepts
        self.connects = True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self.connects:
            raise TransportFault("ClientConnectorError")
        send = request.extensions["send"]
        send.called = True
        await send.mark()
        send.begun = True
        self.requests.append(request)
        made = self.handler(request)
        answer = await made if asyncio.iscoroutine(made) else made
        return httpx.Response(answer.status_code, headers=answer.headers, stream=_Body(answer.content))

    def bodies(self) -> list[Any]:
        """What was sent, as JSON."""
        return [json.loads(request.content) for request in self.requests]


_numbers = count(1)


def accepts(request: httpx.Request) -> httpx.Response:
    """Each vendor takes what it gets."""
    number = next(_numbers)
    if request.url.host == "cobalt.invalid":
        noun = {"/v1/tasks": "task", "/v1/tasks/notes": "task_note", "/v1/claims": "claim"}[request.url.path]
        return httpx.Response(
            200, json={"success": True, "message": "queued", f"{noun}_id": f"v{number}", "job_id": number}
        )
    if request.url.host == "solum.invalid":
        return httpx.Response(201, json={"id": f"s{number}", "status": "pending"})
    task = {"id": f"tsk_{number}", "status": "not_started", "syncStatus": "synced"}
    return httpx.Response(200, json={"code": "success", "data": task})


def answering(status: int, **kwargs: Any) -> Handler:
    """A vendor that answers every request alike."""
    return lambda _request: httpx.Response(status, **kwargs)


def breaks_off(_request: httpx.Request) -> httpx.Response:
    """A vendor that hangs up after reading."""
    raise TransportFault("ServerDisconnectedError")


async def never(_request: httpx.Request) -> httpx.Response:
    """A vendor that does not answer while the test lasts."""
    await asyncio.sleep(60)
    raise AssertionError("waited for too long")


@dataclass
class Gateway:
    """The app at work, its client and what stands behind it."""

    app: Litestar
    client: TestClient[Litestar]
    vendors: Vendors
    config: Config
    database: Path
    declared: Declared
    skew: list[timedelta] = field(default_factory=list)

    def call(self, method: str, path: str, *, by: str | None = "everything", **kwargs: Any) -> httpx.Response:
        """One call, checked against what the OpenAPI document declares for it."""
        headers = {**(bearer(by) if by else {}), **kwargs.pop("headers", {})}
        answer = self.client.request(method, path, headers=headers, **kwargs)
        self.declared.check(method, path, answer)
        return answer

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.call("GET", path, **kwargs)

    def post(self, path: str, body: Any = None, **kwargs: Any) -> httpx.Response:
        return self.call("POST", path, **({} if body is None else {"json": body}), **kwargs)

    def submitted(self, body: Mapping[str, Any], path: str = "/v1/tasks", **kwargs: Any) -> Any:
        """A delivery made of `body`."""
        answer = self.post(path, body, **kwargs)
        assert answer.status_code in {201, 202}, answer.text
        return answer.json()

    def push(self, body: Mapping[str, Any], *, secret: str = SECRET, token: str = TOKEN) -> httpx.Response:
        """A webhook of Cobalt's, signed."""
        raw = json.dumps(body, separators=(",", ":")).encode()
        signature = hmac.new(secret.encode(), raw, "sha256").hexdigest()
        headers = {"cobalt-verification": signature, "content-type": "application/json"}
        return self.call("POST", f"/v1/webhooks/cobalt-main/{token}", by=None, content=raw, headers=headers)

    def until(self, path: str, wanted: Callable[[Any], bool], **kwargs: Any) -> Any:
        """What `path` gives once it is as wanted."""
        end = time.monotonic() + 5
        while True:
            found = self.get(path, **kwargs).json()
            if wanted(found):
                return found
            assert time.monotonic() < end, found
            time.sleep(0.01)

    def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        with closing(sqlite3.connect(self.database)) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}  # noqa: S608


def chosen_world(skew: list[timedelta]) -> World:
    """Time that runs from a chosen moment; ids that count; no chance."""
    begun, ids = datetime.now(UTC), count(1)

    def now() -> datetime:
        return AGE_OF_WORLD + (datetime.now(UTC) - begun) + sum(skew, timedelta())

    return World(now=now, new_id=lambda prefix: f"{prefix}_{next(ids):032d}", roll=lambda: 0.0)


def make_app(config: Config, vendors: Vendors, skew: list[timedelta]) -> Litestar:
    """The app, as the program builds it."""
    return build(config, world=chosen_world(skew), make_wire=lambda: Wire(vendors, vendors, config.timeouts))


_documents: list[Any] = []
"""The OpenAPI document, made once: it hangs on the code alone."""


@contextmanager
def gateway(directory: Path, *, more: str = "answer_within: 2\n", north: str = "") -> Iterator[Gateway]:
    """A gateway of its own in an empty directory."""
    config = load(write_config(directory / "config", more=more, north=north), {})
    vendors, skew = Vendors(), list[timedelta]()
    app = make_app(config, vendors, skew)
    impatient = patch("gateway.app.DRAIN_SECONDS", 0.05)
    with impatient, TestClient(app, raise_server_exceptions=False) as client:
        if not _documents:
            _documents.append(client.get("/schema/openapi.json").json())
        yield Gateway(app, client, vendors, config, directory / "gateway.db", Declared(_documents[0]), skew)


def task(clinic_id: str = "north", **fields: Any) -> dict[str, Any]:
    """A task that the clinic takes."""
    return {"clinic_id": clinic_id, "description": "Call the patient back", "patient": {"mrn": "MRN-1"}, **fields}


def claim(appointment_id: str = "apt-1", **fields: Any) -> dict[str, Any]:
    """A claim that the clinic takes."""
    return {"clinic_id": "north", "appointment_id": appointment_id, **fields}


def created_event(delivery: Any, *, emr_id: str = "emr-1", reference: str = "ref_north", **data: Any) -> dict[str, Any]:
    """The event with which Cobalt says that a task is in the EMR."""
    return {
        "id": f"evt_of_{delivery['vendor']['id']}",
        "type": "task.created",
        "job_id": int(delivery["vendor"]["job_id"]),
        "access_token_reference_id": reference,
        "data": {"task_id": delivery["vendor"]["id"], "emr_task_id": emr_id, **data},
    }
