"""README's examples are run as they are printed, on other ports."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from journeys import world

from gateway.clinics import load

OPERATOR = "tgk_operator_sandbox-key-not-for-production"

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


CURLS = [block for block in blocks("sh") if block.startswith("curl")]


def free_ports(*offsets: int) -> int:
    """A port of which those `offsets` above are free as well."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            base: int = probe.getsockname()[1]
        try:
            for offset in offsets:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", base + offset))
        except (OSError, OverflowError):
            continue
        return base


@pytest.fixture(scope="module")
def demo_url() -> Iterator[str]:
    port = free_ports(0, 1, 2, 3)
    command = [sys.executable, "-m", "gateway", "demo", "--port", str(port), "--port-base", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if httpx.get(f"{url}/health/ready", trust_env=False).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def asked_by(curl: str, url: str) -> dict[str, Any]:
    """What the curl command line asks for."""
    words = shlex.split(curl.replace("\\\n", " "))
    headers, body, target = {}, None, ""
    rest = iter(words[1:])
    for word in rest:
        match word:
            case "-H":
                name, _, value = next(rest).partition(": ")
                headers[name] = value
            case "-d":
                body = next(rest)
            case "-i" | "-N":
                continue
            case _:
                target = word.replace("http://127.0.0.1:8080", url)
    method = "GET" if body is None else "POST"
    return {"method": method, "url": target, "headers": headers, "content": body}


def sent_by(curl: str, url: str) -> httpx.Response:
    """The answer to it."""
    return httpx.request(**asked_by(curl, url), timeout=30, trust_env=False)


def test_the_first_curl_delivers_a_task_and_repeating_it_creates_nothing(demo_url: str):
    first, second = (sent_by(CURLS[0], demo_url) for _ in range(2))

    assert (first.status_code, first.json()["state"]) == (201, "delivered")
    assert (second.json()["id"], second.headers["idempotent-replayed"]) == (first.json()["id"], "true")


def test_the_printed_mapping_is_part_of_the_answer(demo_url: str):
    printed = json.loads("{" + next(block for block in blocks("json") if "mapping" in block) + "}")["mapping"]

    mapping = sent_by(CURLS[0], demo_url).json()["mapping"]

    assert [entry for entry in printed if entry not in mapping] == []


def test_the_explain_curl_names_what_is_missing(demo_url: str):
    explained = sent_by(CURLS[1], demo_url)

    assert explained.status_code == 200
    assert explained.json()["would"] == "refuse"
    assert {error["field"] for error in explained.json()["problems"]} >= {"encounter_note_id"}


def test_the_schema_curl_gives_a_schema_of_the_route(demo_url: str):
    answered = sent_by(CURLS[2], demo_url)

    assert answered.headers["content-type"].startswith("application/schema+json")
    assert answered.json()["title"] == "create_task for lakeside-family through front-desk"


def test_the_stream_curl_tells_what_happened_and_then_what_happens(demo_url: str):
    before = httpx.get(f"{demo_url}/v1/events", headers=asked_by(CURLS[3], demo_url)["headers"], trust_env=False)
    wanted = len(before.json()["items"])

    with httpx.stream(**asked_by(CURLS[3], demo_url), timeout=30, trust_env=False) as answer:
        told = (line.removeprefix("id: ") for line in answer.iter_lines() if line.startswith("id: "))
        assert [next(told) for _ in range(wanted + 1)] == ["evt_0", *(event["id"] for event in before.json()["items"])]


def test_the_metrics_curl_gives_what_prometheus_reads(demo_url: str):
    scraped = sent_by(CURLS[4], demo_url)

    assert scraped.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'task_gateway_deliveries_accepted_total{kind="task"}' in scraped.text


def test_the_n8n_workflow_makes_one_task_however_often_its_node_tries(demo_url: str):
    workflow = json.loads((ROOT / "config/examples/n8n-create-task.json").read_text())
    nodes = {node["name"]: node["parameters"] for node in workflow["nodes"]}
    task, call = json.loads(nodes["Task"]["jsonOutput"]), nodes["Create task"]
    n8n = {"$execution.id": "231", "$itemIndex": "0"}
    headers = {"Authorization": f"Bearer {OPERATOR}"}
    for header in call["headerParameters"]["parameters"]:
        value = re.sub(r"\{\{(\S+?)\}\}", lambda found: n8n[found[1]], header["value"].removeprefix("="))
        headers[header["name"]] = value

    url = call["url"].replace("http://127.0.0.1:8080", demo_url)
    answers = [httpx.request(call["method"], url, json=task, headers=headers, timeout=30) for _ in range(2)]

    assert '"={{$execution.id}}-{{$itemIndex}}"' in json.dumps(call["headerParameters"])
    assert headers["Idempotency-Key"] == "231-0"
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].headers["idempotent-replayed"] == "true"


def test_the_python_example_delivers_a_task(demo_url: str, capsys: pytest.CaptureFixture[str]):
    (example,) = blocks("python")

    exec(compile(example.replace("http://127.0.0.1:8080", demo_url), "README.md", "exec"), {})  # noqa: S102 - README's own

    assert capsys.readouterr().out == "delivered\n"


def test_the_commands_for_files_and_watching_do_what_they_say(demo_url: str, tmp_path: Path):
    script = next(block for block in blocks("sh") if "send tasks.jsonl" in block)
    task = {"clinic_id": "hilltop-clinic", "description": "Call back about the biopsy."}
    (tmp_path / "tasks.jsonl").write_text(json.dumps(task) + "\n")
    here = script.replace(".venv/bin/task-gateway", f"{sys.executable} -m gateway").replace("--follow", "")

    told = subprocess.run(
        ["/bin/sh", "-ec", here], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "TASK_GATEWAY_URL": demo_url, "TASK_GATEWAY_KEY": OPERATOR},
    )  # fmt: skip

    assert told.returncode == 0, told.stderr
    assert "delivered" in told.stdout
    assert "task.delivered" in told.stdout


def test_the_pages_that_readme_names_are_there(demo_url: str):
    pages = [httpx.get(demo_url + path, trust_env=False) for path in ("/schema", "/schema/openapi.json")]

    assert [page.status_code for page in pages] == [200, 200]


def test_the_capability_commands_print_a_table_and_rows(demo_url: str):
    script = next(block for block in blocks("sh") if "capabilities suggest" in block)
    here = script.replace(".venv/bin/task-gateway", f"{sys.executable} -m gateway")

    told = subprocess.run(
        ["/bin/sh", "-ec", here], cwd=ROOT, env={**os.environ, "TASK_GATEWAY_URL": demo_url}, capture_output=True,
        text=True, timeout=60, check=True,
    ).stdout  # fmt: skip

    assert "riverbend-pediatrics" in told
    assert "# Nothing to add to emr_capabilities.yaml." in told


def test_the_adapter_that_readme_makes_passes_the_kit(tmp_path: Path):
    (block,) = [block for block in blocks("sh") if "adapter new" in block]
    program = str(Path(sys.executable).with_name("task-gateway"))

    for line in block.splitlines():
        words = shlex.split(line.replace(".venv/bin/task-gateway", program), comments=True)
        assert subprocess.run(words, cwd=tmp_path, stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_the_clinic_of_readme_loads_beside_the_shipped_ones(tmp_path: Path):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    (tmp_path / "config/clinics/cedar-clinic.yaml").write_text(blocks("yaml")[0])

    config = load(tmp_path / "config", {**os.environ, "CEDAR_COBALT_TOKEN": "at_cedar"})

    assert config.clinics["cedar-clinic"].connections["emr"].emr == "eclinicalworks"


def test_the_commands_for_operators_find_the_shipped_example_well(tmp_path: Path):
    script = next(block for block in blocks("sh") if "doctor" in block)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    file = tmp_path / "config/gateway.yaml"

    with world.sandbox(tmp_path, "http://127.0.0.1:9/unheard") as vendors:
        ours = re.sub(r":910(\d)", lambda found: f":{vendors.port_base + int(found[1])}", file.read_text())
        file.write_text(ours)
        with world.gateway(tmp_path / "config") as gateway:
            here = script.replace(".venv/bin/task-gateway", str(world.PROGRAM)).replace(":8080", f":{gateway.port}")
            told = subprocess.run(["/bin/sh", "-ec", here], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert told.returncode == 0, told.stdout + told.stderr
    assert "0 rows, 0 faults" in told.stdout
