"""The stores that the contract holds for."""

from __future__ import annotations

import pytest
from store.records import Ids, encryption_key

from gateway.store.postgres import PostgresStore
from gateway.store.sqlite import SqliteStore
from gateway.store.vault import Vault


@pytest.fixture
def ids():
    return Ids()


@pytest.fixture(params=["sqlite", "postgres"])
def store(request, tmp_path, ids):
    """A new, empty store, sealed, not open yet; `opened` opens it in the test's own loop."""
    vault = Vault([encryption_key("k1")])
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "gateway.db", ids, vault)
    return PostgresStore(request.getfixturevalue("database"), ids, vault)
