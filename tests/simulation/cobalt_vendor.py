"""Cobalt as it would be: it takes everything, and tells by an event what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from simulation.vendors import PAGE, REFUSED, Around, Asked, Json, Made, Raw, Vendor, told

FAILS = "[fail]"


class CobaltVendor(Vendor):
    """Every link and operation counts its jobs anew."""

    NOUNS: Mapping[str, tuple[str, str, str, str]] = {
        "/v1/tasks": ("create_task", "task", "task_id", "emr_task_id"),
        "/v1/tasks/notes": ("add_note", "task_note", "task_note_id", "emr_note_id"),
        "/v1/claims": ("create_claim", "claim", "claim_id", "emr_claim_id"),
    }

    def __init__(self, around: Around, references: Mapping[str, str]) -> None:
        super().__init__(around)
        self._references = references
        self._jobs: dict[tuple[str, str], int] = {}
        self.events: list[tuple[str, datetime, Json]] = []

    def link(self, asked: Asked) -> str:
        return asked.headers["access_token"]

    def unauthorised(self) -> Raw:
        return told(403, {"success": False, "error": "login_required", "message": "The EMR login has expired."})

    def create(self, asked: Asked, link: str, body: Json) -> Raw:
        operation, noun, own, emr = self.NOUNS[asked.path]
        text = str(body.get("description") or body.get("note") or body["appointment_id"])
        if REFUSED in text:
            return told(400, {"success": False, "message": "Missing required field: assignee_user_id"})
        claims = [thing for thing in self.things if thing.operation == operation and thing.link == link]
        if operation == "create_claim" and any(
            thing.shown["appointment_id"] == text and thing.status != "failed" for thing in claims
        ):
            return told(
                409, {"success": False, "message": "A claim for this appointment is already pending or completed."}
            )
        job = self._jobs[link, operation] = self._jobs.get((link, operation), 0) + 1
        number = next(self._numbers)
        thing = Made(
            owner=asked.owner, link=link, operation=operation, id=f"c{number}", at=self.around.now(), shown=body,
            job_id=str(job),
        )  # fmt: skip
        self.keep(thing)
        fails = FAILS in text or (operation == "add_note" and not self._has_task(link, body["emr_task_id"]))
        self._end_soon(thing, (noun, own, emr), f"e{number}", fails=fails)
        return told(200, {"success": True, "message": "processing.", own: thing.id, "job_id": job})

    def _has_task(self, link: str, emr_id: str) -> bool:
        return any(thing.emr_id == emr_id and thing.link == link for thing in self.things)

    def _end_soon(self, thing: Made, words: tuple[str, str, str], emr_id: str, *, fails: bool) -> None:
        chance, (noun, own, emr) = self.around.chance, words

        async def end() -> None:
            thing.status = "failed" if fails else "done"
            data: Json = {own: thing.id, "failure_reason": "It could not be done"}
            if not fails:
                thing.emr_id = emr_id
                data = {own: thing.id, emr: emr_id, **_echoed(thing)}
            event = {
                "id": f"evt_{len(self.events)}", "access_token_reference_id": self._references[thing.link],
                "object": "event", "created": self.around.now().isoformat(),
                "type": f"{noun}.{'failed' if fails else 'created'}", "job_id": thing.job_id, "data": data,
            }  # fmt: skip
            self.events.append((thing.link, self.around.now(), event))
            for _ in range(chance.choice([1, 1, 1, 2])):
                self.around.spawn(self.around.push("cobalt", event))

        roll = chance.random()
        span = 0.0 if roll < 0.1 else 20.0 if roll < 0.7 else 300.0 if roll < 0.95 else 10_000.0
        self.later(chance.random() * span, end)

    def look_up(self, asked: Asked, link: str) -> Raw:
        query = asked.query
        since = query.get("start_date", "")
        found = [
            {
                "event_id": event["id"], "event_type": event["type"], "webhook_url": None, "delivery_status": None,
                "data": event["data"], "created_at": event["created"], "job_id": event["job_id"],
                "access_token_reference_id": event["access_token_reference_id"],
            }
            for of, at, event in reversed(self.events)
            if of == link
            and query.get("job_id") in (None, event["job_id"])
            and query.get("event_type") in (None, event["type"])
            and f"{at:%Y-%m-%d}" >= since
        ]  # fmt: skip
        page, pages = int(query["page"]), max(-(-len(found) // PAGE), 1)
        rows = found[(page - 1) * PAGE : page * PAGE]
        return told(200, {"webhook_events": rows, "pagination": {"current_page": page, "total_pages": pages}})


def _echoed(thing: Made) -> Json:
    names = ("subject", "description", "assignee_user_id", "patient_mrn", "note", "emr_task_id", "appointment_id")
    return {name: thing.shown[name] for name in names if name in thing.shown}
