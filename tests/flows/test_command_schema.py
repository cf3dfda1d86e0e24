"""What passes a command's schema passes the gateway's check, and what fails it fails."""

import asyncio
import json

import pytest
from flows.makes import CAREFUL, SHIPPED, TOGETHER, WANTING, chances, made_up, shipped
from flows.posted import commands, oddities
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import structs
from rules.clinics import CONFIG
from rules.records import NOW, record

from gateway.errors import Refused
from gateway.flows.configured import Configured
from gateway.flows.planner import Planner, Submission
from gateway.rules.command_schema import command_schema
from gateway.rules.reading import read
from schemas.command import NAMING

KINDS = {naming.operation: command for command, naming in NAMING.items()}
APP = structs.replace(CONFIG.apps["intake"], clinics=frozenset("*"))


class Tasks:
    """A store that has one task."""

    def __init__(self, task):
        self._task = task

    async def get(self, delivery_id):
        return self._task if delivery_id == self._task.id else None


def taken_by(clinic, connection, name, posted, emr_id=None):
    """The connection that takes the command, or why none does. The one task there is lives on `connection`."""
    lives_at = {"connection": connection.name, "account": connection.account.name, "emr": connection.emr}
    task = record("submitted", clinic_id=clinic.id, adapter=connection.adapter.name, emr_id=emr_id, **lives_at)
    config = structs.replace(CONFIG, clinics={clinic.id: clinic})
    planner = Planner(Tasks(task), Configured(config))
    submission = Submission(app=APP, draft=read(posted, KINDS[name]), kind=KINDS[name], posted=posted)
    try:
        planned = asyncio.run(planner.plan(submission, NOW))
        planned.check()
    except Refused as refused:
        return [(error.code, error.pointer, error.detail) for error in refused.problem.errors]
    return planned.plan.connection.name


def agree(made, schema, posted, emr_id=None):
    """Schema and gateway say the same of a body; what that is."""
    valid = schema.is_valid(posted)
    taken = taken_by(*made, posted, emr_id)
    assert valid == (taken == made[1].name), (json.dumps(posted)[:2000], taken)
    return valid


def schema_of(clinic, connection, name):
    return Draft202012Validator(command_schema(clinic, connection, name, NOW))


EACH = {
    f"{name} of {clinic.id} through {connection.name}": (clinic, connection, name)
    for clinic in (*SHIPPED, TOGETHER, CAREFUL, WANTING)
    for connection, name in chances(clinic)
}
EMR_IDS = st.sampled_from([None, "e-1"])
GENERATED = settings(max_examples=150)


@pytest.mark.parametrize("made", EACH.values(), ids=EACH)
def test_schema_and_check_agree_on_each_oddity_alone(made):
    schema = schema_of(*made)

    told = [agree(made, schema, posted) for posted in oddities(*made)]

    assert told[0], "the command without oddities"
    assert set(told) == {True, False}


@GENERATED
@given(data=st.data())
def test_schema_and_check_agree_on_commands_for_the_shipped_clinics(data):
    made = data.draw(shipped())
    agree(made, schema_of(*made), data.draw(commands(*made)), data.draw(EMR_IDS))


@GENERATED
@given(data=st.data())
def test_schema_and_check_agree_whatever_a_clinic_s_rules(data):
    made = data.draw(made_up())
    agree(made, schema_of(*made), data.draw(commands(*made)), data.draw(EMR_IDS))


@settings(GENERATED, max_examples=25)
@given(made=made_up())
def test_a_schema_is_sound_whatever_a_clinic_s_rules(made):
    Draft202012Validator.check_schema(command_schema(*made, NOW))
