"""What the gateway owes its client, and the fake what the gateway does: the same tests on both."""

from __future__ import annotations

import pytest
from web.world import answering, created_event, key_of
from web.world import gateway as made

from gateway.client import Client, Conflict, FakeGateway, NotFound, Refused, Rejected
from schemas.command import AddNote, CreateClaim, CreateTask, Patient

TASK = CreateTask(clinic_id="north", description="Call back.", patient=Patient(mrn="MRN-1"))
CLAIM = CreateClaim(clinic_id="north", appointment_id="apt-1")
STEPS = ["queued", "sending", "submitted"]


class Fake:
    """What an app's tests have."""

    def __init__(self):
        self.gateway = FakeGateway()
        self.client = Client("http://gateway.test", "tgk_test", transport=self.gateway)

    def becomes(self, delivery, state):
        self.gateway.becomes(delivery.id, state)

    def refuses(self):
        self.gateway.then = "rejected"


class Real:
    """The gateway, before a vendor that takes what it gets and tells of it later."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.client = Client("http://testserver.local", key_of("everything"), transport=gateway.client._transport)

    def becomes(self, delivery, state):
        event = created_event({"vendor": {"id": delivery.vendor.id, "job_id": delivery.vendor.job_id}})
        verb = "created" if state == "delivered" else "failed"
        answer = self.gateway.push({**event, "type": f"{delivery.kind}.{verb}"})
        assert answer.status_code == 200
        assert self.client.wait(delivery.id, within=5).state == state

    def refuses(self):
        self.gateway.vendors.handler = answering(400, json={"success": False, "message": "no such patient"})


@pytest.fixture(params=["fake", "real"])
def town(request, tmp_path):
    if request.param == "fake":
        yield Fake()
    else:
        with made(tmp_path) as gateway:
            yield Real(gateway)


def of(client, delivery):
    """The events of a delivery."""
    return [event for event in client.events() if event.data.get("id") == delivery.id]


def test_each_command_makes_a_delivery_of_its_kind_and_a_note_is_of_its_task_s_clinic(town):
    task = town.client.create_task(TASK)
    made = [task, town.client.add_note(AddNote(task_id=task.id, text="x")), town.client.create_claim(CLAIM)]

    assert [(each.kind, each.id.partition("_")[0], each.clinic_id) for each in made] == [
        ("task", "tsk", "north"), ("note", "note", "north"), ("claim", "clm", "north"),
    ]  # fmt: skip
    assert (task.state, task.final, task.safe_to_resend, task.attempts) == ("submitted", False, False, 1)
    assert {**task.command, "patient": None} == {"clinic_id": "north", "description": "Call back.", "patient": None}
    assert town.client.get(task.id) == task


def test_a_key_stands_for_one_command_at_one_place(town):
    first = town.client.create_task(TASK, idempotency_key="k-1")
    town.becomes(first, "delivered")
    again = town.client.create_task(TASK, idempotency_key="k-1")

    assert (again.id, again.state) == (first.id, "delivered")
    for other in (town.client.create_claim, town.client.create_task):
        with pytest.raises(Refused) as refused:
            other(
                CLAIM if other == town.client.create_claim else CreateTask(clinic_id="north", description="Another."),
                idempotency_key="k-1",
            )
        assert refused.value.problem.code == "idempotency-key-reused"


def test_what_is_nowhere_is_not_found(town):
    for nobody in ("tsk_nobody", "note_nobody", "clm_nobody", "nobody"):
        with pytest.raises(NotFound):
            town.client.get(nobody)


def test_a_wrong_command_is_refused_with_everything_wrong_and_leaves_its_key_unused(town):
    wrong = CreateTask(clinic_id="north", description="", tags=["gw:x"], patient=Patient(mrn="1"))
    with pytest.raises(Refused) as refused:
        town.client.create_task(wrong, idempotency_key="k-1")

    assert {error.pointer for error in refused.value.problem.errors} == {"/description", "/tags/0"}
    assert {problem.pointer for problem in town.client.explain(wrong).problems} == {"/description", "/tags/0"}
    assert (town.client.explain(wrong).would, town.client.explain(TASK).would) == ("refuse", "send")
    assert list(town.client.events()) == []
    assert town.client.create_task(TASK, idempotency_key="k-1").state == "submitted"


def test_a_note_needs_a_task_that_is_there_and_was_not_refused(town):
    with pytest.raises(Refused) as refused:
        town.client.add_note(AddNote(task_id="tsk_nobody", text="x"))
    assert refused.value.problem.code == "unknown-task"

    task = town.client.create_task(TASK)
    town.becomes(task, "failed")
    with pytest.raises(Conflict) as conflict:
        town.client.add_note(AddNote(task_id=task.id, text="x"))
    assert (conflict.value.problem.code, conflict.value.problem.delivery) == ("parent-not-created", {"id": task.id})


def test_a_claim_is_made_once_for_an_appointment_unless_the_first_one_failed(town):
    first = town.client.create_claim(CLAIM)
    with pytest.raises(Conflict) as conflict:
        town.client.create_claim(CLAIM)
    assert (conflict.value.problem.code, conflict.value.problem.delivery) == ("duplicate", {"id": first.id})

    town.becomes(first, "failed")
    assert town.client.create_claim(CLAIM).id != first.id


def test_what_ended_badly_is_told_so_each_time(town):
    town.refuses()
    ids = set()
    for _ in range(2):
        with pytest.raises(Rejected) as rejected:
            town.client.create_task(TASK, idempotency_key="k-1")
        delivery = rejected.value.problem.delivery
        assert (delivery["state"], delivery["final"], delivery["safe_to_resend"]) == ("rejected", True, True)
        assert (rejected.value.problem.status, rejected.value.problem.code) == (422, "vendor-rejected")
        ids.add(delivery["id"])
    (made,) = ids
    assert town.client.get(made).problem.code == "vendor-rejected"
    assert town.client.wait(made).state == "rejected"


@pytest.mark.parametrize(("state", "problem"), [("delivered", None), ("failed", "vendor-failed")])
def test_what_becomes_of_a_delivery_is_seen_by_who_waits_and_in_the_feed(town, state, problem):
    made = town.client.create_task(TASK)
    town.becomes(made, state)

    ended = town.client.wait(made.id)
    events = of(town.client, made)

    assert (ended.state, ended.final, ended.problem and ended.problem.code) == (state, True, problem)
    assert [event.type for event in events] == [f"task.{each}" for each in (*STEPS, state)]
    assert [event.data["version"] for event in events] == [1, 2, 3, 4] == [*range(1, ended.version + 1)]
    assert {event.clinic_id for event in events} == {"north"}
    last = events[-1].data
    assert {**last, "vendor": None} == {
        "id": made.id, "kind": "task", "clinic_id": "north", "state": state, "final": True,
        "safe_to_resend": state == "failed", "reference": None, "vendor": None, "problem": problem, "version": 4,
    }  # fmt: skip


def test_the_feed_goes_on_where_its_reader_left_off_and_knows_no_other_place(town):
    made = [town.client.create_task(TASK) for _ in range(3)]
    every = list(town.client.events())

    assert list(town.client.events("evt_0")) == every
    assert [event.data["id"] for event in every] == [each.id for each in made for _ in STEPS]
    for place, event in enumerate(every):
        assert list(town.client.events(event.id)) == every[place + 1 :]
    with pytest.raises(Refused) as refused:
        list(town.client.events("evt_nobody"))
    assert refused.value.problem.code == "invalid-parameter"
