"""A gateway for the tests inside the process, and one with a browser before it."""

import logging

import pytest
import structlog
from console import world
from playwright.sync_api import sync_playwright
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
def browser():
    """The system's Chromium."""
    path = world.chromium()
    if path is None:
        pytest.skip("no Chromium is here; `make browser` installs one where it may")
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=list(world.ARGUMENTS))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """One sandbox and one gateway for all visits."""
    with world.town(tmp_path_factory.mktemp("console")) as at_work:
        yield at_work


@pytest.fixture
def vendors(town):
    town[1].reset()
    return town[1]


@pytest.fixture
def visit(browser, town):
    """A window onto the console; at the end nothing may have gone wrong in any."""
    opened = []

    def open_(**options):
        opened.append(world.visit(browser, town[0], **options))
        return opened[-1]

    yield open_
    for each in opened:
        each.page.context.close()
    assert [fault for each in opened for fault in each.faults] == []
