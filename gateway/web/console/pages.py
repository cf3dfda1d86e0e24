"""A page of the console: its frame, its headers, and what stands in the place of one that is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Request, Response
from msgspec import Struct

from gateway.rules.clinic import App, Role
from gateway.store.counting import Asked
from gateway.web import problems
from gateway.web.body import StrictRequest
from gateway.web.console import words
from gateway.web.console.static import address
from gateway.web.services import Services
from schemas.problem import CODES, Problem

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What every page says of what it may do: nothing but what comes from here, and nothing inline."""

PLACES: Sequence[tuple[str, str, Role]] = (
    ("/console", "Inbox", "read"),
    ("/console/deliveries", "Deliveries", "read"),
    ("/console/connections", "Connections", "read"),
    ("/console/clinics", "Clinics", "read"),
    ("/console/webhooks", "Webhooks", "operate"),
    ("/console/callbacks", "Callbacks", "operate"),
    ("/console/audit", "Audit trail", "admin"),
    ("/console/configuration", "Configuration", "admin"),
)
"""The pages that the frame leads to, and the role that each needs."""

UTC = ZoneInfo("UTC")

_environment = Environment(
    loader=PackageLoader("gateway.web.console", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {
    "ago": words.ago, "around_ids": words.around_ids, "clock": words.clock, "took": words.took,
    "waits_for": words.waits_for,
}  # fmt: skip
_environment.globals |= {
    "asset": address, "STATES": words.STATES, "VERDICTS": words.VERDICTS, "FATES": words.FATES, "UTC": UTC,
}  # fmt: skip


class Frame(Struct, frozen=True, kw_only=True):
    """What stands around a page: who is signed in, where they can go, and how much waits for them."""

    app: App
    key_id: str
    csrf: str
    places: Sequence[tuple[str, str]]
    here: str | None
    waiting: int | None


def frame(request: Request[Any, Any, Any], asked: Asked | None) -> Frame | None:
    """The frame for who is signed in; None for nobody. `asked`: unknown where it cannot be counted."""
    app: App | None = request.scope.get("user")
    if app is None:
        return None
    path = request.url.path.rstrip("/")
    here = next((place for place, _, _ in reversed(PLACES) if place == path or _lies_below(place, path)), None)
    return Frame(
        app=app,
        key_id=request.auth,
        csrf=request.scope["state"]["csrf"],
        places=[(place, name) for place, name, role in PLACES if role in app.roles],
        here=here,
        waiting=asked.to_settle + asked.paused if asked else None,
    )


def _lies_below(place: str, path: str) -> bool:
    """Whether the path is a page of that place; all lie below the inbox, and none is one of its."""
    return place != PLACES[0][0] and path.startswith(f"{place}/")


def render(template: str, **values: Any) -> str:
    """The page that `template` makes of `values`."""
    return _environment.get_template(template).render(values)


async def page(
    request: StrictRequest, services: Services, template: str, *, status: int = 200, **values: Any
) -> Response[str]:
    """A whole page; `url` is where it can be asked for again, if not where it was."""
    asked = await services.store.asked_of_people(request.user.clinics)
    values = {"url": _address(request), **values, "frame": frame(request, asked), "now": services.world.now()}
    return html(render(template, **values), status)


def html(text: str, status: int = 200) -> Response[str]:
    """A page as it is sent."""
    return Response(text, status_code=status, media_type=MediaType.HTML, headers=HEADERS)


def moved(to: str) -> Response[None]:
    """Go there, and read what stands there: after something was done."""
    return Response(None, status_code=303, headers={**HEADERS, "Location": to}, media_type=MediaType.TEXT)


def _address(request: Request[Any, Any, Any]) -> str:
    """The page's own address, to be asked for again."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def refusal_page(request: Request[Any, Any, Any], found: Problem) -> Response[Any]:
    """The page of what is refused; who is not signed in is asked to."""
    if found.status == 401:  # noqa: PLR2004 - Unauthorized
        return _to_sign_in(request)
    values = {"frame": frame(request, None), "found": found, "known": CODES[found.code], "url": None}
    return html(render("refusal.html", **values), found.status)


def _to_sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
    wanted = _address(request) if request.method == "GET" else "/console"
    if "hx-request" in request.headers:
        return Response(None, status_code=401, headers={**HEADERS, "HX-Redirect": "/console/login"})
    if "text/event-stream" in request.headers.get("accept", ""):
        return Response(None, status_code=401, headers=HEADERS)
    return moved("/console/login" + (f"?next={quote(wanted)}" if wanted != "/console" else ""))


def _in_html(handler: Callable[..., Response[bytes]]) -> Callable[..., Response[Any]]:
    """The same refusal as a page."""

    def handle(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        answer = handler(request, error)
        shown = refusal_page(request, msgspec.json.decode(answer.content, type=Problem))
        shown.headers.update(answer.headers)
        return shown

    return handle


HANDLERS: Mapping[Any, Any] = {kind: _in_html(handler) for kind, handler in problems.HANDLERS.items()}


def zone_of(clinic_id: str, services: Services) -> ZoneInfo:
    """The clinic's timezone; UTC for one that is no longer configured."""
    clinic = services.configured.clinic(clinic_id)
    return clinic.timezone if clinic else UTC
