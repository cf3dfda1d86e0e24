"""What is learnt of the capability table while commands are sent."""

from __future__ import annotations

import asyncio
import shutil

import pytest
from flows.doubles import HOUSE, House, call_back, receipt, reply
from running import run, until

EVERYWHERE = frozenset({"*"})
TABLE = """
cobalt:
  athenahealth: {create_task: {fields: {title: optional}}}
  eclinicalworks: {create_task: {fields: {title: advisory}}}
"""
REFUSAL = {"success": False, "message": "Missing required field: subject"}


@pytest.fixture
def house(tmp_path):
    """The house, in files that a test edits; titles are on trial."""
    shutil.copytree(HOUSE, tmp_path / "config")
    (tmp_path / "config" / "emr_capabilities.yaml").write_text(TABLE)
    return House(tmp_path / "gateway.db", directory=tmp_path / "config")


@run
async def test_a_refusal_for_want_of_a_field_on_trial_is_both_observed_and_counted(house):
    async with house.open():
        house.road.answers(reply(400, REFUSAL), receipt())
        refused = await house.submit(call_back(1))
        await house.submit(call_back(2, title="Call back"))

        learnt = await house.store.drift(EVERYWHERE)

    assert [(seen.field, seen.delivery_id) for seen in learnt.observations] == [("title", refused.id)]
    assert [(trial.field, trial.accepted, trial.refused) for trial in learnt.trials] == [("title", 0, 1)]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("clinics/lakeside.yaml", "emr: eclinicalworks", "emr: athenahealth"),
        ("emr_capabilities.yaml", "title: advisory", "title: required"),
    ],
    ids=["the connection has become another EMR's", "the table requires the field by now"],
)
@run
async def test_a_refusal_teaches_nothing_that_the_configuration_in_force_does_not_call_for(house, file, old, new):
    held_up = asyncio.Event()

    async def answer(_request):
        await held_up.wait()
        return reply(400, REFUSAL)

    async with house.open():
        house.road.answer = answer
        going = await house.hand_in(call_back())
        await until(lambda: house.road.sent)
        house.edit(file, old, new)
        await house.services.reloader.reload("admin")
        held_up.set()

        assert (await house.comes_to(going.record, "rejected")).content.problem.code == "vendor-rejected"
        assert (await house.store.drift(EVERYWHERE)).observations == ()
