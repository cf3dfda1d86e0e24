"""Who is signed in: a random token in a cookie, known here by its digest.

A session is no more than the key that it was begun with: that is looked at again with every request, so that a reload
that takes the key, or its roles, ends it.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.handlers.base import BaseRouteHandler

from gateway.errors import Refused
from gateway.flows.configured import Configured
from gateway.rules.clinic import App, AppKey, Config
from gateway.store.audit import Act
from gateway.store.sessions import Session
from gateway.web.services import Services
from schemas.problem import problem

IDLE, LONGEST = timedelta(minutes=15), timedelta(hours=8)
"""How long a session lasts unused, and at most."""
_NOTED_EVERY = timedelta(minutes=1)
ROLES = frozenset({"read", "operate"})
"""One of them is needed to sign in."""

LIVE = "live"
"""The header of requests that a page makes by itself: they do not count as use."""


async def signed_in(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of the console's pages: the app signed in with becomes the request's user. Raises Refused with 401."""
    if handler.opt.get("open"):
        return
    services: Services = connection.app.state.services
    token = connection.cookies.get(name_of(services.configured.config), "")
    found = await session_of(token, services)
    if found is None:
        raise Refused(problem("unauthenticated"))
    session, app = found
    now = services.world.now()
    quiet = handler.opt.get("quiet") or LIVE in connection.headers
    if not quiet and now - session.seen_at >= _NOTED_EVERY:
        await services.store.session_seen(session.digest, now)
    connection.scope["user"], connection.scope["auth"] = app, session.key_id
    connection.scope["state"]["csrf"] = csrf_of(token)


async def session_of(token: str, services: Services) -> tuple[Session, App] | None:
    """The session that a cookie's token stands for, and its app, if it still lasts."""
    session = await services.store.session(_digest(token)) if token else None
    app = _lasting(session, services) if session else None
    return (session, app) if session and app else None


async def of_app(app: App, services: Services) -> Sequence[Session]:
    """The sessions that last with a key of the app, the newest first."""
    return [session for session in await services.store.sessions(app.name) if _lasting(session, services)]


def _lasting(session: Session, services: Services) -> App | None:
    """The app of a session that still lasts."""
    now = services.world.now()
    over = now - session.seen_at >= IDLE or now - session.begun_at >= LONGEST
    return None if over else _app_of(session, services.configured)


def may_sign_in(app: App) -> bool:
    """Whether the console has anything to show to the app."""
    return not app.roles.isdisjoint(ROLES)


def _app_of(session: Session, configured: Configured) -> App | None:
    """The app whose key it is, if that is still the very same key."""
    app, key = configured.key(session.key_id) or (None, None)
    same = app is not None and key is not None and (app.name, key.sha256) == (session.app, session.key_sha256)
    return app if app is not None and same and may_sign_in(app) else None


async def begin(app: App, key: AppKey, services: Services) -> str:
    """A new session's token; the sign-in is kept in the audit trail."""
    token, now = secrets.token_urlsafe(32), services.world.now()
    session = Session(
        digest=_digest(token), app=app.name, key_id=key.id, key_sha256=key.sha256, begun_at=now, seen_at=now
    )
    act = Act(app=app.name, key_id=key.id, action="sign-in", about="console")
    await services.store.sign_in(session, act, IDLE, LONGEST)
    return token


async def end(token: str, services: Services) -> None:
    """The session is over, whoever has its token."""
    await services.store.sign_out(_digest(token))


def name_of(config: Config, name: str = "console") -> str:
    """A cookie's name; in production one that browsers take from this host alone, with all that makes it safe."""
    return f"__Host-{name}" if config.mode == "production" else name


def cookie(config: Config, token: str, name: str = "console") -> Cookie:
    """The cookie that carries a token; without one, what removes it."""
    return Cookie(
        key=name_of(config, name),
        value=token,
        path="/",
        httponly=True,
        secure=config.mode == "production",
        samesite="strict",
        max_age=None if token else 0,
    )


def csrf_of(token: str) -> str:
    """What forms of this token's pages carry: only who can read the page knows it."""
    return hmac.new(token.encode(), b"a form of the console", "sha256").hexdigest()


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
