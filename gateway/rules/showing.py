"""A plan as callers see it: its route, what the adapter adds, the exact request with its secrets masked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import structs

from adapters.base import HttpRequest, Link, Secret, Sent, place
from gateway.rules import masking
from gateway.rules.clinic import Clinic
from gateway.rules.planning import Plan
from schemas.command import NAMING, Name
from schemas.delivery import Mapped

_PREFIXES: Mapping[Name, str] = {naming.operation: naming.prefix for naming in NAMING.values()}


def not_yet(plan: Plan) -> str:
    """What stands for the id that an explained delivery does not have: zeros."""
    return f"{_PREFIXES[plan.operation.name]}_{'0' * 32}"


def with_extras(request: HttpRequest, extras: Mapping[str, Any]) -> HttpRequest:
    """The request with `vendor_fields` at the top level of its body; they never overwrite what the adapter placed."""
    if not extras or request.json is None:
        return request
    return structs.replace(request, json={**extras, **request.json})


def added(plan: Plan, delivery_id: str, now: datetime) -> tuple[Mapped, ...]:
    """What the adapter puts in beyond the table's places: our tag. Told from the request itself."""
    try:
        built = _built(plan, delivery_id, now, _link(plan))
    except Exception:  # noqa: BLE001 - an adapter may break in any way; the attempt would be blocked by it
        return ()
    placed = dict(_leaves(place(plan.operation, plan.values)))
    return tuple(
        Mapped(field=plan.connection.adapter.ours(plan.operation.name, wire) or wire, fate="added", place=wire)
        for wire, value in _leaves(built.json or {})
        if wire not in placed or _grew(placed[wire], value)
    )


def _leaves(body: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a body that is no object, by its dotted name."""
    for name, value in body.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _grew(placed: Any, value: Any) -> bool:
    """Whether a list has more in it than was placed; a value put into the vendor's words is no addition."""
    return isinstance(value, list) and isinstance(placed, list) and len(value) > len(placed)


def route(plan: Plan, clinic: Clinic) -> Mapping[str, Any]:
    """The way the command takes, and the rule and configuration that chose it."""
    return {
        "connection": plan.connection.name,
        "adapter": plan.connection.adapter.name,
        "emr": plan.connection.emr,
        "rule": plan.rule,
        "config_version": clinic.version,
    }


def shown_request(plan: Plan, now: datetime) -> Mapping[str, Any] | None:
    """The vendor's request as it would go out, secrets masked; None when the adapter cannot build it."""
    try:
        return masking.shown(lambda link: with_extras(_built(plan, not_yet(plan), now, link), plan.extras), _link(plan))
    except Exception:  # noqa: BLE001 - likewise
        return None


def _built(plan: Plan, delivery_id: str, now: datetime, link: Link[Any, Any]) -> HttpRequest:
    sent = Sent(ref=delivery_id, operation=plan.operation.name, values=plan.values, at=now)
    return plan.connection.adapter.build_request(sent, link)


def _link(plan: Plan) -> Link[Any, Any]:
    """The connection's link; a token is not fetched for this, so one that stands for it is shown."""
    return plan.connection.link(Secret("the-access-token"))
