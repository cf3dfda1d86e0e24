"""What the people of a town do: callers submit, operators look into the vendor's system and tell the truth."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import Any

from simulation.cobalt_vendor import FAILS
from simulation.history import Broken
from simulation.town import Town
from simulation.vendors import REFUSED, Json
from store.records import BY_OPERATOR

from gateway.errors import Refused
from gateway.flows.ask import Finding
from gateway.flows.planner import Submission
from gateway.rules.clinic import Caller
from gateway.rules.reading import read
from gateway.rules.record import Record
from gateway.store.base import StoreUnavailable
from gateway.store.deliveries import Key
from gateway.store.rows import ALL, Tx, record_of
from gateway.store.saving import find
from gateway.store.vault import Vault
from schemas.command import AddNote, CreateClaim, CreateTask
from schemas.problem import problem

_USUAL = ("Call the patient back about the lab results.", "Send the referral letter to Dr. Ames.", "Refill request.")
_CLINICS = ("lakeside-family", "lakeside-family", "riverbend-pediatrics", "hilltop-clinic", "harbor-dermatology")


class People:
    """Callers and the operator of one town."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.chance = town.chance
        self.posted: list[tuple[type[Any], Json, str]] = []
        self.promised: dict[str, str] = {}
        """What each key was answered with."""
        self.actions: list[tuple[int, Callable[[], Any]]] = [
            (30, self.submit_task), (8, self.submit_note), (5, self.submit_claim), (5, self.repeat),
            (5, self.cancel), (6, self.retry), (7, self.resolve), (2, self.tell_emr_id), (1, self.pause),
            (3, self.resume), (3, town.crash), (1, town.stop), (8, town.weather.change), (1, self.revoke),
            (2, self.restore), (2, self.forge), (2, self.replay), (3, town.task_api.work), (20, lambda: None),
        ]  # fmt: skip

    async def act(self) -> None:
        """One thing happens."""
        (action,) = self.chance.choices([each for _, each in self.actions], [weight for weight, _ in self.actions])
        done = action()
        if done is not None:
            await done
        await asyncio.sleep(self._a_while())
        if self.town.life is None:
            await self.town.start()

    def _a_while(self) -> float:
        roll, length = self.chance.random(), self.chance.random()
        if roll < 0.15:
            return 0.0
        if roll < 0.5:
            return length
        if roll < 0.85:
            return 30 * length
        return 600 * length if roll < 0.985 else 25_000 * length

    def _inside(self, story: Coroutine[Any, Any, Any]) -> None:
        """Something asked of the gateway, whose answer may never come."""
        assert self.town.life is not None
        self.town.life.spawn(self._asked(story))

    async def _asked(self, story: Coroutine[Any, Any, Any]) -> None:
        try:
            await story
        except (Refused, StoreUnavailable):
            return
        except Exception as error:
            self.town.breaks.append(f"a call broke: {error!r}")
            raise

    def submit_task(self) -> None:
        clinic = self.chance.choice(_CLINICS)
        text = self.chance.choice(_USUAL) if self.chance.random() < 0.4 else f"Call about bill {self.chance.random()}."
        text += self.chance.choice(["", "", "", "", "", "", REFUSED, FAILS])
        posted: Json = {
            "clinic_id": clinic, "description": text, "title": "A call", "patient": {"mrn": "MRN-1"},
            "assignees": ["dr-wilson"],
        }  # fmt: skip
        if clinic == "harbor-dermatology":
            posted |= {"encounter_note_id": self.chance.choice(["nte_1", "nte_2"])}
        if clinic == "lakeside-family" and self.chance.random() < 0.3:
            posted |= {"type": "vob"}
        self._post(CreateTask, posted)

    def submit_note(self) -> None:
        tasks = self._some("kind = 'task' AND adapter = 'cobalt'")
        if tasks:
            text = self.chance.choice([*_USUAL, f"Noted {self.chance.random()}, and more."])
            self._post(AddNote, {"task_id": self.chance.choice(tasks[-4:]).id, "text": text})

    def submit_claim(self) -> None:
        appointment = f"apt-{self.chance.choice(['1', '2', '3', '4', FAILS])}"
        self._post(CreateClaim, {"clinic_id": "lakeside-family", "appointment_id": appointment})

    def _post(self, kind: type[Any], posted: Json) -> None:
        self.posted.append((kind, posted, f"key-{len(self.posted)}"))
        self._submit(*self.posted[-1])

    def repeat(self) -> None:
        """The same post again, as a caller does that has heard nothing, or too much."""
        if self.posted:
            self._submit(*self.chance.choice(self.posted[-8:]))

    def _submit(self, kind: type[Any], posted: Json, key: str) -> None:
        app = self.town.config.apps["intake"]
        print_of = sha256(json.dumps(posted).encode()).hexdigest()
        submission = Submission(
            app=app, draft=read(posted, kind), kind=kind, posted=posted, key=Key(key=key, fingerprint=print_of)
        )

        async def story() -> None:
            assert self.town.life is not None
            answered = (await self.town.life.services.desk.submit(submission)).record
            if self.promised.setdefault(key, answered.id) != answered.id:
                raise Broken(f"{key} was answered with {self.promised[key]} and {answered.id}")

        self._inside(story())

    def _some(self, where: str) -> list[Record]:
        rows = self.town.connection.execute(f"SELECT {ALL} FROM deliveries WHERE {where} ORDER BY id")  # noqa: S608
        return [record_of(self._tx, row) for row in rows.fetchall()]

    def cancel(self) -> None:
        some = self._some("state IN ('queued', 'held', 'sending')") or self._some("1 = 1")
        if some:
            record = self.chance.choice(some)
            self._inside(self._asking.cancel(record, self._operator))

    def retry(self) -> None:
        some = self._some("state IN ('queued', 'held', 'failed', 'rejected', 'cancelled')")
        if some:
            self._inside(self._asking.retry(self.chance.choice(some), self._operator, "please"))

    def resolve(self) -> None:
        """The operator looks, and says what is there; about one that is still on its way, nothing."""
        some = self._open_questions()
        if some:
            self.settle(self.chance.choice(some))

    def _open_questions(self) -> list[Record]:
        flying = self.town.roads.flying
        return [
            record
            for record in self._some("state = 'unknown' OR conflict = 1 OR overdue = 1")
            if not flying[record.id]
            and all(thing.status != "pending" for thing in self.town.history.made[record.id])
        ]  # fmt: skip

    def settle(self, record: Record, *, fully: bool = False) -> None:
        """Tell the truth about it; `fully`: with all its ids."""
        things = self.town.history.exists(record.id)
        told = fully or self.chance.random() < 0.6
        thing = things[0] if things else None
        finding = Finding(
            outcome="created" if things else "not_created",
            reason="looked",
            id=thing.id if thing and told else None,
            emr_id=thing.emr_id if thing and told else None,
            resend=not things and self.chance.random() < 0.3,
        )
        self._inside(self._asking.resolve(record, self._operator, finding))

    def tell_emr_id(self) -> None:
        """The operator has found the EMR's id of a task that they knew to be created."""
        for record in self._some("kind = 'task' AND adapter = 'cobalt' AND state = 'delivered' AND emr_id IS NULL"):
            things = self.town.history.exists(record.id)
            if things and things[0].emr_id:
                finding = Finding(outcome="created", reason="found its id", emr_id=things[0].emr_id)
                self._inside(self._asking.resolve(record, self._operator, finding))

    @property
    def _asking(self) -> Any:
        assert self.town.life is not None
        return self.town.life.services.asking

    @property
    def _tx(self) -> Tx:
        """A look into the database, whatever the life."""
        return Tx(self.town.connection.execute, Vault())

    @property
    def _operator(self) -> Any:
        return Caller(app=self.town.config.apps["operator"], key_id="o1")

    def _connections(self) -> list[tuple[str, str]]:
        return [(clinic.id, name) for clinic in self.town.config.clinics.values() for name in clinic.connections]

    def pause(self) -> None:
        assert self.town.life is not None
        why = problem("connection-blocked", "by the operator")
        one = self.chance.choice(self._connections())
        self._inside(self.town.life.store.pause(*one, why, self.town.now(), BY_OPERATOR))

    def resume(self) -> None:
        assert self.town.life is not None
        for one in self.town.connection.execute("SELECT clinic_id, connection FROM paused_connections").fetchall():
            self._inside(self.town.life.store.resume(*one, self.town.now()))

    def revoke(self) -> None:
        """A link's credentials are worth nothing any more; Cobalt says so."""
        name = self.chance.choice(sorted(self.town.vendors))
        vendor = self.town.vendors[name]
        links = sorted({thing.link for thing in vendor.things})
        if not links:
            return
        link = self.chance.choice(links)
        vendor.revoked.add(link)
        if name == "cobalt":
            event = {
                "id": f"evt_x{self.chance.random()}", "type": "access_token.login_required",
                "access_token_reference_id": self.town.cobalt._references[link], "object": "event",
                "data": {"message": "Log in again."},
            }  # fmt: skip
            self.town.spawn(self.town.push("cobalt", event))

    def restore(self) -> None:
        for vendor in self.town.vendors.values():
            vendor.revoked.clear()

    def forge(self) -> None:
        """Somebody without the secret says that something was created, or was not."""
        some = self._some("adapter = 'cobalt' AND job_id IS NOT NULL")
        if some:
            record = self.chance.choice(some)
            noun = {"task": "task", "note": "task_note", "claim": "claim"}[record.kind]
            data = {f"{noun}_id": record.vendor_id, "failure_reason": "forged", f"emr_{noun}_id": "forged"}
            reference = self.chance.choice(sorted(self.town.cobalt._references.values()))
            event = {
                "id": f"evt_f{self.chance.random()}", "access_token_reference_id": reference, "object": "event",
                "type": f"{noun}.{self.chance.choice(['created', 'failed'])}", "job_id": record.job_id, "data": data,
            }  # fmt: skip
            self.town.spawn(self.town.post("cobalt", json.dumps(event).encode(), "no secret"))

    def replay(self) -> None:
        """An old webhook comes once more, out of all order."""
        if self.town.cobalt.events:
            _, _, event = self.chance.choice(self.town.cobalt.events)
            self.town.spawn(self.town.push("cobalt", event))

    def stored(self, delivery_id: str) -> Record | None:
        """The delivery."""
        return find(self._tx, delivery_id)
