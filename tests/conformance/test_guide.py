"""The guide to adding a vendor: its blocks are run as they are printed, and it names everything there is."""

from __future__ import annotations

import re
import shlex
from typing import get_args

import pytest
from click.testing import CliRunner
from conformance import guide

from gateway.cli import cli
from gateway.clinics import load
from gateway.flows.receive import KEPT_HEADERS
from schemas.command import CANONICAL
from schemas.outcome import Outcome, Says

SECRETS = {name: f"secret-{name.lower()}" for name in re.findall(r"\$\{env:(\w+)\}", guide.TEXT)}


def test_the_commands_of_the_guide_make_an_adapter_that_holds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    commands = [line for block in guide.blocks("sh") for line in block.splitlines()]

    answers = [CliRunner().invoke(cli, shlex.split(line.removeprefix("task-gateway "))) for line in commands]

    assert [answer.exit_code for answer in answers] == [0, 0]
    assert (tmp_path / "vendors/northwind.py").is_file()


def test_the_configuration_of_the_guide_uses_its_adapter(tmp_path):
    gateway, clinic = guide.blocks("yaml")
    guide.write(tmp_path)
    (tmp_path / "clinics").mkdir()
    (tmp_path / "gateway.yaml").write_text(gateway)
    (tmp_path / "clinics/maple-clinic.yaml").write_text(clinic)
    (tmp_path / "emr_capabilities.yaml").write_text("{}\n")

    config = load(tmp_path, SECRETS)

    assert config.clinics["maple-clinic"].connections["board"].adapter.name == "northwind"


@pytest.mark.parametrize(
    "names",
    [
        [path for paths in CANONICAL.values() for path in paths],
        [outcome.__name__ for outcome in get_args(Outcome)],
        get_args(Says),
    ],
    ids=["fields", "outcomes", "what a sighting says"],
)
def test_the_guide_names_every_word_an_author_may_use(names):
    assert [name for name in names if f"`{name}`" not in guide.TEXT and f"`{name}(" not in guide.TEXT] == []


def test_the_guide_names_every_header_that_a_webhook_keeps():
    assert [name for name in KEPT_HEADERS if name not in guide.TEXT] == []


def test_every_block_of_code_is_run_by_a_test():
    languages = set(re.findall(r"^```(\w+)$", guide.TEXT, re.MULTILINE))

    assert languages == {"sh", "python", "json", "yaml"}
    assert len(guide.files()) == 1 + len(guide.blocks("json"))
