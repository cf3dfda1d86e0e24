"""A dry run is what a submit would be, and does nothing: it has no way out, and a store that takes no write."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from flows.doubles import NOW, House, call_back, event
from running import run, until

from gateway.flows.configured import Configured
from gateway.flows.submit import Desk
from gateway.rules.masking import masked
from gateway.store.sqlite import SqliteStore
from gateway.world import World
from schemas.command import AddNote, CreateClaim, CreateTask
from schemas.problem import problem

SHIPPED = Path(__file__).parents[2] / "config"
ODD_TEXT = 'Dr. "Ok\u00e1for"\\ \u2028 \U0001f600 </script> \u0007\r\n\ttab'
EVERYTHING = {
    "description": ODD_TEXT, "title": ODD_TEXT, "patient": {"mrn": "1", "ids": {"task_api": "p-1", "cobalt": "p-2"}},
    "assignees": ["dr-wilson", "id:x"], "created_by": "dr-wilson", "due_at": "2026-03-05T09:00:00.123456+01:00",
    "priority": "high", "status": "pending", "type": "other", "tags": ["fax", ODD_TEXT], "notify": ["dr-wilson"],
    "phone_call_type_id": "7", "encounter_note_id": "n-1", "source": {"call_id": "c", "fax_id": "f"},
    "reference": "r", "metadata": {"k": "v"},
}  # fmt: skip
EXTRAS = {
    "queue": ODD_TEXT, "": None, "numbers": [1.0, 1e22, -0.0, 5e-324, 2**64, 10**30, -(2**63)],
    "deep": {"z": {"a": [[], {}, None, True]}},
}  # fmt: skip

# fmt: off
SENT = {
    "Cobalt: all of a task": (CreateTask, {"clinic_id": "lakeside-family", **EVERYTHING}),
    "Cobalt: a task from defaults": (
        CreateTask, {"clinic_id": "riverbend-pediatrics", "description": "Call back", "patient": {"mrn": "1"}}),
    "Cobalt: a note": (AddNote, {"clinic_id": "lakeside-family", "emr_task_id": "e-1", "text": ODD_TEXT}),
    "Cobalt: a claim": (CreateClaim, {"clinic_id": "lakeside-family", "appointment_id": ODD_TEXT[:200]}),
    "the task API: all of a task": (
        CreateTask, {"clinic_id": "hilltop-clinic", **EVERYTHING, "vendor_fields": {"task_api": EXTRAS}}),
    "the task API: a task from defaults": (CreateTask, {"clinic_id": "hilltop-clinic", "description": ODD_TEXT}),
    "MaxCare: all of a task": (CreateTask, {"clinic_id": "harbor-dermatology", **EVERYTHING}),
}
# fmt: on
OF_HTTP = {"host", "content-length", "content-type", "accept", "accept-encoding"}
"""What every request carries besides."""


class Shown(msgspec.Struct):
    """The request in the answer to an explain, its body as the very bytes."""

    method: str
    url: str
    headers: dict[str, str]
    json: msgspec.Raw


class Told(msgspec.Struct):
    would: str
    mapping: list[dict[str, str]]
    request: Shown


@pytest.mark.parametrize(("kind", "body"), SENT.values(), ids=SENT)
@run
async def test_the_request_that_is_shown_is_byte_for_byte_what_the_vendor_receives(tmp_path, kind, body):
    house = House(tmp_path / "gateway.db", directory=SHIPPED)
    async with house.open():
        explained = await house.services.desk.explain(house.submission(body, kind))
        record = await house.submit(body, kind)
        await until(lambda: house.road.creates)
        connection = house.services.configured.way_of(record)

    told = msgspec.json.decode(msgspec.json.encode(explained), type=Told)
    [received] = house.road.creates
    shown = {name.lower(): value for name, value in told.request.headers.items()}
    headers = {name.lower(): masked(value, connection.link()) for name, value in received.headers.items()}
    zeros = f"{record.id.partition('_')[0]}_{'0' * 32}"
    assert told.would == "send"
    assert (received.method, str(received.url)) == (told.request.method, told.request.url)
    assert received.content == bytes(told.request.json).replace(zeros.encode(), record.id.encode())
    assert headers.keys() - shown.keys() == OF_HTTP
    assert {**headers, **shown} == headers
    assert "***" in str(shown)
    assert told.mapping == msgspec.to_builtins(record.content.mapping)


@run
async def test_explain_needs_no_way_out_and_no_store_to_write_to(house):
    async with house.open():
        known = await house.submit(call_back(1))
        await house.push(event("task.created", emr_task_id="emr-1"))
        sent = await house.submit(call_back(2))
        await house.submit({"clinic_id": "lakeside", "appointment_id": "apt-1"}, CreateClaim)
        await house.store.pause("lakeside", "front-desk", problem("connection-blocked"), NOW)
        asked = [
            house.submission(body, kind, strict=strict)
            for kind, body in (
                (CreateTask, call_back(3, title="x", tags=["lost"])),
                (CreateTask, call_back(3, type="vob")),
                (CreateTask, call_back(3, patient={}, status="completed", assignees=["nobody"])),
                (CreateTask, {"clinic_id": "nowhere", "description": 5}),
                (AddNote, {"task_id": known.id, "text": "x"}),
                (AddNote, {"task_id": sent.id, "text": "x"}),
                (AddNote, {"task_id": "tsk_none", "text": "x"}),
                (AddNote, {"clinic_id": "lakeside", "emr_task_id": "e", "text": "x"}),
                (CreateClaim, {"clinic_id": "lakeside", "appointment_id": "apt-1"}),
                (CreateClaim, {"clinic_id": "lakeside", "appointment_id": "apt-2"}),
            )
            for strict in (False, True)
        ]
        at_work = [await house.services.desk.explain(each) for each in asked]

    store = SqliteStore(house.path, house._new_id)
    await store.open(read_only=True)
    world = World(now=lambda: NOW, new_id=house._new_id, roll=lambda: 0.5)
    shut_in = Desk(store, None, Configured(house.config), world)  # no dispatcher: no transport either
    try:
        alone = [await shut_in.explain(each) for each in asked]
    finally:
        await store.close()

    assert alone == at_work
    assert [each.would for each in alone[::2]] == [
        "send", "hold", "refuse", "refuse", "send", "hold", "refuse", "send", "refuse", "send",
    ]  # fmt: skip
    assert len(house.road.sent) == 3
