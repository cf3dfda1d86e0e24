"""How many tests run at a time, the patience of generated ones, and a PostgreSQL for those that want one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from postgres import Server, empty, server

from gateway.store.postgres import PostgresStore
from gateway.world import World

# A busy machine is no fault of the program: nothing generated is timed.
settings.register_profile("untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: many tests wait for programs that they have started."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (cores or 1) + 1


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server of this worker."""
    with server() as running:
        yield running


@pytest.fixture(scope="session")
def migrated(postgres: Server) -> Iterator[str]:
    """The URL of a database with the schema."""

    async def migrate(url: str) -> None:
        store = PostgresStore(url, World().new_id)
        await store.open()
        await store.close()

    with postgres.database() as url:
        asyncio.run(migrate(url))
        yield url


@pytest.fixture
def database(migrated: str) -> str:
    """The same, empty."""
    empty(migrated)
    return migrated
