"""A delivery's timeline in words: what happened, in one line each, and the facts behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from msgspec.structs import replace

from gateway.web.console import words
from gateway.web.console.words import Tone
from schemas.delivery import Happening
from schemas.private import Private


class Line(Private, frozen=True, kw_only=True):
    """One thing that happened.

    `time` is the clinic's, and so is `day`, where a new one begins. `event`: its id, where it is one that can be told
    again.
    """

    at: datetime
    time: str = ""
    day: str | None = None
    kind: str
    tone: Tone
    title: str
    facts: Sequence[tuple[str, str]] = ()
    reason: str | None = None
    event: str | None = None


def lines(happened: Sequence[Happening], zone: tzinfo) -> list[Line]:
    """Each happening as a line, in the order that they came."""
    attempts, day = 0, ""
    told = []
    for happening in happened:
        attempts += happening.what == "attempt"
        before, day = day, words.day(happening.at, zone)
        line = _LINES[happening.what](happening.at, happening.facts, attempts)
        told.append(replace(line, time=words.time(happening.at, zone), day=day if day != before else None))
    return told


def _accepted(at: datetime, facts: Mapping[str, Any], _attempts: int) -> Line:
    shown = (("app", facts["app"]), ("connection", facts["connection"]), ("rule", facts["rule"]))
    return Line(at=at, kind="accepted", tone="good", title="Accepted and stored", facts=shown)


def _attempt(at: datetime, facts: Mapping[str, Any], attempts: int) -> Line:
    tone, verdict = words.VERDICTS.get(facts["verdict"], ("busy", "under way"))
    first_byte = facts["first_byte_at"]
    shown = _given(
        verdict=facts["verdict"],
        code=facts["code"] or None,
        status=f"HTTP {facts['status']}" if facts["status"] else None,
        took=words.took(facts["milliseconds"]) if facts["milliseconds"] is not None else None,
        first_byte=f"after {words.took((first_byte - at).total_seconds() * 1000)}" if first_byte else "never left",
        configuration=facts["config_version"],
    )
    return Line(at=at, kind="attempt", tone=tone, title=f"Attempt {attempts}: {verdict}", facts=shown)


def _sighting(at: datetime, facts: Mapping[str, Any], _attempts: int) -> Line:
    ids = facts.get("ids") or {}
    shown = _given(webhook=facts["webhook_id"], event=facts.get("event_id"), **ids, why=facts["why"])
    title = f"Seen by {facts['source']}: {facts['says']}"
    return Line(at=at, kind="sighting", tone="busy", title=title, facts=shown)


def _event(at: datetime, facts: Mapping[str, Any], _attempts: int) -> Line:
    kind, _, said = facts["type"].partition(".")
    state: Mapping[str, Tone] = {name: tone for name, (tone, _) in words.STATES.items()}
    title = f"The {kind} is {said}" if said in state else f"{kind.capitalize()}: {said.replace('_', ' ')}"
    tone = state.get(said, "warn")
    return Line(at=at, kind="event", tone=tone, title=title, facts=(("event", facts["id"]),), event=facts["id"])


def _callback(at: datetime, facts: Mapping[str, Any], _attempts: int) -> Line:
    taken = facts["error"] is None
    shown = _given(
        event=facts["type"],
        status=f"HTTP {facts['status']}" if facts["status"] else None,
        error=facts["error"],
        took=words.took(facts["milliseconds"]),
    )
    title = f"{facts['app']} was told" if taken else f"{facts['app']} could not be told"
    return Line(at=at, kind="callback", tone="good" if taken else "warn", title=title, facts=shown)


_ASKED: Mapping[str, str] = {
    "cancel": "asked to cancel it",
    "retry": "asked to retry it",
    "resolve": "settled it",
    "reveal": "revealed its words",
    "redeliver": "told of it again",
}


def _asked(at: datetime, facts: Mapping[str, Any], _attempts: int) -> Line:
    title = f"{facts['app']} {_ASKED.get(facts['what'], facts['what'])}"
    return Line(at=at, kind="asked", tone="off", title=title, reason=facts["reason"])


_LINES = {
    "accepted": _accepted,
    "attempt": _attempt,
    "sighting": _sighting,
    "event": _event,
    "callback": _callback,
    "asked": _asked,
}


def _given(**facts: str | None) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), value) for name, value in facts.items() if value]
