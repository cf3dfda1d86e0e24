"""App keys on the command line: what is printed to be added or removed does what it says, and nothing is written."""

import json
from hashlib import sha256

import pytest
from journeys.world import run

from gateway.clinics import load

HASH = "0" * 63
BLOCK = f"""
apps:
  # an app
  intake:
    keys:
      # of spring
      - {{id: k1, sha256: {HASH}1}}
      - id: k2   # of summer
        sha256: {HASH}2
      - {{id: k3, sha256: {HASH}3}}
    clinics: ["*"]
    roles: [submit, read]
    limits: {{per_minute: 60}}
  other: {{keys: [{{id: o1, sha256: {HASH}4}}, {{id: o2, sha256: {HASH}5}}], clinics: ["*"], roles: [admin]}}
  lonely:
    keys: []
    clinics: ["*"]
    roles: [read]
  single:
    keys:
      - {{id: s1, sha256: {HASH}6}}
    clinics: ["*"]
    roles: [read]
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "gateway.yaml").write_text(BLOCK)
    return tmp_path / "config"


def ran(config, *arguments, code=0):
    ended = run("key", *arguments, directory=config.parent)
    assert ended.returncode == code, ended.stderr
    return ended.stdout if code == 0 else ended.stderr


def changed(config, edit):
    """The file with the edit made, as a person would make it."""
    lines = (config / "gateway.yaml").read_text().splitlines()
    first, last = edit["lines"][0], edit["lines"][-1]
    if edit["how"].startswith("below"):
        lines.insert(last, edit["text"])
    elif edit["how"].startswith("remove"):
        assert edit["text"] == "\n".join(lines[first - 1 : last])
        del lines[first - 1 : last]
    elif "let" in edit["how"]:
        lines[first - 1 : last] = ["    " + edit["text"]]
    else:
        assert edit["how"] == f"in line {last}, add to the list"
        lines[last - 1] = lines[last - 1].replace("}]", "}" + edit["text"] + "]")
    (config / "gateway.yaml").write_text("\n".join(lines))
    return {name: [key.id for key in app.keys] for name, app in load(config, {}).apps.items()}


def test_the_list_has_ids_roles_clinics_and_limits_and_no_hash(config):
    told = ran(config, "list", "--config", str(config))
    intake = next(line for line in told.splitlines() if line.startswith("intake"))
    assert intake.split() == ["intake", "k1,", "k2,", "k3", "read,", "submit", "*", "60"]
    assert HASH not in told
    apps = json.loads(ran(config, "list", "--json"))["apps"]
    assert apps[1] == {"app": "other", "keys": ["o1", "o2"], "roles": ["admin"], "clinics": ["*"], "per_minute": None}


@pytest.mark.parametrize(
    ("app", "before"), [("intake", ["k1", "k2", "k3"]), ("other", ["o1", "o2"]), ("lonely", []), ("single", ["s1"])]
)
def test_the_line_to_add_puts_a_new_key_beside_the_old_ones(config, app, before):
    told = json.loads(ran(config, "rotate", app, "--json"))
    assert told["sha256"] == sha256(told["key"].encode()).hexdigest()
    assert told["key"].startswith(f"tgk_{told['id']}_")
    assert changed(config, told["edit"])[app] == [*before, told["id"]]


@pytest.mark.parametrize(
    ("app", "key", "after"),
    [
        ("intake", "k1", ["k2", "k3"]),
        ("intake", "k2", ["k1", "k3"]),
        ("intake", "k3", ["k1", "k2"]),
        ("single", "s1", []),
    ],
)
def test_the_lines_to_remove_leave_the_other_keys(config, app, key, after):
    edit = json.loads(ran(config, "revoke", app, key, "--json"))["edit"]
    assert changed(config, edit)[app] == after


def test_a_key_within_a_line_is_named_with_its_line(config):
    told = ran(config, "revoke", "other", "o1")
    assert "gateway.yaml, in line 14, remove from the list:\nthe key o1\n" in told


def test_what_is_printed_says_the_file_the_line_and_how_it_comes_into_force(config):
    told = ran(config, "rotate", "intake")
    assert "config/gateway.yaml, below line 10, add:\n      - {id: " in told
    assert "SIGHUP" in told
    assert "task-gateway key revoke intake k1" in told


def test_nothing_is_written(config):
    for arguments in (["new", "intake"], ["rotate", "intake"], ["revoke", "intake", "k1"], ["list"]):
        ran(config, *arguments)
    assert (config / "gateway.yaml").read_text() == BLOCK


def test_who_is_unknown_is_told_with_the_nearest(config):
    assert "has no app 'intak', did you mean 'intake'?" in ran(config, "rotate", "intak", code=1)
    assert "has no key 'k9'; known: k1, k2, k3" in ran(config, "revoke", "intake", "k9", code=1)
    assert "known: none" in ran(config, "revoke", "lonely", "k9", code=1)


def test_a_configuration_with_mistakes_is_mended_first(config):
    (config / "gateway.yaml").write_text(BLOCK.replace("roles: [read]", "roles: [raed]", 1))
    assert "gateway.yaml:18: apps.lonely.roles[0]" in ran(config, "rotate", "intake", code=1)
