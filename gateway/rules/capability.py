"""Which fields a connection requires, takes and refuses: the layers of the capability table, merged cell by cell.

Layers, from far to near: the adapter's own table of places, the vendor's `"*"` rows, the EMR's rows, the clinic's rows.
The nearer layer replaces the cell, and each cell keeps its origin, so that every refusal can say whose rule it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct

from adapters.base import Adapter, Operation
from gateway.rules.clinic import Cell, Need, OneOf, Provenance, Rule, Support
from schemas import config
from schemas.command import Name
from schemas.problem import FieldError

TABLE = "emr_capabilities.yaml"


class Layer(Struct, frozen=True, kw_only=True):
    """The rows of one layer, and what problems call it ("emr_capabilities.yaml: cobalt.athenahealth")."""

    where: str
    rows: Mapping[Name, config.Row]


def table_layers(table: config.CapabilityFile, vendor: str, emr: str | None) -> tuple[Layer, ...]:
    """The table's layers for one EMR of a vendor, far to near."""
    of_vendor = table.get(vendor, {})
    names = ("*",) if emr is None else ("*", emr)
    return tuple(Layer(where=f"{TABLE}: {vendor}.{name}", rows=of_vendor[name]) for name in names if name in of_vendor)


def effective(adapter: Adapter[Any, Any], emr: str | None, layers: Sequence[Layer]) -> Mapping[Name, Rule]:
    """The rule of each operation that the adapter has; `layers` go from far to near."""
    return {operation.name: _rule(adapter, operation, emr, layers) for operation in adapter.operations}


def _rule(adapter: Adapter[Any, Any], operation: Operation, emr: str | None, layers: Sequence[Layer]) -> Rule:
    where = f"adapter: {adapter.name}"
    support = Support(
        supported=operation.emrs is None or emr in operation.emrs,
        where=where,
        source="documented",
        note=f"only on {', '.join(operation.emrs)}" if operation.emrs else None,
    )
    fields = {
        path: Cell(need="required" if spot.need == "required" else "optional", where=where, source="documented")
        for path, spot in operation.places.items()
    }
    groups: dict[frozenset[str], OneOf] = {}
    for layer in layers:
        row = layer.rows.get(operation.name)
        if row is None:
            continue
        source = row.source or "operator"
        if row.supported is not None:
            support = Support(
                supported=row.supported, where=layer.where, source=source, checked=row.checked, note=row.note
            )
        fields |= {path: _cell(cell, row, layer.where) for path, cell in row.fields.items()}
        for group in row.one_of:
            one_of = OneOf(fields=group, where=layer.where, source=source, note=row.note)
            groups.setdefault(frozenset(group), one_of)
    return Rule(support=support, fields=fields, one_of=tuple(groups.values()))


def _cell(cell: Need | config.Cell, row: config.Row, where: str) -> Cell:
    """A cell in memory: what it does not say of itself, its row says."""
    if not isinstance(cell, config.Cell):
        cell = config.Cell(need=cell)
    source: Provenance = cell.source or row.source or "operator"
    return Cell(
        need=cell.need, where=where, source=source, checked=cell.checked or row.checked, note=cell.note or row.note
    )


def check(
    rule: Rule, given: Collection[str], available: Collection[str], pointer: Callable[[str], str]
) -> list[FieldError]:
    """All that `rule` has against a command, in the order of the adapter's table.

    `given` are the canonical paths that the caller gave, `available` those and what defaults will supply; blank
    values are in neither. `pointer` says where in the posted body a field stands, or would stand.
    """
    if not rule.support.supported:
        detail = rule.support.note or "not offered on this connection"
        return [FieldError(code="operation-unsupported", source=rule.support.origin, detail=detail)]
    wanting, groups = missing(rule, available)
    errors = []
    for path, cell in rule.fields.items():
        if path in wanting:
            detail = cell.note or "required here, and no default supplies it"
            errors.append(_error("missing-required-fields", path, cell, detail, pointer))
        elif cell.need == "refused" and path in given:
            errors.append(_error("field-not-supported", path, cell, cell.note or "refused here", pointer))
    for group in groups:
        detail = f"one of {', '.join(group.fields)}"
        errors.append(_error("missing-required-fields", group.fields[0], group, detail, pointer))
    return errors


def missing(rule: Rule, available: Collection[str]) -> tuple[tuple[str, ...], tuple[OneOf, ...]]:
    """The required fields that are not `available`, and the groups of which no member is."""
    fields = tuple(path for path, cell in rule.fields.items() if cell.need == "required" and path not in available)
    # A missing required member is told already; giving it satisfies the group too.
    groups = (group for group in rule.one_of if not any(path in available or path in fields for path in group.fields))
    return fields, tuple(groups)


def _error(code: Any, path: str, rule: Cell | OneOf, detail: str, pointer: Callable[[str], str]) -> FieldError:
    return FieldError(code=code, pointer=pointer(path), field=path, source=rule.origin, detail=detail)


def advisories(rule: Rule, available: Collection[str]) -> tuple[str, ...]:
    """The fields that a rule on trial would have required: missing, noted, sent all the same."""
    return tuple(path for path, cell in rule.fields.items() if cell.need == "advisory" and path not in available)
