"""The rows that drift suggests for the capability table, and what no row can mend."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from gateway.web.replies import Drift, DriftObservation, DriftTrial
from schemas.command import Name
from schemas.config import Cell

_OWN = "clinics/"
"""How the layer of a clinic's own rows begins; it is nearer than any row of the table."""
_PLAIN = re.compile(r"[A-Za-z][\w.-]*", re.ASCII)


class Row(Struct, frozen=True, kw_only=True):
    """The fields to add to a row."""

    fields: dict[str, Cell]


Rows = dict[Name, Row]
_Field = tuple[str, str, Name, str]
"""Vendor, EMR, operation, field."""


class Suggestion(Struct, frozen=True, kw_only=True):
    """What to add to emr_capabilities.yaml, and remarks: where it was seen, and what a row there would not change."""

    add: dict[str, dict[str, Rows]]
    """Rows by vendor and EMR, as in the file."""
    remarks: Sequence[str]


def suggestion(drift: Drift) -> Suggestion:
    """What the configuration in force does not say yet of what was seen."""
    open_questions = [seen for seen in drift.items if is_open(seen)]
    fields: dict[_Field, list[DriftObservation]] = {}
    for seen in open_questions:
        if seen.field is not None and seen.rule is not None and not seen.rule.where.startswith(_OWN):
            fields.setdefault((seen.vendor, seen.emr or "*", seen.operation, seen.field), []).append(seen)
    add: dict[str, dict[str, Rows]] = {}
    for (vendor, emr, operation, field), seen_there in sorted(fields.items()):
        rows = add.setdefault(vendor, {}).setdefault(emr, {})
        rows.setdefault(operation, Row(fields={})).fields[field] = _cell(seen_there)
    remarks = [*_wanted_at(fields), *_beyond_rows(open_questions), *_on_trial(drift.trials)]
    return Suggestion(add=add, remarks=remarks)


def is_open(seen: DriftObservation) -> bool:
    """Whether the table in force still does not say what was seen; where the connection is gone it need not."""
    return seen.field is None or (seen.rule is not None and seen.rule.need != "required")


def _cell(seen: Sequence[DriftObservation]) -> Cell:
    """The cell names no clinic: callers of all clinics on that EMR read it in their problems."""
    last = max(seen, key=lambda one: one.last_at)
    times = sum(one.count for one in seen)
    note = f"the vendor refused {_times(times)} without it, the last with HTTP {last.status}"
    return Cell(need="required", source="observed", checked=f"{last.last_at:%Y-%m-%d}", note=note)


def _wanted_at(fields: Mapping[_Field, Sequence[DriftObservation]]) -> Iterator[str]:
    for (*_, field), seen in sorted(fields.items()):
        yield f"{_where(seen[0])}: '{field}' was wanted at {', '.join(sorted({_at(one) for one in seen}))}"


def _beyond_rows(observations: Sequence[DriftObservation]) -> Iterator[str]:
    """What was seen and no row of the table would mend."""
    for seen in observations:
        if seen.field is None:
            yield (
                f"{_where(seen)}: the vendor wants what it calls '{seen.vendor_name}', for which the adapter has no"
                f" place (refused {_times(seen.count)} without it, the last on {seen.last_at:%Y-%m-%d} at {_at(seen)})"
            )
        elif seen.rule is not None and seen.rule.where.startswith(_OWN):
            yield (
                f"{_where(seen)}: the vendor wants '{seen.field}', but {seen.rule.where} says {seen.rule.need},"
                f" and is nearer than this table. Say there: {seen.field}: {_flow(_cell([seen]))}"
            )


def _on_trial(trials: Sequence[DriftTrial]) -> Iterator[str]:
    for trial in trials:
        if trial.rule is not None and trial.rule.need == "advisory":
            yield (
                f"{_where(trial)}: '{trial.field}' is on trial at {_at(trial)}:"
                f" {trial.accepted} accepted without it, {trial.refused} refused"
            )


def _where(seen: DriftObservation | DriftTrial) -> str:
    return f"{seen.vendor}.{seen.emr or '*'} {seen.operation}"


def _at(seen: DriftObservation | DriftTrial) -> str:
    return f"{seen.clinic_id}/{seen.connection}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def as_yaml(suggested: Suggestion) -> str:
    """The suggestion as text to paste: rows, with the remarks as comments."""
    lines = ["# Nothing to add to emr_capabilities.yaml."]
    if suggested.add:
        lines = ["# To add to emr_capabilities.yaml; where a key is there already, what is below it goes below that."]
    for vendor, emrs in suggested.add.items():
        lines.append(f"{_key(vendor)}:")
        for emr, rows in emrs.items():
            lines.append(f"  {_key(emr)}:")
            lines.extend(_lines(rows))
    return "\n".join([*lines, *(f"# {remark}" for remark in suggested.remarks)]) + "\n"


def _lines(rows: Rows) -> Iterator[str]:
    for operation, row in rows.items():
        yield f"    {operation}:"
        yield "      fields:"
        for field, cell in row.fields.items():
            yield f"        {field}: {_flow(cell)}"


def _flow(cell: Cell) -> str:
    return f"{{need: {cell.need}, source: {cell.source}, checked: {cell.checked}, note: {_quoted(cell.note or '')}}}"


def _key(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    """As JSON quotes it, which YAML reads."""
    return msgspec.json.encode(text).decode()
