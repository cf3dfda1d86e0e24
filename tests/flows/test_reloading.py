"""A reload swaps the configuration whole or not at all, and changes nothing of what was accepted before."""

from __future__ import annotations

import asyncio
import shutil
from base64 import b64encode

import pytest
from flows.doubles import HOUSE, House, call_back, receipt, reply
from flows.test_sending import HARBOUR, Harbour
from running import run, until
from store.records import BY_OPERATOR

from gateway.errors import ConfigErrors, Refused
from gateway.rules.clinic import Timeouts
from gateway.store.base import StoreUnavailable
from gateway.store.bell import RELOADED
from schemas.command import AddNote
from schemas.problem import problem

CLINIC, GATEWAY = "clinics/lakeside.yaml", "gateway.yaml"
COBALT = """account: cobalt-main
    emr: eclinicalworks
    reference_id: user_lakeside
    credentials: {access_token: at-secret}"""
BLOCKED = problem("connection-blocked")
SECRET = f"whsec_{b64encode(bytes(32)).decode()}"


@pytest.fixture
def house(tmp_path):
    """The house, in files that a test edits."""
    shutil.copytree(HOUSE, tmp_path / "config")
    (tmp_path / "config" / "emr_capabilities.yaml").write_text(
        "cobalt: {athenahealth: {create_task: {supported: true}}}"
    )
    return House(tmp_path / "gateway.db", directory=tmp_path / "config")


async def reloaded(house):
    done = await house.services.reloader.reload("admin")
    await house.rests()
    return done


async def versions(house, record):
    """The configurations under which a delivery was sent, attempt by attempt."""
    told = await house.store.timeline(await house.now(record))
    return [happening.facts["config_version"] for happening in told if happening.what == "attempt"]


@run
async def test_an_attempt_under_way_ends_under_the_configuration_that_it_began_with(house):
    async with house.open():
        before, answered = house.services.configured.clinic("lakeside").version, asyncio.Event()

        async def slow(_request):
            await answered.wait()
            return receipt(1)

        house.road.answer = slow
        record = (await house.hand_in(call_back())).record
        await house.comes_to(record, "sending")
        house.edit(CLINIC, "timezone: America/Chicago", "timezone: America/Denver")
        await house.services.reloader.reload("admin")
        answered.set()
        await house.comes_to(record, "submitted")

        assert await versions(house, record) == [before]
    assert house.services.configured.clinic("lakeside").version != before


@run
async def test_what_is_submitted_after_a_reload_follows_the_new_files(house):
    async with house.open():
        before = await house.submit(call_back(1))
        house.edit(CLINIC, "routes:", "routes:\n  - {when: {type: [recall]}, to: front-desk}")

        done = await reloaded(house)
        house.road.answers(reply(201, {"id": "t-1", "status": "pending"}))
        after = await house.submit(call_back(2, type="recall"))

    assert (before.connection, after.connection) == ("emr", "front-desk")
    assert before.config_version != after.config_version
    assert (done.added, done.changed, done.removed, done.restart_needed) == ([], ["lakeside"], [], [])


@run
async def test_a_retry_of_what_was_handled_strictly_is_refused_where_it_would_lose_a_field_now(house):
    house.road.answers(reply(422, {"detail": "no"}))
    async with house.open():
        strict = await house.submit(call_back(1, type="vob", tags=["fax"]), strict=True)
        house.edit(CLINIC, "type: [vob]", "type: [other]")
        await reloaded(house)

        with pytest.raises(Refused) as refused:
            await house.services.asking.retry(strict, house.operator, "the desk has moved")

    assert strict.state == "rejected"
    assert [(error.code, error.field) for error in refused.value.problem.errors] == [
        ("field-not-carried", "type"), ("field-not-carried", "tags"),
    ]  # fmt: skip


@run
async def test_a_mistake_anywhere_keeps_everything_as_it_was(house):
    async with house.open():
        config = house.services.configured.config
        house.edit(CLINIC, "to: front-desk", "to: frontdesk")
        house.edit(GATEWAY, "cs-secret", "another-secret")

        with pytest.raises(ConfigErrors) as told:
            await reloaded(house)

        assert [line.partition(": ")[0] for line in told.value.lines] == ["clinics/lakeside.yaml:16"]
        assert house.services.configured.config is config
        assert (await house.submit(call_back())).state == "submitted"


@run
async def test_a_held_delivery_keeps_its_words_and_its_version_and_goes_out_with_todays_credentials(house):
    async with house.open():
        house.road.answers(reply(401), receipt(1))
        held = await house.submit(call_back(), app=house.intake)
        assert (held.state, held.waiting_for) == ("held", "connection")
        house.edit(GATEWAY, "cs-secret", "mended-secret")
        house.edit(CLINIC, "timezone: America/Chicago", "timezone: America/Denver")

        await reloaded(house)

        sent = await house.comes_to(held, "submitted")
        assert sent.config_version == held.config_version
        assert (sent.content.values, sent.content.mapping) == (held.content.values, held.content.mapping)
        today = house.services.configured.clinic("lakeside").version
        assert await versions(house, held) == [held.config_version, today]
    first, second = house.road.creates
    assert second.headers["client_secret"] == "mended-secret"
    assert second.content == first.content


@run
async def test_a_delivery_accepted_for_one_vendor_is_never_sent_to_another(house):
    async with house.open():
        await house.store.pause("lakeside", "emr", BLOCKED, house.clock, BY_OPERATOR)
        held = await house.submit(call_back())
        house.edit(
            CLINIC,
            "account: cobalt-main\n    emr: eclinicalworks\n    reference_id: user_lakeside\n"
            "    credentials: {access_token: at-secret}",
            "account: solum\n    defaults: {created_by: id:b0}",
        )
        await reloaded(house)
        await house.store.resume("lakeside", "emr", house.clock)
        house.services.dispatcher.wake()

        await house.comes_to(held, "held")
        await house.rests()

        now = await house.now(held)
        assert (now.state, now.content.problem.code) == ("held", "connection-changed")
        assert await house.store.paused() == ()
    assert house.road.creates == []


@run
async def test_what_a_change_of_connection_held_goes_out_once_the_connection_is_as_it_was(house):
    here = "account: cobalt-main\n    emr: eclinicalworks"
    async with house.open():
        await house.store.pause("lakeside", "emr", BLOCKED, house.clock, BY_OPERATOR)
        held = await house.submit(call_back())
        house.edit(CLINIC, here, "account: cobalt-main\n    emr: athenahealth")
        await reloaded(house)
        await house.store.resume("lakeside", "emr", house.clock)
        house.services.dispatcher.wake()
        await house.rests()
        assert (await house.now(held)).content.problem.code == "connection-changed"

        house.edit(CLINIC, "account: cobalt-main\n    emr: athenahealth", here)
        await reloaded(house)

        assert (await house.now(held)).state == "submitted"
    assert len(house.road.creates) == 1


@run
async def test_an_unknown_is_not_looked_up_at_a_vendor_it_was_not_sent_to(house):
    async with house.open():
        house.road.answers(ConnectionResetError())
        lost = await house.submit(call_back(type="vob"))
        assert (lost.state, lost.adapter) == ("unknown", "task_api")
        house.edit(
            CLINIC,
            "account: solum",
            "account: cobalt-main\n    emr: eclinicalworks\n    credentials: {access_token: x}",
        )
        await reloaded(house)
        looked = len(house.road.sent)

        house.advance(days=1)
        await house.rests()

        assert (await house.now(lost)).state == "unknown"
        assert len(house.road.sent) == looked


@run
async def test_a_note_on_a_task_whose_connection_became_another_one_is_refused(house):
    async with house.open():
        task = await house.submit(call_back())
        house.edit(CLINIC, "emr: eclinicalworks", "emr: athenahealth")
        await reloaded(house)

        with pytest.raises(Refused) as refused:
            await house.hand_in({"task_id": task.id, "text": "Called back."}, AddNote)

        assert refused.value.problem.code == "unknown-connection"


@run
async def test_a_reload_leaves_the_database_and_says_that_it_needs_a_restart(house):
    async with house.open():
        house.edit(GATEWAY, "sqlite:///unused.db", "sqlite:///another.db")

        assert (await reloaded(house)).restart_needed == ["database"]


@run
async def test_new_deadlines_hold_from_the_reload_on(house):
    async with house.open():
        house.edit(GATEWAY, "mode: development", "mode: development\ntimeouts: {connect: 1, send: 2}")
        await reloaded(house)

        assert house.services.configured.config.timeouts == Timeouts(connect=1, send=2)
        await house.submit(call_back())
    (request,) = house.road.creates
    assert request.extensions["timeout"]["connect"] == 1


@run
async def test_an_account_that_goes_while_it_is_sent_to_leaves_no_place_taken_when_it_comes_back(house):
    held_up = asyncio.Event()
    account = (
        "  solum:\n    adapter: task_api\n    base_url: http://solum.test\n    credentials: {api_key: sk-secret}\n"
    )
    account += "    limits: {concurrency: 3}\n"
    connection = "  front-desk:\n    account: solum\n"
    async with house.open():
        house.road.connect = held_up.wait
        going = await house.hand_in(call_back(type="vob"))
        house.edit(GATEWAY, account, "")
        house.edit(CLINIC, connection, "  front-desk:\n    account: harbour-main\n")
        house.edit(
            CLINIC, "    defaults: {created_by: bot, assignees: [bot], due_in: 2d, title_from: description}\n", ""
        )
        await house.services.reloader.reload("admin")
        held_up.set()
        await house.comes_to(going.record, "unknown")
        house.edit(GATEWAY, "accounts:\n", f"accounts:\n{account}")
        await reloaded(house)

        assert (await house.store.standing()).in_flight == {}


@run
async def test_tokens_are_asked_for_anew_since_the_credentials_may_be_others(house):
    vendor = Harbour(house.road)
    async with house.open():
        await house.submit(HARBOUR)
        house.edit(GATEWAY, "password: harbour-secret", "password: another-secret")

        await reloaded(house)

        await house.submit(HARBOUR)
    assert vendor.seen == ["token-1", "token-2"]
    assert b"another-secret" in [request.content for request in house.road.sent if request.url.path == "/token"][-1]


@run
async def test_a_token_that_was_on_its_way_during_a_reload_is_kept_for_nobody(house):
    vendor, held_up = Harbour(house.road), asyncio.Event()
    async with house.open():
        house.road.connect = held_up.wait
        going = await house.hand_in(HARBOUR)
        await until(lambda: house.road.touched)
        house.edit(GATEWAY, "password: harbour-secret", "password: another-secret")
        await house.services.reloader.reload("admin")
        held_up.set()
        await house.comes_to(going.record, "delivered")

        await house.submit(HARBOUR)
    assert vendor.seen == ["token-1", "token-2"]


@run
async def test_a_reload_is_whole_though_the_store_is_away_and_the_store_is_told_once_it_is_back(house, monkeypatch):
    monkeypatch.setattr("gateway.flows.reload._AGAIN", 0.01)
    async with house.open():
        house.road.answers(reply(401), receipt(1))
        held = await house.submit(call_back(), app=house.intake)
        assert (held.state, held.waiting_for) == ("held", "connection")
        house.edit(GATEWAY, "cs-secret", "mended-secret")
        house.edit(CLINIC, "timezone: America/Chicago", "timezone: America/Denver")
        house.edit(GATEWAY, "intake: {", f"intake: {{callback: {{url: 'https://intake.test', secrets: [{SECRET}]}}, ")
        try_connections, away = house.store.try_connections, iter([True, True, True])

        async def busy(now):
            if next(away, False):
                raise StoreUnavailable("locked")
            await try_connections(now)

        monkeypatch.setattr(house.store, "try_connections", busy)
        done = await house.services.reloader.reload("admin")

        assert done.changed == ["lakeside"]
        assert house.services.reloader.last.done == done
        assert house.services.configured.clinic("lakeside").timezone.key == "America/Denver"
        await house.comes_to(held, "submitted")
        await until(lambda: house.endpoints.told)
    assert house.road.creates[-1].headers["client_secret"] == "mended-secret"


# Other processes


@run
async def test_a_reload_elsewhere_is_followed_here_and_told_to_nobody(house, monkeypatch):
    told = []
    async with house.open():
        monkeypatch.setattr(house.store.bell, "tell", told.append)
        await reloaded(house)
        assert told == [RELOADED]
        house.edit(CLINIC, "timezone: America/Chicago", "timezone: America/Denver")

        house.store.bell.ring(RELOADED)

        await until(lambda: house.services.configured.clinic("lakeside").timezone.key == "America/Denver")
        await until(lambda: house.services.reloader.last.by == "another replica")
    assert told == [RELOADED]


@run
async def test_files_with_mistakes_are_not_followed_and_those_that_come_after_them_are(house):
    async with house.open():
        config = house.services.configured.config
        await until(lambda: RELOADED in house.store.bell.names())
        house.edit(CLINIC, "to: front-desk", "to: frontdesk")
        house.store.bell.ring(RELOADED)
        await until(lambda: house.services.reloader.last)
        assert [line.partition(": ")[0] for line in house.services.reloader.last.mistakes] == [
            "clinics/lakeside.yaml:16"
        ]
        assert house.services.configured.config is config

        house.edit(CLINIC, "to: frontdesk", "to: front-desk")
        house.store.bell.ring(RELOADED)

        await until(lambda: house.services.reloader.last.done)
    assert house.services.configured.config is not config
