"""What every store owes apps' endpoints: each event at least once, in its delivery's order, and a trail of tries."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs
from store.opened import opened
from store.records import BY_OPERATOR, EVERYONE, NOW, accept, later, sent, task, told

from gateway.rules import wishes
from gateway.rules.callbacks import Next, Tried
from gateway.store.outbox import LEASE, Endpoint
from schemas.outcome import Applied

INTAKE = Endpoint(app="intake", url_digest="digest", concerns=lambda entry: entry.app == "intake")
WATCHER = Endpoint(app="watcher", url_digest="other", concerns=lambda _entry: True)
DELIVERED = Applied(ids={"id": "v-1"})


async def begun(store, *endpoints):
    await store.open_endpoints([each.app for each in endpoints or (INTAKE,)], NOW)


async def take(store, endpoint=INTAKE, room=10, at=NOW):
    (taken,) = await store.take_callbacks([(endpoint, room)], at)
    return list(taken.due)


async def ends(store, due, what="told", at=NOW, *, hurry=False, **follows):
    """A try has ended."""
    tried = Tried(
        at=at, ended_at=at, status=200 if what == "told" else 500, error=None if what == "told" else "http-500",
        next=Next(what=what, **{"tries": due.tries, **follows}),
    )  # fmt: skip
    await store.settle_callback(due, tried, INTAKE.url_digest, hurry=hurry)


async def cancelled(store, delivery_id):
    await store.change(delivery_id, lambda current: wishes.cancel(current, NOW), NOW)


def types(due):
    return [each.entry.event.type for each in due]


async def state(store, endpoint=INTAKE):
    (backlog,) = await store.backlogs([endpoint])
    return backlog


@opened
async def test_an_endpoint_hears_of_what_happens_after_it_was_opened(store):
    await accept(store, task(1))
    await begun(store)
    await accept(store, task(2))
    await begun(store)  # a second opening changes nothing

    (due,) = await take(store)

    assert due.entry.event.data["id"] == "tsk_000002"
    assert (due.app, due.tries) == ("intake", 0)


@opened
async def test_an_endpoint_is_told_only_what_concerns_it_and_passes_over_the_rest(store):
    await begun(store)
    await accept(store, task(1, app="fax-bot"))
    await accept(store, task(2))
    await accept(store, task(3, app="fax-bot"))

    assert [due.entry.app for due in await take(store)] == ["intake"]
    assert (await state(store)).unread == 0


@opened
async def test_what_was_told_is_not_told_again(store):
    await begun(store)
    await accept(store, task(1))
    (due,) = await take(store)
    await ends(store, due)

    assert await take(store, at=later(days=1)) == []
    assert await state(store) == structs.replace(await state(store), waiting=0, behind_since=None, given_up=0)


@opened
async def test_while_one_is_being_told_the_next_of_its_delivery_waits_and_others_do_not(store):
    await begun(store)
    await sent(store, task(1), DELIVERED)
    await accept(store, task(2))

    first, other = await take(store)
    assert (first.entry.lane, other.entry.lane) == ("tsk_000001", "tsk_000002")
    assert await take(store) == []

    await ends(store, first)
    (second,) = await take(store)
    assert second.entry.lane == "tsk_000001"
    assert second.entry.seq > first.entry.seq


@opened
async def test_what_failed_holds_back_the_rest_of_its_delivery_until_its_time(store):
    await begun(store)
    await sent(store, task(1), DELIVERED)
    (first,) = await take(store)
    await ends(store, first, "later", tries=1, due_at=later(minutes=5))
    await accept(store, task(2))

    (other,) = await take(store, at=later(minutes=4))
    assert other.entry.lane == "tsk_000002"
    await ends(store, other)
    assert await store.next_callback(["intake"], later(minutes=4)) == later(minutes=5)
    (again,) = await take(store, at=later(minutes=5))
    assert (again.entry, again.tries) == (first.entry, 1)


@opened
async def test_what_is_given_up_holds_nothing_back_any_more(store):
    await begun(store)
    await sent(store, task(1), DELIVERED)
    (first,) = await take(store)
    await ends(store, first, "given_up", tries=10)

    (second,) = await take(store)

    assert second.entry.seq > first.entry.seq
    backlog = await state(store)
    assert (backlog.given_up, backlog.waiting) == (1, 2)


@opened
async def test_one_endpoint_waits_for_no_other(store):
    await begun(store, INTAKE, WATCHER)
    await accept(store, task(1))
    (held,) = await take(store)
    await ends(store, held, "later", tries=1, due_at=later(hours=1))

    assert types(await take(store, WATCHER)) == ["task.queued"]


@opened
async def test_an_endpoint_is_told_no_more_at_a_time_than_it_has_room_for(store):
    await begun(store)
    for number in range(1, 6):
        await accept(store, task(number))

    assert [len(await take(store, room=2)) for _ in range(4)] == [2, 2, 1, 0]


@opened
async def test_a_try_that_nobody_ended_is_made_again_when_its_lease_is_over(store):
    await begun(store)
    await accept(store, task(1))
    (lost,) = await take(store)

    assert await take(store, at=NOW + LEASE / 2) == []
    (again,) = await take(store, at=NOW + LEASE)
    assert again.entry == lost.entry


@opened
async def test_at_a_start_what_was_under_way_is_nobody_s(store):
    await begun(store)
    await accept(store, task(1))
    (lost,) = await take(store)
    await store.open_endpoints(["intake"], NOW, every_lease=True)

    (again,) = await take(store)

    assert again.entry == lost.entry


@opened
async def test_a_late_end_of_a_lost_try_is_kept_and_changes_nothing(store):
    await begun(store)
    await accept(store, task(1))
    (lost,) = await take(store)
    (again,) = await take(store, at=NOW + LEASE)
    await ends(store, lost, "later", tries=1, due_at=later(days=1))

    assert await take(store, at=NOW + LEASE) == []
    await ends(store, again)
    assert await take(store, at=later(days=2)) == []
    assert len(await told(store, "tsk_000001", "callback")) == 2


@opened
async def test_two_processes_never_tell_the_same_at_the_same_time(store):
    await begun(store)
    for number in range(1, 31):
        await accept(store, task(number))

    rounds = await asyncio.gather(*(take(store, room=7) for _ in range(8)))
    rounds += [await take(store, room=30)]

    seqs = [due.entry.seq for taken in rounds for due in taken]
    assert sorted(seqs) == sorted(set(seqs))
    assert len(seqs) == 30


@opened
async def test_a_long_feed_is_looked_through_in_parts(store):
    await begun(store, INTAKE)
    for number in range(1, 301):
        await accept(store, task(number, app="fax-bot"))
    await accept(store, task(301))
    parts = []
    while not parts or parts[-1].more:
        (taken,) = await store.take_callbacks([(INTAKE, 10)], NOW)
        parts.append(taken)

    assert [len(part.due) for part in parts] == [0, 0, 1]


@opened
async def test_where_there_is_no_room_nothing_more_is_looked_through(store):
    await begun(store)
    for number in range(1, 4):
        await accept(store, task(number))
    await take(store, room=1)

    for number in range(4, 7):
        await accept(store, task(number))
    await take(store, room=2)

    backlog = await state(store)
    assert (backlog.waiting, backlog.unread) == (3, 3)
    assert backlog.behind_since == NOW


@opened
async def test_an_endpoint_that_is_gone_is_told_nothing_until_it_is_resumed_and_misses_nothing(store):
    await begun(store)
    await accept(store, task(1))
    (due,) = await take(store)
    await ends(store, due, "gone", due_at=NOW, at=later(seconds=1))
    await accept(store, task(2))

    assert await take(store, at=later(days=9)) == []
    assert (await state(store)).disabled_at == later(seconds=1)
    await store.resume_endpoint("intake", later(days=9), BY_OPERATOR)

    assert [each.entry.lane for each in await take(store, at=later(days=9))] == ["tsk_000001", "tsk_000002"]
    assert (await state(store)).disabled_at is None
    assert [act.action for act in await store.audit(EVERYONE, before=None, limit=9)] == [BY_OPERATOR.action]


@opened
async def test_another_url_is_another_endpoint_which_nobody_has_disabled(store):
    await begun(store)
    await accept(store, task(1))
    (due,) = await take(store)
    await ends(store, due, "gone", due_at=NOW)
    moved = structs.replace(INTAKE, url_digest="moved")

    assert (await state(store, moved)).disabled_at is None
    assert [each.entry for each in await take(store, moved)] == [due.entry]


@opened
async def test_an_endpoint_that_works_again_gets_at_once_what_it_missed(store):
    await begun(store)
    for number in range(1, 4):
        await accept(store, task(number))
    one, two, three = await take(store)
    await ends(store, one, "later", tries=5, due_at=later(hours=5))
    await ends(store, two, "later", tries=6, due_at=later(hours=10))
    await ends(store, three, at=later(minutes=1), hurry=True)

    assert [(due.entry, due.tries) for due in await take(store, at=later(minutes=1))] == [
        (one.entry, 5),
        (two.entry, 6),
    ]


@opened
async def test_opening_known_endpoints_tries_at_once_what_they_wait_for(store):
    await begun(store)
    await accept(store, task(1))
    (due,) = await take(store)
    await ends(store, due, "later", tries=1, due_at=later(hours=5))
    await store.open_endpoints(["intake"], later(minutes=1))

    assert [each.entry for each in await take(store, at=later(minutes=1))] == [due.entry]


@opened
async def test_a_redelivery_tells_again_what_was_told_and_what_was_given_up(store):
    await begun(store, INTAKE, WATCHER)
    for number in (1, 2):
        await accept(store, task(number))
    one, two = await take(store)
    await ends(store, one)
    await ends(store, two, "given_up", tries=10)

    again = await store.redeliver([INTAKE], (0, two.entry.seq), EVERYONE, later(hours=1))

    assert (again.events, again.callbacks) == (2, 2)
    assert [(due.entry, due.tries) for due in await take(store, at=later(hours=1))] == [(one.entry, 0), (two.entry, 0)]
    assert (await state(store)).given_up == 0


@opened
async def test_a_redelivery_keeps_to_its_range_its_clinics_and_what_concerns_the_endpoint(store):
    await begun(store)
    for number, clinic in enumerate(("north", "south", "north", "north"), 1):
        await accept(store, task(number, clinic_id=clinic, app="intake" if number < 4 else "fax-bot"))
    for due in await take(store):
        await ends(store, due)
    first = (await store.feed(0, 1, EVERYONE)).entries[0].seq

    again = await store.redeliver([INTAKE], (first, first + 3), frozenset({"north"}), NOW)

    assert [due.entry.lane for due in await take(store)] == ["tsk_000003"]
    assert (again.events, again.callbacks) == (2, 1)


@opened
async def test_a_redelivery_comes_before_what_is_still_to_be_told_of_its_delivery(store):
    await begun(store)
    await accept(store, task(1))
    (first,) = await take(store)
    await ends(store, first)
    await cancelled(store, "tsk_000001")
    await store.redeliver([INTAKE], (first.entry.seq - 1, first.entry.seq), EVERYONE, NOW)

    (due,) = await take(store)

    assert due.entry == first.entry


@opened
async def test_a_redelivery_of_what_is_being_told_tells_it_once_more(store):
    await begun(store)
    await accept(store, task(1))
    (under_way,) = await take(store)
    await store.redeliver([INTAKE], (0, under_way.entry.seq), EVERYONE, NOW)
    await ends(store, under_way)

    (again,) = await take(store)

    assert again.entry == under_way.entry
    await ends(store, again)
    assert await take(store) == []


@opened
async def test_what_an_endpoint_has_not_come_to_yet_is_not_told_ahead_of_its_time(store):
    await begun(store)
    await accept(store, task(1))

    again = await store.redeliver([INTAKE], (0, 1), EVERYONE, NOW)

    assert again.callbacks == 0
    assert len(await take(store)) == 1


@opened
async def test_every_try_stands_in_the_timeline(store):
    await begun(store)
    await accept(store, task(1))
    (due,) = await take(store)
    await ends(store, due, "later", tries=1, due_at=later(seconds=5))
    (again,) = await take(store, at=later(seconds=5))
    await ends(store, again, at=later(seconds=5))

    lines = await told(store, "tsk_000001", "callback")

    assert [(line.at, line.facts["status"], line.facts["error"]) for line in lines] == [
        (NOW, 500, "http-500"), (later(seconds=5), 200, None),
    ]  # fmt: skip
    assert {line.facts["event_id"] for line in lines} == {due.entry.event.id}
    assert {(line.facts["app"], line.facts["type"]) for line in lines} == {("intake", "task.queued")}
    backlog = await state(store)
    assert (backlog.last_at, backlog.last_status, backlog.last_error) == (later(seconds=5), 200, None)


@opened
async def test_what_concerns_an_endpoint_no_more_is_told_no_more_and_holds_nothing_back(store):
    await begun(store)
    for number in range(1, 7):
        await accept(store, task(number, clinic_id="south" if number < 5 else "north"))
    for due in await take(store):
        await ends(store, due, "later", tries=1, due_at=later(hours=1))
    narrowed = structs.replace(INTAKE, concerns=lambda entry: entry.event.clinic_id == "north")

    due = await take(store, narrowed, room=2, at=later(hours=2))

    assert [each.entry.lane for each in due] == ["tsk_000005", "tsk_000006"]
    assert (await state(store, narrowed)).waiting == 2


def seen(items):
    return [(each.event.data["id"], each.state, each.due_at, [tried.error for tried in each.tries]) for each in items]


@opened
async def test_what_an_endpoint_was_not_told_is_listed_with_every_try(store):
    await begun(store)
    for number in range(1, 6):
        await accept(store, task(number, clinic_id="south" if number == 5 else "north"))
    one, two, three, *_ = await take(store)
    await ends(store, one)
    await ends(store, two, "given_up", tries=10)
    await ends(store, three, "later", tries=1, due_at=later(seconds=5))
    (again,) = await take(store, at=later(seconds=5))
    await ends(store, again, "later", tries=2, due_at=later(minutes=5), at=later(seconds=5))

    waiting = await store.untold("intake", (0, 9), EVERYONE, given_up=False)
    assert seen(waiting.items) == [
        ("tsk_000003", "waiting", later(minutes=5), ["http-500", "http-500"]),
        ("tsk_000004", "waiting", NOW, []),
        ("tsk_000005", "waiting", NOW, []),
    ]
    given_up = await store.untold("intake", (0, 9), EVERYONE, given_up=True)
    assert seen(given_up.items) == [("tsk_000002", "given_up", None, ["http-500"])]
    first = await store.untold("intake", (0, 1), frozenset({"north"}), given_up=False)
    rest = await store.untold("intake", (three.entry.seq, 9), frozenset({"north"}), given_up=False)
    assert ([first.more, rest.more], [*first.items, *rest.items]) == ([True, False], waiting.items[:2])
    assert (await store.untold("watcher", (0, 9), EVERYONE, given_up=False)).items == []


@opened
async def test_where_an_event_stands_is_known_for_each_endpoint_that_hears_of_it(store):
    await begun(store, INTAKE, WATCHER)
    await accept(store, task(1, app="fax-bot"))
    await accept(store, task(2))
    for due in await take(store, WATCHER):
        await ends(store, due, at=later(seconds=1))
    first, second = (await store.feed(0, 2, EVERYONE)).entries

    assert [(each.app, each.state) for each in await store.told([INTAKE, WATCHER], first)] == [("watcher", "told")]
    both = await store.told([INTAKE, WATCHER], second)  # the first has not read as far yet
    assert [(each.app, each.state, len(each.tries)) for each in both] == [
        ("intake", "waiting", 0),
        ("watcher", "told", 1),
    ]
    (tried,) = both[1].tries
    assert (tried.at, tried.status, tried.error, tried.milliseconds) == (later(seconds=1), 200, None, 0)


@opened
async def test_after_ninety_days_tries_are_forgotten_and_what_was_given_up_can_be_told_again(store):
    await begun(store)
    for number in (1, 2):
        await accept(store, task(number))
    first, second = await take(store)
    await ends(store, first)
    await ends(store, second, "given_up", tries=10)
    await store.redeliver([INTAKE], (0, first.entry.seq), EVERYONE, later(days=60))
    (again,) = await take(store, at=later(days=60))
    await ends(store, again, at=later(days=60))

    assert [await store.forget(later(days=89), None, 1), await store.forget(later(days=91), None, 1)] == [0, 1]
    assert [await store.forget(later(days=91), None, 1) for _ in range(2)] == [1, 0]

    assert [line.at for line in await told(store, "tsk_000001", "callback")] == [later(days=60)]
    assert await told(store, "tsk_000002", "callback") == []
    assert (await state(store)).given_up == 1
    assert (await store.redeliver([INTAKE], (0, second.entry.seq), EVERYONE, NOW)).callbacks == 2


@pytest.mark.parametrize("apps", [[], ["intake", "watcher"]])
@opened
async def test_where_nothing_waits_for_its_time_there_is_no_next(store, apps):
    await begun(store)
    await accept(store, task(1))
    await take(store)

    assert await store.next_callback(apps, NOW) is None
