"""What the conformance kit found, as lines for a person."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from gateway.conformance import Finding, Report

_DONE, _FAILED, _QUIET = "green", "red", "dim"
_Line = tuple[str, str | None]


def lines(report: Report) -> Iterator[_Line]:
    """Each line with its style: a tick or a cross for each check; below a cross what failed, where, what to do."""
    yield f"{report.adapter or '?'} {report.version}, {report.file}, {report.samples} samples", "bold"
    for group, findings in groupby(report.findings, key=lambda finding: finding.group):
        yield "", None
        yield group, "bold"
        for finding in findings:
            yield from _finding(finding)
    if report.skipped:
        yield "", None
    for group, why in report.skipped:
        yield f"- {group}: {why}", _QUIET
    failed = len(report.failed)
    yield "", None
    yield (
        f"{len(report.findings) - failed} hold, {failed} {'does' if failed == 1 else 'do'} not: {report.maturity}",
        (_FAILED if failed else _DONE),
    )


def _finding(finding: Finding) -> Iterator[_Line]:
    if not finding.faults:
        yield f"  ✓ {finding.says}", _DONE
        return
    yield f"  ✗ {finding.says}", _FAILED
    for fault in finding.faults:
        yield f"      {fault.where}: {fault.what}", None
    yield f"      → {finding.mend}", _QUIET
