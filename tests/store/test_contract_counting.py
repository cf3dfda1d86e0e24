"""What every store owes those who count: all that is open, how old it is, and what waits for a person."""

from __future__ import annotations

from store.opened import opened
from store.records import HOME, NOW, OTHER, accept, later, sent, task

from gateway.store.counting import Waiting
from schemas.outcome import Applied, Blocked, Pending, Refused, Unknown
from schemas.problem import problem

WHY = problem("connection-blocked", "link expired")


def waiting(state, count=1, oldest=NOW, account="main"):
    return Waiting(account=account, state=state, count=count, oldest=oldest)


@opened
async def test_an_empty_store_has_nothing_to_count(store):
    standing = await store.standing()

    assert (standing.waiting, standing.needs_person, standing.paused) == ((), {}, ())


@opened
async def test_what_is_open_is_counted_by_account_and_state_with_the_age_of_the_oldest(store):
    for number in range(3):
        await sent(store, task(1 + number, created_at=later(minutes=-number)), Unknown(code="deadline"))
    await sent(store, task(4, account="other"), Pending(ids={"job_id": "1"}))
    await sent(store, task(5), Applied(ids={"id": "v-1"}))
    await sent(store, task(6), Refused(code="refused"))

    standing = await store.standing()

    assert set(standing.waiting) == {
        waiting("unknown", 3, later(minutes=-2)),
        waiting("submitted", account="other"),
    }


@opened
async def test_what_waits_for_a_person_is_what_the_list_of_it_holds(store):
    await sent(store, task(1), Unknown(code="deadline"))
    await sent(store, task(2), Pending(ids={"job_id": "1"}))
    await store.pass_time(later(days=1))  # the second is overdue
    await sent(store, task(3, clinic_id=OTHER[0], account="other"), Blocked(code="credentials"))
    await accept(store, task(4))

    assert (await store.standing()).needs_person == {"main": 2, "other": 1}


@opened
async def test_paused_connections_are_named(store):
    await store.pause(*HOME, WHY, NOW)

    assert (await store.standing()).paused == (HOME,)
