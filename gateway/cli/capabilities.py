"""`task-gateway capabilities`: the table as a running gateway has it, what it has seen since, and what to add."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table

from gateway.cli.common import json_option, key_option, run, url_option
from gateway.cli.suggesting import as_yaml, suggestion
from gateway.client import AsyncClient
from gateway.web.replies import Capabilities, Clinics, ConnectionRules, Drift, FieldRule, OperationRule
from schemas.private import Secret

_DRIFT = "/v1/capabilities/drift"
_HEADINGS = ("connection", "operation", "field", "need", "the vendor's name", "known from", "seen")
_Seen = Mapping[tuple[str, ...], Sequence[str]]
"""What was seen: clinic, connection, operation and field to a few words each."""


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
        click.echo(msgspec.json.encode(suggested).decode() if as_json else as_yaml(suggested), nl=as_json)
        return
    tables, drift = run(_tables(url, key))
    if as_json:
        click.echo(msgspec.json.encode(tables).decode())
        return
    console, seen = Console(markup=False, highlight=False, emoji=False), _seen(drift)  # notes are shown as they stand
    for table in tables:
        console.print(_shown(table, seen))


async def _drift(url: str, key: Secret) -> Drift:
    async with AsyncClient(url, key) as gateway:
        return await gateway.read(_DRIFT, Drift)


async def _tables(url: str, key: Secret) -> tuple[list[Capabilities], Drift]:
    async with AsyncClient(url, key) as gateway:
        clinics = (await gateway.read("/v1/clinics", Clinics)).items
        tables = [await gateway.read(f"/v1/clinics/{clinic.id}/capabilities", Capabilities) for clinic in clinics]
        return tables, await gateway.read(_DRIFT, Drift)


def _seen(drift: Drift) -> _Seen:
    told: dict[tuple[str, ...], list[str]] = {}
    for one in drift.items:
        where = (one.clinic_id, one.connection, one.operation, one.field or one.vendor_name)
        told.setdefault(where, []).append(f"refused without it: {one.count}, last {one.last_at:%Y-%m-%d}")
    for trial in drift.trials:
        where = (trial.clinic_id, trial.connection, trial.operation, trial.field)
        told.setdefault(where, []).append(f"left out: {trial.accepted} accepted, {trial.refused} refused")
    return told


def _shown(table: Capabilities, seen: _Seen) -> Table:
    shown = Table(*_HEADINGS, title=table.clinic_id)
    for connection in table.connections:
        for operation, rule in connection.operations.items():
            here = (table.clinic_id, connection.name, operation)
            seen_here = {field: told for (*where, field), told in seen.items() if tuple(where) == here}
            for row in _rows(rule, seen_here):
                shown.add_row(_named(connection), operation, *row)
            shown.add_section()
    return shown


def _rows(rule: OperationRule, seen: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str, str, str, str]]:
    """A row for each field, in the order of the headings."""
    if not rule.supported:
        yield "", "not offered", "", f"{rule.where} ({rule.source})", ""
        return
    for field, cell in rule.fields.items():
        need = f"{cell.need}, has a default" if field in rule.defaults else cell.need
        yield field, need, cell.place or "", _known_from(cell), "; ".join(seen.get(field, ()))
    for group in rule.one_of:
        yield " / ".join(group["fields"]), "one of them", "", f"{group['where']} ({group['source']})", ""
    for name in sorted(seen.keys() - rule.fields.keys()):
        yield "", "has no place", name, "", "; ".join(seen[name])


def _known_from(cell: FieldRule) -> str:
    checked = f", {cell.checked}" if cell.checked else ""
    note = f": {cell.note}" if cell.note else ""
    return f"{cell.where} ({cell.source}{checked}){note}"


def _named(connection: ConnectionRules) -> str:
    system = f"{connection.adapter} on {connection.emr}" if connection.emr else connection.adapter
    return f"{connection.name} ({system})"
