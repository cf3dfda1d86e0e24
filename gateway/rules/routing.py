"""Which of a clinic's connections a command takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from gateway.rules.clinic import Clinic, Connection, Route
from schemas.command import Name
from schemas.problem import FieldError


class Chosen(Struct, frozen=True):
    """A connection, and the rule that chose it ("routes[1]", "pinned", "parent", "only connection")."""

    connection: Connection
    rule: str


def choose(clinic: Clinic, operation: Name, fields: Mapping[str, Any], pinned: str | None) -> Chosen | FieldError:
    """The pinned connection, else that of the first rule that matches.

    A rule is passed over when its connection does not offer the operation, so that a claim finds the connection that
    has claims; when only such rules match, the first one's reason is the problem.
    """
    if pinned is not None:
        connection = clinic.connections.get(pinned)
        return Chosen(connection, "pinned") if connection else unknown_connection(clinic)
    passed_over: Connection | None = None
    for route in clinic.routes:
        if not _matches(route, fields):
            continue
        connection = clinic.connections[route.to]
        if offers(connection, operation):
            return Chosen(connection, route.label)
        passed_over = passed_over or connection
    if passed_over is not None:
        return unsupported(passed_over, operation)
    return FieldError(code="no-route", source=f"clinic: {clinic.id}", detail="no routing rule matches this command")


def offers(connection: Connection, operation: Name) -> bool:
    """Whether vendor, EMR and clinic all let the connection do this."""
    rule = connection.rules.get(operation)
    return rule is not None and rule.support.supported


def unsupported(connection: Connection, operation: Name) -> FieldError:
    """The problem of an operation that a connection does not offer, with whose rule that is."""
    rule = connection.rules.get(operation)
    of_emr = f" on {connection.emr}" if connection.emr else ""
    return FieldError(
        code="operation-unsupported",
        source=rule.support.origin if rule else f"adapter: {connection.adapter.name} (documented)",
        detail=f"connection {connection.name} ({connection.adapter.name}{of_emr}) does not offer {operation}",
    )


def unknown_connection(clinic: Clinic) -> FieldError:
    """The problem of a connection that the clinic does not have, with those it has."""
    return FieldError(
        code="unknown-connection",
        pointer="/connection",
        field="connection",
        source=f"clinic: {clinic.id}",
        detail=f"this clinic's connections: {', '.join(sorted(clinic.connections))}",
    )


def _matches(route: Route, fields: Mapping[str, Any]) -> bool:
    """Keys ANDed, values ORed, lists match any; a key that this kind of command does not have excludes nothing."""
    return all(_satisfied(fields[key], wanted) for key, wanted in route.when.items() if key in fields)


def _satisfied(value: Any, wanted: frozenset[str]) -> bool:
    if isinstance(value, list | tuple):
        return any(element in wanted for element in value)
    return value in wanted
