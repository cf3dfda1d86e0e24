"""The words of configuration files: texts that have a form, and numbers that have a unit.

A description is what a message says it expected.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from schemas.event import EVENTS


def _form(pattern: str, description: str) -> Meta:
    """A pattern for the whole text (Python's `$` alone would let a line break pass), and what it asks for in words."""
    return Meta(pattern=rf"^{pattern}$(?!\n)", description=description)


NOT_BLANK = r"\S"
Text = Annotated[str, Meta(pattern=NOT_BLANK, description="text")]
Several = Text | Annotated[tuple[Text, ...], Meta(min_length=1)]
Label = Annotated[
    str, _form(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "a name of letters, digits, '.', '_' and '-', at most 100 long")
]
KeyId = Annotated[str, _form(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}", "an id of letters, digits, '.' and '-'")]
HostName = Annotated[str, _form(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "a host's name in lower case, without a port")]
Sha256 = Annotated[str, _form(r"[0-9a-f]{64}", "the SHA-256 of the whole key string, 64 lower-case hex digits")]
Duration = Annotated[str, _form(r"[0-9]+(\.[0-9]+)?[smhdw]", "a duration such as 90s, 30m, 24h or 7d")]
DueIn = Annotated[str, _form(r"[1-9][0-9]{0,4}[mhdw]", "a duration such as 30m, 4h, 2d or 1w")]
Day = Annotated[str, _form(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a date such as 2026-11-22")]
EventPattern = Annotated[
    str,
    Meta(
        title="event",
        description='"*", or an event such as task.delivered or task.*',
        extra_json_schema={"enum": ["*", *dict.fromkeys(f"{event.partition('.')[0]}.*" for event in EVENTS), *EVENTS]},
    ),
]
Seconds = Annotated[float, Meta(gt=0, description="a number of seconds")]
Deadline = Annotated[float, Meta(gt=0, le=3600, description="a number of seconds")]
Count = Annotated[int, Meta(ge=1, description="a whole number")]
Looks = Annotated[
    tuple[Seconds, ...], Meta(min_length=1, description="seconds until each further look; the last repeats")
]
