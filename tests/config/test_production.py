"""What production warns of, and that it knows all that the example publishes; what it refuses is in the corpus."""

from pathlib import Path

import pytest
import yaml
from corpus import BASE, cases

from gateway.clinics import load
from gateway.errors import ConfigErrors
from gateway.rules import published

SHIPPED = Path(__file__).parents[2] / "config"
HOME = "/srv/task-gateway/gateway.db"


@pytest.fixture
def config(tmp_path):
    """The base of the corpus in production; a function that loads it with another database and other clinics."""

    def loaded(database=f"sqlite:///{HOME}", roles="[submit, read, operate]", *, as_production=False):
        base = cases("production")[0]
        base.changes = []
        environ = base.make(tmp_path / "config") | {"TASK_GATEWAY_DATABASE": database}
        file = tmp_path / "config/gateway.yaml"
        text = file.read_text().replace("[submit, read, operate, admin]", roles)
        file.write_text(text if as_production else text.replace("mode: development", "mode: production"))
        return load(tmp_path / "config", environ, as_production=as_production)

    return loaded


def test_a_sound_configuration_brings_no_warning(config):
    assert config().warnings == ()


@pytest.mark.parametrize("place", ["/tmp/gateway.db", "/var/tmp/x/gateway.db", "/dev/shm/gateway.db"])  # noqa: S108
def test_a_database_among_passing_things_is_warned_of(config, place):
    [warning] = config(f"sqlite:///{place}").warnings

    assert warning.startswith("gateway.yaml:2: database: a place for passing things")


def test_a_database_relative_to_where_the_gateway_is_started_is_warned_of(config):
    assert config("sqlite:///gateway.db").warnings[0].startswith("gateway.yaml:2: database: relative to where")


@pytest.mark.parametrize("url", ["postgresql://db/x", "postgresql://u@db/x?sslmode=require", "postgresql:///x?host=db"])
def test_a_database_elsewhere_that_does_not_prove_who_it_is_is_warned_of(config, url):
    [warning] = config(url).warnings

    assert warning.startswith("gateway.yaml:2: database: no sslmode=verify-full")


@pytest.mark.parametrize(
    "url",
    ["postgresql://db/x?sslmode=verify-full", "postgresql://localhost/x", "postgresql:///x?host=/run/postgresql"],
)
def test_and_one_that_does_or_is_here_is_not(config, url):
    assert config(url).warnings == ()


def test_an_app_that_may_do_everything_everywhere_is_warned_of(config):
    [warning] = config(roles="[read, admin]").warnings

    assert warning.startswith("gateway.yaml:39: apps.operator: all clinics and the role admin")


def test_development_can_be_looked_at_as_production(config):
    assert config(roles="[read, admin]", as_production=True).warnings != ()


def test_the_shipped_example_is_refused_as_production_for_every_secret_and_key_it_publishes():
    with pytest.raises(ConfigErrors) as raised:
        load(SHIPPED, {}, as_production=True)

    told = "\n".join(raised.value.lines)
    assert told.count("a published key") == 2
    assert told.count("a secret of the sandbox") == len(published.SECRETS)
    assert "encryption.keys: in production expected one" in told


def test_nothing_that_the_example_publishes_is_missing_from_what_is_known_as_published():
    files = {file.name: file.read_text().strip() for file in SHIPPED.glob("sandbox-secrets/*") if file.suffix == ""}
    apps = yaml.safe_load((SHIPPED / "gateway.yaml").read_text())["apps"]

    assert {text for name, text in files.items() if "organization" not in name} == published.SECRETS
    assert {key["sha256"] for app in apps.values() for key in app["keys"]} == published.KEYS
    assert not published.KEYS & set((BASE / "gateway.yaml").read_text().split())
