"""What the journeys stand on: the real programs, started as a user starts them, and a configuration of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
from ports import free_port

PROGRAM = Path(sys.executable).with_name("task-gateway")
KEY = "tgk_journey_a-key-for-the-journeys"
TOKEN = "token-of-the-journeys-1234567890"
_START = 60.0
"""Seconds in which a program starts, on a machine with much else to do."""
COBALT, TASK_API, MAXCARE = 1, 2, 3
"""Where the sandbox serves each vendor, from its port base up."""

CLINICS: Mapping[str, str] = {
    "lakeside": """
id: lakeside
name: Lakeside
timezone: America/Chicago
connections:
  emr:
    account: cobalt-main
    emr: eclinicalworks
    reference_id: user_lakeside
    credentials: {access_token: "at_lakeside"}
people:
  dr-wilson: {name: "Dr. Wilson", ids: {emr: "emr-wilson"}}
""",
    "riverbend": """
id: riverbend
name: Riverbend
timezone: America/New_York
connections:
  emr:
    account: cobalt-main
    emr: athenahealth
    reference_id: user_riverbend
    credentials: {access_token: "at_riverbend"}
people:
  dr-wilson: {name: "Dr. Wilson", ids: {emr: "a-1187"}}
""",
    "hilltop": """
id: hilltop
name: Hilltop
timezone: America/Denver
connections:
  tasks:
    account: solum
    defaults: {created_by: gateway}
people:
  dr-wilson: {name: "Dr. Wilson", ids: {tasks: "c41d"}}
  gateway: {name: "Gateway", ids: {tasks: "b0b1"}}
""",
    "harbor": """
id: harbor
name: Harbor
timezone: America/Los_Angeles
connections:
  max:
    account: maxcare-main
    credentials: {organization_id: "org_harbor"}
    defaults: {created_by: dr-wilson}
people:
  dr-wilson: {name: "Dr. Wilson", ids: {max: "prv_d4e5f6a7b8c94d0e1f2a3b4c5d6e7f8a"}}
""",
}
TABLE = """
cobalt:
  "*": {create_claim: {supported: false, source: documented, note: "page: currently eClinicalWorks only"}}
  eclinicalworks: {create_claim: {supported: true, source: documented}}
  athenahealth: {create_task: {source: operator, fields: {title: required, assignees: required}}}
"""


def write_config(directory: Path, port_base: int, *, more: str = "", accounts: str = "") -> Path:
    """A configuration against the sandbox on `port_base`, in the grammar of the documents."""
    (directory / "clinics").mkdir(parents=True)
    for name, text in CLINICS.items():
        (directory / "clinics" / f"{name}.yaml").write_text(text)
    (directory / "emr_capabilities.yaml").write_text(TABLE)
    (directory / "gateway.yaml").write_text(f"""
mode: development
database: sqlite:///var/gateway.db
accounts:
  cobalt-main:
    adapter: cobalt
    base_url: http://127.0.0.1:{port_base + COBALT}
    credentials: {{client_id: "ci_sandbox", client_secret: "cs_sandbox"}}
    webhook: {{token: "{TOKEN}", secrets: ["whsec_cobalt_sandbox"]}}
  solum:
    adapter: task_api
    base_url: http://127.0.0.1:{port_base + TASK_API}
    credentials: {{api_key: "sk_sandbox"}}
  maxcare-main:
    adapter: maxcare
    base_url: http://127.0.0.1:{port_base + MAXCARE}
    credentials: {{api_key: "max_dev_ak_sandbox"}}
{accounts}
apps:
  journey:
    keys: [{{id: journey, sha256: {sha256(KEY.encode()).hexdigest()}}}]
    clinics: ["*"]
    roles: [submit, read, operate, admin]
answer_within: 5
{more}""")
    return directory


def until(found: Callable[[], Any], seconds: float = 15.0) -> Any:
    """What `found` gives once it gives something true."""
    end = time.monotonic() + seconds
    while True:
        got = found()
        if got:
            return got
        assert time.monotonic() < end, f"it did not happen in time: {got!r}"
        time.sleep(0.02)


@contextmanager
def running(
    *arguments: str, directory: Path, log: str, environ: Mapping[str, str] = {}
) -> Iterator[subprocess.Popen[bytes]]:
    """The program at work in `directory`, its standard error in `log`; killed at the end."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TASK_GATEWAY_")}
    with (directory / log).open("ab") as stderr:
        process = subprocess.Popen(
            [PROGRAM, *arguments], cwd=directory, env={**env, **environ}, stdout=subprocess.DEVNULL, stderr=stderr
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def run(
    *arguments: str, directory: Path, seconds: float = 60, environ: Mapping[str, str] = {}
) -> subprocess.CompletedProcess[str]:
    """The program, run to its end."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TASK_GATEWAY_")}
    return subprocess.run(
        [PROGRAM, *arguments], cwd=directory, env={**env, "COLUMNS": "400", **environ}, capture_output=True, text=True,
        timeout=seconds, check=False,
    )  # fmt: skip


def answers(url: str) -> bool:
    """Whether something answers there."""
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@dataclass
class Vendors:
    """The sandbox at work."""

    port_base: int

    def call(self, vendor: int, method: str, path: str, **kwargs: Any) -> Any:
        url = f"http://127.0.0.1:{self.port_base + vendor}/_sandbox/{path}"
        answer = httpx.request(method, url, trust_env=False, **kwargs)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def reset(self) -> None:
        for vendor in (COBALT, TASK_API, MAXCARE):
            self.call(vendor, "POST", "reset")

    def fault(self, vendor: int, **fault: Any) -> None:
        self.call(vendor, "PUT", "faults", json=fault)

    def silent_fault(self, vendor: int, **fault: Any) -> None:
        """A fault of whose request no event tells either."""
        self.call(vendor, "PUT", "faults", json=[fault, {"on": "create_task", "kind": "no_webhook"}])

    def created(self, vendor: int) -> list[Any]:
        return self.call(vendor, "GET", "created")["items"]

    def creates(self, vendor: int) -> list[Any]:
        """The POSTs that came in."""
        return [each for each in self.call(vendor, "GET", "requests")["items"] if each["method"] == "POST"]


@contextmanager
def sandbox(directory: Path, webhook_url: str) -> Iterator[Vendors]:
    """The three stand-ins, as a user starts them."""
    base = free_port(4) - 1
    arguments = ("sandbox", "--port-base", str(base), "--webhook-url", webhook_url, "--completion-delay", "0.1")
    with running(*arguments, directory=directory, log="sandbox.log"):
        for vendor in (COBALT, TASK_API, MAXCARE):
            until(lambda vendor=vendor: answers(f"http://127.0.0.1:{base + vendor}/_sandbox/requests"), _START)
        yield Vendors(base)


@dataclass
class Gateway:
    """A gateway at work."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes]
    http: httpx.Client = field(repr=False)

    def post(self, path: str, body: Any, key: str | None = None, prefer: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.http.post(path, json=body, headers={**headers, **({"Prefer": prefer} if prefer else {})})

    def delivery(self, answer: httpx.Response) -> Any:
        """The delivery that an answer names, as it is now."""
        return self.http.get(answer.headers["location"]).json()

    def settled(self, answer: httpx.Response, *states: str, seconds: float = 15.0) -> Any:
        """The delivery once it is in one of `states`."""
        wanted = states or ("delivered", "rejected", "failed")

        def found() -> Any:
            now = self.delivery(answer)
            return now if now["state"] in wanted else None

        return until(found, seconds)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self, within: float = 30) -> int:
        """As a service manager stops it; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within)

    def log(self) -> str:
        return (self.directory / "gateway.log").read_text()


@contextmanager
def gateway(config: Path, port: int | None = None, environ: Mapping[str, str] = {}) -> Iterator[Gateway]:
    """The gateway, as a user starts it; ready."""
    port = port or free_port()
    arguments = ("serve", "--config", str(config), "--host", "127.0.0.1", "--port", str(port))
    directory = config.parent
    url = f"http://127.0.0.1:{port}"
    with running(*arguments, directory=directory, log="gateway.log", environ=environ) as process:
        until(lambda: process.poll() is not None or answers(f"{url}/health/ready"), _START)
        assert process.poll() is None, (directory / "gateway.log").read_text()
        headers = {"Authorization": f"Bearer {KEY}"}
        with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=40) as http:
            yield Gateway(directory, port, process, http)


def task(clinic_id: str = "lakeside", **fields: Any) -> dict[str, Any]:
    """The one task, for any clinic."""
    return {
        "clinic_id": clinic_id,
        "title": "Follow-up appointment needed",
        "description": "Schedule a follow-up appointment.",
        "patient": {"mrn": "MRN-12345"},
        "assignees": ["dr-wilson"],
        "due_at": "2027-01-15T09:30:00-06:00",
        "priority": "high",
        "encounter_note_id": "nte_3cc73cb69c59403ca9108af6c5693b25",
        **fields,
    }
