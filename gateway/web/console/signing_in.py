"""Signing in with an app's key, and out again."""

from __future__ import annotations

import re
import secrets
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import QueryParameter

from gateway.errors import Refused
from gateway.web.auth import count_stranger, owner_of
from gateway.web.body import StrictRequest
from gateway.web.console import forms, sessions
from gateway.web.console.forms import Form
from gateway.web.console.pages import html, moved, render
from gateway.web.services import Served, Services
from schemas.problem import problem

_BEFORE = "console-before"
"""The cookie whose token the form carries while nobody is signed in."""
_PAGE = re.compile(r"/console(/\w[\w.-]*)*(\?[\w.~%&=+-]*)?", re.ASCII)
_NO_KEY = "This is no key of this gateway."
_NO_ROLE = "This key has neither of the roles read and operate."


@get("/login", opt={"open": True})
async def show(
    request: StrictRequest, services: Served, wanted: Annotated[str, QueryParameter(name="next")] = ""
) -> Response[str]:
    """The form, with one field."""
    return _form(request, services, wanted)


@post("/login", opt={"open": True}, status_code=200)
async def sign_in(request: StrictRequest, services: Served) -> Response[Any]:
    """Begin a session with the key, if it is one that may see anything here."""
    config = services.configured.config
    before = request.cookies.get(sessions.name_of(config, _BEFORE))
    if not before:
        raise Refused(problem("forbidden", "this form is too old, or your browser keeps no cookies: load it again"))
    form = forms.read(await request.body(), request.headers.get("content-type", ""), sessions.csrf_of(before))
    found = owner_of(form.text("key"), services.configured)
    if found is None:
        count_stranger(request, services)
        return _form(request, services, form.text("next"), (401, _NO_KEY))
    if not sessions.may_sign_in(found[0]):
        return _form(request, services, form.text("next"), (403, _NO_ROLE))
    await sessions.end(request.cookies.get(sessions.name_of(config), ""), services)
    token = await sessions.begin(*found, services)
    answer = moved(_inside(form.text("next")))
    answer.cookies.append(sessions.cookie(config, token))
    return answer


@post("/logout", status_code=200)
async def sign_out(request: StrictRequest, services: Served, form: Form) -> Response[Any]:  # noqa: ARG001 - read for its token
    """End the session."""
    config = services.configured.config
    await sessions.end(request.cookies.get(sessions.name_of(config), ""), services)
    answer = moved("/console/login")
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    answer.cookies.append(sessions.cookie(config, ""))
    return answer


def _form(
    request: StrictRequest, services: Services, wanted: str, refused: tuple[int, str] | None = None
) -> Response[str]:
    status, why = refused or (200, None)
    config = services.configured.config
    before = request.cookies.get(sessions.name_of(config, _BEFORE)) or secrets.token_urlsafe(32)
    answer = html(render("login.html", csrf=sessions.csrf_of(before), wanted=_inside(wanted), why=why), status)
    answer.cookies.append(sessions.cookie(config, before, _BEFORE))
    return answer


def _inside(wanted: str) -> str:
    """The page that was wanted, if it is one of the console's."""
    return wanted if _PAGE.fullmatch(wanted) else "/console"
