"""Who calls: an app, by its key. There is no open mode."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from gateway.errors import Refused
from gateway.rules.clinic import App, Config, Role
from gateway.web.services import Services
from schemas.problem import problem

_NOBODY = "0" * 64

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], None]


def app_of(header: str, config: Config) -> tuple[App, str] | None:
    """The app and key id behind an Authorization header.

    A key is looked up by its id and compared by hash in constant time; an unknown id costs the same compare.
    """
    scheme, _, key = header.partition(" ")
    key = key.strip()
    prefix, _, rest = key.partition("_")
    key_id = rest.partition("_")[0]
    found = next(
        ((app, known.sha256) for app in config.apps.values() for known in app.keys if known.id == key_id), None
    )
    expected = found[1] if found else _NOBODY
    given = sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
    proved = hmac.compare_digest(expected, given)
    return (found[0], key_id) if found and proved and prefix == "tgk" and scheme.lower() == "bearer" else None


def authenticated(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of every route that is not marked `open`: the calling app becomes the request's user.

    Raises Refused with 401. A guard, not a middleware, so that a refusal is named and logged like any other answer.
    """
    if handler.opt.get("open") or connection.scope["path_template"].startswith("/schema"):
        return
    services: Services = connection.app.state.services
    found = app_of(connection.headers.get("authorization", ""), services.configured.config)
    if found is None:
        raise Refused(problem("unauthenticated"), {"WWW-Authenticate": "Bearer"})
    connection.scope["user"], connection.scope["auth"] = found


def needs(role: Role) -> Guard:
    """A guard that lets apps with `role` through. Raises Refused with 403."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        if role not in connection.user.roles:
            raise Refused(problem("forbidden", f"this call needs the role {role}"))

    return guard
