"""The control API that every stand-in has under `/_sandbox/`: what came in, what was created, and the faults.

| call | does |
|---|---|
| `GET /_sandbox/requests` | every request for the vendor, in order: `{count, items[]}` |
| `GET /_sandbox/created?kind=` | everything created, in order: `{count, items[{at, kind, id, body}]}` |
| `GET /_sandbox/pushes` | every attempt to deliver a webhook: `{count, items[]}` |
| `GET`, `PUT`, `DELETE /_sandbox/faults` | the faults; PUT takes one or a list, and replaces all |
| `PUT /_sandbox/demands` `["subject"]` | the fields that a task must have beyond what the page requires |
| `POST /_sandbox/reset` | everything as at the start |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

from gateway.sandbox.faults import Fault
from gateway.sandbox.stand import Stand, reply


def add_control(app: web.Application, stand: Stand) -> None:
    """Gives `app` the routes that look into `stand` and switch its faults."""

    async def requests(_request: web.Request) -> web.Response:
        return listed(list(stand.requests))

    async def created(request: web.Request) -> web.Response:
        kind = request.query.get("kind")
        return listed([each for each in stand.created if kind in (None, each.kind)])

    async def pushes(_request: web.Request) -> web.Response:
        return listed(stand.pusher.pushes)

    async def reset(_request: web.Request) -> web.Response:
        stand.reset()
        return web.Response(status=204)

    async def demand(request: web.Request) -> web.Response:
        stand.demands = await told(request, list[str])
        return reply(stand.demands)

    app.router.add_get("/_sandbox/requests", requests)
    app.router.add_get("/_sandbox/created", created)
    app.router.add_get("/_sandbox/pushes", pushes)
    app.router.add_post("/_sandbox/reset", reset)
    app.router.add_put("/_sandbox/demands", demand)
    add_faults(app, stand)


def add_faults(app: web.Application, stand: Stand) -> None:
    """Gives `app` the routes that show, replace and clear the faults of `stand`."""

    async def show(_request: web.Request) -> web.Response:
        return reply({"faults": stand.faults.active})

    async def replace(request: web.Request) -> web.Response:
        faults = await told(request, Fault | list[Fault])
        stand.faults.replace(faults if isinstance(faults, list) else [faults])
        return await show(request)

    async def clear(_request: web.Request) -> web.Response:
        stand.faults.replace(())
        return web.Response(status=204)

    app.router.add_get("/_sandbox/faults", show)
    app.router.add_put("/_sandbox/faults", replace)
    app.router.add_delete("/_sandbox/faults", clear)


async def told(request: web.Request, wanted: Any) -> Any:
    """What a control request says, as `wanted`; a 400 that explains otherwise."""
    try:
        return msgspec.json.decode(await request.read(), type=wanted)
    except msgspec.MsgspecError as error:
        raise web.HTTPBadRequest(text=f"{error}\n") from error


def listed(items: Sequence[Any]) -> web.Response:
    """A list of the control API."""
    return reply({"count": len(items), "items": items})
