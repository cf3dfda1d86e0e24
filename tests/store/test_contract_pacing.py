"""What every store owes vendors: an account's caps hold over all processes, and trouble is left alone."""

from __future__ import annotations

import asyncio

from store.opened import opened
from store.records import HOME, LEASE, NOW, accept, later, mark, note, now, sent, settle, take, task

from gateway.rules.clinic import Limits
from gateway.rules.verdict import NOT_MARKED
from schemas.outcome import Applied, Blocked, NotApplied, Pending, Unknown

TWO_AT_ONCE = Limits(concurrency=2)
TWO_A_MINUTE = Limits(per_minute=2)


async def at_once(store, record, limits):
    """Accepted, to be sent at once if the account has room; whether it had."""
    return (await store.accept(record, None, LEASE, limits)).attempt is not None


async def claimed(store, at, limits):
    return [one.record.id for one in await store.claim(at, LEASE, {"main": limits})]


async def delivered(store, leased, at=NOW, number=1):
    return await settle(store, await mark(store, leased, at), Applied(ids={"id": f"v-{number}"}), at)


@opened
async def test_of_many_commands_at_once_no_more_are_leased_than_the_account_s_concurrency(store):
    leased = await asyncio.gather(
        *(at_once(store, task(n, clinic_id=f"clinic-{n}"), TWO_AT_ONCE) for n in range(1, 31)),
    )

    assert leased.count(True) == 2


@opened
async def test_workers_that_claim_at_once_lease_no_more_than_the_account_s_concurrency(store):
    for number in range(1, 11):
        await store.accept(task(number), None, None)

    every = await asyncio.gather(*(claimed(store, NOW, TWO_AT_ONCE) for _ in range(10)))

    assert sorted(id_ for ids in every for id_ in ids) == ["tsk_000001", "tsk_000002"]


@opened
async def test_a_send_that_ends_makes_room_for_another(store):
    first = await store.accept(task(1), None, LEASE, Limits(concurrency=1))
    await store.accept(task(2), None, LEASE, Limits(concurrency=1))
    assert await claimed(store, NOW, Limits(concurrency=1)) == []

    await delivered(store, first)

    assert await claimed(store, NOW, Limits(concurrency=1)) == ["tsk_000002"]


@opened
async def test_in_no_minute_more_are_sent_than_the_account_s_rate(store):
    for number in (1, 2):
        await delivered(store, await store.accept(task(number), None, LEASE, TWO_A_MINUTE), number=number)
    assert not await at_once(store, task(3, created_at=later(seconds=59)), TWO_A_MINUTE)

    assert await claimed(store, later(seconds=60), TWO_A_MINUTE) == []
    assert await store.next_due(later(seconds=60), {"main": TWO_A_MINUTE}) == later(seconds=63)
    assert await claimed(store, later(seconds=64), TWO_A_MINUTE) == ["tsk_000003"]


@opened
async def test_a_send_counts_from_its_first_byte_since_that_is_when_the_vendor_counts_it(store):
    slow = await store.accept(task(1), None, LEASE, Limits(per_minute=1))
    await delivered(store, slow, later(seconds=50))

    assert not await at_once(store, task(2, created_at=later(seconds=100)), Limits(per_minute=1))
    assert await claimed(store, later(seconds=114), Limits(per_minute=1)) == ["tsk_000002"]


@opened
async def test_what_may_still_be_sent_counts_like_what_was(store):
    await store.accept(task(1), None, LEASE, Limits(per_minute=1))

    assert not await at_once(store, task(2, created_at=later(seconds=90)), Limits(per_minute=1))


@opened
async def test_a_worker_that_died_after_its_first_byte_is_counted_for_its_minute(store):
    await mark(store, await store.accept(task(1), None, LEASE, Limits(per_minute=1)), later(seconds=100))
    await store.pass_time(later(seconds=120))

    assert not await at_once(store, task(2, created_at=later(seconds=121)), Limits(per_minute=1))


@opened
async def test_nobody_is_sent_past_those_who_wait(store):
    await store.accept(task(1), None, None)

    assert not await at_once(store, task(2), Limits())


@opened
async def test_what_waits_for_its_time_holds_nobody_up(store):
    await sent(store, task(1), NotApplied(code="connect"))
    await store.accept(task(2), None, None)
    await take(store)

    assert await at_once(store, task(3), Limits())


@opened
async def test_a_note_that_waits_for_an_earlier_one_holds_nobody_else_up(store):
    await sent(store, task(1), Applied(ids={"id": "v-1", "emr_id": "emr-1"}))
    await mark(store, await accept(store, note(2)), later(seconds=2))
    await accept(store, note(3))

    assert await at_once(store, task(4, created_at=later(seconds=4)), Limits())


@opened
async def test_accounts_do_not_share_their_caps(store):
    assert await at_once(store, task(1), Limits(concurrency=1))

    assert await at_once(store, task(2, account="second"), Limits(concurrency=1))


@opened
async def test_an_account_that_is_configured_no_more_has_no_caps(store):
    await store.accept(task(1, account="gone"), None, None)

    assert await claimed(store, NOW, TWO_AT_ONCE) == ["tsk_000001"]


@opened
async def test_a_full_account_is_nothing_to_wake_up_for(store):
    first = await store.accept(task(1), None, LEASE, Limits(concurrency=1))
    await mark(store, first)
    await store.accept(task(2), None, None)

    assert await store.next_due(NOW, {}) == NOW
    assert await store.next_due(NOW, {"main": Limits(concurrency=1)}) == NOW + LEASE


@opened
async def test_a_vendor_that_asks_for_patience_gets_it_from_the_whole_account(store):
    attempt = await mark(store, await accept(store, task(1)))
    await settle(store, attempt, NotApplied(code="http-429"), retry_at=later(seconds=30))

    assert not await at_once(store, task(2), Limits())
    assert await store.next_due(NOW) == later(seconds=30)
    assert await claimed(store, later(seconds=30), Limits()) == ["tsk_000002", "tsk_000001"]


async def to_retry(store, *numbers):
    """Deliveries that were tried in vain some minutes ago; each is due again."""
    earlier = later(minutes=-5)
    for leased in [await accept(store, task(number, created_at=earlier)) for number in numbers]:
        await settle(store, await mark(store, leased, earlier), NotApplied(code="connect"), earlier, retry_at=NOW)


@opened
async def test_of_what_is_sent_no_more_than_a_tenth_is_sent_again_while_others_wait_for_their_first(store):
    await to_retry(store, 1, 2, 3, 4)
    for number in range(11, 41):
        await store.accept(task(number), None, None)

    rounds = [await claimed(store, NOW, Limits(concurrency=most)) for most in (1, 20, 30)]

    assert [sum(id_ < "tsk_000011" for id_ in ids) for ids in rounds] == [1, 1, 1]
    assert [len(ids) for ids in rounds] == [1, 19, 10]


@opened
async def test_with_nobody_waiting_for_a_first_send_all_room_is_for_retries(store):
    await to_retry(store, 1, 2, 3, 4)
    await store.accept(task(11), None, None)

    assert len(await claimed(store, NOW, Limits(concurrency=4))) == 4


@opened
async def test_a_minute_later_the_share_of_retries_is_counted_anew(store):
    await to_retry(store, 1, 2)
    for number in (11, 12, 13):
        await store.accept(task(number), None, None)
    alone = Limits(concurrency=1)

    order = []
    for seconds in (0, 1, 90):
        (leased,) = await store.claim(later(seconds=seconds), LEASE, {"main": alone})
        order.append(leased.record.id)
        await delivered(store, leased, later(seconds=seconds), number=seconds)

    assert order == ["tsk_000001", "tsk_000011", "tsk_000002"]


@opened
async def test_a_vendor_in_trouble_is_left_alone_probed_once_and_started_slowly(store):
    for number in range(1, 6):
        await sent(store, task(number), Unknown(code="http-502"))
    for number in range(6, 9):
        assert not await at_once(store, task(number), Limits())

    assert await claimed(store, later(seconds=4), Limits()) == []
    every = await asyncio.gather(*(take(store, later(seconds=6)) for _ in range(5)))
    (probe,) = [one for leased in every for one in leased]

    await settle(store, await mark(store, probe, later(seconds=6)), Pending(ids={"job_id": "1"}), later(seconds=6))
    assert len(await take(store, later(seconds=7))) == 1


@opened
async def test_a_person_s_wish_forgets_what_the_vendor_asked_for(store):
    attempt = await mark(store, await accept(store, task(1)))
    await settle(store, attempt, NotApplied(code="http-429"), retry_at=later(minutes=30))
    assert list(await store.luck()) == ["main"]

    await store.try_again("tsk_000001", NOW)

    assert await store.luck() == {}
    assert await at_once(store, task(2), Limits())


@opened
async def test_a_mark_that_the_database_did_not_take_says_nothing_of_the_vendor(store):
    for number in range(1, 10):
        accepted = await accept(store, task(number))
        await settle(store, accepted.attempt, NotApplied(code=NOT_MARKED), retry_at=later(hours=1))

    assert await store.luck() == {}


@opened
async def test_what_never_left_the_house_does_not_end_a_vendor_s_trouble(store):
    for number in range(1, 5):
        await sent(store, task(number), Unknown(code="http-502"))
    unsent = await accept(store, task(5))

    await settle(store, unsent.attempt, Blocked(code="changed"))

    assert (await store.luck())["main"].breaker.failures == 4


@opened
async def test_where_the_work_stands_tells_what_is_in_flight_and_how_accounts_fare(store):
    await mark(store, await accept(store, task(1)))
    await sent(store, task(2, account="second"), Unknown(code="http-502"))

    standing = await store.standing()

    assert (standing.in_flight, list(standing.luck)) == ({"main": 1}, ["second"])
    assert (await now(store, "tsk_000001")).clinic_id == HOME[0]
