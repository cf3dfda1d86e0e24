"""A year of work put straight into the tables: so many deliveries of so many clinics, with all that belongs to them.

Most have ended; a few of a thousand are open. Every twentieth is of the first clinic, a big one. The same statements
fill both databases.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from store.records import NOW, task

from gateway.rules.record import Content
from gateway.store.rows import COLUMNS, Tx, row_of, stamp
from schemas.delivery import Mapped
from schemas.outcome import Sighting

APP = "intake"
ACCOUNTS = 3
_CLINIC = "(CASE WHEN n % 20 = 0 THEN 0 ELSE (n + n / 20) % :clinics END)"
_ACCOUNT = f"'account-' || ({_CLINIC} % {ACCOUNTS})"
_KIND = "(CASE WHEN n % 20 = 5 THEN 'claim' WHEN n % 20 IN (1, 2) THEN 'note' ELSE 'task' END)"
_SERIES = (
    "WITH RECURSIVE series (n) AS (SELECT CAST(:first AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < :last)"
)
_NUMBER = "(1000000000000 + n)"
_ID = f"((CASE WHEN n % 20 = 5 THEN 'clm_' WHEN n % 20 IN (1, 2) THEN 'note_' ELSE 'tsk_' END) || {_NUMBER})"
_STATE = (
    "(CASE WHEN n % 1000 < 5 THEN 'submitted' WHEN n % 1000 = 6 THEN 'unknown' WHEN n % 1000 = 7 THEN 'held'"
    " WHEN n % 1000 = 8 THEN 'queued' WHEN n % 1000 < 23 THEN 'rejected' WHEN n % 1000 < 26 THEN 'failed'"
    " WHEN n % 1000 < 28 THEN 'cancelled' ELSE 'delivered' END)"
)
_AT = "(:end - (:count - n) * :step)"
_SENT = "n % 1000 NOT IN (7, 8, 26, 27)"
_DELIVERY: Mapping[str, str] = {
    "id": _ID,
    "kind": _KIND,
    "clinic_id": f"'clinic-' || {_CLINIC}",
    "app": f"'{APP}'",
    "connection": "'emr'",
    "account": _ACCOUNT,
    "state": _STATE,
    "awaits_connection": "(CASE WHEN n % 1000 = 7 THEN 1 ELSE 0 END)",
    "overdue": "(CASE WHEN n % 1000 = 1 THEN 1 ELSE 0 END)",
    "reference": f"'ref-' || {_NUMBER}",
    "vendor_id": f"(CASE WHEN n % 1000 >= 28 THEN 'v-' || {_NUMBER} END)",
    "emr_id": f"(CASE WHEN n % 1000 >= 28 THEN 'e-' || {_NUMBER} END)",
    "job_id": f"(CASE WHEN {_SENT} THEN 'j-' || {_NUMBER} END)",
    "parent_id": f"(CASE WHEN n % 20 IN (1, 2) THEN 'tsk_' || ({_NUMBER} - n % 20) END)",
    "lane": f"(CASE WHEN n % 20 IN (1, 2) THEN 'lane-' || ({_NUMBER} - n % 20) END)",
    "one_per": f"(CASE WHEN n % 20 = 5 THEN 'appointment-' || {_NUMBER} END)",
    "attempts": f"(CASE WHEN {_SENT} THEN 1 ELSE 0 END)",
    "marked": f"(CASE WHEN {_SENT} THEN 1 ELSE 0 END)",
    "fence": "1",
    "due_at": f"(CASE WHEN n % 1000 = 8 THEN {_AT} WHEN n % 1000 <= 6 THEN :end + n % 1000 * 60000000 END)",
    "give_up_at": "(CASE WHEN n % 1000 IN (7, 8) THEN :end + 86400000000 END)",
    "settle_by": "(CASE WHEN n % 1000 < 5 THEN :end + 900000000 END)",
    "created_at": _AT,
    "updated_at": f"({_AT} + 60000000)",
}
_OTHERS: Sequence[tuple[str, Mapping[str, str], str]] = (
    ("patients", {"hash": "'patient-' || (n % (:count / 4 + 1))", "delivery_id": _ID}, "1 = 1"),
    (
        "idempotency_keys",
        {"app": f"'{APP}'", "key": f"'key-' || {_NUMBER}", "fingerprint": f"'f-' || {_NUMBER}", "delivery_id": _ID},
        "1 = 1",
    ),
    (
        "attempts",
        {
            "delivery_id": _ID, "fence": "1", "account": _ACCOUNT, "is_retry": "0", "started_at": _AT,
            "marked_at": f"{_AT} + 1000", "ended_at": f"{_AT} + 200000", "verdict": "'applied'", "status": "201",
        },
        _SENT,
    ),
    *(
        (
            "events",
            {
                "seq": f"2 * n - {before}", "id": f"'evt_' || {_NUMBER} || '{before}'",
                "type": f"{_KIND} || '.{type_}'", "at": f"{_AT} + {after}", "clinic_id": _DELIVERY["clinic_id"],
                "app": f"'{APP}'", "delivery_id": _ID,
                "data": f"'{{\"id\":\"' || {_ID} || '\",\"state\":\"{type_}\"}}'",
            },
            "1 = 1",
        )
        for before, type_, after in ((1, "queued", 0), (0, "delivered", 60000000))
    ),
    (
        "callback_attempts",
        {"app": f"'{APP}'", "seq": "2 * n", "at": f"{_AT} + 61000000", "ended_at": f"{_AT} + 61100000"},
        "n % 4 = 0",
    ),
    ("callbacks", {"app": f"'{APP}'", "seq": "2 * n", "lane": _ID, "tries": "0", "due_at": ":end"}, "n % 1000 = 500"),
    (
        "webhooks",
        {
            "id": f"'whk_' || {_NUMBER}", "account": _ACCOUNT, "received_at": f"{_AT} + 59000000",
            "digest": f"'digest-' || {_NUMBER}", "verified": "1", "clinic_id": _DELIVERY["clinic_id"],
            "state": "(CASE WHEN n % 1000 = 12 THEN 'unmatched' ELSE 'matched' END)", "received": "?",
        },
        "n % 4 = 0",
    ),
    (
        "sightings",
        {
            "id": f"'sgt_' || {_NUMBER}", "webhook_id": f"'whk_' || {_NUMBER}", "source": "'webhook'",
            "account": _ACCOUNT, "clinic_id": _DELIVERY["clinic_id"], "connection": "'emr'", "delivery_id": _ID,
            "at": f"{_AT} + 59000000",
            "state": "(CASE WHEN n % 1000 = 12 THEN 'parked' ELSE 'applied' END)", "sighting": "?",
        },
        "n % 4 = 0",
    ),
)  # fmt: skip
BIG = ("deliveries", *sorted({table for table, _, _ in _OTHERS} - {"callbacks"}))
"""The tables that grow with what was accepted; `callbacks` holds what is still to be told."""


_COMMAND = {
    "clinic_id": "clinic-0",
    "title": "Follow-up appointment needed",
    "description": "Schedule a follow-up appointment to review the recent lab results; call back before noon.",
    "patient": {"mrn": "MRN-12345"},
    "assignees": ["dr-wilson"],
    "priority": "high",
}
_CONTENT = Content(
    command=_COMMAND,
    values={"title": _COMMAND["title"], "description": _COMMAND["description"], "patient.mrn": "MRN-12345"},
    mapping=[Mapped(field=name, fate="sent", place=name) for name in ("title", "description", "patient.mrn")],
)
_SEALED: Mapping[str, Any] = {
    "content": _CONTENT,
    "received": ({"content-type": "application/json"}, b"{}" * 100),
    "sighting": Sighting(says="created", operation="create_task", ids={"id": "v-1", "emr_id": "e-1"}),
}


def fill(tx: Tx, numbers: range, count: int, clinics: int) -> None:
    """These of `count` deliveries."""
    prototype = dict(zip(COLUMNS, row_of(tx, task()), strict=True))
    same = {name: _literal(value) for name, value in prototype.items() if name not in {*_DELIVERY, "content"}}
    step = timedelta(days=365) // count
    known = {
        "first": numbers[0], "last": numbers[-1], "count": count, "clinics": clinics, "end": stamp(NOW),
        "step": step // timedelta(microseconds=1),
    }  # fmt: skip
    for table, columns, where in (("deliveries", {**same, **_DELIVERY, "content": "?"}, "1 = 1"), *_OTHERS):
        statement = re.sub(r":(\w+)", lambda found: str(known[found[1]]), _insert(table, columns, where))
        sealed = [msgspec.json.encode(_SEALED[name]) for name, value in columns.items() if value == "?"]
        tx.execute(statement, tuple(b"p" + each for each in sealed))


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    return f"'{value}'" if isinstance(value, str) else str(value)


def _insert(table: str, columns: Mapping[str, str], where: str) -> str:
    names, values = ", ".join(columns), ", ".join(columns.values())
    return f"{_SERIES} INSERT INTO {table} ({names}) SELECT {values} FROM series WHERE {where}"  # noqa: S608 - ours
