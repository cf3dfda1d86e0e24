"""The configuration in force, and putting its files in force anew."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from litestar import Response, get, post
from msgspec import Struct

from gateway.errors import ConfigErrors
from gateway.flows.reload import Attempt
from gateway.rules.clinic import App, Config
from gateway.web.admin import reloaded
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.console.forms import Form
from gateway.web.console.pages import moved, page
from gateway.web.replies import Reason
from gateway.web.services import Served


class InForce(Struct, frozen=True, kw_only=True):
    """What of the configuration is within an administrator's reach; `whole`: all of it, with all that is said of it."""

    config: Config
    whole: bool
    clinics: int
    accounts: Sequence[str]
    apps: Sequence[str]
    last: Attempt | None


@get("/configuration", guards=[needs("admin")])
async def show(request: StrictRequest, services: Served) -> Response[str]:
    """What holds now, and how the last reload went."""
    found = in_force(services.configured.config, services.reloader.last, request.user)
    return await page(request, services, "configuration.html", found=found)


@post("/configuration/reload", guards=[needs("admin")], status_code=200)
async def reload(request: StrictRequest, services: Served, form: Form) -> Response[Any]:
    """Put the files in force, all of them or, with one mistake, none; the page tells how it went."""
    reason = form.read(Reason).reason
    with suppress(ConfigErrors):
        await reloaded(services, request.caller, reason)
    return moved("/console/configuration")


def in_force(config: Config, last: Attempt | None, by: App) -> InForce:
    """The configuration as one administrator may see it: other clinics' names are none of theirs."""
    whole = "*" in by.clinics
    clinics = [clinic for clinic in config.clinics.values() if by.may_touch(clinic.id)]
    accounts = {connection.account.name for clinic in clinics for connection in clinic.connections.values()}
    return InForce(
        config=config,
        whole=whole,
        clinics=len(clinics),
        accounts=sorted(config.accounts if whole else accounts),
        apps=sorted(name for name, app in config.apps.items() if whole or app.clinics <= by.clinics),
        last=last,
    )
