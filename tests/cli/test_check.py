"""`task-gateway check` as it is run: what it says, where, and with which exit code."""

import json

import pytest
from journeys import world

ESCAPE = "\x1b"


def check(config, *more):
    return world.run("check", "--config", str(config), *more, directory=config.parent)


def test_every_missing_secret_of_every_file_is_told_in_one_go(config):
    gateway, clinic = config / "gateway.yaml", config / "clinics" / "lakeside.yaml"
    text = gateway.read_text().replace('"cs_sandbox"', '"${env:NOT_SET}"').replace('"sk_sandbox"', '"${file:nowhere}"')
    gateway.write_text(text)
    clinic.write_text(world.CLINICS["lakeside"].replace('"at_lakeside"', '"${env:NOT_SET_EITHER}"'))
    line = next(number for number, each in enumerate(text.splitlines(), start=1) if "NOT_SET" in each)

    ended = check(config, "--json")

    assert (ended.returncode, ended.stdout) == (1, "")
    told = ended.stderr.splitlines()
    starts = (
        f"gateway.yaml:{line}: accounts.cobalt-main.credentials.client_secret: the environment variable NOT_SET ",
        f"gateway.yaml:{line + 5}: accounts.solum.credentials.api_key: the file nowhere cannot be read",
        "clinics/lakeside.yaml:10: connections.emr.credentials.access_token: the environment variable NOT_SET_EITHER",
    )
    assert [each.startswith(start) for each, start in zip(told, starts, strict=True)] == [True] * 3


def test_a_sound_configuration_is_shown_plainly_where_there_is_no_terminal(config):
    ended = check(config)
    lines = [line.rstrip() for line in ended.stdout.splitlines()]

    assert ended.returncode == 0
    assert ESCAPE not in ended.stdout
    assert lines[:3] == [
        "harbor  Harbor, America/Los_Angeles",
        "  max  maxcare",
        "    create_task   only connection  description, encounter_note_id, assignees",
    ]
    assert lines[-1].startswith("4 clinics, 4 connections, ")


def test_what_can_only_fail_is_an_error_and_ends_with_1(config):
    rule = "routes:\n  - {to: emr, when: {status: completed}}\n  - {to: emr}\n"
    (config / "clinics" / "lakeside.yaml").write_text(world.CLINICS["lakeside"] + rule)

    ended = check(config)

    assert ended.returncode == 1
    line = len(world.CLINICS["lakeside"].splitlines()) + 2
    told = f"  error  clinics/lakeside.yaml:{line}: routes[0]: every task it takes is refused by emr, for status"
    assert told in ended.stdout
    assert check(config, "--json").returncode == 1


def test_the_json_is_of_one_shape(config):
    found = json.loads(check(config, "--json").stdout)
    clinic = found["clinics"][0]
    connection = clinic["connections"][0]

    assert list(found) == ["clinics", "findings", "warnings"]
    assert list(clinic) == ["id", "name", "timezone", "config_version", "connections", "findings"]
    assert list(connection) == ["name", "account", "adapter", "emr", "operations"]
    assert connection["operations"] == [
        {
            "operation": "create_task", "offered": True, "why_not": None,
            "supply": ["description", "encounter_note_id", "assignees"], "one_of": [], "on_trial": [],
            "routes": ["only connection"],
        }
    ]  # fmt: skip
    line = (config / "gateway.yaml").read_text().partition("  solum:")[0].count("\n") + 1
    assert found["findings"][0] == {
        "severity": "warning", "code": "no-webhook", "file": "gateway.yaml", "line": line, "where": "accounts.solum",
        "about": [], "detail": "task_api pushes its results, and there is no webhook: they are only looked up, later",
    }  # fmt: skip


@pytest.mark.parametrize("more", [("--probe", "--diff", "."), ("--last", "0"), ("--diff", "nowhere")])
def test_a_question_that_cannot_be_asked_ends_with_2(config, more):
    assert check(config, *more).returncode == 2
