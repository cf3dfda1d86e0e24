"""One sandbox and one gateway for the journeys that need no others."""

import pytest
from journeys import world

SETTINGS = "timeouts: {connect: 1, send: 1}\nfollow: {unknown: [3600], submitted_without_webhook: [3600]}\n"
"""A short deadline, and no looking back: what is unknown stays so while a test looks."""


@pytest.fixture(scope="session")
def both(tmp_path_factory):
    directory = tmp_path_factory.mktemp("journey")
    port = world.free_port()
    hook = f"http://127.0.0.1:{port}/v1/webhooks/cobalt-main/{world.TOKEN}"
    with world.sandbox(directory, hook) as vendors:
        config = world.write_config(directory / "config", vendors.port_base, more=SETTINGS)
        with world.gateway(config, port) as gateway:
            yield gateway, vendors


@pytest.fixture
def gateway(both):
    """The gateway, before a sandbox that remembers nothing."""
    both[1].reset()
    return both[0]


@pytest.fixture
def vendors(both):
    return both[1]
