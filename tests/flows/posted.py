"""Commands as they are posted, most of them nearly right: that is where the rules are told apart."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, get_args

from flows.makes import EVERYWHERE
from hypothesis import assume
from hypothesis import strategies as st

from gateway.rules.clinic import Clinic, Connection
from schemas.command import CANONICAL, NAMING, Name, Priority

_COMMANDS = {naming.operation: command for command, naming in NAMING.items()}

BLANKS = (None, "", " ", "\t\n", "\u001c", "\u0085", "\u00a0", "\u3000", [], {}, [None, " "], {"a": {"b": [""]}})
_WRONG = (5, True, 1.5, "x", "\ufeff", "\u200b", "x\n", ["x"], [["x"]], {"a": "b"}, {"mrn": 5}, [5, None])
_LONG = ("x" * 255, "x" * 256, "\U0001f600" * 255, "x" * 1024, "x" * 1025, "x" * 32768, "x" * 32769, " " * 2000)
_LISTS = (["a"] * 100, ["a"] * 101, ["a"] * 100 + [" ", None], ["a", {"x": None}], ["a", "x" * 1025])
_NAMED = ("dr-wilson", "front-desk", "stranger", "Dr-Wilson", "id:", "id:x", "id: ", "id:\n", "id:" + "x" * 252,
          "id:" + "x" * 253, "triage", "gateway", "nobody")  # fmt: skip
MOMENTS = (
    "2026-03-05T09:00:00Z", "2026-03-05t09:00:00.123456789z", "2026-03-05 09:00:00+0100", "2026-03-05T09:00:00-23:59",
    "2024-02-29T23:59:59Z", "2000-02-29T00:00:00Z", "1900-01-01T00:00:00+23:59", "9900-12-31T23:59:59.9999999Z",
    "2026-03-05T09:00:00", "2026-03-05", "2026-02-29T09:00:00Z", "2100-02-29T09:00:00Z", "2026-02-30T09:00:00Z",
    "2026-04-31T09:00:00Z", "2026-13-01T09:00:00Z", "2026-00-10T09:00:00Z", "2026-03-00T09:00:00Z",
    "2026-03-05T24:00:00Z", "2026-03-05T09:60:00Z", "2026-03-05T09:00:60Z", "2026-03-05T09:00Z",
    "2026-03-05T09:00:00.Z", "2026-03-05T09:00:00+24:00", "2026-03-05T09:00:00+01", "2026-03-05T09:00:00+01:60",
    "2026-03-05T09:00:00Z\n", " 2026-03-05T09:00:00Z", "1899-12-31T23:59:59.9999999Z", "9901-01-01T00:00:00Z",
    "\u0662\u066026-03-05T09:00:00Z", "2026-03-05T09:00:00,5Z", "20260305T090000Z", "tomorrow",
)  # fmt: skip
_OWN: dict[str, tuple[Any, ...]] = {
    "due_at": MOMENTS,
    "priority": (*get_args(Priority), "High", " high"),
    "status": ("pending", "in_progress", "completed", "done"),
    "type": ("vob", "general", "VOB", " vob"),
    "tags": (["fax"], ["gw:x"], [" gw:x", "a"], ["mail", "call"], ["call", None], [" fax"], *_LISTS),
    "connection": (*EVERYWHERE, "emr ", "nowhere"),
    "clinic_id": ("elsewhere",),
    "created_by": _NAMED,
    "assignees": (*([name] for name in _NAMED), ["dr-wilson", "stranger"], ["stranger", None], ["dr-wilson"] * 101,
                  ["dr-wilson", "dr-wilsn"], [*["front-desk"] * 100, " "]),
    "notify": tuple([name] for name in _NAMED),
    "metadata": ({"k": "v"}, {"k": ""}, {"k": None}, {"k": {"": [" "]}}, {"k": {"a": ""}}, {"k": 5}, {"k": "x" * 4096},
                 {"k": "x" * 4097}, {str(n): "" for n in range(64)}, {str(n): "" for n in range(65)}),
    "vendor_fields": ({"cobalt": {}}, {"cobalt": {"a": 1}}, {"task_api": {"queue": None}}, {"task_api": {"title": 1}},
                      {"odd": {"task": 1}}, {"odd": {"own": [{}]}}, {"odd": {}}, {"task_api": None}, {"other": {}}),
    "patient": (
        {"mrn": "1"}, {"ids": {"cobalt": "1"}}, {"mrn": " ", "ids": {"task_api": "1"}}, {"mrn": "1", "dob": " "},
        {"ids": {"odd": "", "maxcare": "m"}}, {"ids": {"odd": "1"}}, {"ids": {"other": 5}}, {"mrn": "1", "dob": "x"},
        {"ids": {"a": {}}},
        {"mrn": "1", "ids": {"cobalt": "2", "task_api": "3", "maxcare": "4", "odd": "5"}},
    ),
    "source": (
        {"call_id": "1"}, {"call_id": " ", "fax_id": None}, {"fax_id": "x" * 256}, {"callid": []}, {"call": "1"},
    ),
    "task_id": ("tsk_1",),
}  # fmt: skip
_WHOLE: dict[Name, tuple[dict[str, Any], ...]] = {
    "create_task": ({
        "description": "Call back", "title": "Labs", "assignees": ["dr-wilson"], "created_by": "dr-wilson",
        "patient": {"mrn": "1"}, "encounter_note_id": "n", "due_at": MOMENTS[0], "phone_call_type_id": "7",
        "priority": "high", "type": "vob", "tags": ["fax"], "notify": ["dr-wilson"], "status": "pending",
        "source": {"call_id": "1"}, "reference": "r", "metadata": {"k": "v"}, "vendor_fields": {},
    },),
    "add_note": (
        {"text": "Called", "task_id": "tsk_1", "reference": "r"},
        {"text": "Called", "emr_task_id": "e-1", "reference": "r"},
    ),
    "create_claim": ({"appointment_id": "a-1", "reference": "r"},),
}  # fmt: skip
_UNKNOWN = ("asignees", "Title", "", "patient.mrn")


def _pools(field: str) -> list[tuple[Any, ...]]:
    return [pool for pool in (_OWN.get(field, ()), BLANKS, _WRONG, _LONG) if pool]


def _sound(clinic: Clinic, connection: Connection, name: Name) -> list[dict[str, Any]]:
    """Commands that the connection takes: with all that it carries and does not refuse."""
    cells, places = connection.rules[name].fields, connection.adapter.operation(name).places
    refused = {path for path, cell in cells.items() if cell.need == "refused"}
    carried = {path.partition(".")[0] for path in places} | {"patient"}
    lost = {path.partition(".")[0] for path in CANONICAL[name]} - carried if clinic.on_loss == "refuse" else set()
    given = {"clinic_id": clinic.id, "connection": connection.name}
    return [
        {**given, **{field: value for field, value in copy.deepcopy(whole).items() if field not in refused | lost}}
        for whole in _WHOLE[name]
    ]


def _is_told(body: dict[str, Any]) -> bool:
    """Whether a schema could tell: of tasks, only the stored one is known to it."""
    task_id = body.get("task_id")
    return not isinstance(task_id, str) or task_id == "tsk_1" or not task_id.strip() or len(task_id) > 255


def oddities(clinic: Clinic, connection: Connection, name: Name) -> Iterator[dict[str, Any]]:
    """Sound commands, and then those commands with everything odd in turn."""
    sound = _sound(clinic, connection, name)
    yield from sound
    for whole in sound:
        for field in _COMMANDS[name].__struct_fields__:
            yield {known: value for known, value in whole.items() if known != field}
            for value in (value for pool in _pools(field) for value in pool):
                body = {**whole, field: value}
                yield from [body] if _is_told(body) else []
                if field in {"type", "priority", "tags", "assignees"}:  # they choose the route
                    yield {known: each for known, each in body.items() if known != "connection"}
        yield from ({**whole, field: value} for field in _UNKNOWN for value in ("x", None))


@st.composite
def commands(draw: Any, clinic: Clinic, connection: Connection, name: Name) -> dict[str, Any]:
    """A command's body: some of what it could say, and up to three oddities."""
    whole = draw(st.sampled_from(_sound(clinic, connection, name)))
    left_out = draw(st.sets(st.sampled_from(sorted(whole.keys() - {"clinic_id", "description", "text"}))))
    body = {field: value for field, value in whole.items() if field not in left_out}
    fields = _COMMANDS[name].__struct_fields__
    for _ in range(draw(st.integers(0, 3))):
        field = draw(st.sampled_from(fields))
        pools = _pools(field)
        pool = draw(st.sampled_from([pools[0], *pools]))
        body[field] = copy.deepcopy(draw(st.sampled_from(pool)))
    if draw(st.integers(0, 19)) == 0:
        body[draw(st.sampled_from(_UNKNOWN))] = draw(st.sampled_from(["x", None]))
    assume(_is_told(body))
    return body
