"""One delivery: what is known of it, what can be done, and its words, once somebody has said why they want them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from gateway.rules.change import standing
from gateway.rules.clinic import App
from gateway.rules.lifecycle import Input, step
from gateway.rules.record import Record
from gateway.store.audit import Act
from gateway.store.listing import Wanted
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.console.forms import Form
from gateway.web.console.pages import page, zone_of
from gateway.web.console.timeline import lines
from gateway.web.deliveries import found
from gateway.web.replies import Reason
from gateway.web.services import Served, Services
from schemas.private import Private
from schemas.problem import CODES, Problem

_NOTES = 50

DONE: Mapping[str, str] = {
    "settled": "Recorded. The audit trail has it, with your reason.",
    "again": "Recorded, and made anew: this is the new delivery.",
    "retried": "It is looked at now.",
    "cancelled": "Withdrawn. Nothing of it reached the vendor.",
    "redelivered": "The event is told again.",
}
"""What was done, by the word that the address carries."""


class Words(Private, frozen=True, kw_only=True):
    """What may tell of the patient: the command as it was submitted, as it goes out, and the vendor's words."""

    submitted: Sequence[tuple[str, str]]
    outgoing: Sequence[tuple[str, str]]
    said: str | None


class Shown(Private, frozen=True, kw_only=True):
    """What a page says besides the delivery: what was done, why it could not be, or the words."""

    done: str | None = None
    refused: Problem | None = None
    words: Words | None = None


@get("/deliveries/{delivery_id:str}", guards=[needs("read")])
async def show(
    request: StrictRequest, services: Served, delivery_id: FromPath[str], done: FromQuery[str | None] = None
) -> Response[str]:
    """The delivery, its words hidden."""
    record = await found(request, services, delivery_id, None)
    return await delivery_page(request, services, record, Shown(done=DONE.get(done or "")))


@post("/deliveries/{delivery_id:str}/reveal", guards=[needs("read")], status_code=200)
async def reveal(request: StrictRequest, services: Served, delivery_id: FromPath[str], form: Form) -> Response[str]:
    """The delivery with its words; who wanted them, and why, is in the audit trail before they are shown."""
    record = await found(request, services, delivery_id, None)
    if not record.has_words:
        return await delivery_page(request, services, record, Shown())
    act = Act(
        app=request.user.name, key_id=request.auth, action="reveal", about=record.id, clinic_id=record.clinic_id,
        reason=form.read(Reason).reason,
    )  # fmt: skip
    await services.store.acted(act, services.world.now())
    return await delivery_page(request, services, record, Shown(words=words_of(record)))


async def delivery_page(request: StrictRequest, services: Services, record: Record, shown: Shown) -> Response[str]:
    """The page of a delivery."""
    notes = Wanted(clinics=request.user.clinics, equal={"parent_id": record.id}, limit=_NOTES)
    code, zone = record.problem.code if record.problem else None, zone_of(record.clinic_id, services)
    return await page(
        request, services, "delivery.html", status=shown.refused.status if shown.refused else 200,
        url=f"/console/deliveries/{record.id}",
        record=record, shown=shown, timeline=lines(await services.store.timeline(record), zone),
        can=possible(record, request.user, told=bool(services.endpoints.within_reach(request.user))), zone=zone,
        code=code, why=CODES[code] if code else None,
        notes=(await services.store.listed(notes)).records if record.kind == "task" else (),
    )  # fmt: skip


def possible(record: Record, app: App, *, told: bool) -> frozenset[str]:
    """What the app may ask of it: resolve, look, again, cancel, redeliver, reveal. `told`: somebody hears of events."""

    def granted(wish: Input) -> bool:
        to = step(record.state, wish, standing(record))
        return to is not None and to.refusal is None

    operates = "operate" in app.roles
    wishes = {
        "resolve": operates and granted("resolve_created"),
        "look": operates and granted("retry") and not record.safe_to_resend,
        "again": operates
        and granted("retry")
        and record.safe_to_resend
        and record.retried_as is None
        and record.has_words,
        "cancel": "submit" in app.roles and granted("cancel") and record.state != "cancelled",
        "redeliver": operates and told,
        "reveal": record.has_words,
    }
    return frozenset(wish for wish, may in wishes.items() if may)


def words_of(record: Record) -> Words:
    """Everything about a delivery that is hidden before."""
    problem = record.problem
    said = problem.detail if problem and problem.detail != CODES[problem.code].cause else None
    return Words(submitted=list(_flat("", record.content.command)), outgoing=list(_flat("", record.values)), said=said)


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Dotted paths and the texts at their ends."""
    match value:
        case Mapping():
            for name, inner in value.items():
                yield from _flat(f"{path}.{name}" if path else str(name), inner)
        case list() | tuple():
            for place, inner in enumerate(value):
                yield from _flat(f"{path}.{place}", inner)
        case None:
            return
        case _:
            yield path, str(value)
