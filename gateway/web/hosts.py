"""Which names the gateway answers to."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from gateway.errors import Refused
from gateway.web.services import Services
from schemas.problem import problem


async def hosted(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of every route: a request for another host is not ours to answer.

    Health is asked for by address, whatever `hosts` lists. Raises Refused with 400 for several Hosts, or none in
    HTTP/1.1; else with 421.
    """
    given = [host for host in connection.headers.getall("host", []) if host]
    if len(given) > 1 or (not given and connection.scope["http_version"] == "1.1"):
        raise Refused(problem("malformed-header", "Host comes once"))
    services: Services = connection.app.state.services
    hosts = services.configured.config.hosts
    if hosts and not handler.opt.get("any_host") and _name(given[0] if given else "") not in hosts:
        raise Refused(problem("wrong-host"))


def _name(host: str) -> str:
    """The name without the port, in lower case; empty where it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
