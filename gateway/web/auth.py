"""Who calls: an app, by its key. There is no open mode."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from gateway.errors import Refused
from gateway.flows.configured import Configured
from gateway.rules.clinic import App, AppKey, Role
from gateway.web.quota import refusal
from gateway.web.services import Services
from schemas.problem import problem

_NOBODYS = AppKey(id="", sha256="0" * 64)
_STRANGERS = 120
"""How many calls without a valid key one address may make in a minute before it is told to wait."""

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]
"""Guards are async though they await nothing: the framework would run each of the others in a thread."""


def app_of(header: str, configured: Configured) -> tuple[App, str] | None:
    """The app and key id behind an Authorization header."""
    scheme, _, key = header.partition(" ")
    found = owner_of(key.strip(), configured)
    return (found[0], found[1].id) if found and scheme.lower() == "bearer" else None


def owner_of(key: str, configured: Configured) -> tuple[App, AppKey] | None:
    """Whose key it is.

    It is looked up by its id and compared by hash in constant time; an unknown id costs the same compare.
    """
    prefix, _, rest = key.partition("_")
    app, known = configured.key(rest.partition("_")[0]) or (None, _NOBODYS)
    given = sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
    proved = hmac.compare_digest(known.sha256, given)
    return (app, known) if app and proved and prefix == "tgk" else None


async def authenticated(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of every route that is not marked `open`: the calling app becomes the request's user.

    Raises Refused with 401; with 429 for an address that goes on so, whose good keys are taken all the same.
    A guard, not a middleware, so that a refusal is named and logged like any other answer. Routes marked `session` are
    the console's, which has a guard of its own.
    """
    if handler.opt.get("open") or handler.opt.get("session"):
        return
    services: Services = connection.app.state.services
    given = connection.headers.getall("authorization", [])
    found = app_of(given[0], services.configured) if len(given) == 1 else None
    if found is None:
        count_stranger(connection, services)
        raise Refused(problem("unauthenticated"), {"WWW-Authenticate": "Bearer"})
    connection.scope["user"], connection.scope["auth"] = found


def count_stranger(connection: ASGIConnection[Any, Any, Any, Any], services: Services) -> None:
    """Count a call without a valid key. Raises Refused with 429 for an address that goes on so."""
    address = connection.client.host if connection.client else ""
    allowance = services.strangers.spend(address, _STRANGERS)
    if not allowance.granted:
        raise refusal(allowance, "too many calls without a valid key came from this address")


def needs(role: Role) -> Guard:
    """A guard that lets apps with `role` through. Raises Refused with 403."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        if role not in connection.user.roles:
            raise Refused(problem("forbidden", f"this call needs the role {role}"))

    return guard
