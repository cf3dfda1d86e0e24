"""Whether connections work: their accounts' pace, what waits, and pausing or opening one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from gateway.rules import breaker, pace
from gateway.rules.breaker import Phase
from gateway.rules.clinic import Account, Clinic, Connection
from gateway.store.counting import Open
from gateway.store.reading import Paused
from gateway.telemetry.recent import Recent
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.clinics import connection_of, within_reach
from gateway.web.console.charts import Chart, charts
from gateway.web.console.forms import Form
from gateway.web.console.pages import moved, page
from gateway.web.replies import Reason
from gateway.web.services import Served

_MOST = 100
_WELL: tuple[Phase, None] = ("closed", None)
At = tuple[str, str]


class Link(Struct, frozen=True, kw_only=True):
    """A clinic's connection, what is under way there, and whether it is open."""

    clinic: Clinic
    connection: Connection
    work: Open
    paused: Paused | None


class Health(Struct, frozen=True, kw_only=True):
    """An account and the connections through it that are in reach; `more` of them have nothing to tell."""

    account: Account
    phase: Phase
    reopens: datetime | None
    charts: Sequence[Chart]
    links: Sequence[Link]
    more: int


@get("/connections", guards=[needs("read")])
async def show(request: StrictRequest, services: Served) -> Response[str]:
    """Every account with the connections in reach."""
    clinics = within_reach(request, services)
    found = health(
        clinics,
        paused={(gone.clinic_id, gone.connection): gone for gone in await services.store.paused()},
        work=await services.store.open_work(request.user.clinics),
        troubled={
            name: (breaker.phase(luck.breaker), pace.reopens(luck, services.world.now()))
            for name, luck in (await services.store.luck()).items()
        },
        recent=services.world.meters.recent,
    )
    as_of = services.world.meters.recent.as_of
    return await page(request, services, "connections.html", accounts=found, as_of=as_of)


@post("/connections/{clinic_id:str}/{name:str}/pause", guards=[needs("operate")], status_code=200)
async def pause(
    request: StrictRequest, services: Served, clinic_id: FromPath[str], name: FromPath[str], form: Form
) -> Response[Any]:
    """Hold everything for a connection."""
    connection = connection_of(request, services, clinic_id, name)
    await services.asking.pause(connection, request.caller, form.read(Reason).reason)
    return moved("/console/connections")


@post("/connections/{clinic_id:str}/{name:str}/resume", guards=[needs("operate")], status_code=200)
async def resume(
    request: StrictRequest, services: Served, clinic_id: FromPath[str], name: FromPath[str], form: Form
) -> Response[Any]:
    """Open a paused connection again; what was held goes out."""
    connection = connection_of(request, services, clinic_id, name)
    await services.asking.resume(connection, request.caller, form.read(Reason).reason)
    return moved("/console/connections")


def health(
    clinics: Sequence[Clinic],
    *,
    paused: Mapping[At, Paused],
    work: Mapping[At, Open],
    troubled: Mapping[str, tuple[Phase, datetime | None]],
    recent: Recent,
) -> list[Health]:
    """The accounts of these clinics by name; of their connections those first that people want to see."""
    accounts: dict[str, Account] = {}
    links: dict[str, list[Link]] = {}
    for clinic in clinics:
        for connection in clinic.connections.values():
            at = (clinic.id, connection.name)
            link = Link(clinic=clinic, connection=connection, work=work.get(at, Open()), paused=paused.get(at))
            accounts[connection.account.name] = connection.account
            links.setdefault(connection.account.name, []).append(link)
    return [
        Health(
            account=account,
            phase=troubled.get(name, _WELL)[0],
            reopens=troubled.get(name, _WELL)[1],
            charts=charts(recent.lately((link.clinic.id, link.connection.name) for link in links[name])),
            links=sorted(links[name], key=_urgency)[:_MOST],
            more=max(len(links[name]) - _MOST, 0),
        )
        for name, account in sorted(accounts.items())
    ]


def _urgency(link: Link) -> tuple[bool, int, str, str]:
    """Closed ones first, then those with most to do."""
    work = link.work.waiting + link.work.unknown
    return link.paused is None, -work, link.clinic.name, link.connection.name
