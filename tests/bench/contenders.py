"""The contenders, each a real program behind one URL: a stand-in, a proxy, what is written by hand, and ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from pathlib import Path

import psycopg
from bench import machine
from bench.machine import CONTENDER, HERE, KEPT, OTHERS, Missing, answering, pinned, running
from journeys.world import PROGRAM, TOKEN
from msgspec import Struct
from ports import free_port

KEY = "tgk_bench_a-key-for-the-benchmark"
HOOK_SECRET = "whsec_bench"
CLINICS = 50
VENDORS_ANSWER = (
    '{"id":"$request_id","title":"Follow-up appointment needed","status":"pending","created_at":"2026-11-23T09:00:00Z"}'
)
TASK = {
    "clinic_id": "clinic-0",
    "title": "Follow-up appointment needed",
    "description": "Is anybody there?",
    "patient": {"ids": {"task_api": "pat_5f2c8e"}},
    "assignees": ["dr-wilson"],
    "due_at": "2027-01-15T09:30:00-06:00",
    "source": {},
}
_NGINX = """
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_timeout 300s;
    keepalive_requests 1000000000;
    client_body_buffer_size 64k;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
    default_type application/json;
    {more}
}}
"""


class Contender(Struct, frozen=True, kw_only=True):
    """A contender at work."""

    url: str
    pid: int
    database: str | None = None
    database_pid: int | None = None


Start = Callable[[Path, str], AbstractContextManager[Contender]]
"""Starts one in a directory, in front of the vendor at a URL; raises Missing where it cannot be had."""


@contextmanager
def _nginx(directory: Path, core: int, port: int, more: str, path: str = "/v1/tasks") -> Iterator[Contender]:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "nginx.conf").write_text(_NGINX.format(more=more))
    nginx = machine.program("nginx", "nginx-light")
    command = pinned(core, nginx, "-p", directory, "-c", directory / "nginx.conf", "-e", "stderr")
    with running(command, directory, "log") as process:
        url = f"http://127.0.0.1:{port}"
        answering(process, f"{url}{path}", directory / "log")
        yield Contender(url=f"{url}{path}", pid=process.pid)


@contextmanager
def vendor(directory: Path) -> Iterator[Contender]:
    """The vendor's stand-in: nginx that creates every task at once, each under an id of its own."""
    port = free_port()
    answer = f"location / {{ return 201 '{VENDORS_ANSWER}'; }}"
    with _nginx(directory, OTHERS, port, f"server {{ listen 127.0.0.1:{port} backlog=4096; {answer} }}") as started:
        yield started


@contextmanager
def receiver(directory: Path) -> Iterator[str]:
    """The apps' end: nginx that takes every event, and writes a line for each into the file `calls`; its URL."""
    port = free_port()
    answer = f"access_log {directory / 'calls'} combined; location / {{ return 204; }}"
    with _nginx(directory, OTHERS, port, f"server {{ listen 127.0.0.1:{port} backlog=4096; {answer} }}", path="/"):
        (directory / "calls").write_bytes(b"")
        yield f"http://127.0.0.1:{port}"


@contextmanager
def proxy(directory: Path, vendor: str) -> Iterator[Contender]:
    """Nginx that hands everything on over kept connections."""
    port = free_port()
    place = vendor.removeprefix("http://")
    more = (
        f"upstream vendor {{ server {place}; keepalive 128; keepalive_requests 1000000000; }}"
        f"server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass http://vendor;"
        ' proxy_http_version 1.1; proxy_set_header Connection ""; } }'
    )
    with _nginx(directory, CONTENDER, port, more) as started:
        yield started


def passthrough(*, kept: bool) -> Start:
    """FastAPI, pydantic and httpx, written by hand, in an environment of its own."""

    @contextmanager
    def start(directory: Path, vendor: str) -> Iterator[Contender]:
        directory.mkdir(parents=True)
        port = free_port()
        command = pinned(
            CONTENDER, _python() / "bin" / "uvicorn", "passthrough:app", "--app-dir", HERE / "peers" / "fastapi",
            "--port", port, "--no-access-log", "--log-level", "warning", "--loop", "uvloop", "--http", "httptools",
        )  # fmt: skip
        environ = {
            "PASSTHROUGH_VENDOR": vendor,
            "PASSTHROUGH_KEPT": "1" if kept else "0",
            "PASSTHROUGH_AT_ONCE": "32",
        }
        with running(command, directory, "log", environ) as process:
            url = f"http://127.0.0.1:{port}/v1/tasks"
            answering(process, url, directory / "log", method="POST", json=TASK)
            yield Contender(url=url, pid=process.pid)

    return start


def _python() -> Path:
    """The environment of what is written by hand; ours would change with what it installs."""
    wanted = (HERE / "peers" / "fastapi" / "requirements.txt").read_text()
    environment = KEPT / "fastapi"
    ready = environment / "ready"
    if not ready.exists() or ready.read_text() != wanted:
        machine.told("building the environment of FastAPI")
        subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
        pip = [environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *wanted.split()], check=True)
        ready.write_text(wanted)
    return environment


def _packages(name: str) -> Path:
    """Where npm has put what a peer's package.json names. Raises Missing."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise Missing("node and npm are not installed")
    wanted = (HERE / "peers" / name / "package.json").read_text()
    place = KEPT / name
    ready = place / "ready"
    if not ready.exists() or ready.read_text() != wanted:
        machine.told(f"installing {name}; this may take minutes")
        place.mkdir(parents=True, exist_ok=True)
        (place / "package.json").write_text(wanted)
        done = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"],
            cwd=place, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise Missing(f"npm could not install it: {done.stderr.strip()[-300:]}")
        ready.write_text(wanted)
    return place / "node_modules"


@contextmanager
def node_red(directory: Path, vendor: str) -> Iterator[Contender]:
    """A flow of five nodes, over kept connections."""
    modules = _packages("node_red")
    directory.mkdir(parents=True)
    files = HERE / "peers" / "node_red"
    shutil.copy(files / "settings.js", directory)
    (directory / "flows.json").write_text((files / "flows.json").read_text().replace("@VENDOR@", vendor))
    port = free_port()
    command = pinned(
        CONTENDER, "node", modules / "node-red" / "red.js", "--userDir", directory, "--settings",
        directory / "settings.js", "--port", port,
    )  # fmt: skip
    with running(command, directory, "log") as process:
        url = f"http://127.0.0.1:{port}/v1/tasks"
        answering(process, url, directory / "log", method="POST", json=TASK)
        yield Contender(url=url, pid=process.pid)


@contextmanager
def n8n(directory: Path, vendor: str) -> Iterator[Contender]:
    """A workflow of three nodes; executions are not saved."""
    program = _packages("n8n") / "n8n" / "bin" / "n8n"
    directory.mkdir(parents=True)
    text = (HERE / "peers" / "n8n" / "workflow.json").read_text()
    (directory / "workflow.json").write_text(text.replace("@VENDOR@", vendor))
    port = free_port(2)
    environ = {
        "N8N_USER_FOLDER": str(directory),
        "N8N_PORT": str(port),
        "N8N_RUNNERS_BROKER_PORT": str(port + 1),
        "N8N_LISTEN_ADDRESS": "127.0.0.1",
        "N8N_LOG_LEVEL": "warn",
        "N8N_DIAGNOSTICS_ENABLED": "false",
        "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
        "N8N_TEMPLATES_ENABLED": "false",
        "N8N_PERSONALIZATION_ENABLED": "false",
        "EXECUTIONS_DATA_SAVE_ON_SUCCESS": "none",
        "EXECUTIONS_DATA_SAVE_ON_ERROR": "none",
        "NODE_ENV": "production",
    }
    for arguments in (
        ("import:workflow", f"--input={directory / 'workflow.json'}"),
        ("publish:workflow", "--id=passATaskOnTask1"),
    ):
        with running(["node", str(program), *arguments], directory, "log", environ) as importing:
            importing.wait(300)
    with running(pinned(CONTENDER, "node", program, "start"), directory, "log", environ) as process:
        url = f"http://127.0.0.1:{port}/webhook/tasks"
        answering(process, url, directory / "log", method="POST", json=TASK)
        yield Contender(url=url, pid=process.pid)


def write_config(directory: Path, vendor: str, *, reuse: bool, clinics: int = CLINICS, more: str = "") -> Path:
    """A configuration with everything on: keys, encryption, a capability table, clinics of one account each vendor."""
    (directory / "clinics").mkdir(parents=True)
    for number in range(clinics):
        (directory / "clinics" / f"clinic-{number}.yaml").write_text(f"""
id: clinic-{number}
name: Clinic {number}
timezone: America/Denver
connections:
  tasks:
    account: tasks
    defaults: {{created_by: gateway}}
people:
  dr-wilson: {{name: "Dr. Wilson", ids: {{tasks: "c41d"}}}}
  gateway: {{name: "Gateway", ids: {{tasks: "b0b1"}}}}
""")
    (directory / "emr_capabilities.yaml").write_text("""
task_api:
  "*":
    create_task: {one_of: [[patient.id, patient.mrn]]}
""")
    (directory / "gateway.yaml").write_text(f"""
mode: development
database: sqlite:///var/gateway.db
encryption: {{keys: [{{id: k1, key: "{b64encode(b"a key of the benchmark".ljust(32)).decode()}"}}]}}
accounts:
  tasks:
    adapter: task_api
    base_url: {vendor}
    credentials: {{api_key: "sk_sandbox"}}
    webhook: {{token: "{TOKEN}", secrets: ["{HOOK_SECRET}"]}}
    reuse_connections: {str(reuse).lower()}
apps:
  bench:
    keys: [{{id: bench, sha256: {sha256(KEY.encode()).hexdigest()}}}]
    clinics: ["*"]
    roles: [submit, read, operate, admin]
    require_key: true
{more}""")
    return directory


@contextmanager
def serving(config: Path, database: str, *, database_pid: int | None = None) -> Iterator[Contender]:
    """The gateway, as a user starts it."""
    port = free_port()
    command = pinned(CONTENDER, PROGRAM, "serve", "--config", config, "--host", "127.0.0.1", "--port", port)
    directory = config.parent
    with running(command, directory, "gateway.log", {"TASK_GATEWAY_DATABASE": database}) as process:
        url = f"http://127.0.0.1:{port}"
        answering(process, f"{url}/health/ready", directory / "gateway.log")
        yield Contender(url=f"{url}/v1/tasks", pid=process.pid, database=database, database_pid=database_pid)


def gateway(database: Callable[[Path], AbstractContextManager[tuple[str, int | None]]], *, reuse: bool) -> Start:
    """The whole gateway on that database; `reuse`: connections to the vendor are used again."""

    @contextmanager
    def start(directory: Path, vendor: str) -> Iterator[Contender]:
        directory.mkdir(parents=True)
        config = write_config(directory / "config", vendor, reuse=reuse)
        with database(directory) as (url, pid), serving(config, url, database_pid=pid) as started:
            yield started

    return start


@contextmanager
def sqlite(directory: Path) -> Iterator[tuple[str, int | None]]:
    """A file on the disk."""
    yield f"sqlite:///{directory / 'gateway.db'}", None


@contextmanager
def in_memory(directory: Path) -> Iterator[tuple[str, int | None]]:
    """The same file in memory, where a flush costs nothing."""
    place = Path("/dev/shm") / f"task-gateway-{directory.name}-{free_port()}"  # noqa: S108 - it is meant
    place.mkdir()
    try:
        yield f"sqlite:///{place / 'gateway.db'}", None
    finally:
        shutil.rmtree(place)


def settled(contender: Contender) -> None:
    """Wait until nothing is under way."""
    while contender.database and undelivered(contender):
        time.sleep(0.05)


def undelivered(contender: Contender) -> int:
    """How many deliveries are still under way."""
    return _counted(contender, "SELECT count(*) FROM deliveries WHERE state <> 'delivered'")


def delivered(contender: Contender) -> int:
    """How many have been delivered."""
    return _counted(contender, "SELECT count(*) FROM deliveries WHERE state = 'delivered'")


def events(contender: Contender) -> int:
    """How many events there were."""
    return _counted(contender, "SELECT count(*) FROM events")


def _counted(contender: Contender, statement: str) -> int:
    database = contender.database or ""
    if database.startswith("sqlite:///"):
        import sqlite3  # noqa: PLC0415 - one of two

        with sqlite3.connect(f"file:{database.removeprefix('sqlite:///')}?mode=ro", uri=True) as looked:
            return int(looked.execute(statement).fetchone()[0])
    with psycopg.connect(database, autocommit=True) as asked:
        row = asked.execute(statement.encode()).fetchone()
        assert row is not None
        return int(row[0])
