"""What the command line is tried on: a configuration of its own, and the vendors' stand-ins where they are asked."""

import pytest
from journeys import world


@pytest.fixture
def config(tmp_path):
    """A sound configuration; its vendors are not there."""
    return world.write_config(tmp_path / "config", world.free_port(4) - 1)


@pytest.fixture(scope="session")
def vendors(tmp_path_factory):
    with world.sandbox(tmp_path_factory.mktemp("vendors"), "http://127.0.0.1:9/unheard") as found:
        yield found


@pytest.fixture
def asked(vendors, tmp_path):
    """A sound configuration, and its vendors, who remember nothing."""
    vendors.reset()
    return world.write_config(tmp_path / "config", vendors.port_base)
