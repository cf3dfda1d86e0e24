"""The calls on tasks, notes and claims."""

from __future__ import annotations

from typing import ClassVar

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody

from gateway.errors import Refused
from gateway.flows.ask import Finding
from gateway.rules.record import Record, present
from gateway.web import lists
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.headers import Asking, Cancelling, Explaining, Submitting
from gateway.web.lines import tell
from gateway.web.preferences import seen_version
from gateway.web.problems import problems
from gateway.web.replies import Deliveries, Reason, Timeline
from gateway.web.services import Served, Services
from gateway.web.submitting import EXPLAIN_ANSWERS, SUBMIT_ANSWERS, explain, location, submit
from schemas.command import AddNote, CreateClaim, CreateTask, Kind
from schemas.delivery import Delivery, Explanation
from schemas.problem import problem

_ON_ONE = problems(404)
_ASK = {
    **problems(400, 404, 409, 412, 413, 415, 422),
    201: ResponseSpec(Delivery, generate_examples=False, description="A new delivery was made"),
}


async def found(request: StrictRequest, services: Services, delivery_id: str, kind: Kind | None) -> Record:
    """The delivery, if it is of this kind and within the key's reach. Raises Refused with the same 404 for all else."""
    record = await services.store.get(delivery_id)
    if record is None or (kind and record.kind != kind) or not request.user.may_touch(record.clinic_id):
        raise Refused(problem("not-found"))
    tell(request, delivery_id=record.id)
    return record


class _OfOneKind(Controller):
    """What can be done with the deliveries of one kind."""

    kind: ClassVar[Kind]
    dependencies = {"filters": Provide(lists.filters, sync_to_thread=False)}

    @get(
        "/", guards=[needs("read")], responses=problems(400),
        summary="List deliveries, newest first, their commands left out",
    )  # fmt: skip
    async def list_(self, request: StrictRequest, services: Served, filters: lists.Filters) -> Deliveries:
        """Filters are by equality; `id`, `emr_id` and `job_id` are the vendor's."""
        return await lists.page(services.store, lists.wanted(request, filters, self.kind))

    @get("/{delivery_id:str}", guards=[needs("read")], responses=_ON_ONE, summary="One delivery")
    async def get_(self, request: StrictRequest, services: Served, delivery_id: FromPath[str]) -> Response[Delivery]:
        """The delivery as it is now."""
        record = await found(request, services, delivery_id, self.kind)
        return Response(present(record), headers={"ETag": f'"{record.version}"'})

    @get(
        "/{delivery_id:str}/timeline", guards=[needs("read")], responses=_ON_ONE,
        summary="All that happened to a delivery",
    )  # fmt: skip
    async def timeline(self, request: StrictRequest, services: Served, delivery_id: FromPath[str]) -> Timeline:
        """Accepted, the rule, each attempt with its verdict and timing, sightings, events."""
        record = await found(request, services, delivery_id, self.kind)
        return Timeline(items=await services.store.timeline(record))

    @post(
        "/{delivery_id:str}/cancel", guards=[needs("submit")], status_code=200,
        responses=problems(400, 404, 409, 412, 413, 415, 422), operation_class=Cancelling,
        summary="Withdraw a delivery that was not sent",
    )  # fmt: skip
    async def cancel(self, request: StrictRequest, services: Served, delivery_id: FromPath[str]) -> Delivery:
        """Only while nothing has reached the vendor; no vendor here can withdraw."""
        record = await found(request, services, delivery_id, self.kind)
        return present(await services.asking.cancel(record, request.caller, _seen(request), await request.why()))

    @post(
        "/{delivery_id:str}/retry", guards=[needs("operate")], status_code=200, responses=_ASK,
        operation_class=Asking, summary="Look now, or make a new delivery of one that ended badly",
    )  # fmt: skip
    async def retry(
        self, request: StrictRequest, services: Served, delivery_id: FromPath[str], data: JSONBody[Reason]
    ) -> Response[Delivery]:
        """On what waits: look now. On what was rejected or failed: a new delivery, answered with 201."""
        record = await found(request, services, delivery_id, self.kind)
        return _asked(record, await services.asking.retry(record, request.caller, data.reason, _seen(request)))

    @post(
        "/{delivery_id:str}/resolve", guards=[needs("operate")], status_code=200,
        responses=_ASK, operation_class=Asking, summary="Settle by a person's word what is not known",
    )  # fmt: skip
    async def resolve(
        self, request: StrictRequest, services: Served, delivery_id: FromPath[str], data: JSONBody[Finding]
    ) -> Response[Delivery]:
        """For unknown outcomes, overdue submissions and conflicts: created or not_created, with a reason.

        As created once more, it only adds the EMR's id that was not known before.
        """
        record = await found(request, services, delivery_id, self.kind)
        return _asked(record, await services.asking.resolve(record, request.caller, data, _seen(request)))


def _seen(request: StrictRequest) -> int | None:
    return seen_version(request.headers.getall("if-match", []))


def _asked(before: Record, after: Record) -> Response[Delivery]:
    """200 with the delivery itself, 201 with the new one that was made of it."""
    made = after.id != before.id
    return Response(present(after), status_code=201 if made else 200, headers={"Location": location(after)})


class Tasks(_OfOneKind):
    """Tasks, and notes on them."""

    path = "/v1/tasks"
    tags = ("tasks",)
    kind = "task"

    @post("/", guards=[needs("submit")], responses=SUBMIT_ANSWERS, operation_class=Submitting, summary="Create a task")
    async def create(
        self,
        request: StrictRequest,
        services: Served,
        data: JSONBody[CreateTask],  # noqa: ARG002 - read strictly, see StrictRequest
    ) -> Response[Delivery]:
        """Durable before the answer; waits for the vendor's first reply unless `Prefer` says otherwise."""
        return await submit(request, services, CreateTask)

    @post(
        "/explain", guards=[needs("submit")], status_code=200, responses=EXPLAIN_ANSWERS, operation_class=Explaining,
        summary="What creating this task would do",
    )  # fmt: skip
    async def explain(
        self,
        request: StrictRequest,
        services: Served,
        data: JSONBody[CreateTask],  # noqa: ARG002 - likewise
    ) -> Response[Explanation]:
        """A dry run: opens no socket and writes nothing."""
        return await explain(request, services, CreateTask)

    @post(
        "/{task_id:str}/notes", guards=[needs("submit")], responses=SUBMIT_ANSWERS, operation_class=Submitting,
        summary="Add a note to a task",
    )  # fmt: skip
    async def add_note(
        self,
        request: StrictRequest,
        services: Served,
        task_id: FromPath[str],
        data: JSONBody[AddNote],  # noqa: ARG002 - likewise
    ) -> Response[Delivery]:
        """Held until the task has its id in the EMR; notes of one task go out in order."""
        await found(request, services, task_id, "task")
        return await submit(request, services, AddNote, {"task_id": task_id})


class Notes(_OfOneKind):
    """Notes on tasks."""

    dependencies = {
        "common": Provide(lists.filters, sync_to_thread=False),
        "filters": Provide(lists.note_filters, sync_to_thread=False),
    }
    path = "/v1/notes"
    tags = ("notes",)
    kind = "note"

    @post("/", guards=[needs("submit")], responses=SUBMIT_ANSWERS, operation_class=Submitting, summary="Add a note")
    async def create(
        self,
        request: StrictRequest,
        services: Served,
        data: JSONBody[AddNote],  # noqa: ARG002 - likewise
    ) -> Response[Delivery]:
        """On a task of ours (`task_id`), or on one known by the EMR's id (`emr_task_id` with `clinic_id`)."""
        return await submit(request, services, AddNote)

    @post(
        "/explain", guards=[needs("submit")], status_code=200, responses=EXPLAIN_ANSWERS, operation_class=Explaining,
        summary="What adding this note would do",
    )  # fmt: skip
    async def explain(
        self,
        request: StrictRequest,
        services: Served,
        data: JSONBody[AddNote],  # noqa: ARG002 - likewise
    ) -> Response[Explanation]:
        """A dry run: opens no socket and writes nothing."""
        return await explain(request, services, AddNote)


class Claims(_OfOneKind):
    """Claims for appointments."""

    path = "/v1/claims"
    tags = ("claims",)
    kind = "claim"

    @post("/", guards=[needs("submit")], responses=SUBMIT_ANSWERS, operation_class=Submitting, summary="Create a claim")
    async def create(
        self,
        request: StrictRequest,
        services: Served,
        data: JSONBody[CreateClaim],  # noqa: ARG002 - likewise
    ) -> Response[Delivery]:
        """One per appointment: a second one, while the first is open or delivered, is a 409."""
        return await submit(request, services, CreateClaim)

    @post(
        "/explain", guards=[needs("submit")], status_code=200, responses=EXPLAIN_ANSWERS, operation_class=Explaining,
        summary="What creating this claim would do",
    )  # fmt: skip
    async def explain(
        self,
        request: StrictRequest,
        services: Served,
        data: JSONBody[CreateClaim],  # noqa: ARG002 - likewise
    ) -> Response[Explanation]:
        """A dry run: opens no socket and writes nothing."""
        return await explain(request, services, CreateClaim)
