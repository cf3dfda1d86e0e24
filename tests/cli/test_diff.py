"""`task-gateway check --diff` beside a gateway at work, as real processes."""

from __future__ import annotations

import json
import os
import subprocess
from shutil import copytree

import pytest
from journeys import world

WORDS = ("appointment", "MRN-12345", "Called the patient")
"""What callers wrote, and nobody is shown."""


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    """A gateway at work that has taken four tasks, a note and a claim; and its configuration."""
    directory = tmp_path_factory.mktemp("diff")
    with world.sandbox(directory, "http://127.0.0.1:9/unheard") as vendors:
        config = world.write_config(directory / "config", vendors.port_base)
        with world.gateway(config) as gateway:
            first = gateway.post("/v1/tasks", world.task("lakeside", title=None))
            others = [gateway.post("/v1/tasks", world.task(clinic)) for clinic in ("hilltop", "harbor", "riverbend")]
            note = {"text": "Called the patient", "task_id": first.json()["id"]}
            more = [
                gateway.post("/v1/notes", note),
                gateway.post("/v1/claims", {"clinic_id": "lakeside", "appointment_id": "a1b2"}),
            ]
            assert all(answer.is_success for answer in (first, *others, *more))
            yield gateway, config


@pytest.fixture
def other(worked, tmp_path):
    return copytree(worked[1], tmp_path / "other")


def put(config, file, old, new):
    text = (config / file).read_text()
    assert old in text
    (config / file).write_text(text.replace(old, new))


def diff(worked, other, *more):
    """The ended program, which has said nothing of patients."""
    gateway, config = worked
    arguments = ("check", "--config", str(config), "--diff", str(other), *more)
    ended = world.run(*arguments, directory=gateway.directory)
    assert not [word for word in WORDS if word in ended.stdout + ended.stderr]
    return ended


def changed(worked, other, *more):
    ended = diff(worked, other, "--json", *more)
    found = json.loads(ended.stdout)
    rows = [(each["clinic_id"], each["kind"], each["what"], each["count"]) for each in found["differences"]]
    return ended.returncode, found["commands"], rows


def test_the_same_configuration_would_do_the_same(worked, other):
    assert changed(worked, other) == (0, 6, [])


def test_what_would_be_refused_is_told_and_ends_with_1(worked, other):
    put(
        other,
        "clinics/lakeside.yaml",
        "people:",
        "capabilities: {emr: {create_task: {fields: {title: required}}}}\npeople:",
    )

    reason = "missing-required-fields: title (clinics/lakeside.yaml: capabilities.emr (operator))"

    assert changed(worked, other) == (1, 6, [("lakeside", "refused", reason, 1)])


def test_what_would_be_mapped_otherwise_is_told_with_ids_to_look_at(worked, other):
    put(other, "clinics/hilltop.yaml", "c41d", "c42e")
    (line,) = json.loads(diff(worked, other, "--json").stdout)["differences"]
    hilltop = worked[0].http.get("/v1/tasks", params={"clinic_id": "hilltop"}).json()["items"][0]

    assert (line["what"], line["examples"]) == ("assignees: another value", [hilltop["id"]])


def test_a_clinic_that_is_gone_is_told(worked, other):
    (other / "clinics" / "harbor.yaml").unlink()

    code, _, rows = changed(worked, other)

    assert (code, rows) == (1, [("harbor", "refused", "unknown-clinic: its clinic is not configured", 1)])


def test_only_the_last_ones_are_planned_again_where_fewer_are_asked_for(worked, other):
    (other / "clinics" / "harbor.yaml").unlink()

    assert changed(worked, other, "--last", "2") == (0, 2, [])


def test_people_read_the_same_in_lines(worked, other):
    put(other, "clinics/hilltop.yaml", "c41d", "c42e")
    lines = diff(worked, other).stdout.splitlines()

    assert lines[0] == f"6 commands planned again: 1 would end otherwise under {other}"
    assert (lines[2], lines[3].split()) == ("hilltop", ["mapping", "1", "assignees:", "another", "value"])
    assert lines[4].strip().startswith("tsk_")


def test_the_mistakes_of_the_other_configuration_are_told_with_its_directory(worked, other):
    put(other, "clinics/hilltop.yaml", "account: solum", "account: sollum")
    ended = diff(worked, other)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"{other}/clinics/hilltop.yaml:7: connections.tasks.account: unknown account")


def test_a_database_that_is_not_there_is_told_and_not_made(worked, other, tmp_path):
    ended = diff(worked, other, "--database", f"sqlite:///{tmp_path}/none.db")

    assert ended.returncode == 1
    assert f"{tmp_path}/none.db: there is no such file" in ended.stderr
    assert not (tmp_path / "none.db").exists()


def test_the_environment_names_another_database(worked, other, tmp_path):
    gateway, config = worked
    command = [world.PROGRAM, "check", "--config", config, "--diff", other]
    environ = {**os.environ, "TASK_GATEWAY_DATABASE": f"sqlite:///{tmp_path}/none.db"}
    ended = subprocess.run(command, cwd=gateway.directory, env=environ, capture_output=True, text=True, check=False)

    assert f"{tmp_path}/none.db: there is no such file" in ended.stderr
