"""What Cobalt's servers remember, whom they let in, and how a queued job ends."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from aiohttp import web
from msgspec import Struct

from gateway.sandbox.cobalt_claims import Claim
from gateway.sandbox.cobalt_events import Event, deliver, new_event_id
from gateway.sandbox.cobalt_replies import refusal
from gateway.sandbox.cobalt_webhook import Hooks
from gateway.sandbox.faults import Operation
from gateway.sandbox.settings import Clock, CobaltLink, CobaltSettings
from gateway.sandbox.stand import Json, Refusal, Stand

LOGIN_REQUIRED = "The EMR login has expired. Have the user log in again."


def nothing_to_settle(_worked: bool) -> None:  # noqa: FBT001 - a callback's one argument
    """For jobs whose end changes nothing but the event."""


class Job(Struct, kw_only=True):
    """One queued piece of work, and the two events it can end in."""

    operation: Operation
    access_token: str
    type: str
    """The word its events begin with: `task`, `task_note`, `claim`."""
    ids: Json
    """What its failed event says besides the reason."""
    made: Json
    """What its created event adds to the ids."""
    fails: bool
    reason: str
    settled: Callable[[bool], None] = nothing_to_settle


class CobaltMemory(Stand):
    """The state behind the routes."""

    def __init__(self, settings: CobaltSettings, clock: Clock) -> None:
        super().__init__(clock)
        self.settings = settings
        # Milliseconds, so that a stand-in started again does not repeat the job ids of the one before.
        self._numbers = itertools.count(int(clock().timestamp() * 1000))
        self._begin()

    def _begin(self) -> None:
        self.hooks = Hooks.of(self.settings)
        self.events: list[Event] = []
        self.claims: list[Claim] = []
        self.expired: set[str] = set()
        self.emr_tasks = {token: set(link.emr_tasks) for token, link in self.settings.links.items()}

    def reset(self) -> None:
        """As at the start; webhook URLs and secret are those of the settings again."""
        super().reset()
        self._begin()

    def require_client(self, request: web.Request) -> None:
        """401 unless `client_id` and `client_secret` are the account's."""
        given = (request.headers.get("client_id"), request.headers.get("client_secret"))
        if given != (self.settings.client_id, self.settings.client_secret):
            raise refusal(401, "Unauthorized: invalid client_id or client_secret.")

    def require_link(self, request: web.Request) -> tuple[str, CobaltLink]:
        """The link behind the three headers: 401 without one, 403 where its EMR login is expired (update-mode page)."""
        self.require_client(request)
        token = request.headers.get("access_token", "")
        link = self.settings.links.get(token)
        if link is None:
            raise refusal(401, "Unauthorized: invalid access_token.")
        if token in self.expired:
            raise Refusal(403, {"success": False, "error": "login_required", "message": LOGIN_REQUIRED})
        return token, link

    async def queue(self, job: Job) -> int:
        """Takes the job in, to end after the delay, or at once where its webhook is to overtake the answer."""
        number = next(self._numbers)
        fault = self.faults.take_result(job.operation)
        kind = None if fault is None else fault.kind
        if fault is not None and kind == "result_failed":
            job.fails, job.reason = True, fault.body or job.reason
        if kind == "early_webhook":
            await self._finish(job, number, pushes=1, delay=0)
        elif kind != "no_result":
            pushes = {"no_webhook": 0, "duplicate_webhook": 2}.get(kind or "", 1)
            self.later(self._finish(job, number, pushes=pushes, delay=self.settings.completion_delay))
        return number

    async def _finish(self, job: Job, number: int, *, pushes: int, delay: float) -> None:
        await asyncio.sleep(delay)
        job.settled(not job.fails)
        data = {**job.ids, "failure_reason": job.reason} if job.fails else {**job.ids, **job.made}
        ending = "failed" if job.fails else "created"
        event = self.happened(job.access_token, f"{job.type}.{ending}", data, str(number))
        for _ in range(pushes):
            await self.push(event)

    def happened(self, access_token: str, type_: str, data: Json, job_id: str | None = None) -> Event:
        """A new event, to be looked up from now on, whether it is pushed or not (awaiting-results page)."""
        event = Event(
            id=new_event_id(),
            access_token=access_token,
            reference_id=self.settings.links[access_token].reference_id,
            created=self.clock(),
            type=type_,
            job_id=job_id,
            data=data,
        )
        self.events.append(event)
        return event

    async def push(self, event: Event) -> None:
        """Delivers the event to every registered URL."""
        await deliver(event, self.hooks, self.pusher, self.settings.retry_after)
