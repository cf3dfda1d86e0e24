"""The audit trail: every act is kept, and whatever is changed in it afterwards shows."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from running import run
from store.opened import opened
from store.records import BY_OPERATOR, HOME, NOW, Ids, encryption_key, later, sent, task, told

from gateway.rules import wishes
from gateway.store import audit
from gateway.store.audit import Act
from gateway.store.rows import Tx
from gateway.store.sqlite import SqliteStore
from gateway.store.vault import Vault
from schemas.outcome import Unknown
from schemas.problem import problem

EVERYWHERE = frozenset({"*"})
K1, K2 = encryption_key("k1"), encryption_key("k2")


def act(number, **changes):
    return Act(**{"app": "operator", "key_id": "o1", "action": "reveal", "about": f"tsk_{number}", **changes})


@opened
async def test_who_what_and_why_are_kept_newest_first(store):
    await store.acted(act(1), NOW)
    await store.acted(act(2, action="reload", about="configuration"), later(seconds=1))
    await store.pause(*HOME, problem("connection-blocked"), later(seconds=2), BY_OPERATOR)

    newest, reload, first = await store.audit(EVERYWHERE, before=None, limit=10)

    assert (newest.action, newest.about, newest.clinic_id, newest.reason) == ("pause", "lakeside/emr", "lakeside", "r")
    assert (reload.app, reload.key_id, reload.action, reload.at) == ("operator", "o1", "reload", later(seconds=1))
    assert await store.audit(EVERYWHERE, before=newest.seq, limit=10) == [reload, first]


@opened
async def test_a_clinics_acts_are_listed_for_those_in_its_reach_and_what_belongs_to_none_for_all_clinics_alone(store):
    for number, clinic in enumerate(("north", "south", None), start=1):
        await store.acted(act(number, clinic_id=clinic), NOW)

    async def listed(*clinics):
        return [entry.seq for entry in await store.audit(frozenset(clinics), before=None, limit=10)]

    assert await listed("*") == [3, 2, 1]
    assert await listed("south") == [2]
    assert await listed("south", "north") == [2, 1]
    assert await listed("nowhere") == []
    assert await store.audit(EVERYWHERE, before=1, limit=10) == []
    assert await store.audit(EVERYWHERE, before=0, limit=10) == []


@opened
async def test_a_wish_is_kept_with_what_it_led_to_and_one_that_was_refused_is_not(store):
    record = await sent(store, task(1), Unknown(code="deadline"))
    resolved = act(1, action="resolve", about=record.id, reason="created: seen in the chart")

    await store.change(record.id, lambda now: wishes.resolve(now, NOW, created=True, ids={}), NOW, resolved)
    with pytest.raises(wishes.Refusal):
        await store.change(
            record.id, lambda now: wishes.cancel(now, NOW), NOW, act(1, action="cancel", about=record.id)
        )

    (line,) = await told(store, record.id, "asked")
    assert line.facts == {"what": "resolve", "app": "operator", "reason": "created: seen in the chart"}


@opened
async def test_an_untouched_trail_is_sound(store):
    await store.salt("pepper")
    for number in range(2500):
        await store.acted(act(number, reason=f"because {number}"), later(seconds=number))

    assert await store.verify_audit() == (await store.verify_audit()).__class__(rows=2500, faults=())


COPIED = (
    "INSERT INTO audit SELECT 6, at, app, key_id, action, about, clinic_id, reason, reason_digest, hash FROM audit"
    " WHERE seq = 5"
)


def _tampered(tmp_path, *statements):
    """What verifying finds after somebody ran `statements` on the file of five acts."""

    async def story():
        store = SqliteStore(tmp_path / "gateway.db", Ids(), Vault([K1]))
        await store.open()
        await store.salt("pepper")
        for number in range(5):
            await store.acted(act(number, reason=f"because {number}"), later(seconds=number))
        await store.close()
        file = sqlite3.connect(tmp_path / "gateway.db")
        for statement in statements:
            file.execute(statement)
        file.commit()
        file.close()
        await store_again(found)

    async def store_again(found):
        store = SqliteStore(tmp_path / "gateway.db", Ids(), Vault([K1]))
        await store.open()
        found.extend((await store.verify_audit()).faults)
        await store.close()

    found: list[str] = []
    run(story)()
    return found


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE audit SET app = 'Operator' WHERE seq = 3", "row 3: changed, or the row before it"),
        ("UPDATE audit SET at = at + 1 WHERE seq = 3", "row 3: changed, or the row before it"),
        ("UPDATE audit SET about = 'tsk_9' WHERE seq = 3", "row 3: changed, or the row before it"),
        ("UPDATE audit SET key_id = 'o2' WHERE seq = 1", "row 1: changed, or the row before it"),
        ("UPDATE audit SET reason = CAST('pbecause 3' AS BLOB) WHERE seq = 5", "row 5: its reason was changed"),
        ("UPDATE audit SET reason = CAST('p(unreadable)' AS BLOB) WHERE seq = 5", "row 5: its reason was changed"),
        ("UPDATE audit SET reason = NULL WHERE seq = 2", "row 2: its reason was removed"),
        ("DELETE FROM audit WHERE seq = 2", "row 2: missing"),
        ("DELETE FROM audit WHERE seq IN (2, 3)", "row 2 to 3: missing"),
        ("DELETE FROM audit WHERE seq = 5", "row 5: missing, or the end was changed"),
        ("DELETE FROM audit", "row 1: missing, or the end was changed"),
        ("UPDATE meta SET value = 'x' WHERE name = 'audit_head'", "row 6: missing, or the end was changed"),
        (COPIED, "row 6: changed, or the row before it"),
    ],
)  # fmt: skip
def test_one_change_anywhere_shows(tmp_path, statement, fault):
    assert fault in _tampered(tmp_path, statement)


def test_nothing_changed_shows_nothing(tmp_path):
    assert _tampered(tmp_path) == []


@run
async def test_one_flipped_byte_anywhere_in_a_sealed_reason_shows(tmp_path):
    store = SqliteStore(tmp_path / "gateway.db", Ids(), Vault([K1]))
    await store.open()
    await store.acted(act(1, reason="because"), NOW)
    await store.close()

    with closing(sqlite3.connect(tmp_path / "gateway.db")) as file:
        (sealed,) = file.execute("SELECT reason FROM audit").fetchone()
        for place in range(len(sealed)):
            flipped = bytes(byte ^ (at == place) for at, byte in enumerate(sealed))
            file.execute("UPDATE audit SET reason = ?", (flipped,))
            verified = audit.verify(Tx(file.execute, Vault([K1])))
            shown = audit.entries(Tx(file.execute, Vault([K1])), EVERYWHERE, before=None, limit=1)
            assert len(verified.faults) == 1, place
            assert shown[0].reason == "(unreadable)"


@run
async def test_reasons_that_no_key_opens_are_not_proved_and_are_told_by_their_key(tmp_path):
    store = SqliteStore(tmp_path / "gateway.db", Ids(), Vault([K1]))
    await store.open()
    for number in range(3):
        await store.acted(act(number, reason="because"), NOW)
    store.vault.use([K2])
    (entry, *_) = await store.audit(EVERYWHERE, before=None, limit=10)
    verified = await store.verify_audit()
    await store.close()

    assert (entry.reason, verified.rows) == ("(unreadable)", 3)
    assert verified.faults == ("3 reasons: sealed with 'k1', which is no key of ours",)
