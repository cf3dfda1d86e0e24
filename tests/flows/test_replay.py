"""Replaying stored commands: what another configuration would do otherwise, with nothing sent and nothing written."""

from __future__ import annotations

from shutil import copytree

import msgspec
import pytest
from flows.doubles import HOUSE, call_back
from msgspec import structs
from running import run

from gateway.clinics import load
from gateway.flows.replay import newest, replay
from schemas.command import AddNote, CreateClaim
from schemas.problem import problem

LAKESIDE = "clinics/lakeside.yaml"
AWAY = (
    "connection harbour -> emr, adapter harbour -> cobalt, emr none -> eclinicalworks,"
    " account harbour-main -> cobalt-main, address http://harbour.test -> http://cobalt.test"
)


@pytest.fixture
def other(tmp_path):
    """The house's configuration, with one text put in place of another."""

    def changed(old="", new="", file=LAKESIDE):
        whole = copytree(HOUSE, tmp_path / "other", dirs_exist_ok=True)
        text = (whole / file).read_text()
        assert old in text
        (whole / file).write_text(text.replace(old, new, 1))
        return load(whole, {})

    return changed


async def told(house, config):
    """Kind, what, and how often; the whole never shows what callers wrote."""
    steps = []
    replayed = await replay(house.store, await newest(house.store, 200), house.config, config, lambda: steps.append(1))
    assert replayed.commands == len(steps)
    shown = msgspec.json.encode(replayed).decode()
    assert "patient back" not in shown
    assert "MRN-" not in shown
    return [(each.kind, each.what, each.count) for each in replayed.differences]


async def accepted(house, count=1, **more):
    return [await house.submit(call_back(number, **more)) for number in range(1, count + 1)]


@run
async def test_the_same_configuration_changes_nothing(house, other):
    async with house.open():
        house.road.answers()
        task, *_ = await accepted(house, 3)
        await house.submit({"text": "Called", "task_id": task.id}, AddNote)
        await house.submit({"clinic_id": "lakeside", "appointment_id": "a1"}, CreateClaim)
        await accepted(house, type="vob")
        house.advance(days=3)

        assert await told(house, other()) == []


@run
async def test_commands_that_would_go_another_way_are_told_with_what_becomes_of_their_fields(house, other):
    async with house.open():
        await accepted(house, 2, type="other")
        await accepted(house, 3, title="Refill", type="harbour")

        assert await told(house, other("type: [harbour]", "type: [harbor]")) == [
            ("route", AWAY, 3),
            ("mapping", "title: not_carried -> sent", 3),
            ("mapping", "patient.mrn: folded -> sent", 3),
            ("mapping", "type: sent -> not_carried", 3),
        ]


@run
async def test_commands_that_would_be_refused_are_told_with_the_rule(house, other):
    async with house.open():
        await accepted(house, 2)
        await accepted(house, 1, title="CANARY")
        config = other("routes:", "capabilities: {emr: {create_task: {fields: {title: required}}}}\nroutes:")

        assert await told(house, config) == [
            ("refused", "missing-required-fields: title (clinics/lakeside.yaml: capabilities.emr (operator))", 2)
        ]


@run
async def test_a_default_counts_from_when_the_command_was_accepted(house, other):
    async with house.open():
        await accepted(house, type="vob")
        house.advance(days=5)  # the clocks are put forward the day after
        await accepted(house, type="vob")

        assert await told(house, other("due_in: 2d", "due_in: 48h")) == [("mapping", "due_at: another value", 1)]
        assert await told(house, other("due_in: 2d", "due_in: 3d")) == [("mapping", "due_at: another value", 2)]


@run
async def test_a_person_with_another_id_is_another_value(house, other):
    async with house.open():
        await accepted(house, 1, type="vob")

        assert await told(house, other("b0b0", "b1b1")) == [
            ("mapping", "assignees: another value", 1),
            ("mapping", "created_by: another value", 1),
        ]


@run
async def test_a_note_goes_where_its_task_went_wherever_the_task_would_go_now(house, other):
    async with house.open():
        task, *_ = await accepted(house)
        await house.submit({"text": "Called", "task_id": task.id}, AddNote)

        moved = await told(house, other("  - to: emr", "  - to: harbour"))

        assert [count for kind, _, count in moved if kind == "route"] == [1]


@run
async def test_a_command_whose_clinic_or_app_is_gone_would_be_refused(house, other):
    async with house.open():
        await accepted(house)
        apps = {"operator": house.operator.app}

        assert await told(house, structs.replace(other(), apps=apps)) == [
            ("refused", "unauthenticated (gateway.yaml: no app intake)", 1)
        ]
        assert await told(house, structs.replace(other(), clinics={})) == [
            ("refused", "unknown-clinic: its clinic is not configured", 1)
        ]
        house.config = structs.replace(house.config, clinics={})
        assert await told(house, structs.replace(other(), clinics={})) == [
            ("clinic", "its clinic is in neither configuration", 1)
        ]


@run
async def test_a_command_that_would_go_to_a_paused_connection_would_wait(house, other):
    async with house.open():
        await accepted(house, type="harbour")
        await house.store.pause("lakeside", "emr", problem("connection-blocked"), house.clock)
        moved = await told(house, other("type: [harbour]", "type: [harbor]"))

        assert ("held", "waits", 1) in moved


@run
async def test_only_the_newest_commands_are_planned_again(house):
    async with house.open():
        tasks = await accepted(house, 3)

        assert [record.id for record in await newest(house.store, 2)] == [tasks[2].id, tasks[1].id]


@run
async def test_a_command_that_cannot_be_read_is_counted_and_never_taken_for_unchanged(house, other):
    async with house.open():
        await accepted(house, 2)
        first, second = await newest(house.store, 2)
        sealed = structs.replace(first, content=structs.replace(first.content, command={}, sealed=b"s"))

        replayed = await replay(house.store, (sealed, second), house.config, other(), lambda: None)

    assert (replayed.commands, replayed.unreadable, replayed.sound) == (1, 1, False)
