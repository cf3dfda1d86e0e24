"""The stores that the contract holds for."""

from __future__ import annotations

import pytest
from store.records import Ids

from gateway.store.sqlite import SqliteStore


@pytest.fixture
def ids():
    return Ids()


@pytest.fixture(params=["sqlite"])
def store(request, tmp_path, ids):
    """A new, empty store, not open yet; `opened` opens it in the test's own loop."""
    assert request.param == "sqlite"
    return SqliteStore(tmp_path / "gateway.db", ids)
