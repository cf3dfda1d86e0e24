"""What operators ask of a delivery, each with a reason, and each on the version that they saw."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Literal

from litestar import Response, post
from litestar.params import FromPath

from gateway.errors import Refused
from gateway.flows.ask import Finding
from gateway.rules.record import Record
from gateway.store.audit import Act
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.console.delivery import Shown, delivery_page
from gateway.web.console.forms import Form, Posted
from gateway.web.console.pages import moved
from gateway.web.deliveries import found
from gateway.web.replies import Reason
from gateway.web.services import Served, Services
from schemas.problem import problem

Done = Literal["settled", "retried", "cancelled"]


@post("/deliveries/{delivery_id:str}/resolve", guards=[needs("operate")], status_code=200)
async def resolve(request: StrictRequest, services: Served, delivery_id: FromPath[str], form: Form) -> Response[Any]:
    """Settle by a person's word what is not known."""
    record = await found(request, services, delivery_id, None)
    return await _asked(request, services, record, _resolved(request, services, record, form), "settled")


@post("/deliveries/{delivery_id:str}/retry", guards=[needs("operate")], status_code=200)
async def retry(request: StrictRequest, services: Served, delivery_id: FromPath[str], form: Form) -> Response[Any]:
    """Look now, or make a new delivery of one that ended badly."""
    record = await found(request, services, delivery_id, None)
    return await _asked(request, services, record, _retried(request, services, record, form), "retried")


@post("/deliveries/{delivery_id:str}/cancel", guards=[needs("submit")], status_code=200)
async def cancel(request: StrictRequest, services: Served, delivery_id: FromPath[str], form: Form) -> Response[Any]:
    """Withdraw a delivery that was not sent."""
    record = await found(request, services, delivery_id, None)
    return await _asked(request, services, record, _cancelled(request, services, record, form), "cancelled")


@post("/deliveries/{delivery_id:str}/redeliver/{event_id:str}", guards=[needs("operate")], status_code=200)
async def redeliver(
    request: StrictRequest, services: Served, delivery_id: FromPath[str], event_id: FromPath[str], form: Form
) -> Response[Any]:
    """Tell one of its events again, to every app within reach that it concerns."""
    record = await found(request, services, delivery_id, None)
    clinics = request.user.clinics
    entry = await services.store.event(event_id, clinics)
    if entry is None or entry.delivery_id != record.id:
        raise Refused(problem("not-found"))
    act = Act(
        app=request.user.name, key_id=request.auth, action="redeliver", about=record.id, clinic_id=record.clinic_id,
        reason=f"{event_id}: {form.read(Reason).reason}",
    )  # fmt: skip
    to = list(services.endpoints.within_reach(request.user).values())
    await services.endpoints.redeliver(to, (entry.seq - 1, entry.seq), clinics, act)
    return moved(f"/console/deliveries/{record.id}?done=redelivered")


async def _resolved(request: StrictRequest, services: Services, record: Record, form: Posted) -> Record:
    vendor_id = form.text("vendor_id") or None  # a field named `id` would stand in the way of the form's own
    finding = form.read(Finding, id=vendor_id, resend=form.text("resend") == "yes")
    return await services.asking.resolve(record, request.caller, finding, _seen(form))


async def _retried(request: StrictRequest, services: Services, record: Record, form: Posted) -> Record:
    return await services.asking.retry(record, request.caller, form.read(Reason).reason, _seen(form))


async def _cancelled(request: StrictRequest, services: Services, record: Record, form: Posted) -> Record:
    return await services.asking.cancel(record, request.caller, _seen(form), form.read(Reason).reason)


def _seen(form: Posted) -> int:
    """The version that the page showed. Raises Refused: nobody decides on what they have not seen."""
    version = form.number("version")
    if version is None:
        raise Refused(problem("malformed-body", "the form lacks the version it was made for"))
    return version


async def _asked(
    request: StrictRequest, services: Services, record: Record, asking: Awaitable[Record], done: Done
) -> Response[Any]:
    """The delivery afterwards, or the new one; where it was refused, the delivery as it is now, and why."""
    try:
        after = await asking
    except Refused as refused:
        now = await services.store.get(record.id) or record
        return await delivery_page(request, services, now, Shown(refused=refused.problem))
    return moved(f"/console/deliveries/{after.id}?done={'again' if after.id != record.id else done}")
