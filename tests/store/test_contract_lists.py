"""What every store owes those who read lists: everything that fits, once, newest first."""

from __future__ import annotations

import pytest
from store.opened import opened
from store.records import EVERYONE, HOME, OTHER, accept, key, later, note, sent, task

from gateway.store.listing import FILTERS, Wanted
from schemas.outcome import Applied, Blocked, Pending, Refused, Unknown


async def pages(store, wanted, between=None):
    """Every page's ids, each page asked for after the last one's last."""
    after, found = None, []
    while True:
        page = await store.listed(Wanted(**{**wanted, "after": after}))
        found.append([record.id for record in page.records])
        if not page.more:
            return found
        after = (page.records[-1].created_at, page.records[-1].id)
        if between:
            await between()


async def listed(store, **wanted):
    return [one for page in await pages(store, {"clinics": EVERYONE, **wanted}) for one in page]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 24, 25, 26])
@opened
async def test_paging_skips_nothing_and_repeats_nothing_even_among_equal_times(store, limit):
    for number in range(1, 26):
        await accept(store, task(number, created_at=later(seconds=number // 5)))

    found = await pages(store, {"clinics": EVERYONE, "limit": limit})

    every = [one for page in found for one in page]
    assert every == [f"tsk_{number:06d}" for number in range(25, 0, -1)]
    assert {len(page) for page in found[:-1]} <= {limit}


@opened
async def test_what_comes_in_while_paging_is_on_no_later_page(store):
    for number in range(1, 11):
        await accept(store, task(number, created_at=later(seconds=number)))
    fresh = iter(range(11, 31))

    async def between():
        number = next(fresh)
        await accept(store, task(number, created_at=later(seconds=number)))

    found = await pages(store, {"clinics": EVERYONE, "limit": 3}, between)

    assert [one for page in found for one in page] == [f"tsk_{number:06d}" for number in range(10, 0, -1)]


@opened
async def test_an_empty_list_is_one_empty_page(store):
    page = await store.listed(Wanted(clinics=EVERYONE))

    assert page.records == ()
    assert not page.more


@opened
async def test_a_list_holds_only_the_clinics_in_scope(store):
    await accept(store, task(1))
    await accept(store, task(2, clinic_id=OTHER[0]))

    assert await listed(store, clinics=frozenset({HOME[0]})) == ["tsk_000001"]
    assert await listed(store, clinics=frozenset({HOME[0], OTHER[0]})) == ["tsk_000002", "tsk_000001"]
    assert await listed(store, clinics=frozenset({"nobody"})) == []
    assert await listed(store, clinics=frozenset()) == []


@opened
async def test_a_filter_of_a_foreign_clinic_finds_nothing(store):
    await accept(store, task(1, clinic_id=OTHER[0]))

    assert await listed(store, clinics=frozenset({HOME[0]}), equal={"clinic_id": OTHER[0]}) == []


async def furnished(store):
    """One delivery that each filter finds, and others that it must not."""
    await sent(store, task(1, reference="call-1"), Applied(ids={"id": "v-1", "emr_id": "emr-1"}))
    await sent(store, task(2, reference="call-2"), Pending(ids={"id": "v-2", "job_id": "12345"}))
    await accept(store, task(3, clinic_id=OTHER[0]))
    await sent(store, note(4, of="tsk_000001"), Refused(code="refused"))


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("clinic_id", OTHER[0], ["tsk_000003"]),
        ("state", "submitted", ["tsk_000002"]),
        ("reference", "call-1", ["tsk_000001"]),
        ("id", "v-2", ["tsk_000002"]),
        ("emr_id", "emr-1", ["tsk_000001"]),
        ("job_id", "12345", ["tsk_000002"]),
        ("emr_task_id", "emr-1", ["note_000004"]),
    ],
)
@opened
async def test_each_filter_finds_what_equals_it(store, name, value, found):
    await furnished(store)

    assert await listed(store, equal={FILTERS[name]: value}) == found
    assert await listed(store, equal={FILTERS[name]: value.upper() + "'"}) == []


def test_every_filter_is_tried_above():
    (mark,) = (mark for mark in test_each_filter_finds_what_equals_it.pytestmark if mark.name == "parametrize")

    assert {name for name, _, _ in mark.args[1]} == set(FILTERS)


@opened
async def test_filters_are_all_to_be_met(store):
    await furnished(store)

    assert await listed(store, equal={"kind": "task", "state": "delivered"}) == ["tsk_000001"]
    assert await listed(store, equal={"kind": "note", "state": "delivered"}) == []


@opened
async def test_a_key_finds_its_own_apps_delivery_alone(store):
    await accept(store, task(1), key())
    await accept(store, task(2, app="fax"), key())
    await accept(store, task(3))

    assert await listed(store, idempotency_key=("intake", "k-1")) == ["tsk_000001"]
    assert await listed(store, idempotency_key=("fax", "k-1")) == ["tsk_000002"]
    assert await listed(store, idempotency_key=("intake", "k-2")) == []


@opened
async def test_what_needs_a_person_is_unknown_overdue_contradicted_or_blocked(store):
    await sent(store, task(1), Unknown(code="deadline"))
    await sent(store, task(2), Applied(ids={"id": "v-2"}))
    await sent(store, task(3, settles_within=1), Pending(ids={"id": "v-3"}))
    await accept(store, task(4, conflict=True))
    await accept(store, task(5))
    await sent(store, task(6, clinic_id=OTHER[0]), Blocked(code="credentials"))
    await store.pass_time(later(seconds=2))

    assert await listed(store, needs_person=True) == ["tsk_000006", "tsk_000004", "tsk_000003", "tsk_000001"]
