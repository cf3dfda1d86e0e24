"""What goes wrong, and how often: drawn from the seed for every exchange and every transaction."""

from __future__ import annotations

from random import Random
from typing import Literal

from msgspec import Struct

Answer = Literal["good", "none", "cut", "page", "empty", "502", "503", "408", "429", "302"]
"""none: the connection drops. cut: half of the good one. page: a 200 of HTML. empty: a 200 of nothing. The statuses
come from something in front of the vendor."""

Sky = Literal["clear", "rough", "down"]

_LATEST = 200.0
"""Seconds within which a vendor carries out what has reached it, if it ever does; absence rests on such a bound."""


class Plan(Struct, frozen=True, kw_only=True):
    """What becomes of one request. `connects`: None is a refusal. `applied`: None is never."""

    connects: float | None = 0.01
    applied: float | None = 0.05
    answers: float = 0.01
    answer: Answer = "good"


class Weather(Struct, kw_only=True):
    """How things are now; `storm` changes it."""

    chance: Random
    wire: Sky = "clear"
    store: Sky = "clear"
    hooks: Sky = "clear"
    full: bool = False
    """The disk is."""
    over: bool = False
    """Nothing goes wrong any more."""

    def change(self) -> None:
        """Something else from now on."""
        skies: list[Sky] = ["clear", "clear", "rough", "rough", "down"]
        self.wire = self.chance.choice(skies)
        self.store = self.chance.choice(["clear", "clear", "clear", "rough"])
        self.hooks = self.chance.choice(skies)
        self.full = self.chance.random() < 0.05

    def clear_up(self) -> None:
        """From now on all is well."""
        self.wire = self.store = self.hooks = "clear"
        self.full, self.over = False, True

    def create(self) -> Plan:
        """A create's fate."""
        roll = self.chance.random
        if self.over or roll() > {"clear": 0.05, "rough": 0.5, "down": 0.95}[self.wire]:
            return Plan(connects=roll() * 0.05, applied=roll() * 0.3, answers=roll() * 0.5)
        if roll() < (0.7 if self.wire == "down" else 0.15):
            return Plan(connects=None)
        return self._fault()

    def _fault(self) -> Plan:
        roll = self.chance.random
        answers: list[Answer] = ["none", "none", "cut", "page", "empty", "502", "503", "408", "302"]
        answer = self.chance.choice(answers)
        match self.chance.choice(["applied", "applied", "not", "late", "silent", "limited"]):
            case "applied":
                return Plan(applied=roll(), answers=roll() * 20, answer=self.chance.choice([answer, "good"]))
            case "not":
                return Plan(applied=None, answers=roll() * 20, answer=answer)
            case "late":
                return Plan(applied=roll() * _LATEST, answers=roll() * 20)
            case "silent":
                return Plan(connects=roll() * 6, applied=self.chance.choice([0.1, None]), answers=60, answer="none")
            case _:
                return Plan(applied=None, answers=roll(), answer="429")

    def read(self) -> Plan:
        """A lookup's fate."""
        roll = self.chance.random
        if self.over or roll() > {"clear": 0.02, "rough": 0.3, "down": 0.95}[self.wire]:
            return Plan(answers=roll() * 0.5)
        answers: list[Answer] = ["none", "cut", "page", "empty", "502", "429"]
        return Plan(connects=self.chance.choice([0.1, None]), answers=roll() * 35, answer=self.chance.choice(answers))

    def pause(self) -> float:
        """How long a transaction waits for its turn; now and then longer than a lease."""
        roll = self.chance.random()
        if self.store == "clear" or self.over:
            return 0.0 if roll < 0.7 else 0.002
        if roll < 0.01:
            return 20 + self.chance.random() * 180
        return self.chance.random() * (3.0 if roll < 0.1 else 0.05)

    def store_fault(self) -> Literal["before", "after"] | None:
        """Whether a transaction fails: before anything happened, or after all has."""
        if self.over or self.store == "clear" or self.chance.random() > 0.1:
            return None
        return "after" if self.chance.random() < 0.3 else "before"

    def hook_is_lost(self) -> bool:
        """Whether a webhook never arrives."""
        return self.chance.random() < {"clear": 0.02, "rough": 0.4, "down": 1.0}[self.hooks] and not self.over
