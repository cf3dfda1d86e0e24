"""The shipped example clinics, and commands for them."""

from pathlib import Path

from msgspec import structs
from rules.records import NOW

from gateway.clinics import load
from gateway.rules.clinic import Clinic, Route
from gateway.rules.planning import Plan, Refused, Request, plan
from gateway.rules.reading import read
from schemas.command import AddNote, CreateClaim, CreateTask

CONFIG = load(Path(__file__).parents[2] / "config", {})
LAKESIDE = CONFIG.clinics["lakeside-family"]  # emr: Cobalt on eClinicalWorks; front-desk: the task API
RIVERBEND = CONFIG.clinics["riverbend-pediatrics"]  # emr: Cobalt on athenahealth
HILLTOP = CONFIG.clinics["hilltop-clinic"]  # tasks: the task API
HARBOR = CONFIG.clinics["harbor-dermatology"]  # maxcare: MaxCare
BY_ADAPTER = {"cobalt": LAKESIDE, "task_api": HILLTOP, "maxcare": HARBOR}

DR_WILSON = "74196090-5faa-11e9-9562-e12f6a3ce827"  # in Lakeside's EMR
WHOLE = {"description": "Call Ms. Okafor back", "patient": {"mrn": "1001"}}
"""What Cobalt needs for a task."""


def task(**fields) -> CreateTask:
    """A sound task, as the web layer would hand it over."""
    return _read({"clinic_id": "c", "description": "Call Ms. Okafor back", **fields}, CreateTask)


def note(**fields) -> AddNote:
    """A sound note."""
    return _read({"text": "Called", **fields}, AddNote)


def claim(**fields) -> CreateClaim:
    """A sound claim."""
    return _read({"clinic_id": "c", "appointment_id": "a1", **fields}, CreateClaim)


def _read(posted, type_):
    draft = read({name: value for name, value in posted.items() if value is not ...}, type_)
    assert draft.errors == ()
    return draft.command


def changed(clinic: Clinic, name: str, **facts) -> Clinic:
    """The clinic with one connection changed."""
    connection = structs.replace(clinic.connections[name], **facts)
    return structs.replace(clinic, connections={**clinic.connections, name: connection})


def with_defaults(clinic: Clinic, name: str, **defaults) -> Clinic:
    """The clinic with further defaults of one connection."""
    return changed(clinic, name, defaults=structs.replace(clinic.connections[name].defaults, **defaults))


def with_need(clinic: Clinic, name: str, path: str, need: str) -> Clinic:
    """The clinic with a row of its own for a field of its tasks."""
    rules = clinic.connections[name].rules
    rule = rules["create_task"]
    cell = structs.replace(rule.fields["description"], need=need, where="clinics/c.yaml", source="operator")
    fields = {**rule.fields, path: cell}
    return changed(clinic, name, rules={**rules, "create_task": structs.replace(rule, fields=fields)})


def with_routes(*routes):
    """Lakeside with other routes: (to, when) each."""
    made = tuple(
        Route(label=f"routes[{index}]", to=to, when={key: frozenset(values) for key, values in when.items()})
        for index, (to, when) in enumerate(routes)
    )
    return structs.replace(LAKESIDE, routes=made)


def planned(clinic: Clinic, command, **request) -> Plan:
    """The plan of a sound command."""
    made = plan(clinic, Request(command=command, **{"now": NOW, **request}))
    assert isinstance(made, Plan), [error.detail for error in made.errors]
    return made


def sound(clinic: Clinic, command, **request) -> Plan:
    """The plan of a command that nothing is wrong with."""
    made = planned(clinic, command, **request)
    assert made.errors == ()
    return made


def wrong(clinic: Clinic, command, **request) -> list[tuple[str, str | None]]:
    """The code and pointer of all that is wrong with a command."""
    made = plan(clinic, Request(command=command, **{"now": NOW, **request}))
    assert isinstance(made, Plan | Refused)
    return [(error.code, error.pointer) for error in made.errors]


def report(made: Plan) -> dict[str, tuple[str, str | None]]:
    """Fate and place by field; each field stands in the report once."""
    told = {entry.field: (entry.fate, entry.place) for entry in made.report}
    assert len(told) == len(made.report)
    return told
