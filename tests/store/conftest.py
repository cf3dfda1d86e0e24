"""The stores that the contract holds for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from postgres import Server, empty, server
from store.records import Ids, encryption_key

from gateway.store.postgres import PostgresStore
from gateway.store.sqlite import SqliteStore
from gateway.store.vault import Vault


@pytest.fixture
def ids():
    return Ids()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server of this worker."""
    with server() as running:
        yield running


@pytest.fixture(scope="session")
def migrated(postgres: Server) -> Iterator[str]:
    """The URL of a database with the schema."""

    async def migrate(url: str) -> None:
        store = PostgresStore(url, Ids())
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


@pytest.fixture(params=["sqlite", "postgres"])
def store(request, tmp_path, ids):
    """A new, empty store, sealed, not open yet; `opened` opens it in the test's own loop."""
    vault = Vault([encryption_key("k1")])
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "gateway.db", ids, vault)
    return PostgresStore(request.getfixturevalue("database"), ids, vault)
