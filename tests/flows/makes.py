"""Clinics of every make: the shipped ones, one with a vendor like no other, and made up ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from hypothesis import strategies as st
from msgspec import structs
from rules.clinics import HARBOR, HILLTOP, LAKESIDE, RIVERBEND

from adapters.base import FOLDED, Operation, Place
from gateway.rules.capability import effective
from gateway.rules.clinic import Cell, Clinic, Connection, Defaults, Need, OneOf, Person, Route
from gateway.rules.routing import offers
from schemas.command import CANONICAL, Name, Priority

COBALT, TASK_API = LAKESIDE.connections["emr"], LAKESIDE.connections["front-desk"]


class Odd(type(TASK_API.adapter)):
    """A vendor with every operation, and every kind of place."""

    name = "odd"
    operations = (
        Operation(name="create_task", path="/t", extras=True, places={
            "description": Place("text", "required"), "title": Place("task.title"), "patient.mrn": Place("patient.mrn"),
            "assignees": Place("to", most=2), "created_by": FOLDED, "notify": FOLDED, "status": FOLDED,
            "tags": Place("labels", most=1), "source.call_id": Place("call"), "due_at": FOLDED,
        }),
        Operation(name="add_note", path="/n", text="text", places={
            "emr_task_id": Place("task", "required"), "text": Place("text", "required"),
        }),
        Operation(name="create_claim", path="/c", places={"appointment_id": Place("appointment", "required")}),
    )  # fmt: skip


def _odd() -> Connection:
    account = structs.replace(TASK_API.account, adapter=Odd())
    return structs.replace(TASK_API, name="odd", account=account, defaults=Defaults(), rules=effective(Odd(), None, ()))


SHIPPED = (LAKESIDE, RIVERBEND, HILLTOP, HARBOR)
EVERYWHERE = ("emr", "front-desk", "tasks", "maxcare", "odd")
PEOPLE = {
    "dr-wilson": Person(key="dr-wilson", name="Dr. Wilson", ids=dict.fromkeys(EVERYWHERE, ("1",))),
    "front-desk": Person(key="front-desk", name="Front desk", ids=dict.fromkeys(EVERYWHERE, ("2", "3"))),
    "stranger": Person(key="stranger", name="Stranger", ids={}),
}
"""One with an id, a team, and somebody without an id."""

TOGETHER = structs.replace(
    LAKESIDE,
    id="together",
    connections={"emr": COBALT, "front-desk": TASK_API, "odd": _odd()},
    routes=(
        Route(label="routes[0]", to="odd", when={"tags": frozenset(["fax", "call", " "])}),
        Route(label="routes[1]", to="front-desk", when={"type": frozenset(["vob"]), "priority": frozenset(["high"])}),
        Route(label="routes[2]", to="emr"),
    ),
    people=PEOPLE,
)
"""Three vendors; two of them have notes and claims."""


CAREFUL = structs.replace(TOGETHER, id="careful", on_loss="refuse")


def ruled(connection: Connection, name: Name, needs: Mapping[str, Need], *groups: Sequence[str]) -> Connection:
    """The connection with further capability rules."""
    rule = connection.rules[name]
    cells = {path: Cell(need=need, where="a row", source="operator") for path, need in needs.items()}
    one_of = tuple(OneOf(fields=tuple(group), where="a row", source="operator") for group in groups)
    widened = structs.replace(rule, fields={**rule.fields, **cells}, one_of=one_of)
    return structs.replace(connection, rules={**connection.rules, name: widened})


_DESK = structs.replace(TASK_API.defaults, created_by="front-desk", assignees=("dr-wilson",))
_WANTING = (
    ruled(COBALT, "add_note", {}, ["emr_task_id"]),
    ruled(
        structs.replace(TASK_API, defaults=_DESK), "create_task", {"created_by": "optional", "assignees": "optional"},
        ["assignees"], ["patient.id", "patient.mrn"],
    ),
    ruled(
        TOGETHER.connections["odd"], "create_task",
        {"notify": "required", "tags": "required", "source.call_id": "required", "type": "refused"},
        ["description", "title"], ["created_by", "patient.id"],
    ),
)  # fmt: skip
WANTING = structs.replace(TOGETHER, id="wanting", connections={each.name: each for each in _WANTING})
"""Rules of every kind; and a default that cannot work, since it names a team where one person is taken."""


def chances(clinic: Clinic) -> list[tuple[Connection, Name]]:
    """Every operation that a connection of the clinic offers."""
    return [(each, name) for each in clinic.connections.values() for name in each.rules if offers(each, name)]


# Made up

_NAMES = st.sampled_from([*PEOPLE, "id:x"])
_DEFAULTS = st.builds(
    Defaults,
    title=st.sampled_from([None, "Title"]),
    title_from=st.sampled_from([None, "description"]),
    assignees=st.lists(_NAMES, max_size=2).map(tuple),
    created_by=st.none() | _NAMES,
    due_in=st.sampled_from([None, "2d"]),
    priority=st.sampled_from([None, "high"]),
    tags=st.sampled_from([(), ("fax",)]),
    notify=st.lists(_NAMES, max_size=1).map(tuple),
    phone_call_type_id=st.sampled_from([None, "12"]),
    encounter_note_id=st.sampled_from([None, "n-1"]),
)
_WHEN = st.fixed_dictionaries({}, optional={
    "type": st.frozensets(st.sampled_from(["vob", "general", " "]), min_size=1),
    "priority": st.frozensets(st.sampled_from(get_args(Priority)), min_size=1),
    "tags": st.frozensets(st.sampled_from(["fax", "call"]), min_size=1),
    "assignees": st.frozensets(st.sampled_from(["dr-wilson", "id:x"]), min_size=1),
    "created_by": st.just(frozenset(["dr-wilson"])),
})  # fmt: skip


def _carried(connection: Connection, name: Name) -> list[str]:
    places = connection.adapter.operation(name).places
    return [path for path in CANONICAL[name] if path in places or path.startswith("patient.")]


_NEEDS: Mapping[tuple[bool, bool], Sequence[Need]] = {
    (True, True): ("optional", "advisory", "required", "refused"),
    (True, False): ("optional", "advisory", "required"),
    (False, True): ("optional", "advisory", "refused"),
}
"""What a configuration may say of a field: whether a vendor carries it, and whether it can do without it."""


@st.composite
def _ruled(draw: Any, connection: Connection, name: Name) -> Connection:
    """The connection with further capability rules, such as a configuration could have."""
    places, carried = connection.adapter.operation(name).places, _carried(connection, name)
    free = [path for path in CANONICAL[name] if path not in places or places[path].need != "required"]
    needs = draw(
        st.fixed_dictionaries(
            {}, optional={path: st.sampled_from(_NEEDS[path in carried, path in free]) for path in CANONICAL[name]}
        )
    )
    groups = draw(st.lists(st.lists(st.sampled_from(carried), min_size=1, max_size=3, unique=True), max_size=2))
    return ruled(connection, name, needs, *groups)


@st.composite
def made_up(draw: Any) -> tuple[Clinic, Connection, Name]:
    """A clinic with rules, defaults, routes and people that no shipped one has, and what is asked of it."""
    clinic = structs.replace(draw(st.sampled_from([*SHIPPED, TOGETHER, WANTING])), people=PEOPLE)
    connection, name = draw(st.sampled_from(chances(clinic)))
    if draw(st.booleans()):
        connection = draw(_ruled(connection, name))
    if draw(st.booleans()):
        connection = structs.replace(connection, defaults=draw(_DEFAULTS))
    routes = clinic.routes
    if draw(st.booleans()):
        rules = draw(st.lists(st.tuples(st.sampled_from(sorted(clinic.connections)), _WHEN), max_size=3))
        routes = tuple(Route(label=f"routes[{n}]", to=to, when=when) for n, (to, when) in enumerate(rules))
    made = structs.replace(
        clinic,
        connections={**clinic.connections, connection.name: connection},
        routes=routes,
        on_loss=draw(st.sampled_from(["report", "report", "refuse"])),
    )
    return made, connection, name


@st.composite
def shipped(draw: Any) -> tuple[Clinic, Connection, Name]:
    """One of the shipped clinics, as it is."""
    clinic = draw(st.sampled_from(SHIPPED))
    return (clinic, *draw(st.sampled_from(chances(clinic))))
