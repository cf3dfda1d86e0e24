"""An afternoon at a gateway, for its pictures: some hours of clinics' work that pass in a minute."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
from journeys.world import COBALT, MAXCARE, TASK_API

from gateway.telemetry.recent import EVERY, KEPT
from gateway.web.services import Services

INTAKE = "tgk_intake_sandbox-key-not-for-production"
OPERATOR = "tgk_operator_sandbox-key-not-for-production"


class Clock:
    """The time of everybody here: the real one, so much earlier."""

    def __init__(self) -> None:
        self.earlier = timedelta(hours=3, minutes=20)

    def now(self) -> datetime:
        return datetime.now(UTC) - self.earlier

    def new_id(self, prefix: str) -> str:
        """As the gateway makes them, by this time."""
        return f"{prefix}_{int(self.now().timestamp() * 1000):012x}{secrets.token_hex(10)}"


class Afternoon:
    """What happens at the clinics, over HTTP as it happens to them."""

    def __init__(self, services: Services, clock: Clock, http: httpx.AsyncClient, port_base: int) -> None:
        self.services = services
        self.clock = clock
        self.http = http
        self.port_base = port_base

    async def submit(self, path: str, body: dict[str, Any], prefer: str = "wait=5") -> str:
        """A command of the app that takes calls; its id, whatever became of it."""
        headers = {"Authorization": f"Bearer {INTAKE}", "Idempotency-Key": secrets.token_hex(8), "Prefer": prefer}
        answer = await self.http.post(path, json=body, headers=headers)
        return answer.headers["location"].rpartition("/")[2]

    async def task(self, clinic_id: str, reference: str, prefer: str = "wait=5", **fields: Any) -> str:
        return await self.submit("/v1/tasks", {**_task(clinic_id), "reference": reference, **fields}, prefer)

    async def act(self, path: str, **body: str) -> None:
        """What an operator does."""
        headers = {"Authorization": f"Bearer {OPERATOR}"}
        (await self.http.post(path, json=body, headers=headers)).raise_for_status()

    async def vendor(self, offset: int, path: str, body: Any) -> None:
        url = f"http://127.0.0.1:{self.port_base + offset}/_sandbox/{path}"
        (await self.http.put(url, json=body)).raise_for_status()

    async def faults(self, offset: int, *faults: dict[str, Any]) -> None:
        await self.vendor(offset, "faults", [{"on": "create_task", "times": 1, **fault} for fault in faults])

    def until(self, minutes: float) -> None:
        """So many minutes before now."""
        self.clock.earlier = min(self.clock.earlier, timedelta(minutes=minutes))

    async def sampled(self) -> None:
        """A sample of ten seconds is over, in no time."""
        work = await self.services.store.open_work(frozenset({"*"}))
        recent = self.services.world.meters.recent
        recent.sample({at: each.waiting for at, each in work.items()}, self.clock.now())

    async def passes(self) -> dict[str, str]:
        """All of it; the ids of what is worth a look."""
        await self.task("harbor-dermatology", "fax-2071")
        await self.vendor(COBALT, "demands", ["phone_call_type_id"])
        await self.task("riverbend-pediatrics", "call-8731")
        self.until(171)
        await self.task("riverbend-pediatrics", "call-8740")
        await self.vendor(COBALT, "demands", [])
        await self.faults(COBALT, {"kind": "drop_after_read"}, {"kind": "no_result"})
        unknown = await self.task("lakeside-family", "call-8744")
        self.until(118)
        await self.faults(COBALT, {"kind": "result_failed", "body": "no such user"})
        failed = await self.task("lakeside-family", "call-8752")
        await self.faults(COBALT, {"kind": "drop_after_read"}, {"kind": "no_result"})
        settled = await self.task("riverbend-pediatrics", "call-8760")
        await self.act(
            f"/v1/tasks/{settled}/resolve", outcome="created", emr_id="44170", reason="in the chart, with today's date"
        )
        self.until(96)
        await self.act(f"/v1/tasks/{failed}/retry", reason="the user was linked again")
        await asyncio.sleep(1)  # it goes out by itself
        self.until(74)
        await self.faults(COBALT, {"kind": "no_result"})
        await self.task("lakeside-family", "call-8779", "wait=2")
        self.until(52)
        await self.faults(MAXCARE, {"kind": "status", "status": 401, "times": None})
        for reference in ("fax-2093", "fax-2094"):
            await self.task("harbor-dermatology", reference, "respond-async")
        self.until(38)
        delivered = await self.task("lakeside-family", "call-8812")
        await self.vendor(COBALT, "demands", ["subject"])
        await self.task("lakeside-family", "call-8813", title=None)
        await self.vendor(COBALT, "demands", [])
        note = {"task_id": delivered, "text": "Patient called back, prefers mornings."}
        await self.submit("/v1/notes", note)
        await self.submit("/v1/claims", {"clinic_id": "lakeside-family", "appointment_id": "a1b2c3d4e5f60042"})
        await self.strangers()
        await self.act("/v1/connections/hilltop-clinic/tasks/pause", reason="the clinic moves its board")
        self.until(24)
        await self.act("/v1/connections/hilltop-clinic/tasks/resume", reason="the board is moved")
        await self.busy()
        await self.act("/v1/admin/reload")
        return {"unknown": unknown, "delivered": delivered}

    async def strangers(self) -> None:
        """Webhooks of what nobody here has sent: one of a task of somebody else, one without a true signature."""
        account = self.services.configured.config.accounts["cobalt-main"]
        token = account.webhook_token.reveal()
        headers = {
            "client_id": account.credentials.client_id.reveal(),
            "client_secret": account.credentials.client_secret.reveal(),
            "access_token": "at_lakeside",
        }
        url = f"http://127.0.0.1:{self.port_base + COBALT}/v1/tasks"
        body = {"description": "Entered by somebody else.", "patient_mrn": "MRN-90001"}
        await self.http.post(url, json=body, headers=headers)
        await self.http.post(f"/v1/webhooks/cobalt-main/{token}", json={"type": "task.created"})

    async def busy(self) -> None:
        """The last twenty minutes, in which each connection has something to do."""
        calls = count(8820)
        for sample in range(KEPT):
            self.until((KEPT - sample) * EVERY.total_seconds() / 60)
            if sample == KEPT // 2:
                await self.faults(TASK_API, *[{"kind": "status", "status": 503} for _ in range(4)])
            many = {
                "hilltop-clinic": (sample * 7 % 5 + sample // 13) % 4,
                "lakeside-family": (sample * 5 % 7 + sample // 17) % 3,
                "riverbend-pediatrics": sample % 4 == 0,
                "harbor-dermatology": sample % 17 == 0,
            }
            await asyncio.gather(
                *(
                    self.task(clinic_id, f"call-{next(calls)}", "respond-async")
                    for clinic_id, tasks in many.items()
                    for _ in range(tasks)
                )
            )
            await asyncio.sleep(0.3)
            await self.sampled()
        self.until(0)


def _task(clinic_id: str) -> dict[str, Any]:
    return {
        "clinic_id": clinic_id,
        "title": "Follow-up appointment needed",
        "description": "Schedule a follow-up appointment to review the recent lab results.",
        "patient": {"mrn": "MRN-12345"},
        "assignees": ["dr-wilson"],
        "due_at": "2027-03-01T09:00:00-06:00",
        "priority": "high",
        "encounter_note_id": "nte_3cc73cb69c59403ca9108af6c5693b25",
    }
