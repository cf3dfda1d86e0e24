"""Counting on SQLite: what a scrape costs hangs on what is open, not on all there ever was."""

from __future__ import annotations

import pytest
from store.opened import opened
from store.records import Ids

from gateway.store.counting import HOW_MUCH_FOR_PEOPLE, HOW_MUCH_WAITS
from gateway.store.sqlite import SqliteStore


@pytest.fixture
def store(tmp_path):
    return SqliteStore(tmp_path / "gateway.db", Ids())


@pytest.mark.parametrize(
    ("question", "way"),
    [
        (HOW_MUCH_WAITS, "SEARCH deliveries USING COVERING INDEX deliveries_open (state=?)"),
        (HOW_MUCH_FOR_PEOPLE, "SCAN deliveries USING INDEX deliveries_needing"),
    ],
)
@opened
async def test_only_what_is_open_is_read(store, question, way):
    plan = await store.read(lambda tx: tx.execute(f"EXPLAIN QUERY PLAN {question}").fetchall())

    assert [step[-1] for step in plan] == [way]
