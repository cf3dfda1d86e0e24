"""Lists of deliveries: their filters and cursors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, get_args

from litestar.di import NamedDependency

from gateway.errors import Refused
from gateway.rules.record import present
from gateway.store.base import Store
from gateway.store.listing import FILTERS, Wanted
from gateway.web.body import StrictRequest
from gateway.web.parameters import LARGEST_PAGE, InState, Limit, NeedsPerson, OfKind, Text
from gateway.web.replies import Deliveries
from schemas.command import Kind
from schemas.delivery import State
from schemas.problem import FieldError, problem

_PAGE = 50
_DIGITS = 18


Asked = dict[str, str]
"""The filters of a list, those given."""

Filters = NamedDependency[Asked]
"""The same, as a handler takes them."""


def filters(  # noqa: PLR0913, PLR0917 - a query's parameters
    clinic_id: Text = None,
    in_state: InState = None,
    reference: Text = None,
    idempotency_key: Text = None,
    id: Text = None,  # noqa: A002 - the API's name
    emr_id: Text = None,
    job_id: Text = None,
    cursor: Text = None,
    limit: Limit = None,
) -> Asked:
    """The filters that every list has. A blank text is not given; a blank number is no number."""
    asked = _given(
        clinic_id=clinic_id, state=in_state, reference=reference, idempotency_key=idempotency_key, id=id, emr_id=emr_id,
        job_id=job_id, cursor=cursor,
    )  # fmt: skip
    return asked if limit is None else {**asked, "limit": limit}


def note_filters(common: Filters, emr_task_id: Text = None) -> Asked:
    """Those of notes: by the task's id in the EMR too."""
    return {**common, **_given(emr_task_id=emr_task_id)}


def overview_filters(common: Filters, kind: OfKind = None, needs_person: NeedsPerson = None) -> Asked:
    """Those of the list over all kinds."""
    return {**common, **_given(kind=kind, needs_person=needs_person)}


def _given(**asked: str | None) -> Asked:
    return {name: value for name, value in asked.items() if value}


_SHARED = frozenset({*FILTERS, "idempotency_key", "cursor", "limit"}) - {"emr_task_id"}
_OWN: Mapping[Kind | None, frozenset[str]] = {
    "note": frozenset({"emr_task_id"}),
    None: frozenset({"kind", "needs_person"}),
}


def wanted(request: StrictRequest, asked: Asked, kind: Kind | None) -> Wanted:
    """What the query asks for. Raises Refused."""
    only(request, _SHARED | _OWN.get(kind, frozenset()))
    one_of("state", asked, get_args(State))
    one_of("kind", asked, get_args(Kind))
    one_of("needs_person", asked, ("true", "false"))
    key = asked.get("idempotency_key")
    equal = {FILTERS[name]: value for name, value in asked.items() if name in FILTERS}
    of_kind = kind or asked.get("kind")
    return Wanted(
        clinics=request.user.clinics,
        equal={**equal, **({"kind": of_kind} if of_kind else {})},
        idempotency_key=(request.user.name, key) if key else None,
        needs_person=asked.get("needs_person") == "true",
        after=after_cursor(asked["cursor"]) if "cursor" in asked else None,
        limit=limit_of(asked.get("limit")),
    )


def only(request: StrictRequest, allowed: Collection[str], several: Collection[str] = ()) -> None:
    """Raises Refused for parameters that are unknown, or come twice: a misspelt filter would match all.

    Those in `several` may come several times.
    """
    names = [name for name, _ in request.query_params.multi_items()]
    once = [name for name in names if name not in several]
    if set(names) - set(allowed) or len(set(once)) < len(once):
        known = (f"{name} (any number)" if name in several else name for name in sorted(allowed))
        raise Refused(problem("invalid-parameter", f"the parameters here, each once: {', '.join(known)}"))


def one_of(name: str, asked: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    """Raises Refused for a parameter that is none of `allowed`."""
    if name in asked and asked[name] not in allowed:
        raise _invalid(name, f"one of {', '.join(allowed)}")


async def page(store: Store, asked: Wanted) -> Deliveries:
    """The page, and the cursor of the next one."""
    found = await store.listed(asked)
    last = found.records[-1] if found.records and found.more else None
    return Deliveries(
        items=[present(record, command=False) for record in found.records],
        next_cursor=cursor_of(last.created_at, last.id) if last else None,
    )


def limit_of(text: str | None) -> int:
    """How many to list. Raises Refused."""
    if text is None:
        return _PAGE
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= LARGEST_PAGE:
        raise _invalid("limit", f"a number from 1 to {LARGEST_PAGE}")
    return int(text)


def row_of(name: str, text: str | None) -> int | None:
    """The row that a list goes on from, if one is given. Raises Refused."""
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        raise _invalid(name, "a next_cursor that this list gave")
    return int(text)


def cursor_of(at: datetime, delivery_id: str) -> str:
    """What the next page begins after."""
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{delivery_id}".encode()).decode().rstrip("=")


def after_cursor(cursor: str) -> tuple[datetime, str]:
    """The last delivery of the page before. Raises Refused for what is no cursor."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, _, delivery_id = text.partition("|")
        moment = datetime.fromisoformat(at)
    except (ValueError, binascii.Error) as error:
        raise _invalid("cursor", "a next_cursor that a list gave") from error
    if moment.tzinfo is None or not delivery_id:
        raise _invalid("cursor", "a next_cursor that a list gave")
    return moment, delivery_id


def _invalid(name: str, takes: str) -> Refused:
    error = FieldError(code="invalid-parameter", field=name, detail=takes)
    return Refused(problem("invalid-parameter", f"{name}: {takes}", (error,)))
