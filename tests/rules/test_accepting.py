"""How a new delivery begins."""

import pytest
from rules.records import NOW, note, record

from gateway.rules.accepting import begun, parent_was_not_created
from schemas.problem import problem

WHY = problem("connection-blocked", "Link it again.")
NEW = note("queued", attempted=False)


def test_a_new_delivery_is_queued_and_due_at_once():
    after = begun(record(), parent=None, blocked=None)

    assert (after.state, after.due_at, after.waiting_for, after.version) == ("queued", NOW, None, 1)


def test_it_is_held_while_its_connection_is_paused():
    after = begun(record(), parent=None, blocked=WHY)

    assert (after.state, after.due_at, after.waiting_for, after.content.problem) == ("held", None, "connection", WHY)


@pytest.mark.parametrize("state", ["queued", "held", "sending", "submitted", "unknown", "delivered"])
def test_a_note_is_held_until_its_task_has_its_emr_id(state):
    after = begun(NEW, parent=record(state), blocked=None)

    assert (after.state, after.waiting_for, after.due_at) == ("held", "parent", None)
    assert "emr_task_id" not in after.values


def test_a_note_takes_its_task_s_emr_id_and_goes():
    after = begun(NEW, parent=record("delivered", emr_id="e-9"), blocked=None)

    assert (after.state, after.emr_task_id, after.due_at) == ("queued", "e-9", NOW)
    assert after.values == {"text": "Called", "emr_task_id": "e-9"}


def test_a_note_may_wait_for_both():
    after = begun(NEW, parent=record("submitted"), blocked=WHY)

    assert (after.state, after.awaits_parent, after.awaits_connection) == ("held", True, True)
    assert after.waiting_for == "parent"


def test_a_note_whose_task_is_known_waits_for_a_paused_connection_alone():
    after = begun(NEW, parent=record("delivered", emr_id="e-9"), blocked=WHY)

    assert (after.state, after.waiting_for, after.emr_task_id) == ("held", "connection", "e-9")


# fmt: off
PARENTS = {
    "a rejected task": (record("rejected"), True),
    "a failed task": (record("failed"), True),
    "a cancelled task": (record("cancelled"), True),
    "a failed task that may have been created": (record("failed", conflict=True), False),
    "an unknown task": (record("unknown"), False),
    "a queued task": (record(), False),
    "a delivered task": (record("delivered"), False),
}
# fmt: on


@pytest.mark.parametrize(("parent", "nothing"), PARENTS.values(), ids=PARENTS)
def test_there_is_nothing_to_put_a_note_on_when_its_task_was_not_created(parent, nothing):
    assert parent_was_not_created(parent) == nothing
