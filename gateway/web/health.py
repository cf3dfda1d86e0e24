"""Whether the gateway is alive, and whether it can take commands."""

from __future__ import annotations

from litestar import get

from gateway.store.base import StoreUnavailable
from gateway.web.problems import OPEN, problems
from gateway.web.services import Served

_OPT = {"open": True, "any_host": True}


@get(
    "/health/live", opt=_OPT, security=OPEN, tags=["about"], summary="The process answers", responses={},
)  # fmt: skip
async def live() -> dict[str, str]:
    """The event loop turns."""
    return {"status": "live"}


@get(
    "/health/ready", opt=_OPT, security=OPEN, tags=["about"], summary="Commands can be taken",
    responses={503: problems()[503]},
)  # fmt: skip
async def ready(services: Served) -> dict[str, str]:
    """The store takes writes and the gateway is not stopping; a vendor's outage does not count."""
    if services.stopping.is_set():
        raise StoreUnavailable("stopping")
    await services.store.writable()
    return {"status": "ready"}
