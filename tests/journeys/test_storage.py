"""A database that cannot be written: commands are refused whole, nothing is sent, and no result is lost."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from journeys.world import TASK_API, Gateway, task, until


@contextmanager
def locked(gateway: Gateway) -> Iterator[None]:
    """Another program holds the database's write lock."""
    other = sqlite3.connect(gateway.directory / "var" / "gateway.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def full(gateway: Gateway) -> Iterator[None]:
    """Not a byte more can be written to any file: neither to the database nor to the log."""
    limits = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, limits)


in_trouble = pytest.mark.parametrize("trouble", [locked, full])


@in_trouble
def test_while_the_database_cannot_be_written_commands_get_503_and_nothing_is_sent(gateway, vendors, trouble):
    with trouble(gateway):
        refused = gateway.post("/v1/tasks", task("hilltop"), key=trouble.__name__)
        ready = gateway.http.get("/health/ready")

    assert (refused.status_code, refused.json()["code"], refused.json()["retryable"]) == (503, "unavailable", True)
    assert (ready.status_code, "retry-after" in refused.headers) == (503, True)
    assert vendors.creates(TASK_API) == []
    assert gateway.post("/v1/tasks", task("hilltop"), key=trouble.__name__).status_code == 201
    assert len(vendors.creates(TASK_API)) == 1


@in_trouble
def test_a_result_that_cannot_be_written_is_written_when_the_database_takes_it(gateway, vendors, trouble):
    vendors.fault(TASK_API, on="create_task", kind="latency", seconds=0.5, times=1)
    going = gateway.post("/v1/tasks", task("hilltop"), prefer="respond-async")
    until(lambda: vendors.creates(TASK_API))

    with trouble(gateway):
        until(lambda: vendors.created(TASK_API))

    assert gateway.settled(going)["state"] == "delivered"
    assert len(vendors.created(TASK_API)) == 1
