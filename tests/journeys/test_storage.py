"""A database that cannot be written: commands are refused whole, nothing is sent, and no result is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from journeys.world import TASK_API, task, until


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another program holds the database's write lock."""
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def test_while_the_database_is_locked_commands_get_503_and_nothing_is_sent(gateway, vendors):
    with locked(gateway.directory / "var" / "gateway.db"):
        refused = gateway.post("/v1/tasks", task("hilltop"), key="locked")
        ready = gateway.http.get("/health/ready")

    assert (refused.status_code, refused.json()["code"], refused.json()["retryable"]) == (503, "unavailable", True)
    assert (ready.status_code, "retry-after" in refused.headers) == (503, True)
    assert vendors.creates(TASK_API) == []
    assert gateway.post("/v1/tasks", task("hilltop"), key="locked").status_code == 201
    assert len(vendors.creates(TASK_API)) == 1


def test_a_result_that_cannot_be_written_is_written_when_the_database_takes_it(gateway, vendors):
    vendors.fault(TASK_API, on="create_task", kind="latency", seconds=0.5, times=1)
    going = gateway.post("/v1/tasks", task("hilltop"), prefer="respond-async")
    until(lambda: vendors.creates(TASK_API))

    with locked(gateway.directory / "var" / "gateway.db"):
        until(lambda: vendors.created(TASK_API))

    assert gateway.settled(going)["state"] == "delivered"
    assert len(vendors.created(TASK_API)) == 1
