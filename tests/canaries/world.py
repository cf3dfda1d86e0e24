"""Canaries: words that stand for a patient's, secrets that open something, and where each of them was looked for."""

from __future__ import annotations

import json
import os
import subprocess
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
from canaries.mirror import CALLBACKS, SPANS
from journeys import world

ADAPTERS = Path(__file__).parent / "adapters"
SECOND_KEY = "tgk_second_zqkeysecond8d1f"
_MADE: dict[str, str] = {}


def word(place: str) -> str:
    """A patient's word that is told from all others by where it was put."""
    return _MADE.setdefault(place, f"zq{place}{sha256(place.encode()).hexdigest()[:6]}")


def words() -> Iterable[str]:
    """All of them so far."""
    return _MADE.values()


SECRETS: Mapping[str, str] = {
    name: f"zqs{name}{sha256(name.encode()).hexdigest()[:10]}"
    for name in (
        "clientid", "clientsecret", "accesstoken", "taskapikey", "maxkey", "organization", "clumsykey", "tokenkey",
        "hooktoken", "hooksecret", "clumsytoken", "clumsysecret",
    )
}  # fmt: skip
CALLBACK_SECRET = f"whsec_{b64encode(b'zqscallback' * 3).decode()}"
ENCRYPTION_KEY = b64encode(b"zqsencryption" * 2 + b"zqsenc").decode()
EVERY_SECRET = (
    *SECRETS.values(), CALLBACK_SECRET, CALLBACK_SECRET.removeprefix("whsec_"), ENCRYPTION_KEY, world.KEY, world.TOKEN,
    SECOND_KEY, "ci_sandbox", "cs_sandbox", "at_lakeside", "at_riverbend", "sk_sandbox", "max_dev_ak_sandbox",
    "org_harbor", "whsec_cobalt_sandbox",
)  # fmt: skip

CLINICS = {"mirror-cobalt": "eclinicalworks", "mirror-task": None, "mirror-max": None, "clumsy": None, "tokens": None}
"""A clinic for each vendor that repeats what it was told, by its EMR; each connection is called like its clinic."""
_LINKS = {"mirror-cobalt": "access_token", "mirror-max": "organization_id"}


def _accounts(mirror: str) -> str:
    mine = SECRETS
    accounts: dict[str, Any] = {
        "mirror-cobalt": {"adapter": "cobalt",
                          "credentials": {"client_id": mine["clientid"], "client_secret": mine["clientsecret"]},
                          "webhook": {"token": mine["hooktoken"], "secrets": [mine["hooksecret"]]}},
        "mirror-task": {"adapter": "task_api", "credentials": {"api_key": mine["taskapikey"]}},
        "mirror-max": {"adapter": "maxcare", "credentials": {"api_key": mine["maxkey"]}},
        "clumsy": {"adapter": "clumsy", "credentials": {"api_key": mine["clumsykey"]},
                   "webhook": {"token": mine["clumsytoken"], "secrets": [mine["clumsysecret"]]}},
        "tokens": {"adapter": "clumsy", "credentials": {"api_key": mine["tokenkey"], "breaks": "fetch-token"}},
    }  # fmt: skip
    return "\n".join(f"  {name}: {json.dumps({**each, 'base_url': mirror})}" for name, each in accounts.items())


def _clinic(name: str, emr: str | None) -> str:
    connection: dict[str, Any] = {"account": name, **({"emr": emr, "reference_id": f"user_{name}"} if emr else {})}
    if name in _LINKS:
        kind = _LINKS[name]
        connection["credentials"] = {kind: SECRETS["accesstoken" if kind == "access_token" else "organization"]}
    if name.startswith("mirror"):
        connection["defaults"] = {"created_by": "id:1", "assignees": ["id:1"], "due_in": "2d"}
    return json.dumps({"id": name, "name": name, "timezone": "America/Chicago", "connections": {name: connection}})


def write_config(directory: Path, port_base: int, mirror: str) -> Path:
    """The journeys' configuration, with the mirror beside the sandbox, a second app, a callback and encryption."""
    more = (
        "timeouts: {connect: 1, send: 1}\n"
        "follow: {unknown: [0.3, 3600], submitted: [0.3, 3600], submitted_without_webhook: [0.3, 3600]}\n"
        f"adapter_paths: [{ADAPTERS}]\n"
        'encryption: {keys: [{id: k1, key: "${env:CANARIES_KEY}"}]}\n'
    )
    config = world.write_config(directory, port_base, more=more, accounts=_accounts(mirror))
    for name, emr in CLINICS.items():
        (config / "clinics" / f"{name}.yaml").write_text(_clinic(name, emr))
    hash_ = sha256(SECOND_KEY.encode()).hexdigest()
    second = f"apps:\n  second: {{keys: [{{id: second, sha256: {hash_}}}], clinics: ['*'], roles: [submit, read]}}\n"
    callback = json.dumps({"url": f"{mirror}{CALLBACKS}", "secrets": [CALLBACK_SECRET]})
    file = config / "gateway.yaml"
    text = file.read_text().replace("apps:\n", second)
    roles = "roles: [submit, read, operate, admin]\n"
    assert roles in text
    file.write_text(text.replace(roles, f"{roles}    callback: {callback}\n"))
    return config


@contextmanager
def gateway(config: Path, port: int, mirror: str) -> Iterator[world.Gateway]:
    """The real program at level DEBUG, its spans on its standard output and as OTLP to the mirror."""
    directory = config.parent
    env = {name: value for name, value in os.environ.items() if not name.startswith(("TASK_GATEWAY_", "OTEL_"))}
    env |= {
        "CANARIES_KEY": ENCRYPTION_KEY, "TASK_GATEWAY_LOG_LEVEL": "DEBUG", "PYTHONASYNCIODEBUG": "1",
        "OTEL_TRACES_EXPORTER": "console,otlp", "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{mirror}{SPANS}", "no_proxy": "127.0.0.1",
    }  # fmt: skip
    command = [world.PROGRAM, "serve", "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    with (directory / "gateway.log").open("ab") as log, (directory / "spans.log").open("ab") as out:
        process = subprocess.Popen(command, cwd=directory, env=env, stdout=out, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        world.until(lambda: process.poll() is not None or world.answers(f"{url}/health/ready"), 30)
        assert process.poll() is None, (directory / "gateway.log").read_text()
        headers = {"Authorization": f"Bearer {world.KEY}"}
        with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=40) as http:
            yield world.Gateway(directory, port, process, http)
    finally:
        process.kill()
        process.wait()


def _forms(canary: str) -> Iterator[bytes]:
    """A word as it is, as hex, and as it would stand inside base64, wherever that begins."""
    raw = canary.encode()
    yield raw
    yield raw.hex().encode()
    for before in range(3):
        yield b64encode(b"." * before + raw)[-(-before * 8 // 6) : -4]


def found(canaries: Iterable[str], text: bytes) -> list[str]:
    """Which of the canaries stand somewhere in it."""
    lower = text.lower()
    return [each for each in canaries if any(form in text or form in lower for form in _forms(each))]
