"""Every fault of the wire, for each vendor: the exact verdict, and at most one create that arrived.

Real store, real transport, a raw socket for a vendor. Nothing is looked up here, so that what an attempt alone proved
can be seen.
"""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest
from msgspec import structs
from running import run
from transport.test_faults import (
    closed_after_reading,
    closed_at_once,
    drips,
    early_refusal,
    endless,
    reset_after_reading,
    reset_at_once,
    says,
    silent_after_reading,
)
from transport.vendor import Answering, Vendor, answers

from gateway.app import running
from gateway.clinics import load
from gateway.flows.planner import Submission
from gateway.rules.clinic import Config, Follow, Timeouts
from gateway.rules.reading import read
from gateway.store.base import Store
from gateway.store.postgres import PostgresStore
from gateway.store.sqlite import SqliteStore
from gateway.world import World
from schemas.command import CreateTask

ROOT = Path(__file__).parents[2]
UNHURRIED = World(roll=lambda: 0.999)
"""What was not applied is tried again as late as chance has it."""
NEVER = Follow(submitted=(9999,), submitted_without_webhook=(9999,), unknown=(9999,))
CLINICS = {"cobalt": "lakeside-family", "task_api": "hilltop-clinic", "maxcare": "harbor-dermatology"}
TASK = {
    "title": "Follow-up appointment needed",
    "description": "Schedule a follow-up appointment to review the lab results.",
    "patient": {"mrn": "MRN-12345"},
    "assignees": ["dr-wilson"],
    "due_at": "2027-03-01T09:00:00-06:00",
    "encounter_note_id": "nte_3cc73cb69c59403ca9108af6c5693b25",
}


def status(number: int, body: bytes = b"<html>a proxy's page</html>", extra: bytes = b"") -> Answering:
    return answers(b"HTTP/1.1 %d Whatever\r\ncontent-length: %d\r\n%s\r\n%s" % (number, len(body), extra, body))


ZIPPED = gzip.compress(b'{"success": true, "task_id": "t"}')
FAULTS: dict[str, tuple[Answering, str]] = {
    "accepted, then closed": (closed_at_once, "unknown"),
    "accepted, then reset": (reset_at_once, "unknown"),
    "read all, then closed": (closed_after_reading, "unknown"),
    "read all, then reset": (reset_after_reading, "unknown"),
    "read all, then silent": (silent_after_reading, "unknown"),
    "an early 413": (early_refusal, "rejected"),
    "a garbage status line": (says(b"SPEAK FRIEND AND ENTER\r\n\r\n"), "unknown"),
    "truncated headers": (says(b"HTTP/1.1 200 OK\r\ncontent-le"), "unknown"),
    "a 200 with a truncated body": (says(b'HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{"succ'), "unknown"),
    "a 200 with a truncated chunk": (
        says(b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\n{"succ'), "unknown",
    ),
    "a 200 that drips for ever": (drips(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", b"."), "unknown"),
    "headers that drip for ever": (drips(b"HTTP/1.1 200 OK\r\nx: ", b"."), "unknown"),
    "a 200 with an endless body": (endless, "unknown"),
    "a 200 in gzip": (status(200, ZIPPED, b"content-encoding: gzip\r\n"), "unknown"),
    "a 200 with a page": (status(200), "unknown"),
    "a 200 with an empty object": (status(200, b"{}"), "unknown"),
    "a 200 with null": (status(200, b"null"), "unknown"),
    "a 204": (status(204, b""), "unknown"),
    "a 101 unasked": (status(101, b""), "unknown"),
    "a 301": (status(301, extra=b"location: /elsewhere\r\n"), "unknown"),
    "a 307": (status(307, extra=b"location: /elsewhere\r\n"), "held"),
    "a 400": (status(400), "rejected"),
    "a 401": (status(401), "held"),
    "a 402": (status(402), "held"),
    "a 403": (status(403), "held"),
    "a 404 of a proxy": (status(404), "held"),
    "a 405": (status(405), "held"),
    "a 408": (status(408), "unknown"),
    "a 409": (status(409), "rejected"),
    "a 422": (status(422), "rejected"),
    "a 425": (status(425), "queued"),
    "a 429": (status(429, extra=b"retry-after: 600\r\n"), "queued"),
    "a 500": (status(500), "unknown"),
    "a 502": (status(502), "unknown"),
    "a 503": (status(503, extra=b"retry-after: 1\r\n"), "unknown"),
    "a 504": (status(504), "unknown"),
}  # fmt: skip


LASTING = ("read all, then silent", "a 200 that drips for ever", "headers that drip for ever")
"""What only the deadline ends. For all others it is far off: a machine that stands still is no fault of theirs."""


def pointed_at(url: str, send: float = 10) -> Config:
    """The shipped configuration with every vendor at one address; `send`: an attempt's deadline in seconds."""
    config = load(ROOT / "config", {})
    accounts = {name: structs.replace(account, base_url=url) for name, account in config.accounts.items()}
    clinics = {
        clinic_id: structs.replace(
            clinic,
            connections={
                name: structs.replace(connection, account=accounts[connection.account.name])
                for name, connection in clinic.connections.items()
            },
        )
        for clinic_id, clinic in config.clinics.items()
    }
    timeouts = Timeouts(connect=10, send=send)
    return structs.replace(config, accounts=accounts, clinics=clinics, timeouts=timeouts, follow=NEVER)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request, tmp_path) -> Store:
    new_id = World().new_id
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "gateway.db", new_id)
    return PostgresStore(request.getfixturevalue("database"), new_id)


@pytest.mark.parametrize("vendor", CLINICS)
@pytest.mark.parametrize("fault", FAULTS)
@run
async def test_a_fault_of_the_wire_gets_its_verdict_and_at_most_one_create(store: Store, vendor: str, fault: str):
    does, state = FAULTS[fault]
    send = 1 if fault in LASTING else 10
    async with (
        Vendor(does).open() as stand_in,
        running(pointed_at(stand_in.url, send), UNHURRIED, store, None) as services,
    ):
        posted = {"clinic_id": CLINICS[vendor], **TASK}
        app = services.configured.config.apps["operator"]
        submission = Submission(app=app, draft=read(posted, CreateTask), kind=CreateTask, posted=posted)

        record = (await services.desk.submit(submission)).record
        record = await services.desk.settled(record, final=False, within=20)
        await asyncio.sleep(0.02)

        settled = await store.get(record.id)
        assert settled is not None
        assert (settled.state, settled.attempts) == (state, 1)
        assert len(stand_in.requests) <= 1


@pytest.mark.parametrize("vendor", CLINICS)
@run
async def test_a_vendor_that_is_not_there_was_sent_nothing_and_is_tried_again(store: Store, vendor: str):
    async with Vendor(closed_at_once).open() as gone:
        url = gone.url
    async with running(pointed_at(url), UNHURRIED, store, None) as services:
        posted = {"clinic_id": CLINICS[vendor], **TASK}
        app = services.configured.config.apps["operator"]
        submission = Submission(app=app, draft=read(posted, CreateTask), kind=CreateTask, posted=posted)

        record = (await services.desk.submit(submission)).record
        record = await services.desk.settled(record, final=False, within=20)

        assert (record.state, record.attempted, record.doubt) == ("queued", False, False)
