"""Every snippet of README and of docs/ does what the document says, before one gateway and its sandbox."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from conformance import guide
from journeys import world
from reader import Reader, blocks, environment

from adapters import discover
from gateway.stand_ins import PORTS

ROOT = Path(__file__).parent.parent
OPERATOR = "tgk_operator_sandbox-key-not-for-production"
ELSEWHERE = {ROOT / "docs/deploying.md"}
"""It is for container engines; tests/deploy holds it to the program."""
DOCUMENTS = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if blocks(path) and path not in ELSEWHERE
]
UP = ("sandbox --config config", "serve --config config")
"""What the tests have started already."""


@dataclass
class Town:
    """A gateway and its sandbox on the shipped configuration, on ports of their own."""

    directory: Path
    url: str
    vendors: world.Vendors

    def as_shipped(self) -> None:
        """Everything but what was delivered is as at the start."""
        write_config(self.directory, self.vendors.port_base)
        headers = {"Authorization": f"Bearer {OPERATOR}"}
        httpx.post(f"{self.url}/v1/admin/reload", headers=headers, trust_env=False).raise_for_status()
        self.vendors.reset()


def write_config(directory: Path, port_base: int) -> Path:
    """The shipped configuration with the vendors on other ports."""
    shutil.rmtree(directory / "config", ignore_errors=True)
    shutil.copytree(ROOT / "config", directory / "config")
    file = directory / "config/gateway.yaml"
    file.write_text(re.sub(r":910(\d)", lambda found: f":{port_base + int(found[1])}", file.read_text()))
    return directory / "config"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    directory = tmp_path_factory.mktemp("town")
    port, base = world.free_port(), world.free_port(4) - 1
    config, url = write_config(directory, base), f"http://127.0.0.1:{port}"
    arguments = ("sandbox", "--config", str(config), "--port-base", str(base), "--gateway", url)
    with world.running(*arguments, directory=directory, log="sandbox.log"), world.gateway(config, port):
        yield Town(directory, url, world.Vendors(base))


@pytest.fixture
def town(started: Town) -> Iterator[Town]:
    yield started
    started.as_shipped()


def reader_in(town: Town) -> Reader:
    here = {"http://127.0.0.1:8080": town.url}
    here |= {f"http://127.0.0.1:910{at}": f"http://127.0.0.1:{town.vendors.port_base + at}" for at in (1, 2, 3)}
    here["https://gateway.clinic.example"] = town.url
    here |= {
        adapter.base_url: f"http://127.0.0.1:{town.vendors.port_base + PORTS[name]}"
        for name, adapter in discover().items()
    }
    programs = Path(sys.executable).parent
    here[".venv/bin/"] = f"{programs}/"
    path = f"{programs}:{environment()['PATH']}"
    instead = dict.fromkeys(("make demo", "make test", ". .venv/bin/activate"), "")
    instead |= {f"{program} {what}": "" for program in ("task-gateway", f"{programs}/task-gateway") for what in UP}
    return Reader(town.directory, environment(PATH=path, TASK_GATEWAY_URL=town.url), here, instead)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_snippet_does_what_its_document_says(town: Town, document: Path):
    reader = reader_in(town)
    if document.stem == "getting-started":
        base = world.free_port(5) - 1
        reader.instead["make demo"] = f"task-gateway demo --once --port {base + 4} --port-base {base}"
    for block in blocks(document):
        if document.stem == "adding-a-vendor" and block.language == "python":
            guide.write(town.directory)  # all of them together are one file
        else:
            reader.follow(block)


@pytest.mark.parametrize(
    ("untrue", "found"),
    [
        ("```sh\nfalse\n```", "untrue.md:1"),
        ("```sh\ntrue    # exit code 1\n```", "untrue.md:1"),
        ('```sh\necho \'{"a": [{"b": 1}]}\'\n```\n\n```json\n{"a": [{"b": 2}]}\n```', "untrue.md:5"),
        ("```sh\necho so it is\n```\n\n```text\nso ... was\n```", "untrue.md:5"),
        ("```\nsomething\n```", "untrue.md:1"),
    ],
    ids=["it fails", "it does not fail", "json", "text", "no language"],
)
def test_what_a_document_says_and_is_not_so_is_found(tmp_path: Path, untrue: str, found: str):
    (tmp_path / "untrue.md").write_text(untrue)
    reader = Reader(tmp_path, environment())
    *before, last = blocks(tmp_path / "untrue.md")
    for block in before:
        reader.follow(block)
    with pytest.raises(AssertionError, match=found):
        reader.follow(last)


def test_the_n8n_workflow_makes_one_task_however_often_its_node_tries(town: Town):
    workflow = json.loads((ROOT / "config/examples/n8n-create-task.json").read_text())
    nodes = {node["name"]: node["parameters"] for node in workflow["nodes"]}
    task, call = json.loads(nodes["Task"]["jsonOutput"]), nodes["Create task"]
    n8n = {"$execution.id": "231", "$itemIndex": "0"}
    headers = {"Authorization": f"Bearer {OPERATOR}"}
    for header in call["headerParameters"]["parameters"]:
        value = re.sub(r"\{\{(\S+?)\}\}", lambda found: n8n[found[1]], header["value"].removeprefix("="))
        headers[header["name"]] = value

    url = call["url"].replace("http://127.0.0.1:8080", town.url)
    answers = [httpx.request(call["method"], url, json=task, headers=headers, timeout=30) for _ in range(2)]

    assert '"={{$execution.id}}-{{$itemIndex}}"' in json.dumps(call["headerParameters"])
    assert headers["Idempotency-Key"] == "231-0"
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].headers["idempotent-replayed"] == "true"
