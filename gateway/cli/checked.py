"""How `task-gateway check` shows what it found: aligned, and plain where there is no terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.cli.common import columns, console, counted, whole
from gateway.flows.probe import Probe
from gateway.flows.replay import Replayed
from gateway.rules.checking import Able, Connected, Report
from gateway.rules.comparing import Differing
from gateway.rules.findings import Finding, Severity

_COLOURS: Mapping[str, str] = {
    "error": "red", "warning": "yellow", "note": "cyan",
    "works": "green", "no-read": "dim", "unclear": "yellow", "refused": "red", "unreachable": "red",
    "taken": "green", "clinic": "yellow", "route": "cyan", "held": "yellow", "mapping": "cyan", "reason": "dim",
}  # fmt: skip


def show_report(report: Report) -> None:
    """Each clinic with its connections and what was found."""
    out = console()
    widths = _widths(report)
    for clinic in report.clinics:
        out.print(Text.assemble((clinic.id, "bold"), f"  {clinic.name}, {clinic.timezone}"))
        for connection in clinic.connections:
            vendor = f"{connection.adapter} on {connection.emr}" if connection.emr else connection.adapter
            out.print(Text.assemble("  ", (connection.name, "cyan"), f"  {vendor}"))
            out.print(_operations(connection, widths))
        _show_findings(out, clinic.findings)
        out.print()
    if report.findings:
        out.print(Text("accounts", "bold"))
        _show_findings(out, report.findings)
        out.print()
    out.print(_summary(report))


def _widths(report: Report) -> tuple[int, int]:
    """The widest operation and the widest list of rules, so that one clinic stands under the other."""
    able = [each for clinic in report.clinics for connection in clinic.connections for each in connection.operations]
    return (
        max((len(each.operation) for each in able), default=0),
        max((len(", ".join(each.routes)) for each in able), default=0),
    )


def _operations(connection: Connected, widths: Sequence[int]) -> Table:
    """Each operation, the rules that lead to it, and what callers supply."""
    table = columns()
    for width in (2, *widths):
        table.add_column(min_width=width, no_wrap=True)
    table.add_column()
    for able in connection.operations:
        table.add_row("", able.operation, Text(", ".join(able.routes), "dim"), _supply(able))
    return table


def _supply(able: Able) -> Text:
    if not able.offered:
        return Text(f"not offered: {able.why_not}", "dim")
    wanted = ", ".join((*able.supply, *(" or ".join(group) for group in able.one_of)))
    return Text.assemble(wanted, (f"  on trial: {', '.join(able.on_trial)}" if able.on_trial else "", "yellow"))


def _show_findings(out: Console, findings: Iterable[Finding]) -> None:
    table = columns()
    for _ in range(3):
        table.add_column()
    for found in findings:
        stands = f"{found.file}:{found.line}: {found.where}"
        table.add_row("", Text(found.severity, _COLOURS[found.severity]), f"{stands}: {found.detail}")
    if table.rows:
        out.print(table)


def _summary(report: Report) -> Text:
    found = [*report.findings, *(finding for clinic in report.clinics for finding in clinic.findings)]
    connections = sum(len(clinic.connections) for clinic in report.clinics)
    counts = {severity: sum(each.severity == severity for each in found) for severity in get_args(Severity)}
    told = [counted(count, severity) for severity, count in counts.items() if count]
    return Text(", ".join([counted(len(report.clinics), "clinic"), counted(connections, "connection"), *told]))


def show_probes(probes: Iterable[Probe]) -> None:
    """A line for each connection that was tried."""
    table = columns(whole("clinic"), whole("connection"), whole("account"), "", "ms", "")
    table.columns[4].justify = "right"
    for each in probes:
        status = Text(each.status.replace("no-read", "no harmless read"), _COLOURS[each.status])
        took = "" if each.status == "no-read" else str(each.milliseconds)
        table.add_row(each.clinic_id, each.connection, each.account, status, took, each.detail)
    if table.rows:
        out = console()
        out.print()
        out.print(table)


def show_replayed(replayed: Replayed, other: Path) -> None:
    """What the other configuration would do otherwise, by clinic."""
    out = console()
    told = f"{counted(replayed.commands, 'command')} planned again: {replayed.changed or 'none'} would end otherwise"
    out.print(f"{told} under {other}")
    if replayed.unreadable:
        out.print(f"{counted(replayed.unreadable, 'command')} cannot be read with these keys", style="red")
    for clinic_id, found in groupby(replayed.differences, key=lambda each: each.clinic_id):
        out.print(Text(f"\n{clinic_id}", "bold"))
        out.print(_differences(found))


def _differences(differing: Iterable[Differing]) -> Table:
    """A line for each; the newest delivery of it is named where it is another than that of the line before."""
    table = columns()
    for _ in range(2):
        table.add_column()
    table.add_column(justify="right")
    shown = ""
    for each in differing:
        newest = "" if each.examples[0] == shown else f"\n{each.examples[0]}"
        shown = each.examples[0]
        what = Text.assemble(each.what, (newest, "dim"))
        table.add_row("", Text(each.kind, _COLOURS[each.kind]), str(each.count), what)
    return table
