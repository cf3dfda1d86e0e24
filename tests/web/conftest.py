"""The gateway that most web tests talk to, and silence in its log."""

import logging

import pytest
import structlog
from web.world import gateway as made


@pytest.fixture(autouse=True, scope="module")
def _silence():
    """Log lines have tests of their own."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.fixture
def gateway(tmp_path):
    with made(tmp_path) as at_work:
        yield at_work


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A gateway for tests that leave no trace in it."""
    with made(tmp_path_factory.mktemp("shared")) as at_work:
        yield at_work
