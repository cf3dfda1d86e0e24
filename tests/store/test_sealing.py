"""Which keys have sealed what is stored, so that one knows which may go."""

from __future__ import annotations

import pytest
from running import run
from store.records import BY_OPERATOR, HOME, NOW, Ids, encryption_key, sent, task, webhook

from gateway.rules.store_diagnosis import Sealing
from gateway.store.sqlite import SqliteStore
from gateway.store.vault import Vault
from schemas.outcome import Unknown
from schemas.problem import problem

K1, K2 = encryption_key("k1"), encryption_key("k2.of-2026")
IMPOSTOR = type(K1)(id="k1", key=K2.key)


IDS = Ids()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gateway.db"


async def filled(path, number, *keys):
    """Four values: a delivery, a webhook, why a connection is paused, and why somebody did that."""
    store = SqliteStore(path, IDS, Vault(keys))
    await store.open()
    await sent(store, task(number), Unknown(code="deadline"))
    await store.keep_webhook(webhook(number), f"digest {number}")
    await store.pause(HOME[0], f"{HOME[1]}{number}", problem("connection-blocked", "x"), NOW, BY_OPERATOR)
    await store.close()


async def told(path, *keys):
    store = SqliteStore(path, IDS, Vault(keys))
    await store.open(read_only=True)
    try:
        return await store.sealing()
    finally:
        await store.close()


@run
async def test_every_value_is_counted_by_the_key_that_sealed_it(path):
    await filled(path, 1)
    await filled(path, 2, K1)
    await filled(path, 3, K2, K1)

    assert await told(path, K2, K1) == Sealing(plain=4, sealed={"k1": 4, "k2.of-2026": 4})


@run
async def test_values_of_a_key_that_is_not_here_are_counted_too(path):
    await filled(path, 1, K1)
    await filled(path, 2, K2)

    assert await told(path, K2) == Sealing(plain=0, sealed={"k1": 4, "k2.of-2026": 4})


@run
async def test_another_key_under_the_same_id_is_found_out(path):
    await filled(path, 1, K1)
    await filled(path, 2, K2)

    assert (await told(path, K2, IMPOSTOR)).unopened == {"k1"}


@run
async def test_an_old_key_seals_nothing_any_more_after_resealing(path):
    await filled(path, 1, K1)
    store = SqliteStore(path, IDS, Vault([K2, K1]))
    await store.open()
    page = await store.reseal(None, 1000)
    while page.next_cursor is not None:
        page = await store.reseal(page.next_cursor, 1000)

    assert await store.sealing() == Sealing(plain=0, sealed={"k2.of-2026": 4})
    await store.close()
