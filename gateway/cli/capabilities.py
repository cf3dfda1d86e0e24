"""`task-gateway capabilities`: the table as a running gateway has it, what it has seen since, and what to add."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import rich_click as click
from rich.text import Text

from gateway.cli.common import asking, columns, console, json_option, key_option, print_json, run, url_option, whole
from gateway.web.replies import (
    Capabilities,
    Clinics,
    ConnectionRules,
    Drift,
    DriftObservation,
    DriftTrial,
    FieldRule,
    OperationRule,
)
from gateway.web.suggesting import as_yaml, suggestion
from schemas.private import Secret

_DRIFT = "/v1/capabilities/drift"
_Place = tuple[str, str, str, str | None, str]
"""Clinic, connection, vendor, EMR, operation."""
_Field = tuple[Literal["ours", "theirs"], str]
"""By our name, or by the vendor's if it maps to no place: it may be the same word for something else."""
_Seen = Mapping[_Place, Mapping[_Field, Sequence[str]]]
"""What was seen there of each field, in a few words each."""


@click.command()
@click.argument("suggest", type=click.Choice(["suggest"]), required=False)
@url_option
@key_option
@json_option
def capabilities(suggest: str | None, url: str, key: Secret, as_json: bool) -> None:
    """The capability table in force at a running gateway, clinic by clinic, and what vendors were seen to want.

    `suggest` prints the rows to add to emr_capabilities.yaml: fields for want of which vendors refused commands.
    """
    if suggest:
        suggested = suggestion(run(_drift(url, key)))
        if as_json:
            print_json(suggested)
        else:
            click.echo(as_yaml(suggested), nl=False)
        return
    tables, drift = run(_tables(url, key))
    if as_json:
        print_json(tables)
        return
    seen = _seen(drift)
    for table in tables:
        for connection in table.connections:
            _show(table.clinic_id, connection, seen)


async def _drift(url: str, key: Secret) -> Drift:
    async with asking(url, key) as gateway:
        return await gateway.read(_DRIFT, Drift)


async def _tables(url: str, key: Secret) -> tuple[list[Capabilities], Drift]:
    async with asking(url, key) as gateway:
        clinics = (await gateway.read("/v1/clinics", Clinics)).items
        tables = [await gateway.read(f"/v1/clinics/{clinic.id}/capabilities", Capabilities) for clinic in clinics]
        return tables, await gateway.read(_DRIFT, Drift)


def _seen(drift: Drift) -> _Seen:
    told: dict[_Place, dict[_Field, list[str]]] = {}

    def tell(at: DriftObservation | DriftTrial, field: _Field, words: str) -> None:
        place = (at.clinic_id, at.connection, at.vendor, at.emr, at.operation)
        told.setdefault(place, {}).setdefault(field, []).append(words)

    for one in drift.items:
        field: _Field = ("ours", one.field) if one.field else ("theirs", one.vendor_name)
        tell(one, field, f"refused without it: {one.count}, last {one.last_at:%Y-%m-%d}")
    for trial in drift.trials:
        tell(trial, ("ours", trial.field), f"left out: {trial.accepted} accepted, {trial.refused} refused")
    return told


def _show(clinic_id: str, connection: ConnectionRules, seen: _Seen) -> None:
    """The connection's operations, each with its fields."""
    out = console()
    system = f"{connection.adapter} on {connection.emr}" if connection.emr else connection.adapter
    out.print(Text.assemble((f"{clinic_id}/{connection.name}", "bold"), f"  {system}"))
    for operation, rule in connection.operations.items():
        place = (clinic_id, connection.name, connection.adapter, connection.emr, operation)
        table = columns("", whole(operation), whole("need"), whole("there"), "known from")
        for *cells, known, what in _rows(rule, seen.get(place, {})):
            table.add_row("", *cells, Text.assemble(f"{known}  " if known and what else known, (what, "yellow")))
        out.print(table)
    out.print()


def _rows(rule: OperationRule, seen: Mapping[_Field, Sequence[str]]) -> Iterator[tuple[str, str, str, str, str]]:
    """Each field: what is needed of it, the vendor's name for it, how that is known, and what was seen since."""
    if not rule.supported:
        yield "", "not offered", "", f"{rule.where} ({rule.source})", ""
        return
    for field, cell in rule.fields.items():
        need = f"{cell.need}, has a default" if field in rule.defaults else cell.need
        yield field, need, cell.place or "", _known_from(cell), "; ".join(seen.get(("ours", field), ()))
    for group in rule.one_of:
        yield " / ".join(group["fields"]), "one of them", "", f"{group['where']} ({group['source']})", ""
    for whose, name in sorted(seen.keys() - {("ours", field) for field in rule.fields}):
        yield "", "has no place", name, "", "; ".join(seen[whose, name])


def _known_from(cell: FieldRule) -> str:
    checked = f", {cell.checked}" if cell.checked else ""
    note = f": {cell.note}" if cell.note else ""
    return f"{cell.where} ({cell.source}{checked}){note}"
