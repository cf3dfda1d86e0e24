"""Every error as a problem (RFC 9457), and the page that a problem's `type` names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog
from litestar import MediaType, Request, Response, get
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import SecurityRequirement
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import structs

from gateway.errors import Refused
from gateway.store.base import StoreUnavailable, Undecided
from gateway.web.lines import tell
from gateway.web.templates import render
from schemas.problem import CODES, Code, Problem, problem

MEDIA_TYPE = "application/problem+json"
OPEN: Sequence[SecurityRequirement] = ({},)
"""The OpenAPI word for a route that needs no key."""

_OF_STATUS: Mapping[int, Code] = {
    400: "invalid-parameter",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
}

_ALWAYS = (400, 401, 403, 421, 429, 500, 503)
_TOO_SLOW, _TOO_LARGE = 408, 413

log = structlog.get_logger("web")


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """The OpenAPI declarations of problem answers; 400, 401, 403, 421, 429, 500 and 503 can always come.

    A body that may be too large (413) may also be too slow (408).
    """
    return {
        status: ResponseSpec(Problem, media_type=MEDIA_TYPE, generate_examples=False, description=_MEANS[status])
        for status in sorted({*_ALWAYS, *statuses, *([_TOO_SLOW] if _TOO_LARGE in statuses else [])})
    }


_MEANS: Mapping[int, str] = {
    400: "The request cannot be read",
    401: "No valid app key",
    403: "The app lacks the role",
    404: "Absent, or outside of the key's clinics",
    408: "The body did not come in time",
    409: "The delivery's state, or another delivery, stands in the way",
    412: "The delivery has changed since it was seen",
    413: "The body is too large",
    415: "The body is not JSON",
    421: "The request is for another host",
    422: "The command is refused, with every reason; or it ended badly, with the delivery",
    429: "More requests than the app's limit; try again after Retry-After",
    500: "A fault of the gateway; sending it again with the same key is safe",
    503: "Nothing can be stored now; sending it again with the same key is safe",
}


def respond(
    request: Request[Any, Any, Any], found: Problem, headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    """The problem as an answer, named after the request's id: its path may hold anything, a webhook's token too."""
    request_id = request.scope["state"]["request_id"]
    tell(request, code=found.code)
    told = structs.replace(found, instance=f"urn:task-gateway:{request_id}", request_id=request_id)
    return Response(
        msgspec.json.encode(told), status_code=told.status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def refused(request: Request[Any, Any, Any], error: Refused) -> Response[bytes]:
    """What the gateway refused on purpose."""
    return respond(request, error.problem, error.headers)


def unavailable(request: Request[Any, Any, Any], _error: StoreUnavailable) -> Response[bytes]:
    """The database cannot take it now."""
    log.warning("web.store_unavailable", request_id=request.scope["state"]["request_id"])
    return respond(request, problem("unavailable"), {"Retry-After": "5"})


def http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework refused; its words may repeat the caller's values, so ours are sent."""
    code = _OF_STATUS.get(error.status_code)
    if code is None:
        return broken(request, error)
    allowed = {"Allow": error.headers["allow"]} if error.headers and "allow" in error.headers else {}
    return respond(request, problem(code), allowed)


def broken(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A fault of ours. Its text stays out of the answer and the log; it may hold anything."""
    log.error("web.broke", request_id=request.scope["state"]["request_id"], exc_info=error)
    return respond(request, problem("internal-error"))


HANDLERS: Mapping[Any, Any] = {
    Refused: refused,
    StoreUnavailable: unavailable,
    Undecided: broken,  # it may have been accepted
    HTTPException: http_error,
    Exception: broken,
}


RUNBOOK: Mapping[str, str] = {
    "connection-blocked": "connection-paused",
    "connection-changed": "connection-paused",
    "gave-up": "queue-stalled",
    "internal-error": "requests-break",
    "invalid-configuration": "reload-refused",
    "missing-required-fields": "capability-drift",
    "outcome-unknown": "outcome-unknown",
    "unavailable": "store-unavailable",
    "vendor-failed": "vendor-in-trouble",
}
"""The pages of docs/runbook for who runs the gateway, where a problem is theirs too."""


@get(
    "/problems/{code:str}",
    opt={"open": True},
    security=OPEN,
    tags=["about"],
    summary="What a problem's code means: cause and fix",
    media_type=MediaType.HTML,
    responses=problems(404),
)
async def problem_page(code: FromPath[str]) -> str:
    """The page behind a problem's `type`."""
    known = CODES.get(code)  # type: ignore[call-overload]  # any text may come
    if known is None:
        raise Refused(problem("not-found"))
    return render("problem.html", code=code, known=known, runbook=RUNBOOK.get(code))


@get("/problems", opt={"open": True}, security=OPEN, tags=["about"], summary="All codes", media_type=MediaType.HTML)
async def problem_index() -> str:
    """Every code there is."""
    return render("problems.html", codes=CODES)


@get("/", opt={"open": True}, include_in_schema=False, sync_to_thread=False)
def front_door() -> Redirect:
    """A browser that comes to the front door wants to know what is here."""
    return Redirect("/schema")
