"""A gateway for an app's own tests: no socket, no vendor; what becomes of each command is the test's to say.

>>> gateway = FakeGateway()
>>> client = Client("http://gateway.test", "tgk_test", transport=gateway)
>>> delivery = client.create_task(CreateTask(clinic_id="c", description="Call back."))
>>> gateway.becomes(delivery.id, "delivered").state, client.get(delivery.id).state
('delivered', 'delivered')
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
from msgspec import structs

from gateway.rules.reading import read
from schemas.command import NAMING, Command, CreateClaim
from schemas.delivery import FINAL, RESENDABLE, Delivery, Explanation, Route, State, VendorIds
from schemas.event import Event
from schemas.problem import Code, FieldError, Problem, problem, problem_of

_ROUTE = Route(connection="fake", adapter="fake", emr=None, rule="fake", config_version="fake")
_KINDS = {naming.plural: kind for kind, naming in NAMING.items()}
_PAGE = 200
_START = "evt_0"
_STEPS: Mapping[State, tuple[State, ...]] = {"queued": ("queued",), "held": ("held",), "sending": ("queued", "sending")}
"""How a delivery comes into a state in which nothing has come back yet; into any other through all of these."""
_TOLD = ("id", "kind", "clinic_id", "state", "final", "safe_to_resend", "reference", "version")
"""What an event says of its delivery, as it is there."""


class FakeGateway(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Takes commands as the gateway does: with the same checks of their form, answers to a repeated key, and events.

    A command becomes `then` at once, a note too whatever its task's state. Without clinics of its own it knows every
    clinic, and no vendor's needs.
    """

    def __init__(self, then: State = "submitted") -> None:
        self.then = then
        self.commands: list[dict[str, Any]] = []
        """Every command that was taken, as posted."""
        self._deliveries: dict[str, Delivery] = {}
        self._keys: dict[str, tuple[tuple[str, bytes], str]] = {}
        self._events: list[Event] = []
        self._troubles: list[Code | type[httpx.TransportError]] = []

    def fails(self, *troubles: Code | type[httpx.TransportError]) -> None:
        """Answer the next calls so, in turn: a problem's code, or an error of the way there after it was taken."""
        self._troubles.extend(troubles)

    def becomes(self, delivery_id: str, state: State, *, code: Code = "vendor-failed") -> Delivery:
        """The delivery comes into a state, and an event tells of it; `code` says why, where it ended badly."""
        before = self._deliveries[delivery_id]
        return self._kept(_in_state(before, state, code))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as a gateway would."""
        trouble = self._troubles.pop(0) if self._troubles else None
        if isinstance(trouble, str):
            return _problem(problem(trouble))
        answer = self._answer(request)
        if trouble is not None:
            raise trouble("the answer was lost")
        return answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Likewise, awaited."""
        return self.handle_request(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.strip("/").split("/")[1:]
        match request.method, path:
            case "POST", [plural] if plural in _KINDS:
                return self._submit(request, _KINDS[plural])
            case "POST", [plural, "explain"] if plural in _KINDS:
                return _json(200, self._explained(msgspec.json.decode(request.content), _KINDS[plural]))
            case "GET", ["events"]:
                return self._page(request)
            case "GET", [plural, delivery_id] if plural in _KINDS and delivery_id in self._deliveries:
                return _json(200, self._deliveries[delivery_id])
            case _:
                return _problem(problem("not-found"))

    def _submit(self, request: httpx.Request, kind: type[Command]) -> httpx.Response:
        key, said = request.headers.get("idempotency-key", ""), (request.url.path, request.content)
        if key in self._keys:
            before, delivery_id = self._keys[key]
            same = before == said
            return self._told(self._deliveries[delivery_id]) if same else _problem(problem("idempotency-key-reused"))
        posted = msgspec.json.decode(request.content)
        if wrong := self._wrong_with(posted, kind):
            return _problem(wrong)
        delivery = self._taken(posted, kind)
        if key:
            self._keys[key] = said, delivery.id
        return self._told(delivery)

    def _wrong_with(self, posted: dict[str, Any], kind: type[Command]) -> Problem | None:
        """Why a command is not taken: its form, the task of a note, another claim for the appointment."""
        if errors := read(posted, kind).errors:
            return problem_of(errors)
        parent = self._deliveries.get(posted.get("task_id", ""))
        if posted.get("task_id") and parent is None:
            return problem("unknown-task")
        if parent is not None and parent.state in RESENDABLE:
            return structs.replace(problem("parent-not-created"), delivery={"id": parent.id})
        for earlier in self._deliveries.values() if kind is CreateClaim else ():
            if earlier.state not in RESENDABLE and _is_for(earlier, posted):
                return structs.replace(problem("duplicate"), delivery={"id": earlier.id})
        return None

    def _taken(self, posted: dict[str, Any], kind: type[Command]) -> Delivery:
        naming, now = NAMING[kind], datetime.now(UTC)
        self.commands.append(posted)
        parent = self._deliveries.get(posted.get("task_id", ""))
        delivery = Delivery(
            id=f"{naming.prefix}_{len(self._deliveries) + 1:06d}", kind=naming.kind,
            clinic_id=parent.clinic_id if parent else posted["clinic_id"], state="queued", final=False,
            safe_to_resend=False, waiting_for=None, overdue=False, conflict=False, reference=posted.get("reference"),
            route=_ROUTE, vendor=VendorIds(), work=None, mapping=[], problem=None, command=posted, attempts=1,
            retry_of=None, retried_as=None, created_at=now, updated_at=now, version=0,
        )  # fmt: skip
        for state in _STEPS.get(self.then, ("queued", "sending", self.then)):
            delivery = self._kept(_in_state(delivery, state, "vendor-rejected"))
        return delivery

    def _kept(self, delivery: Delivery) -> Delivery:
        self._deliveries[delivery.id] = delivery
        self._events.append(
            Event(
                id=f"evt_{len(self._events) + 1:06d}",
                type=f"{delivery.kind}.{delivery.state}",
                at=delivery.updated_at,
                clinic_id=delivery.clinic_id,
                data={
                    **{name: getattr(delivery, name) for name in _TOLD},
                    "vendor": {},
                    "problem": delivery.problem.code if delivery.problem else None,
                },
            )
        )
        return delivery

    def _page(self, request: httpx.Request) -> httpx.Response:
        asked = parse_qs(urlsplit(str(request.url)).query)
        after, limit = asked.get("after", [_START])[0], int(asked.get("limit", [str(_PAGE)])[0])
        places = [_START, *(event.id for event in self._events)]
        if after not in places:
            return _problem(problem("invalid-parameter"))
        rest = self._events[places.index(after) :]
        items = rest[:limit]
        return _json(200, {"items": items, "next_cursor": items[-1].id if len(rest) > limit else None})

    def _explained(self, posted: dict[str, Any], kind: type[Command]) -> Explanation:
        wrong = self._wrong_with(posted, kind)
        if wrong is None:
            return Explanation(would="send")
        whole = FieldError(code=wrong.code, detail=wrong.detail)
        return Explanation(would="refuse", problems=tuple(wrong.errors) or (whole,))

    def _told(self, delivery: Delivery) -> httpx.Response:
        if delivery.state in RESENDABLE and delivery.problem:
            return _problem(structs.replace(delivery.problem, status=422, delivery=msgspec.to_builtins(delivery)))
        return _json(201 if delivery.final else 202, delivery)


def _in_state(before: Delivery, state: State, code: Code) -> Delivery:
    bad = state in RESENDABLE
    return structs.replace(
        before,
        state=state,
        final=state in FINAL,
        safe_to_resend=bad,
        problem=problem(code) if bad else None,
        updated_at=datetime.now(UTC),
        version=before.version + 1,
    )


def _is_for(claim: Delivery, posted: dict[str, Any]) -> bool:
    """Whether an earlier claim is for the same appointment."""
    places = ("clinic_id", "appointment_id")
    return isinstance(claim.command, dict) and [claim.command.get(name) for name in places] == [
        posted[name] for name in places
    ]


def _json(status: int, body: Any) -> httpx.Response:
    return httpx.Response(status, content=msgspec.json.encode(body), headers={"content-type": "application/json"})


def _problem(found: Problem) -> httpx.Response:
    return httpx.Response(
        found.status, content=msgspec.json.encode(found), headers={"content-type": "application/problem+json"}
    )
