"""Which of a clinic's rules can ever take a command, found by asking the routing itself.

A rule's smallest commands, with one value for each field that it asks for and nothing else, decide: whatever takes one
of them also takes every command that gives more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from gateway.rules.clinic import Clinic, Route
from gateway.rules.routing import Chosen, choose
from schemas.command import LISTS, NAMING, Command, CreateClaim, CreateTask

ROUTED: tuple[type[Command], ...] = (CreateTask, CreateClaim)
"""What routes are asked for; a note goes where its task is."""


def smallest(route: Route, kind: type[Command]) -> Iterator[Mapping[str, Any]]:
    """The conditions of a rule as commands of a kind can meet them, each in the smallest way."""
    keys = [key for key in route.when if key in kind.__struct_fields__]
    for values in product(*(sorted(route.when[key]) for key in keys)):
        yield {key: [value] if key in LISTS else value for key, value in zip(keys, values, strict=True)}


def taker(clinic: Clinic, kind: type[Command], given: Mapping[str, Any]) -> Chosen | None:
    """The connection and rule that take such a command; None when none does."""
    fields = {**dict.fromkeys(kind.__struct_fields__), **given}
    chosen = choose(clinic, NAMING[kind].operation, fields, None)
    return chosen if isinstance(chosen, Chosen) else None


def takers(clinic: Clinic, route: Route, kind: type[Command]) -> Iterator[str]:
    """The rules that take what `route` asks for, its own label among them where it takes any of it."""
    for given in smallest(route, kind):
        if chosen := taker(clinic, kind, given):
            yield chosen.rule


def reached(clinic: Clinic, kind: type[Command]) -> Mapping[str, tuple[str, ...]]:
    """The connections that commands of a kind can be routed to, each with the rules that lead there."""
    found: dict[str, tuple[str, ...]] = {}
    for route in clinic.routes:
        if any(rule == route.label for rule in takers(clinic, route, kind)):
            found[route.to] = (*found.get(route.to, ()), route.label)
    return found
