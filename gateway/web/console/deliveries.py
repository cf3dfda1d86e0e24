"""Deliveries: the list with its filters, and looking for one by whatever is at hand.

What is looked for may be a patient's number, so it is posted, and stands in no address: a patient is named there by
keyed hashes alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, get_args
from urllib.parse import urlencode

from litestar import Response, get, post

from gateway.errors import Refused
from gateway.rules.clinic import App
from gateway.store.listing import Wanted
from gateway.store.searching import Search
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.clinics import within_reach
from gateway.web.console.forms import Form
from gateway.web.console.pages import moved, page
from gateway.web.lists import after_cursor, cursor_of
from gateway.web.services import Served, Services
from schemas.command import Kind
from schemas.delivery import State
from schemas.problem import problem

_LIST = "/console/deliveries"
_PAGE = 50
_OFFERED = 200
"""So many clinics are offered to choose from; any other can be typed."""
_HASHES = re.compile(r"[0-9a-f]{64}(\.[0-9a-f]{64}){0,20}", re.ASCII)

Filled = Mapping[str, str]
"""The filters that are filled in, by name."""

FILTERS = ("clinic", "kind", "state", "connection", "reference", "age", "q", "patient", "cursor")
AGES: Mapping[str, tuple[str, timedelta, bool]] = {
    "1h": ("in the last hour", timedelta(hours=1), True),
    "1d": ("in the last day", timedelta(days=1), True),
    "7d": ("in the last 7 days", timedelta(days=7), True),
    "30d": ("in the last 30 days", timedelta(days=30), True),
    "over-1h": ("over an hour ago", timedelta(hours=1), False),
    "over-1d": ("over a day ago", timedelta(days=1), False),
}
"""What can be chosen as the time of acceptance: its words, the span, and whether it is within it."""
_COLUMNS = {"clinic": "clinic_id", "kind": "kind", "connection": "connection", "reference": "reference"}
NEEDS_PERSON = "needs-person"
"""A state that is none: what waits for a person."""


@get("/deliveries", guards=[needs("read")])
async def show(request: StrictRequest, services: Served) -> Response[str]:
    """A page of the list, newest first."""
    filled = {name: text for name in FILTERS if (text := request.query_params.get(name, "").strip())}
    apps = tuple(services.configured.config.apps)
    found = await services.store.listed(wanted(filled, request.user, apps, services.world.now()))
    last = found.records[-1] if found.records and found.more else None
    further = {**filled, "cursor": cursor_of(last.created_at, last.id)} if last else None
    return await page(
        request, services, "deliveries.html", records=found.records, filled=filled,
        further=f"{_LIST}?{urlencode(further)}" if further else None, **_choices(request, services),
    )  # fmt: skip


@post("/deliveries/search", guards=[needs("read")], status_code=200)
async def search(request: StrictRequest, services: Served, form: Form) -> Response[None]:
    """Look for a delivery; what is no id of one may be a patient's, and goes no further than its hashes."""
    text = form.text("q")
    if not text:
        return moved(_LIST)
    by_id = wanted({"q": text}, request.user, tuple(services.configured.config.apps), services.world.now())
    if (await services.store.listed(by_id)).records:
        return moved(f"{_LIST}?{urlencode({'q': text})}")
    hashes = await services.store.patient_hashes(text)
    return moved(f"{_LIST}?{urlencode({'patient': '.'.join(hashes)})}")


def wanted(filled: Filled, app: App, apps: tuple[str, ...], now: datetime) -> Wanted:
    """What the filled-in filters ask for, within the app's reach. Raises Refused for what no form of ours sends."""
    state, kind, age = filled.get("state"), filled.get("kind"), filled.get("age")
    known = (state, {*get_args(State), NEEDS_PERSON}), (kind, set(get_args(Kind))), (age, set(AGES))
    patient = filled.get("patient", "")
    odd = any(given and given not in allowed for given, allowed in known) or "\0" in "".join(filled.values())
    if odd or (patient and not _HASHES.fullmatch(patient)):
        raise Refused(problem("invalid-parameter", "the address holds a filter that there is not"))
    _, span, within = AGES.get(age or "", ("", timedelta(), True))
    equal = {_COLUMNS[name]: text for name, text in filled.items() if name in _COLUMNS}
    looked_for = Search(text=filled.get("q", ""), apps=apps, patient=tuple(patient.split(".")) if patient else ())
    return Wanted(
        clinics=app.clinics,
        equal={**equal, **({"state": state} if state and state != NEEDS_PERSON else {})},
        search=looked_for,
        needs_person=state == NEEDS_PERSON,
        since=now - span if age and within else None,
        until=now - span if age and not within else None,
        after=after_cursor(filled["cursor"]) if "cursor" in filled else None,
        limit=_PAGE,
    )


def _choices(request: StrictRequest, services: Services) -> dict[str, Any]:
    """What the filters offer."""
    clinics = within_reach(request, services)[:_OFFERED]
    connections = sorted({name for clinic in clinics for name in clinic.connections})
    ages = {name: words for name, (words, _, _) in AGES.items()}
    return {"clinics": clinics, "connections": connections, "kinds": get_args(Kind), "ages": ages}
