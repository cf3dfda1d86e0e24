"""What is counted, for Prometheus."""

from __future__ import annotations

from litestar import MediaType, Response, get

from gateway.telemetry.meters import MEDIA_TYPE
from gateway.web.auth import needs
from gateway.web.problems import problems
from gateway.web.services import Served


@get(
    "/metrics", guards=[needs("read")], media_type=MediaType.TEXT, responses=problems(), tags=["about"],
    summary="What is counted, for Prometheus",
)  # fmt: skip
async def metrics(services: Served) -> Response[bytes]:
    """The text that Prometheus scrapes, with an app's key as its bearer token. No clinic is named in it."""
    return Response(await services.gauges.text(), media_type=MEDIA_TYPE)
