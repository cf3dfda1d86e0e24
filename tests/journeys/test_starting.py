"""Starts that cannot be: each says why in a line, and exits with 1."""

import socket

import pytest
from journeys import world
from journeys.world import run
from ports import free_port


@pytest.fixture
def config(tmp_path):
    return world.write_config(tmp_path / "config", 9100)


def serve(config, port=None):
    arguments = ("serve", "--config", str(config), "--port", str(port or free_port()))
    return run(*arguments, directory=config.parent, seconds=20)


def told(ended):
    """What went wrong, without the log, the start's own lines about database and clinics, and what to do next."""
    lines = [line for line in ended.stderr.splitlines() if line and not line.startswith(("{", "database: ", "→"))]
    return [line for line in lines if "a task needs" not in line]


def test_a_second_gateway_on_the_same_database_is_refused(config):
    with world.gateway(config) as first:
        ended = serve(config)
        (line,) = told(ended)
        assert ended.returncode == 1
        assert "gateway.db is in use by another process" in line
        assert first.http.get("/health/ready").status_code == 200
    assert "Traceback" not in ended.stderr


def test_a_taken_port_is_told_in_a_line(config):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = serve(config, taken.getsockname()[1])
    (line,) = told(ended)
    assert ended.returncode == 1
    assert "cannot be listened on" in line


def test_listening_to_other_machines_in_clear_is_warned_of(config):
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))  # noqa: S104 - so that the start ends by itself
        taken.listen()
        arguments = ("serve", "--config", str(config), "--host", "0.0.0.0", "--port", str(taken.getsockname()[1]))  # noqa: S104
        warning, ended = told(run(*arguments, directory=config.parent, seconds=20))
    assert "without TLS" in warning
    assert "cannot be listened on" in ended


def test_a_port_that_another_gateway_has_is_told_in_a_line(config, tmp_path):
    other = world.write_config(tmp_path / "other" / "config", 9100)
    with world.gateway(other) as first:
        ended = serve(config, first.port)
    (line,) = told(ended)
    assert (ended.returncode, "cannot be listened on" in line) == (1, True)


def test_every_mistake_of_the_configuration_is_told_with_its_file_and_line(config):
    (config / "clinics" / "lakeside.yaml").write_text(
        world.CLINICS["lakeside"].replace("account: cobalt-main", "account: cobalt-mian").replace("Chicago", "Chicgao")
    )
    (config / "clinics" / "hilltop.yaml").write_text(world.CLINICS["hilltop"].replace("people:", "peeple:"))
    gateway = (config / "gateway.yaml").read_text()
    (config / "gateway.yaml").write_text(gateway.replace('api_key: "sk_sandbox"', 'api_key: "${env:NOT_SET_ANYWHERE}"'))
    ended = serve(config)
    lines = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert any(line.startswith("gateway.yaml:") and "NOT_SET_ANYWHERE" in line for line in lines)
    assert any(line.startswith("clinics/lakeside.yaml:4:") for line in lines)
    assert any(line.startswith("clinics/lakeside.yaml:7:") and "cobalt-main" in line for line in lines)
    assert any(line.startswith("clinics/hilltop.yaml:") and "did you mean" in line for line in lines)
    assert "Traceback" not in ended.stderr
    checked = run("check", "--config", str(config), directory=config.parent)
    assert (checked.returncode, checked.stderr) == (1, ended.stderr)


def test_a_text_in_brackets_is_told_as_it_stands(config):
    gateway = (config / "gateway.yaml").read_text()
    (config / "gateway.yaml").write_text(gateway + "\n'[bold]x[/nope]': 1\n")
    ended = serve(config)
    assert ended.returncode == 1
    assert "[bold]x[/nope]" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_directory_without_a_configuration_is_told_in_a_line(tmp_path):
    ended = serve(tmp_path)
    assert ended.returncode == 1
    assert "gateway.yaml" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_database_that_cannot_be_is_told_in_a_line(config):
    gateway = (config / "gateway.yaml").read_text()
    for url in ("mysql://x/y", "sqlite:////proc/nowhere/gateway.db"):
        (config / "gateway.yaml").write_text(gateway.replace("sqlite:///var/gateway.db", url))
        ended = serve(config)
        assert ended.returncode == 1, ended.stderr
        assert "Traceback" not in ended.stderr


def test_the_database_of_the_environment_wins_and_is_relative_to_where_one_stands(config):
    with world.gateway(config, environ={"TASK_GATEWAY_DATABASE": "sqlite:///elsewhere/own.db"}):
        assert (config.parent / "elsewhere" / "own.db").exists()
        assert not (config.parent / "var").exists()


def test_the_program_says_at_its_start_what_each_clinic_can_do(config):
    with world.gateway(config) as gateway:
        assert "lakeside/emr: cobalt on eclinicalworks: create_task, add_note, create_claim" in gateway.log()
        assert "harbor/max: maxcare: create_task; a task needs description, encounter_note_id" in gateway.log()
