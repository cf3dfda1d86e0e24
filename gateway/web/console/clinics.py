"""What each clinic's connections take and want, how that is known, and what vendors were seen to want beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from litestar import Response, get
from litestar.params import FromPath
from msgspec import Struct

from gateway.errors import Refused
from gateway.rules.clinic import Connection
from gateway.web.auth import needs
from gateway.web.body import StrictRequest
from gateway.web.clinics import rules_of, within_reach
from gateway.web.console.pages import page
from gateway.web.drift import learnt
from gateway.web.replies import Drift, FieldRule, OperationRule
from gateway.web.services import Served
from gateway.web.suggesting import as_yaml, is_open, suggestion
from schemas.command import Name
from schemas.problem import problem


class Cell(Struct, frozen=True, kw_only=True):
    """What a connection says of a field: its rule, whether a default fills it in, and how often it was wanted.

    `folded`: it joins the text.
    """

    rule: FieldRule | None
    folded: bool
    has_default: bool
    refused: int


class Matrix(Struct, frozen=True, kw_only=True):
    """One operation over all connections of a clinic: a row for each field, a cell for each connection."""

    operation: Name
    connections: Sequence[tuple[Connection, OperationRule | None]]
    fields: Sequence[tuple[str, Sequence[Cell]]]


@get("/clinics", guards=[needs("read")])
async def show(request: StrictRequest, services: Served) -> Response[str]:
    """The clinics in reach."""
    clinics = sorted(within_reach(request, services), key=lambda clinic: clinic.name)
    drift = await learnt(services, request.user.clinics)
    wanted = Counter(seen.clinic_id for seen in drift.items if is_open(seen))
    return await page(request, services, "clinics.html", clinics=clinics, wanted=wanted)


@get("/clinics/{clinic_id:str}", guards=[needs("read")])
async def show_one(request: StrictRequest, services: Served, clinic_id: FromPath[str]) -> Response[str]:
    """The capability table of a clinic, with what it does not say yet."""
    clinic = services.configured.clinic(clinic_id)
    if clinic is None or not request.user.may_touch(clinic_id):
        raise Refused(problem("not-found"))
    drift = await learnt(services, frozenset({clinic_id}))
    suggested = suggestion(drift)
    tables = matrices(list(clinic.connections.values()), drift)
    rows = as_yaml(suggested) if suggested.add or suggested.remarks else None
    observed = [seen for seen in drift.items if is_open(seen)]
    return await page(
        request, services, "clinic.html",
        clinic=clinic, tables=tables, observed=observed, trials=drift.trials, rows=rows,
    )  # fmt: skip


def matrices(connections: Sequence[Connection], drift: Drift) -> list[Matrix]:
    """The table of each operation that a connection knows of."""
    names = dict.fromkeys(name for connection in connections for name in connection.rules)
    told = [(connection, rules_of(connection).operations) for connection in connections]
    return [_matrix(name, [(connection, rules.get(name)) for connection, rules in told], drift) for name in names]


def _matrix(name: Name, connections: Sequence[tuple[Connection, OperationRule | None]], drift: Drift) -> Matrix:
    offered = [rule for _, rule in connections if rule and rule.supported]
    refused = {(seen.connection, seen.field): seen.count for seen in drift.items if seen.operation == name}
    return Matrix(
        operation=name,
        connections=connections,
        fields=[
            (field, [_cell(name, field, connection, rule, refused) for connection, rule in connections])
            for field in dict.fromkeys(field for rule in offered for field in rule.fields)
        ],
    )


def _cell(
    name: Name, field: str, at: Connection, rule: OperationRule | None, refused: Mapping[tuple[str, str | None], int]
) -> Cell:
    if rule is None or not rule.supported:
        return Cell(rule=None, folded=False, has_default=False, refused=0)
    place = at.adapter.operation(name).places.get(field)
    return Cell(
        rule=rule.fields.get(field),
        folded=field.startswith("patient.") or (place is not None and place.wire is None),
        has_default=field in rule.defaults,
        refused=refused.get((at.name, field), 0),
    )
