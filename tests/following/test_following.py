"""What is submitted or unknown is looked up at the sandbox vendors until it is settled: real store, real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import structs

from gateway.app import running
from gateway.clinics import load
from gateway.flows.ask import Finding
from gateway.flows.planner import Submission
from gateway.rules.change import Change
from gateway.rules.clinic import Caller, Config, Follow, Timeouts
from gateway.rules.reading import read
from gateway.rules.record import Record
from gateway.sandbox import CobaltSettings, cobalt_app, maxcare_app, serving, task_api_app
from gateway.stand_ins import at_sandbox
from gateway.store.sqlite import SqliteStore
from gateway.web.services import Services
from gateway.world import World
from schemas.command import CreateClaim, CreateTask

ROOT = Path(__file__).parents[2]
QUICK = Follow(
    submitted=(0.05, 0.1, 0.2),
    submitted_without_webhook=(0.05, 0.1, 0.2),
    unknown=(0.05, 0.1, 0.2),
    absence_gap=0.2,
)
TASK = {
    "title": "Follow-up appointment needed",
    "description": "Schedule a follow-up appointment to review the lab results.",
    "patient": {"mrn": "MRN-12345"},
    "assignees": ["dr-wilson"],
    "due_at": "2027-03-01T09:00:00-06:00",
    "encounter_note_id": "nte_3cc73cb69c59403ca9108af6c5693b25",
}
CLINICS = {"cobalt": "lakeside-family", "task_api": "hilltop-clinic", "maxcare": "harbor-dermatology"}


class Town:
    """The gateway's flows and the vendors they reach; no webhook reaches the gateway, so all is learnt by looking."""

    def __init__(self, services: Services, vendors: dict[str, str]) -> None:
        self.services = services
        self._vendors = vendors
        self._http = httpx.AsyncClient(trust_env=False)

    async def submit(self, kind: type[Any], **fields: Any) -> Record:
        app = self.services.configured.config.apps["operator"]
        submission = Submission(app=app, draft=read(fields, kind), kind=kind, posted=fields)
        return (await self.services.desk.submit(submission)).record

    async def task(self, vendor: str, **fields: Any) -> Record:
        return await self.submit(CreateTask, clinic_id=CLINICS[vendor], **{**TASK, **fields})

    async def fault(self, vendor: str, *faults: dict[str, Any]) -> None:
        (await self._http.put(f"{self._vendors[vendor]}/_sandbox/faults", json=list(faults))).raise_for_status()

    async def control(self, vendor: str, method: str, path: str, body: dict[str, Any]) -> None:
        answer = await self._http.request(method, f"{self._vendors[vendor]}/_sandbox/{path}", json=body)
        answer.raise_for_status()

    async def created(self, vendor: str) -> int:
        count: int = (await self._http.get(f"{self._vendors[vendor]}/_sandbox/created")).json()["count"]
        return count

    async def only_id(self, vendor: str) -> str:
        """The id of the one thing created there, once it is: a dropped request is carried out after the drop."""
        for _ in range(500):
            if await self.created(vendor):
                break
            await asyncio.sleep(0.01)
        (made,) = (await self._http.get(f"{self._vendors[vendor]}/_sandbox/created")).json()["items"]
        return str(made["id"])

    async def until(self, record: Record, is_so: Callable[[Record], bool], within: float = 10) -> Record:
        deadline = asyncio.get_running_loop().time() + within
        while asyncio.get_running_loop().time() < deadline:
            now = await self.services.store.get(record.id)
            assert now is not None
            if is_so(now):
                return now
            await asyncio.sleep(0.02)
        pytest.fail(f"still {now.state}, {now.looks} looks")

    async def aclose(self) -> None:
        await self._http.aclose()


@asynccontextmanager
async def town(tmp_path: Path, send: float = 0.5, first_look: float = 0.05, **clinic: Any) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        apps = {
            "cobalt": cobalt_app(CobaltSettings(completion_delay=0.05)),
            "task_api": task_api_app(),
            "maxcare": maxcare_app(),
        }
        vendors = {name: await stack.enter_async_context(serving(app)) for name, app in apps.items()}
        config = _at(load(ROOT / "config", {}), vendors, **clinic)
        follow = structs.replace(QUICK, unknown=(first_look, 0.1, 0.2))
        config = structs.replace(config, follow=follow, timeouts=Timeouts(connect=1, send=send))
        world = World()
        store = SqliteStore(tmp_path / "gateway.db", world.new_id)
        services = await stack.enter_async_context(running(config, world, store, None))
        here = Town(services, vendors)
        try:
            yield here
        finally:
            await here.aclose()


def _at(config: Config, vendors: dict[str, str], **clinic: Any) -> Config:
    config = at_sandbox(config, 0, config.database)
    accounts = {
        name: structs.replace(account, base_url=vendors[account.adapter.name], webhook_token=None)
        for name, account in config.accounts.items()
    }
    clinics = {
        clinic_id: structs.replace(
            one,
            connections={
                name: structs.replace(connection, account=accounts[connection.account.name])
                for name, connection in one.connections.items()
            },
            **clinic,
        )
        for clinic_id, one in config.clinics.items()
    }
    return structs.replace(config, accounts=accounts, clinics=clinics)


def played(tmp_path: Path, story: Callable[[Town], Awaitable[None]], **settings: Any) -> None:
    async def play() -> None:
        async with town(tmp_path, **settings) as here:
            await story(here)

    asyncio.run(play())


def is_in(*states: str) -> Callable[[Record], bool]:
    return lambda record: record.state in states


LOST = {"on": "create_task", "kind": "drop_after_read", "times": 1}
NEVER_THERE = {"on": "create_task", "kind": "drop_before", "times": 1}


def test_a_submitted_task_is_delivered_by_looking_when_no_webhook_comes(tmp_path: Path):
    async def story(here: Town) -> None:
        record = await here.until(await here.task("cobalt"), is_in("delivered"))

        assert record.emr_id is not None
        assert await here.created("cobalt") == 1

    played(tmp_path, story)


def test_a_submitted_task_that_failed_is_failed_by_looking_with_the_vendor_s_reason(tmp_path: Path):
    async def story(here: Town) -> None:
        record = await here.until(await here.task("cobalt", description="Call back. [sandbox:fail]"), is_in("failed"))

        assert record.content.problem is not None
        assert (record.content.problem.code, record.safe_to_resend) == ("vendor-failed", True)

    played(tmp_path, story)


@pytest.mark.parametrize("vendor", ["cobalt", "task_api", "maxcare"])
def test_a_task_whose_answer_was_lost_is_found_and_not_sent_again(tmp_path: Path, vendor: str):
    async def story(here: Town) -> None:
        await here.fault(vendor, LOST)
        record = await here.task(vendor)

        found = await here.until(record, is_in("delivered"))

        assert (found.attempts, found.vendor_id is not None) == (1, True)
        assert await here.created(vendor) == 1

    played(tmp_path, story)


@pytest.mark.parametrize("vendor", ["task_api", "maxcare"])
def test_a_task_proved_absent_by_two_complete_looks_is_sent_once_more(tmp_path: Path, vendor: str):
    async def story(here: Town) -> None:
        await here.fault(vendor, NEVER_THERE)
        record = await here.task(vendor)

        await here.until(record, lambda now: now.absent_at is not None)
        found = await here.until(record, is_in("delivered"))

        assert (found.attempts, found.resent) == (2, True)
        assert await here.created(vendor) == 1

    played(tmp_path, story)


@pytest.mark.parametrize(
    ("vendor", "edit"),
    [
        ("task_api", {"patient_id": "p-another", "description": "Moved", "title": "Moved", "pushes": 0}),
        ("maxcare", {"description": "Follow-up is booked."}),
    ],
)
def test_a_task_that_staff_edited_before_the_look_is_never_taken_for_absent(tmp_path: Path, vendor: str, edit: Any):
    async def story(here: Town) -> None:
        await here.fault(vendor, LOST)
        record = await here.task(vendor)
        await here.control(vendor, "PATCH", f"tasks/{await here.only_id(vendor)}", edit)

        later = await here.until(record, lambda now: now.state == "delivered" or now.looks >= 4)

        assert (later.attempts, later.absent_at) == (1, None)
        assert await here.created(vendor) == 1

    played(tmp_path, story, first_look=1.0)


def test_after_a_second_unknown_only_a_person_decides(tmp_path: Path):
    async def story(here: Town) -> None:
        await here.fault("task_api", {**NEVER_THERE, "times": None})
        record = await here.task("task_api")

        await here.until(record, lambda now: now.attempts == 2 and now.absent_at is not None)
        looks = (await here.until(record, is_in("unknown"))).looks
        later = await here.until(record, lambda now: now.looks > looks + 2)

        assert (later.state, later.attempts) == ("unknown", 2)
        assert await here.created("task_api") == 0

    played(tmp_path, story)


def test_a_cobalt_task_that_is_nowhere_stays_unknown(tmp_path: Path):
    async def story(here: Town) -> None:
        await here.fault("cobalt", NEVER_THERE)
        record = await here.task("cobalt")

        later = await here.until(record, lambda now: now.looks >= 4)

        assert (later.state, later.attempts, later.absent_at) == ("unknown", 1, None)

    played(tmp_path, story)


def test_two_equal_tasks_of_which_one_answer_was_lost_are_not_mixed_up(tmp_path: Path):
    async def story(here: Town) -> None:
        first = await here.until(await here.task("maxcare"), is_in("delivered"))
        await here.fault("maxcare", LOST)
        second = await here.until(await here.task("maxcare"), is_in("delivered"))

        assert first.vendor_id != second.vendor_id
        assert await here.created("maxcare") == 2

    played(tmp_path, story)


def test_two_equal_tasks_of_which_both_answers_were_lost_and_one_is_there_are_left_to_a_person(tmp_path: Path):
    async def story(here: Town) -> None:
        await here.fault("maxcare", LOST, NEVER_THERE)
        records = [await here.until(await here.task("maxcare"), is_in("unknown")) for _ in range(2)]

        later = [await here.until(record, lambda now: now.looks >= 4) for record in records]

        assert [(record.state, record.attempts) for record in later] == [("unknown", 1), ("unknown", 1)]
        assert await here.created("maxcare") == 1

    played(tmp_path, story)


def test_a_claim_whose_answer_was_lost_is_found_by_its_appointment(tmp_path: Path):
    async def story(here: Town) -> None:
        await here.fault("cobalt", {**LOST, "on": "create_claim"})
        claim = await here.submit(CreateClaim, clinic_id="lakeside-family", appointment_id="a1b2c3d4e5f64g7h")

        found = await here.until(claim, is_in("delivered"))

        assert found.attempts == 1
        assert await here.created("cobalt") == 1

    played(tmp_path, story)


def test_a_claim_that_the_vendor_has_already_after_a_lost_answer_is_taken_for_ours_and_found(tmp_path: Path):
    async def story(here: Town) -> None:
        await here.fault(
            "cobalt", {**LOST, "on": "create_claim"}, {"on": "lookup", "kind": "status", "status": 503, "times": None}
        )
        lost = await here.submit(CreateClaim, clinic_id="lakeside-family", appointment_id="a1b2c3d4e5f64g7h")
        await here.until(lost, is_in("unknown"))
        await here.only_id("cobalt")
        operator = Caller(app=here.services.configured.config.apps["operator"], key_id="o1")
        nowhere = Finding(outcome="not_created", resend=True, reason="I did not see it")

        again = await here.services.asking.resolve(lost, operator, nowhere)

        again = await here.until(again, is_in("unknown"))
        (attempt,) = [line for line in await here.services.store.timeline(again) if line.what == "attempt"]
        assert (attempt.facts["status"], attempt.facts["code"]) == (409, "probably-ours")
        await here.fault("cobalt")
        found = await here.until(again, is_in("delivered"))
        assert (found.attempts, found.vendor_id) == (1, await here.only_id("cobalt"))

    played(tmp_path, story)


def test_a_task_not_yet_in_the_ehr_is_delivered_once_it_is_synced(tmp_path: Path):
    async def story(here: Town) -> None:
        await here.control("maxcare", "PUT", "sync", {"syncStatus": "pending", "syncedAfter": 0.3})
        record = await here.task("maxcare")

        await here.until(record, is_in("submitted"))
        found = await here.until(record, is_in("delivered"))

        assert found.attempts == 1

    played(tmp_path, story)


def test_work_on_a_delivered_task_is_learnt_where_the_clinic_follows_it(tmp_path: Path):
    async def story(here: Town) -> None:
        record = await here.until(await here.task("task_api"), is_in("delivered"))
        await here.control("task_api", "PATCH", f"tasks/{record.vendor_id}", {"status": "completed", "pushes": 0})

        seen = await here.until(record, lambda now: now.work is not None and now.work.status == "completed")

        assert (seen.state, seen.work and seen.work.raw) == ("delivered", "completed")

    played(tmp_path, story, follow_work=timedelta(days=30))


def test_a_result_that_does_not_come_makes_the_delivery_overdue_and_it_stays_submitted(tmp_path: Path):
    async def story(here: Town) -> None:
        await here.fault("cobalt", {"on": "create_task", "kind": "no_result", "times": 1})
        record = await here.until(await here.task("cobalt"), is_in("submitted"))

        await here.services.store.change(record.id, _settling_now, here.services.world.now())
        later = await here.until(record, lambda now: now.overdue)

        assert later.state == "submitted"

    def _settling_now(record: Record) -> Any:
        return Change(record=structs.replace(record, settle_by=record.created_at))

    played(tmp_path, story)
