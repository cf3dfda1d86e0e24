"""What is deployed fits the program: its ports, paths, variables, user, commands and times."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from importlib import resources
from pathlib import Path

import pytest
import rich_click as click
import yaml
from litestar import Litestar

from gateway import app
from gateway.cli import cli
from gateway.clinics import load
from gateway.production import LOG_LEVEL
from gateway.settings import DATABASE
from gateway.stand_ins import settings_for
from gateway.web.serving import REQUEST_SECONDS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMAGE = f"task-gateway:{PROJECT['version']}"
STOP_SECONDS = REQUEST_SECONDS + app.DRAIN_SECONDS
GUIDE = (ROOT / "docs/deploying.md").read_text()


def stages():
    """The Dockerfile's instructions, stage by stage."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]
    starts = [index for index, (word, _) in enumerate(lines) if word == "FROM"]
    return [lines[start:end] for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]


def said(word):
    """What the image says with an instruction that it has once."""
    (found,) = [rest for each, rest in stages()[-1] if each == word]
    return found


def manifest(kind):
    return yaml.safe_load((DEPLOY / "kubernetes" / f"{kind}.yaml").read_text())


@pytest.fixture
def pod():
    return manifest("deployment")["spec"]["template"]["spec"]


@pytest.fixture
def container(pod):
    (only,) = pod["containers"]
    return only


@pytest.fixture
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]


def parsed(arguments):
    """What the program makes of a command line: the command's name, and its options."""
    command = cli.commands[arguments[0]]
    given, _, _ = command.make_parser(click.Context(command)).parse_args(list(arguments[1:]))
    return arguments[0], given


def routes():
    built: Litestar = app.build(load(ROOT / "config", {}))
    return {route.path for route in built.routes}


def asked_by(command):
    """The port and path that a health check asks."""
    port, path = re.search(r"http://127\.0\.0\.1:(\d+)(/[a-z/]+)", " ".join(command)).groups()
    return int(port), path


def test_the_image_is_built_from_files_that_are_there_and_no_others():
    copied = [rest.split()[:-1] for word, rest in stages()[0] if word == "COPY"]
    sources = {source for each in copied for source in each}
    sent = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}

    assert sources == sent
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert {name.split("/")[0] for name in ("schemas", "adapters", "gateway")} < sources
    linked = {path.resolve().relative_to(ROOT).parts[0] for path in (ROOT / "gateway").rglob("*") if path.is_symlink()}
    assert linked == {"docs"} <= sources
    assert resources.files("gateway.store.migrations").joinpath("0001_initial.sql").is_file()


def test_the_image_runs_the_program_as_a_user_who_is_nobody_else():
    assert len(stages()) == 2
    assert said("USER") == "10001:10001"
    assert json.loads(said("ENTRYPOINT")) == list(PROJECT["scripts"])
    name, given = parsed(json.loads(said("CMD")))
    assert (name, given["host"], str(given["port"])) == ("serve", "0.0.0.0", said("EXPOSE"))  # noqa: S104 - in a container
    assert asked_by(json.loads(said("HEALTHCHECK").partition("CMD ")[2])) == (int(said("EXPOSE")), "/health/live")


def test_what_health_checks_and_probes_ask_is_there(compose, container):
    (port,) = container["ports"]
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}

    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startup": "/health/live", "liveness": "/health/live", "readiness": "/health/ready",
    }  # fmt: skip
    assert {probe["path"] for probe in probes.values()} | {asked_by(compose["gateway"]["healthcheck"]["test"])[1]} <= (
        routes()
    )
    assert {probe["port"] for probe in probes.values()} == {port["name"]}
    assert str(port["containerPort"]) == said("EXPOSE") == compose["gateway"]["ports"][0].rpartition(":")[2]


def test_kubernetes_starts_the_image_as_it_is_built_without_any_powers(pod, container):
    assert container["image"] == IMAGE
    assert parsed(container["args"]) == parsed(json.loads(said("CMD")))
    assert (pod["securityContext"]["runAsNonRoot"], pod["automountServiceAccountToken"]) == (True, False)
    assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" == said("USER")
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert {each["name"] for each in container["env"]} == {DATABASE, LOG_LEVEL}


def test_the_configuration_lies_where_the_program_looks_for_it(pod, container):
    _, given = parsed(container["args"])
    mounted = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
    here = {path.name for path in (ROOT / "config").iterdir()}

    for path in ("gateway.yaml", "emr_capabilities.yaml", "clinics"):
        assert path in here
        assert f"{given['directory']}/{path}" in mounted
    assert set(mounted.values()) == {volume["name"] for volume in pod["volumes"]}


def test_a_stop_is_waited_for_longer_than_it_takes(compose, pod, container):
    seconds = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > seconds + STOP_SECONDS
    assert int(compose["gateway"]["stop_grace_period"].rstrip("s")) > STOP_SECONDS


def test_everything_of_kubernetes_means_the_same_pods():
    labels = manifest("deployment")["spec"]["template"]["metadata"]["labels"]
    policy, budget = manifest("networkpolicy"), manifest("poddisruptionbudget")

    assert manifest("deployment")["spec"]["selector"]["matchLabels"] == labels
    assert manifest("service")["spec"]["selector"] == labels
    assert policy["spec"]["podSelector"]["matchLabels"] == budget["spec"]["selector"]["matchLabels"] == labels
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert budget["spec"]["maxUnavailable"] < manifest("deployment")["spec"]["replicas"]


def test_the_guide_makes_every_configmap_and_secret_that_is_wanted(pod, container):
    made = {(kind, name) for kind, name in re.findall(r"create (configmap|secret generic) (\S+)", GUIDE)}
    env = {each["valueFrom"]["secretKeyRef"]["name"] for each in container["env"] if "valueFrom" in each}
    maps = {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume}
    secrets = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}

    assert made == {*(("configmap", name) for name in maps), *(("secret generic", name) for name in secrets | env)}


def test_compose_runs_the_example_before_the_sandbox(compose):
    gateway, sandbox, database = (compose[name] for name in ("gateway", "sandbox", "database"))
    config = load(ROOT / "config", {DATABASE: gateway["environment"][DATABASE]})
    name, given = parsed(sandbox["command"])

    assert gateway["image"] == sandbox["image"] == IMAGE
    assert (ROOT / "deploy" / gateway["build"]["context"] / gateway["build"]["dockerfile"]).is_file()
    assert {(ROOT / "deploy" / each["volumes"][0].split(":")[0]).resolve() for each in (gateway, sandbox)} == {
        ROOT / "config"
    }
    assert name == "sandbox"
    assert settings_for(config, given.get("gateway", "http://127.0.0.1:8080"), 0.1).cobalt.webhook_urls
    assert (gateway["read_only"], sandbox["read_only"]) == (True, True)
    user, host, database_name = re.fullmatch(r"postgresql://(\w+)@(\w+)/(\w+)", config.database).groups()
    assert (user, database_name) == tuple(database["environment"][f"POSTGRES_{each}"] for each in ("USER", "DB"))
    assert host in compose
    assert gateway["environment"]["PGPASSWORD"] == database["environment"]["POSTGRES_PASSWORD"]


def test_commands_of_the_guide_are_the_programs():
    shown = [line for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL) for line in block.splitlines()]
    ours = [shlex.split(line, comments=True) for line in shown if line.startswith("task-gateway ")]

    assert ours
    for words in ours:
        parsed(words[1:])
