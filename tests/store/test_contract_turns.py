"""What every store owes accounts and clinics: as much as there is room for, each in its turn; and a probe, blocked."""

from __future__ import annotations

from store.opened import opened
from store.records import BY_OPERATOR, HOME, NOW, OTHER, accept, later, mark, sent, settle, states, take, task

from schemas.outcome import Applied, Blocked
from schemas.problem import problem


async def waiting(store, record):
    """Accepted without a lease, so that it waits for its turn."""
    return await store.accept(record, None, None)


@opened
async def test_one_clinic_s_backlog_does_not_starve_another(store):
    for number in range(1, 6):
        await waiting(store, task(number))
    await waiting(store, task(6, clinic_id="other", created_at=later(seconds=30)))

    leased = await take(store, later(minutes=1), limit=2)

    assert {one.record.clinic_id for one in leased} == {HOME[0], "other"}


@opened
async def test_clinics_take_turns_also_where_one_at_a_time_may_go(store):
    for number in range(1, 7):
        await waiting(store, task(number))
    (served,) = await take(store, NOW, 1)
    await waiting(store, task(7, clinic_id=OTHER[0], created_at=later(seconds=1)))

    order = [served]
    for second in range(1, 4):
        order += await take(store, later(seconds=second), 1)

    assert [one.record.id for one in order] == ["tsk_000001", "tsk_000007", "tsk_000002", "tsk_000003"]


@opened
async def test_a_connection_that_the_vendor_blocked_lets_one_delivery_try_after_a_quarter_of_an_hour(store):
    await sent(store, task(1), Blocked(code="credentials"))
    await accept(store, task(2))
    await store.pass_time(later(minutes=14))
    assert await states(store, "tsk_000001", "tsk_000002") == ["held", "held"]

    await store.pass_time(later(minutes=15))

    assert await states(store, "tsk_000001", "tsk_000002") == ["queued", "held"]


@opened
async def test_a_probe_that_gets_through_releases_all_that_was_held(store):
    await sent(store, task(1), Blocked(code="credentials"))
    await accept(store, task(2))
    await store.pass_time(later(minutes=15))

    (probe,) = await take(store, later(minutes=15))
    await settle(store, await mark(store, probe, later(minutes=15)), Applied(ids={"id": "v"}), later(minutes=15))

    assert await states(store, "tsk_000001", "tsk_000002") == ["delivered", "queued"]
    assert await store.paused() == ()


@opened
async def test_a_probe_that_is_blocked_again_leaves_all_held(store):
    await sent(store, task(1), Blocked(code="credentials"))
    await accept(store, task(2))
    await store.pass_time(later(minutes=15))

    (probe,) = await take(store, later(minutes=15))
    await settle(store, await mark(store, probe, later(minutes=15)), Blocked(code="credentials"), later(minutes=15))

    assert await states(store, "tsk_000001", "tsk_000002") == ["held", "held"]


@opened
async def test_a_connection_that_an_operator_paused_is_not_tried(store):
    await waiting(store, task(1))
    await store.pause(*HOME, problem("connection-blocked"), NOW, BY_OPERATOR)

    await store.pass_time(later(hours=1))

    assert await states(store, "tsk_000001") == ["held"]


@opened
async def test_a_new_configuration_tries_a_blocked_connection_at_once_since_it_may_have_been_mended(store):
    await sent(store, task(1), Blocked(code="credentials"))

    await store.try_connections(later(seconds=1))

    assert await states(store, "tsk_000001") == ["queued"]


@opened
async def test_a_person_s_pause_of_a_connection_that_the_vendor_blocked_holds_until_resume(store):
    await sent(store, task(1), Blocked(code="credentials"))
    await store.pause(*HOME, problem("connection-blocked", "under repair"), NOW, BY_OPERATOR)

    await store.pass_time(later(hours=1))
    await store.try_connections(later(hours=1))

    assert await states(store, "tsk_000001") == ["held"]
    assert [gone.detail for gone in await store.paused()] == ["under repair"]


@opened
async def test_a_new_configuration_leaves_alone_what_an_operator_paused(store):
    await waiting(store, task(1))
    await store.pause(*HOME, problem("connection-blocked"), NOW, BY_OPERATOR)

    await store.try_connections(later(hours=1))

    assert await states(store, "tsk_000001") == ["held"]


@opened
async def test_what_a_changed_connection_held_goes_out_again_under_a_new_configuration(store):
    await sent(store, task(1), Blocked(code="changed"))
    assert (await states(store, "tsk_000001"), await store.paused()) == (["held"], ())

    await store.try_connections(later(seconds=1))

    assert await states(store, "tsk_000001") == ["queued"]
