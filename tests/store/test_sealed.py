"""A database without its key: nothing is shown, nothing is sent, nothing is lost."""

from __future__ import annotations

import asyncio

import pytest
from postgres import server
from running import run
from store.records import (
    BY_OPERATOR,
    EVERYONE,
    HOME,
    NOW,
    Ids,
    accept,
    encryption_key,
    later,
    mark,
    now,
    seen,
    sent,
    settle,
    states,
    take,
    task,
    told,
    webhook,
)  # fmt: skip

from gateway.rules.record import present
from gateway.store.postgres import PostgresStore
from gateway.store.sqlite import SqliteStore
from gateway.store.vault import Vault
from schemas.outcome import Blocked, Pending, Sighting, Unknown
from schemas.problem import problem

CANARY = "Zebedee Canary, born 1931"
K1, K2 = encryption_key("k1"), encryption_key("k2")


class Shelf:
    """One database file, opened with one key or another."""

    def __init__(self, path):
        self.path = path
        self.ids = Ids()

    async def opened(self, *keys):
        store = SqliteStore(self.path, self.ids, Vault(keys))
        await store.open()
        return store

    def raw(self):
        return b"".join(file.read_bytes() for file in self.path.parent.iterdir())


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "gateway.db")


def created(text):
    return Sighting(says="created", operation="create_task", ids={"id": "v-1"}, values={"description": text})


@run
async def test_no_word_of_a_patient_stands_in_the_file_or_beside_it(shelf):
    store = await shelf.opened(K1)
    await sent(store, task(1, text=CANARY), Unknown(code="deadline"))
    await store.keep_webhook(webhook(1, body=CANARY.encode()), "digest")
    await store.sight("whk_000001", None, [seen(created(CANARY))], NOW)
    await store.pause(*HOME, problem("connection-blocked", CANARY), NOW)
    during = shelf.raw()
    await store.close()

    assert CANARY.encode() not in during + shelf.raw()
    assert b"Zebedee" not in during + shelf.raw()


@pytest.mark.parametrize("keys", [[K1], []])
def test_no_word_stands_in_the_files_of_postgresql_or_its_log_where_there_is_a_key(keys):
    async def story(url):
        store = PostgresStore(url, Ids(), Vault(keys))
        await store.open()
        await sent(store, task(1, text=CANARY), Unknown(code="deadline"))
        await store.keep_webhook(webhook(1, body=CANARY.encode()), "digest")
        await store.sight("whk_000001", None, [seen(created(CANARY))], NOW)
        await store.pause(*HOME, problem("connection-blocked", CANARY), NOW, BY_OPERATOR)
        await store.close()

    with server() as running, running.database() as url:
        asyncio.run(story(url))
        raw = running.raw()
    assert b"tsk_000001" in raw
    assert (b"Zebedee" in raw) == (not keys)


@run
async def test_the_same_is_there_in_plain_without_a_key(shelf):
    store = await shelf.opened()
    await accept(store, task(1, text=CANARY))
    await store.close()

    assert CANARY.encode() in shelf.raw()


@run
async def test_with_the_wrong_key_a_delivery_shows_its_state_and_none_of_its_words(shelf):
    store = await shelf.opened(K1)
    await sent(store, task(1, text=CANARY), Pending(ids={"id": "v-1"}))
    await store.close()

    store = await shelf.opened(K2)
    shown = present(await now(store, "tsk_000001"))
    await store.close()

    assert (shown.state, shown.vendor.id, shown.command, list(shown.mapping)) == ("submitted", "v-1", {}, [])
    assert shown.problem is not None
    assert shown.problem.code == "unreadable"


@run
@pytest.mark.parametrize("instead", [b"pno JSON", b"p{}", b'p{"command": 7}', b"p\xff", b"", b"s", b"s\x02k1", b"x"])
async def test_what_somebody_wrote_in_its_place_is_unreadable_too(shelf, instead):
    store = await shelf.opened(K1)
    await accept(store, task(1))
    await store.write(lambda tx: tx.execute("UPDATE deliveries SET content = ?", (instead,)))
    shown = present(await now(store, "tsk_000001"))
    await store.close()

    assert (shown.state, shown.problem and shown.problem.code) == ("queued", "unreadable")


@run
async def test_what_was_changed_meanwhile_reads_as_before_once_the_key_is_back(shelf):
    store = await shelf.opened(K1)
    await accept(store, task(1, text=CANARY))
    await store.pass_time(NOW, every_lease=True)
    await store.close()

    store = await shelf.opened(K2)
    (leased,) = await take(store)
    await settle(store, leased.attempt, Blocked(code="unreadable"))
    assert (await states(store, "tsk_000001"), await store.paused()) == (["held"], ())
    await store.close()

    store = await shelf.opened(K2, K1)
    await store.try_connections(later(seconds=1))
    found = await now(store, "tsk_000001")
    await store.close()
    assert (found.state, found.values, found.problem) == ("queued", {"description": CANARY}, None)


@run
async def test_a_sighting_is_not_matched_by_content_while_one_it_may_be_of_cannot_be_read(shelf):
    store = await shelf.opened(K1)
    await sent(store, task(1, text=CANARY), Unknown(code="deadline"))
    await store.close()
    store = await shelf.opened(K2)
    await sent(store, task(2, text=CANARY), Unknown(code="deadline"))

    await store.keep_webhook(webhook(1), "digest")
    state = await store.sight("whk_000001", None, [seen(created(CANARY))], NOW)
    there = await states(store, "tsk_000001", "tsk_000002")
    await store.close()

    assert (state, there) == ("unmatched", ["unknown", "unknown"])


@run
async def test_a_webhook_that_no_key_opens_waits_for_its_key(shelf):
    store = await shelf.opened(K1)
    await store.keep_webhook(webhook(1, body=b"body"), "digest")
    await store.close()
    store = await shelf.opened(K2)
    (hook,) = await store.webhooks("new", EVERYONE, limit=10)
    await store.close()

    assert (hook.readable, hook.body) == (False, b"")


@run
async def test_a_timeline_shows_what_it_can(shelf):
    store = await shelf.opened(K1)
    await sent(store, task(1), Unknown(code="deadline"))
    await store.keep_webhook(webhook(1), "digest")
    await store.sight("whk_000001", None, [seen(created(task(1).values["description"]))], NOW)
    await store.close()

    store = await shelf.opened(K2)
    (line,) = await told(store, "tsk_000001", "sighting")
    await mark(store, await accept(store, task(2)))
    await store.close()

    assert (line.facts["says"], line.facts["why"]) == ("unreadable", "matched by content")
