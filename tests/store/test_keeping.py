"""Sealing anew, forgetting, and beginning again from a backup."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import structs
from running import run
from store.opened import opened
from store.records import (
    BY_OPERATOR,
    EVERYONE,
    HOME,
    NOW,
    OTHER,
    Ids,
    accept,
    encryption_key,
    later,
    now,
    seen,
    sent,
    states,
    take,
    task,
    told,
    webhook,
)  # fmt: skip

from gateway.rules.record import present
from gateway.store.base import StoreUnavailable
from gateway.store.sqlite import SqliteStore
from gateway.store.sqlite_copy import copy
from gateway.store.vault import Vault
from schemas.outcome import Applied, Pending, Refused, Sighting, Unknown
from schemas.problem import problem

CANARY = "Zebedee Canary, born 1931"
K1, K2 = encryption_key("k1"), encryption_key("k2")
MONTH = timedelta(days=30)


async def filled(store):
    """One of everything that holds words."""
    await sent(store, task(1, text=CANARY), Unknown(code="deadline"))
    await store.keep_webhook(webhook(1, body=CANARY.encode()), "digest")
    told_of = Sighting(says="created", operation="create_task", ids={"id": "v-1"}, values={"description": CANARY})
    await store.sight("whk_000001", None, [seen(told_of)], NOW)
    await store.pause(*HOME, problem("connection-blocked", CANARY), NOW, structs.replace(BY_OPERATOR, reason=CANARY))


async def every_page(store, limit=2):
    """What sealing anew comes to, page after page."""
    cursor, pages = None, []
    while not pages or cursor is not None:
        pages.append(await store.reseal(cursor, limit))
        cursor = pages[-1].next_cursor
        assert len(pages) < 100
    return sum(page.resealed for page in pages), sum(page.unreadable for page in pages)


@opened
async def test_after_sealing_anew_the_older_key_is_needed_no_more(store):
    await filled(store)
    for number in range(2, 8):
        await accept(store, task(number))
    store.vault.use([K2, K1])

    assert await every_page(store) == (7 + 1 + 1 + 1 + 1, 0)
    assert await every_page(store) == (0, 0)

    store.vault.use([K2])
    assert (await now(store, "tsk_000001")).values == {"description": CANARY}
    (gone,) = await store.paused()
    assert gone.detail == CANARY
    (entry,) = await store.audit(frozenset({"*"}), before=None, limit=5)
    assert entry.reason == CANARY
    assert (await store.verify_audit()).faults == ()


@opened
async def test_what_no_key_opens_is_counted_and_left_as_it_is(store):
    await accept(store, task(1, text=CANARY))
    store.vault.use([K2])

    assert await every_page(store) == (0, 1)

    store.vault.use([K1])
    assert (await now(store, "tsk_000001")).values == {"description": CANARY}


@opened
@pytest.mark.parametrize("cursor", ["", "x", "WzksW11d", "eyJ9", "WzAsWyJhIiwiYiJdXQ"])
async def test_an_odd_cursor_is_refused(store, cursor):
    with pytest.raises(ValueError, match="cursor"):
        await store.reseal(cursor, 10)


@run
async def test_a_database_in_plain_holds_no_readable_word_once_it_is_sealed(tmp_path):
    store = SqliteStore(tmp_path / "gateway.db", Ids())
    await store.open()
    await filled(store)
    store.vault.use([K1])
    await every_page(store)
    await store.close()

    raw = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"Zebedee" not in raw


@opened
async def test_words_of_what_ended_long_ago_are_forgotten_and_the_trail_stays(store):
    await filled(store)
    await sent(store, task(2, clinic_id=OTHER[0], text=CANARY), Refused(code="refused", message=CANARY))
    at = later(days=31)

    while await store.forget(at, MONTH, 1):
        pass

    shown = present(await now(store, "tsk_000002"))
    assert (shown.state, shown.command, shown.attempts) == ("rejected", {}, 1)
    assert shown.problem is not None
    assert (shown.problem.code, CANARY in (shown.problem.detail or "")) == ("vendor-rejected", False)
    assert [line.what for line in await store.timeline(await now(store, "tsk_000002"))].count("attempt") == 1
    (line,) = await told(store, "tsk_000001", "sighting")
    assert (line.facts["says"], line.facts["ids"]) == ("created", {"id": "v-1"})
    assert await store.webhooks("matched", EVERYONE, limit=5) == []


@run
async def test_of_what_was_forgotten_nothing_stands_in_the_file_or_its_log_while_the_gateway_runs(tmp_path):
    store = SqliteStore(tmp_path / "gateway.db", Ids())
    await store.open()
    await sent(store, task(1, text=CANARY), Refused(code="refused", message=CANARY))
    await store.keep_webhook(webhook(1, body=CANARY.encode()), "digest")
    elsewhere = Sighting(says="created", operation="create_task", ids={"id": "v-9"}, values={"title": CANARY})
    assert await store.sight("whk_000001", None, [seen(elsewhere)], NOW) == "unmatched"
    here = b"".join(file.read_bytes() for file in tmp_path.iterdir())

    while await store.forget(later(days=31), MONTH, 100):
        pass

    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    await store.close()
    assert (b"Zebedee" in here, b"Zebedee" in left) == (True, False)


@opened
async def test_what_is_open_in_conflict_or_young_keeps_its_words(store):
    await sent(store, task(1), Unknown(code="deadline"))
    await accept(store, task(2))
    await sent(
        store, task(3, created_at=later(days=20), updated_at=later(days=20)), Applied(ids={"id": "v-3"}), later(days=20)
    )

    await store.forget(later(days=31), MONTH, 100)

    for number in (1, 2, 3):
        assert (await now(store, f"tsk_00000{number}")).values == task(number).values


@opened
async def test_without_a_retention_words_stay_and_only_what_fitted_nothing_for_a_week_is_given_up(store):
    await sent(store, task(1), Refused(code="refused"))
    await store.keep_webhook(webhook(1), "digest")
    lost = Sighting(says="created", operation="create_task", ids={"id": "v-9"})
    assert await store.sight("whk_000001", None, [seen(lost)], NOW) == "unmatched"

    assert await store.forget(later(days=6), None, 100) == 0
    assert await store.forget(later(days=8), None, 100) == 1

    assert await store.webhooks("unmatched", EVERYONE, limit=5) == []
    await sent(store, task(2), Pending(ids={"id": "v-9"}))
    assert (await now(store, "tsk_000002")).state == "submitted"
    assert (await now(store, "tsk_000001")).values == task(1).values


@run
async def test_a_database_put_back_holds_what_is_open_until_its_connection_is_resumed(tmp_path):
    ids = Ids()
    store = SqliteStore(tmp_path / "gateway.db", ids)
    await store.open()
    await sent(store, task(2, clinic_id=OTHER[0]), Unknown(code="deadline"))
    await sent(store, task(3, clinic_id=OTHER[0]), Pending(ids={"id": "v-3"}))
    await accept(store, task(1))
    await store.pass_time(NOW, every_lease=True)
    copy(tmp_path / "gateway.db", tmp_path / "backup.db")
    await store.close()

    store = SqliteStore(tmp_path / "backup.db", ids)
    await store.open()
    assert await store.begin_epoch(later(days=1), BY_OPERATOR) == 1
    await store.try_connections(later(days=1))
    await store.pass_time(later(days=1), every_lease=True)
    assert await states(store, "tsk_000001", "tsk_000002", "tsk_000003") == ["held", "unknown", "submitted"]
    assert (await now(store, "tsk_000002")).resent
    assert await take(store, later(days=1)) == []

    await store.resume(*HOME, later(days=1), BY_OPERATOR)
    assert [one.record.id for one in await take(store, later(days=1))] == ["tsk_000001"]
    await store.close()


@run
async def test_a_copy_is_its_owners_alone_and_never_overwrites(tmp_path):
    store = SqliteStore(tmp_path / "gateway.db", Ids(), Vault([K1]))
    await store.open()
    await accept(store, task(1, text=CANARY))

    copy(tmp_path / "gateway.db", tmp_path / "backup.db")

    assert (tmp_path / "backup.db").stat().st_mode & 0o777 == 0o600
    assert b"Zebedee" not in (tmp_path / "backup.db").read_bytes()
    with pytest.raises(StoreUnavailable):
        copy(tmp_path / "gateway.db", tmp_path / "backup.db")
    with pytest.raises(StoreUnavailable):
        copy(tmp_path / "nowhere.db", tmp_path / "other.db")
    assert not (tmp_path / "other.db").exists()
    await store.close()
