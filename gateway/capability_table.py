"""emr_capabilities.yaml, and the check of its rows and of clinics' own rows against the adapters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from msgspec import Struct

from adapters.base import Adapter, Operation
from gateway.files.reader import Reader
from gateway.files.source import Source, Spot
from schemas import config
from schemas.command import CANONICAL, Name

_PATIENT = frozenset({"patient.mrn", "patient.id"})
"""Never dropped, whatever an adapter has a place for, so a rule may always ask for them."""


class Table(Struct, frozen=True, kw_only=True):
    """The capability table: vendor to EMR (or "*") to rows."""

    source: Source
    vendors: config.CapabilityFile

    def emrs(self, adapter: Adapter[Any, Any]) -> tuple[str, ...]:
        """The EMRs known of a vendor: those the table has rows for, and those its adapter names."""
        named = (emr for operation in adapter.operations for emr in operation.emrs or ())
        return tuple(sorted({*self.vendors.get(adapter.name, {}), *named} - {"*"}))


def read_table(source: Source, adapters: Mapping[str, Adapter[Any, Any]]) -> Table:
    """The table in `source`; mistakes are noted in it."""
    vendors = source.keys()
    for spot in ((vendor, name) for vendor in vendors for name in source.keys(vendor) if name in CANONICAL):
        source.note(spot, "an operation where an EMR belongs; put it below an EMR, or below '*'", whole=True)
    reader = Reader(source, production=False)
    table = Table(source=source, vendors=reader.value(config.CapabilityFile, source.data, ()))
    for vendor, emrs in table.vendors.items():
        adapter = adapters.get(vendor) or adapters.get(source.unknown_key((vendor,), "vendor", adapters) or "")
        if adapter is None:
            continue
        for emr, rows in emrs.items():
            check_rows(source, (vendor, emr), adapter, rows)
    return table


def check_rows(source: Source, spot: Spot, adapter: Adapter[Any, Any], rows: config.Rows) -> None:
    """Note what the rows at `spot` ask of an adapter that it cannot do."""
    for name, row in rows.items():
        _check_day(source, (*spot, name), row)
        if row.supported and not adapter.supports(name):
            source.note((*spot, name, "supported"), _no_such(adapter, name))
        for path in row.fields:
            _check_cell(source, (*spot, name, "fields", path), adapter, name, row)
        for index, group in enumerate(row.one_of):
            for position, path in enumerate(group):
                place = (*spot, name, "one_of", index, position)
                if path not in CANONICAL[name]:
                    source.unknown(place, "field", path, CANONICAL[name])
                elif not _carried(adapter, name, path):
                    source.note(place, _no_place(adapter, name))


def _check_cell(source: Source, spot: Spot, adapter: Adapter[Any, Any], name: Name, row: config.Row) -> None:
    path = str(spot[-1])
    cell = row.fields[path]
    if isinstance(cell, config.Cell):
        _check_day(source, spot, cell)
    need = cell.need if isinstance(cell, config.Cell) else cell
    origin = (cell.source if isinstance(cell, config.Cell) else None) or row.source
    if path not in CANONICAL[name]:
        source.unknown_key(spot, "field", CANONICAL[name])
    elif need == "required" and not _carried(adapter, name, path):
        source.note(spot, f"cannot be required, {_no_place(adapter, name)}")
    elif need != "required" and path in _required(adapter, name):
        if need == "refused":
            source.note(spot, f"cannot be refused, {adapter.name} requires it; remove it, or set supported: false")
        elif origin != "observed":
            source.note(spot, f"{adapter.name} requires it; give source: observed with what was seen, or remove it")
        else:
            source.warn(spot, f"{need} as observed, though {adapter.name} documents it as required")


def _check_day(source: Source, spot: Spot, says: config.Row | config.Cell) -> None:
    """A date that has the form of one, and that no calendar has."""
    try:
        date.fromisoformat(says.checked or date.min.isoformat())
    except ValueError:
        source.note((*spot, "checked"), "there is no such day; expected a date such as 2026-11-22")


def _operations(adapter: Adapter[Any, Any], name: Name) -> Iterator[Operation]:
    return (operation for operation in adapter.operations if operation.name == name)


def _required(adapter: Adapter[Any, Any], name: Name) -> frozenset[str]:
    return frozenset(
        path
        for operation in _operations(adapter, name)
        for path, place in operation.places.items()
        if place.need == "required"
    )


def _carried(adapter: Adapter[Any, Any], name: Name, path: str) -> bool:
    """Whether a value of the field reaches the vendor, in a place of its own or in the text."""
    operations = tuple(_operations(adapter, name))
    return any(path in operation.places or path in _PATIENT for operation in operations)


def _no_place(adapter: Adapter[Any, Any], name: Name) -> str:
    if not adapter.supports(name):
        return _no_such(adapter, name)
    places = adapter.operation(name).places
    return f"{adapter.name} has no place for it; known: {', '.join(places)}"


def _no_such(adapter: Adapter[Any, Any], name: Name) -> str:
    return f"{adapter.name} has no {name}; known: {', '.join(operation.name for operation in adapter.operations)}"
