"""A new release beside the one before: what it adds to the schema leaves the old one working, in both dialects."""

from __future__ import annotations

import re

import pytest
from postgres import Server
from running import run
from store.records import EVERYONE, NOW, Ids, accept, now, sent, states, take, task
from store.replicas import another

from gateway.store import migrations
from gateway.store.base import StoreUnavailable
from gateway.store.sqlite import SqliteStore
from gateway.world import World
from schemas.outcome import Applied

NEXT = """
    ALTER TABLE deliveries ADD COLUMN colour TEXT;
    ALTER TABLE events ADD COLUMN weight REAL NOT NULL DEFAULT 1.5;
    CREATE TABLE colours (name TEXT PRIMARY KEY, sample BLOB);
    CREATE INDEX deliveries_colour ON deliveries (colour) WHERE colour IS NOT NULL;
"""
TAKES_AWAY = re.compile(
    r"\b(DROP|RENAME|TRUNCATE|DELETE)\b|\bALTER COLUMN\b|\bCREATE UNIQUE\b"
    r"|\bADD COLUMN\b(?=[^;]*\bNOT NULL\b)(?![^;]*\bDEFAULT\b)",
    re.IGNORECASE,
)
"""What a replica of the release before, still at work, may trip over."""


@pytest.fixture
def next_release(monkeypatch):
    """Turns this code into the next release's, until it is called again."""
    ours = migrations.scripts()

    def becomes(*, new):
        monkeypatch.setattr(migrations, "scripts", lambda: {**ours, "0002_colours.sql": NEXT} if new else ours)

    return becomes


@run
async def test_a_replica_of_the_release_before_goes_on_while_the_new_one_adds_to_the_schema(
    postgres: Server, next_release
):
    with postgres.database() as url:
        async with another(url) as old:
            await accept(old, task(1))
            next_release(new=True)
            async with another(url) as new:
                await accept(new, task(2))
                assert (
                    await new.read(lambda tx: tx.execute("SELECT colour FROM deliveries").fetchall()) == [(None,)] * 2
                )

                await sent(old, task(3), Applied(ids={"id": "v-3"}))
                await old.accept(task(4, clinic_id="other"), None, None)
                assert [one.record.id for one in await take(old)] == ["tsk_000004"]
                assert await states(new, "tsk_000001", "tsk_000003") == ["queued", "delivered"]
                assert len((await old.feed(0, 100, EVERYONE)).entries) == len(
                    (await new.feed(0, 100, EVERYONE)).entries
                )

            next_release(new=False)
            with pytest.raises(StoreUnavailable, match="newer than this program"):
                async with another(url):
                    pass
            assert (await now(old, "tsk_000002")).state == "queued"


@run
async def test_a_file_of_the_release_before_is_updated_with_all_that_it_holds_and_then_refused_to_that(
    tmp_path, next_release
):
    old = SqliteStore(tmp_path / "gateway.db", World().new_id)
    await old.open()
    await accept(old, task(1))
    await old.close()

    next_release(new=True)
    new = SqliteStore(tmp_path / "gateway.db", World().new_id)
    await new.open()
    rows = await new.read(lambda tx: tx.execute("SELECT id, colour FROM deliveries").fetchall())
    assert rows == [("tsk_000001", None)]
    assert (await take(new, NOW)) == []
    await new.close()

    next_release(new=False)
    with pytest.raises(StoreUnavailable, match="newer than this program"):
        await SqliteStore(tmp_path / "gateway.db", Ids()).open()


def test_migrations_only_add_unless_their_name_says_contract():
    _, *later = migrations.scripts().items()
    found = {name: TAKES_AWAY.findall(script) for name, script in later if not re.match(r"\d{4}_contract", name)}

    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize(
    ("script", "takes_away"),
    [
        (NEXT, False),
        ("ALTER TABLE deliveries DROP COLUMN trace;", True),
        ("ALTER TABLE deliveries RENAME COLUMN trace TO traceparent;", True),
        ("ALTER TABLE deliveries ADD COLUMN colour TEXT NOT NULL;", True),
        ("CREATE UNIQUE INDEX one_reference ON deliveries (reference);", True),
    ],
)
def test_what_takes_something_away_is_told_from_what_adds(script, takes_away):
    assert bool(TAKES_AWAY.search(script)) == takes_away
