"""What a task says to one vendor only: its patient id there, and its `vendor_fields`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.rules.mapping import Drawing
from gateway.rules.reading import speakable
from schemas.command import CreateTask
from schemas.delivery import Mapped
from schemas.problem import FieldError

UNSPOKEN = "?"
"""Stands for a caller's key that is no plain name, and so is not repeated."""


def vendor_parts(drawing: Drawing, command: CreateTask) -> dict[str, Any]:
    """What a task says to one vendor only: its patient id (returned, as `patient.id`) and its `vendor_fields`.

    What is meant for other vendors is reported as not carried.
    """
    chosen = drawing.connection.adapter.name
    ids = (command.patient.ids if command.patient else None) or {}
    for other in ids:
        if other != chosen:
            drawing.report.append(Mapped(field=f"patient.ids.{_spoken(other)}", fate="not_carried"))
    for vendor, extras in (command.vendor_fields or {}).items():
        if vendor != chosen:
            drawing.report.append(Mapped(field=f"vendor_fields.{_spoken(vendor)}", fate="not_carried"))
        else:
            _extras(drawing, extras)
    return {"patient.id": ids[chosen]} if chosen in ids else {}


def _spoken(key: str) -> str:
    return key if speakable(key) else UNSPOKEN


def _extras(drawing: Drawing, extras: Mapping[str, Any]) -> None:
    adapter = drawing.connection.adapter.name
    mapped = {spot.wire.split(".")[0] for spot in drawing.operation.places.values() if spot.wire}
    for key, value in extras.items():
        name = _spoken(key)
        field = f"vendor_fields.{adapter}.{name}"
        if drawing.operation.extras and key not in mapped:
            drawing.extras[key] = value
            drawing.report.append(Mapped(field=field, fate="sent", place=name))
            continue
        why = (
            "it would overwrite a mapped field" if drawing.operation.extras else "this operation takes no extra fields"
        )
        drawing.errors.append(
            FieldError(
                code="field-not-supported",
                pointer=f"/vendor_fields/{adapter}/{key}" if speakable(key) else f"/vendor_fields/{adapter}",
                field=field,
                source=f"adapter: {adapter} (documented)",
                detail=why,
            )
        )
