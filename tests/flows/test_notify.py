"""Apps are told what happened: signed, at least once, in the order of each delivery, whatever their endpoints do."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from base64 import b64encode
from collections import defaultdict
from datetime import datetime, timedelta

import pytest
from flows.doubles import HOUSE, NOW, House, call_back, event, receipt, reply
from running import run, until
from standardwebhooks import Webhook
from store.records import encryption_key

from gateway.rules.clinic import Caller
from gateway.store.audit import Act
from gateway.store.backlog import backlog
from gateway.store.outbox import _DUE
from gateway.store.rows import stamp
from schemas.problem import problem

OLD, NEW = (f"whsec_{b64encode(name * 32).decode()}" for name in (b"o", b"n"))
CANARY = "PHI-CANARY"
_LEASED = "SELECT 1 FROM callbacks WHERE lease_until IS NOT NULL"
ACT = Act(app="operator", key_id="o1", action="resume", about="callbacks/intake", reason="mended")
APPS = f"""
  intake:
    keys: []
    clinics: ["*"]
    roles: [submit, read]
    callback: {{url: "http://intake.test/hooks", secrets: ["{OLD}"]}}
  watcher:
    keys: []
    clinics: ["*"]
    roles: [read]
    callback:
      {{url: "http://watcher.test/", secrets: ["{OLD}"], scope: clinics, events: ["task.delivered", "connection.*"]}}
  operator: {{keys: [], clinics: ["*"], roles: [submit, read, operate]}}
"""


@pytest.fixture
def house(tmp_path):
    """The house, whose apps have endpoints, in files that a test edits."""
    shutil.copytree(HOUSE, tmp_path / "config")
    file = tmp_path / "config" / "gateway.yaml"
    before, _, after = file.read_text().partition("apps:")
    file.write_text(f"{before}apps:{APPS}{after[after.index('adapter_paths') :]}")
    made = House(tmp_path / "gateway.db", directory=tmp_path / "config")
    numbers = itertools.count(1)
    made.road.answers(*(lambda: receipt(next(numbers)) for _ in range(100)))
    return made


def told(house, host="intake.test"):
    """The events that an endpoint was told, one for each try."""
    return [json.loads(request.content) for request in house.endpoints.told if request.url.host == host]


def types(house, host="intake.test"):
    return [each["type"] for each in told(house, host)]


async def quiet(house):
    """Until nobody is being told anything, and nothing is left that could be told now."""
    for _ in range(5000):
        if not house.services.notifier._tasks and not [each async for each in callable_now(house)]:
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it goes on and on")


async def callable_now(house):
    """The apps that could be told something, or are about to be; all seen at one moment."""
    notifier, now = house.services.notifier, stamp(house.clock)
    for app, subscriber in notifier.subscribers.items():
        endpoint = subscriber.endpoint
        behind, due, leased = await house.store.read(
            lambda tx, app=app, endpoint=endpoint: (
                backlog(tx, endpoint),
                tx.execute(_DUE, (app, now, now, 1)).fetchall(),
                tx.execute(_LEASED).fetchall(),
            )
        )
        if leased or (notifier.pacer.room(subscriber) and not behind.disabled_at and (behind.unread or due)):
            yield app


async def delivered(house, number=1, **more):
    """A task that came to its end, and of which everybody was told what they take."""
    record = await house.submit(call_back(number, **more))
    await house.push(event("task.created", number, emr_task_id=f"e-{number}"))
    await house.comes_to(record, "delivered")
    await quiet(house)
    return record


def answers(house, *statuses, **headers):
    """Endpoints answer with these, in turn, and with the last from then on."""
    left = list(statuses)

    async def answer(_request):
        return reply(left.pop(0) if len(left) > 1 else left[0], headers=headers)

    house.endpoints.answer = answer


async def states(house):
    endpoints = house.services.endpoints
    everybody = Caller(app=house.config.apps["operator"], key_id="o1").app
    return {each.app: each for each in await endpoints.states(list(endpoints.within_reach(everybody).values()))}


@run
async def test_an_app_is_told_what_becomes_of_its_deliveries_in_order(house):
    async with house.open():
        record = await delivered(house)

        assert types(house) == ["task.queued", "task.sending", "task.submitted", "task.delivered"]
        assert {each["data"]["id"] for each in told(house)} == {record.id}
        assert [each["data"]["state"] for each in told(house)] == ["queued", "sending", "submitted", "delivered"]


@run
async def test_what_is_told_is_the_event_as_the_feed_lists_it(house):
    async with house.open():
        await delivered(house)
        listed = await house.store.feed(0, 10, frozenset({"*"}))

        assert [each["id"] for each in told(house)] == [entry.event.id for entry in listed.entries]
        assert set(told(house)[0]) == {"id", "type", "at", "clinic_id", "data"}
        assert datetime.fromisoformat(told(house)[0]["at"]) == NOW


@run
async def test_every_try_is_signed_for_its_own_time_under_the_event_s_id(house):
    answers(house, 500, 204)
    async with house.open():
        await house.submit(call_back())
        await quiet(house)
        house.advance(seconds=10)
        await quiet(house)

        first, again = house.endpoints.told[0], house.endpoints.told[1]
        assert first.content == again.content
        assert first.headers["webhook-id"] == again.headers["webhook-id"] == json.loads(first.content)["id"]
        for request, at in ((first, NOW), (again, NOW + timedelta(seconds=10))):
            signature = Webhook(OLD).sign(request.headers["webhook-id"], at, request.content.decode())
            assert request.headers["webhook-signature"] == signature
            assert request.headers["webhook-timestamp"] == str(int(at.timestamp()))
            assert request.headers["content-type"] == "application/json"


@run
async def test_a_thin_body_holds_no_patient_text_and_a_full_one_the_delivery_as_get_shows_it(house):
    house.edit("gateway.yaml", 'events: ["task.delivered", "connection.*"]', "body: full")
    async with house.open():
        await house.services.reloader.reload("admin")
        body = call_back(title=f"{CANARY} title", description=f"{CANARY} text", patient={"mrn": f"{CANARY}-mrn"})
        record = await house.submit(body)
        await house.push(event("task.failed", 1, failure_reason=f"{CANARY} reason"))
        record = await house.comes_to(record, "failed")
        await quiet(house)

        thin = [request.content.decode() for request in house.endpoints.told if request.url.host == "intake.test"]
        assert len(thin) == 4
        assert CANARY not in "".join(thin)
        full = told(house, "watcher.test")[-1]
        assert full["delivery"]["command"]["patient"] == {"mrn": f"{CANARY}-mrn"}
        assert (full["delivery"]["id"], full["delivery"]["state"], full["delivery"]["version"]) == (
            record.id, "failed", record.version,
        )  # fmt: skip
        assert full["data"] == told(house)[-1]["data"]


@run
async def test_a_full_body_of_what_no_key_opens_or_was_forgotten_is_told_without_its_words(house):
    house.edit("gateway.yaml", 'events: ["task.delivered", "connection.*"]', 'events: ["task.delivered"], body: full')
    async with house.open():
        await house.services.reloader.reload("admin")
        house.store.vault.use([encryption_key("k1")])
        await delivered(house, description=f"{CANARY} text", patient={"mrn": "1"})
        subscriber = house.services.notifier.subscribers["watcher"]
        (end, _), everywhere = await house.store.newest(frozenset({"*"})), frozenset({"*"})

        house.store.vault.use([])
        await house.services.endpoints.redeliver([subscriber], (0, end), everywhere, ACT)
        await quiet(house)
        house.store.vault.use([encryption_key("k1")])
        await house.store.forget(house.clock + timedelta(days=31), timedelta(days=30), 100)
        await house.services.endpoints.redeliver([subscriber], (0, end), everywhere, ACT)
        await quiet(house)

        whole, sealed, forgotten = (each["delivery"] for each in told(house, "watcher.test"))
        assert whole["command"]["description"] == f"{CANARY} text"
        assert (sealed["command"], sealed["problem"]["code"], sealed["state"]) == ({}, "unreadable", "delivered")
        assert (forgotten["command"], forgotten["problem"], forgotten["state"]) == ({}, None, "delivered")
        assert (await states(house))["watcher"].state == "working"


@run
async def test_whoever_wants_all_of_a_clinic_is_told_of_other_apps_deliveries_and_of_connections(house):
    async with house.open():
        await delivered(house)
        await house.store.pause("lakeside", "emr", problem("connection-blocked"), house.clock)
        await house.store.resume("lakeside", "emr", house.clock)
        await quiet(house)

        assert types(house, "watcher.test") == ["task.delivered", "connection.blocked", "connection.restored"]
        assert "connection.blocked" not in types(house)


@run
async def test_a_failed_event_is_told_again_and_holds_back_only_its_own_delivery(house):
    async def answer(request):
        return reply(500 if json.loads(request.content)["data"]["id"] == stuck.id else 204)

    async with house.open():
        house.endpoints.answer = answer
        stuck = (await house.hand_in(call_back(1))).record
        await house.comes_to(stuck, "submitted")
        other = await house.submit(call_back(2))
        await house.push(event("task.created", 1, emr_task_id="e-1"))
        await quiet(house)

        of = defaultdict(list)
        for each in told(house):
            of[each["data"]["id"]].append(each["type"])
        assert of[stuck.id] == ["task.queued"]
        assert of[other.id] == ["task.queued", "task.sending", "task.submitted"]

        house.endpoints.answer = None
        house.advance(seconds=10)
        await quiet(house)
        assert types(house)[-4:] == ["task.queued", "task.sending", "task.submitted", "task.delivered"]
        assert told(house)[-1]["data"]["id"] == stuck.id


@run
async def test_an_endpoint_down_for_a_day_gets_everything_in_order_and_nobody_else_waits_for_it(house):
    async def answer(request):
        if request.url.host == "intake.test" and house.clock < back_at:
            raise ConnectionRefusedError
        return reply(204)

    back_at = NOW + timedelta(days=1, minutes=1)
    house.endpoints.answer = answer
    async with house.open():
        records = []
        for hour in range(1, 25):
            records.append(await delivered(house, hour))
            assert types(house, "watcher.test") == ["task.delivered"] * hour
            for _ in range(12):
                house.advance(minutes=5)
                await quiet(house)
        before = len(told(house))
        assert (await states(house))["intake"].state == "waiting"

        for _ in range(3):
            house.advance(minutes=5)
            await quiet(house)

        assert before < 24 * 12 + 30  # one probe in five minutes: a dead endpoint costs little
        arrived = defaultdict(list)
        for each in told(house)[before:]:
            arrived[each["data"]["id"]].append(each["type"])
        whole = ["task.queued", "task.sending", "task.submitted", "task.delivered"]
        assert arrived == {record.id: whole for record in records}
        state = (await states(house))["intake"]
        assert (state.state, state.waiting, state.unread, state.behind_since) == ("working", 0, 0, None)


@run
async def test_after_ten_tries_over_75_hours_an_event_is_given_up_and_told_again_only_when_asked(house):
    answers(house, 500)
    async with house.open():
        record = await house.submit(call_back())
        await quiet(house)
        for _ in range(76 * 12):
            house.advance(minutes=5)
            await quiet(house)
        tries = [line for line in await house.store.timeline(record) if line.what == "callback"]
        queued = [line for line in tries if line.facts["type"] == "task.queued"]
        assert len(queued) == 10
        assert queued[-1].at - queued[0].at >= timedelta(hours=75)
        assert (await states(house))["intake"].given_up == 1

        house.endpoints.answer = None
        place = await house.store.place(queued[0].facts["event_id"], frozenset({"*"}))
        subscriber = house.services.notifier.subscribers["intake"]
        before = len(house.endpoints.told)
        done = await house.services.endpoints.redeliver([subscriber], (place - 1, place), frozenset({"*"}), ACT)
        await quiet(house)
        assert (done.events, done.callbacks) == (1, 1)
        assert types(house)[before] == "task.queued"
        assert (await states(house))["intake"].given_up == 0


@run
async def test_an_endpoint_that_answers_410_is_told_nothing_until_it_is_resumed(house):
    answers(house, 410)
    async with house.open():
        await house.submit(call_back(1))
        await quiet(house)
        tried = len(told(house))
        assert (await states(house))["intake"].state == "disabled"
        assert (await states(house))["intake"].last_status == 410

        house.endpoints.answer = None
        await house.submit(call_back(2))
        house.advance(days=3)
        await quiet(house)
        assert len(told(house)) == tried

        await house.services.endpoints.resume(house.services.notifier.subscribers["intake"], ACT)
        await quiet(house)
        assert types(house)[tried:].count("task.queued") == 2
        assert (await states(house))["intake"].state == "working"


@run
async def test_a_disabled_endpoint_that_moves_is_told_what_it_missed(house):
    answers(house, 410)
    async with house.open():
        await house.submit(call_back())
        await quiet(house)
        house.endpoints.answer = None
        house.edit("gateway.yaml", "http://intake.test/hooks", "http://moved.test/hooks")
        await house.services.reloader.reload("admin")
        await quiet(house)

        assert types(house, "moved.test") == ["task.queued", "task.sending", "task.submitted"]


@run
async def test_an_endpoint_that_asks_for_patience_is_left_alone_for_as_long_as_it_asks(house):
    answers(house, 429, 204, **{"Retry-After": "120"})
    async with house.open():
        await house.submit(call_back(1))
        await quiet(house)
        assert len(told(house)) == 1
        assert (await states(house))["intake"].state == "waiting"

        await house.submit(call_back(2))
        house.advance(seconds=119)
        await quiet(house)
        assert len(told(house)) == 1

        house.advance(seconds=5)
        await quiet(house)
        assert sorted(types(house)[1:]) == sorted(["task.queued", "task.sending", "task.submitted"] * 2)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@run
async def test_a_redirect_is_a_failure_and_is_not_followed(house, status):
    answers(house, status, Location="http://elsewhere.test/")
    async with house.open():
        record = await house.submit(call_back())
        await quiet(house)

        assert {request.url.host for request in house.endpoints.told} == {"intake.test"}
        (line,) = [line for line in await house.store.timeline(record) if line.what == "callback"]
        assert (line.facts["status"], line.facts["error"]) == (status, f"http-{status}")


@run
async def test_a_reload_brings_a_new_secret_and_both_sign_while_there_are_two(house):
    async with house.open():
        await house.submit(call_back(1))
        await quiet(house)
        house.edit("gateway.yaml", f'hooks", secrets: ["{OLD}"]', f'hooks", secrets: ["{NEW}", "{OLD}"]')
        await house.services.reloader.reload("admin")
        await house.submit(call_back(2))
        await quiet(house)

        first, last = house.endpoints.told[0], house.endpoints.told[-1]
        assert len(first.headers["webhook-signature"].split()) == 1
        signed = last.headers["webhook-signature"].split()
        at = datetime.fromtimestamp(int(last.headers["webhook-timestamp"]), NOW.tzinfo)
        body = last.content.decode()
        assert signed == [Webhook(secret).sign(last.headers["webhook-id"], at, body) for secret in (NEW, OLD)]


@run
async def test_a_reload_tries_an_endpoint_in_trouble_at_once(house):
    answers(house, 500)
    async with house.open():
        for number in range(1, 7):
            await house.submit(call_back(number))
        await quiet(house)
        assert (await states(house))["intake"].state == "waiting"
        house.endpoints.answer = None
        tried = len(told(house))

        await house.services.reloader.reload("admin")
        await quiet(house)

        assert len(told(house)) == tried + 18
        assert (await states(house))["intake"].state == "working"


@run
async def test_an_app_without_an_endpoint_is_told_nothing_and_one_that_gets_it_back_what_it_missed(house):
    async with house.open():
        await house.submit(call_back(1))
        await quiet(house)
        house.edit("gateway.yaml", '    callback: {url: "http://intake', '    # callback: {url: "http://intake')
        await house.services.reloader.reload("admin")
        await house.submit(call_back(2))
        await quiet(house)
        assert types(house).count("task.queued") == 1

        house.edit("gateway.yaml", "    # callback:", "    callback:")
        await house.services.reloader.reload("admin")
        await quiet(house)
        assert types(house).count("task.queued") == 2


@run
async def test_no_more_than_sixteen_are_told_at_once_and_one_slow_answer_stops_none_of_the_others(house):
    slow, most, now = asyncio.Event(), 0, 0

    async def answer(_request):
        nonlocal most, now
        now += 1
        most = max(most, now)
        await slow.wait()
        now -= 1
        return reply(204)

    house.edit("gateway.yaml", 'events: ["task.delivered", "connection.*"]', 'events: ["connection.*"]')
    async with house.open():
        await house.services.reloader.reload("admin")
        house.endpoints.answer = answer
        for number in range(20):
            await house.submit(call_back(number))
        await until(lambda: now == 16)
        slow.set()
        await quiet(house)

        assert most == 16
        assert len(told(house)) == 60


@run
async def test_a_stop_cuts_off_what_is_being_told_and_the_next_start_tells_it_again(house):
    async def never(_request):
        await asyncio.sleep(60)

    house.endpoints.answer = never
    async with house.open():
        await house.submit(call_back())
        await until(lambda: house.endpoints.told)
    (cut_off,) = told(house)
    house.endpoints.answer = None
    async with house.open():
        await quiet(house)

    assert types(house) == ["task.queued", "task.queued", "task.sending", "task.submitted"]
    assert told(house)[1] == cut_off


@run
async def test_what_happened_while_the_gateway_stood_still_is_told_when_it_is_back(house):
    async with house.open():
        record = await house.submit(call_back())
        await quiet(house)
        house.services.notifier.cease()
        await house.push(event("task.created", 1, emr_task_id="e-1"))
        await house.comes_to(record, "delivered")
    assert "task.delivered" not in types(house)
    async with house.open():
        await quiet(house)

    assert types(house)[-1] == "task.delivered"
