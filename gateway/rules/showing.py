"""A plan as callers see it: its route, what the adapter adds, the exact request with its secrets masked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import structs

from adapters.base import HttpRequest, Link, Secret, Sent, place
from gateway.rules import masking
from gateway.rules.clinic import Clinic
from gateway.rules.planning import Plan
from schemas.delivery import Mapped

NOT_YET = "tsk_00000000000000000000000000000000"
"""Stands for the id that an explained delivery does not have."""


def with_extras(request: HttpRequest, extras: Mapping[str, Any]) -> HttpRequest:
    """The request with `vendor_fields` at the top level of its body; they never overwrite what the adapter placed."""
    if not extras or request.json is None:
        return request
    return structs.replace(request, json={**extras, **request.json})


def added(plan: Plan, delivery_id: str, now: datetime) -> tuple[Mapped, ...]:
    """What the adapter puts in beyond the table's places: our tag. Told from the request itself."""
    if plan.operation.name != "create_task":
        return ()
    built = _built(plan, delivery_id, now)
    placed = place(plan.operation, plan.values)
    return tuple(
        Mapped(field=plan.connection.adapter.ours(plan.operation.name, wire) or wire, fate="added", place=wire)
        for wire, value in ((built.json if built else None) or {}).items()
        if value != placed.get(wire)
    )


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
    built = _built(plan, NOT_YET, now)
    return masking.shown(with_extras(built, plan.extras), _link(plan)) if built else None


def _built(plan: Plan, delivery_id: str, now: datetime) -> HttpRequest | None:
    sent = Sent(ref=delivery_id, operation=plan.operation.name, values=plan.values, at=now)
    try:
        return plan.connection.adapter.build_request(sent, _link(plan))
    except Exception:  # noqa: BLE001 - an adapter may break in any way; the attempt would be blocked by it
        return None


def _link(plan: Plan) -> Link[Any, Any]:
    """The connection's link; a token is not fetched for this, so one that stands for it is shown."""
    return plan.connection.link(Secret("the-access-token"))
