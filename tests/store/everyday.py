"""All that is ever asked of a store, in one story: every method, and lists with every filter they have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from msgspec import structs
from store.filling import APP
from store.records import (
    BY_OPERATOR,
    EVERYONE,
    LEASE,
    NOW,
    accept,
    claim,
    key,
    later,
    mark,
    note,
    seen,
    sent,
    settle,
    task,
    webhook,
)

from gateway.rules import wishes
from gateway.rules.callbacks import Next, Tried
from gateway.rules.clinic import Limits
from gateway.rules.drift import Observed
from gateway.store.base import Store
from gateway.store.following import Looked
from gateway.store.listing import FILTERS, Wanted
from gateway.store.outbox import Endpoint
from gateway.store.searching import Search
from gateway.store.sessions import Session
from gateway.store.webhooks import Reading
from schemas.outcome import Applied, Pending, Refused, Sighting, Unknown
from schemas.problem import problem

HERE = ("clinic-7", "emr")
ONE, SOME = frozenset({"clinic-7"}), frozenset(f"clinic-{number}" for number in range(7, 12))
LIMITS: Mapping[str, Limits] = {f"account-{n}": Limits(concurrency=50, per_minute=1000) for n in range(3)}
INTAKE = Endpoint(app=APP, url_digest="digest", concerns=lambda _entry: True)


def lists() -> list[Wanted]:
    """Every kind of list, in scopes of one clinic, of some, and of all."""
    number = 1_000_000_002_500
    given = {
        "clinic_id": "clinic-7", "state": "delivered", "reference": f"ref-{number}", "id": f"v-{number}",
        "emr_id": f"e-{number}", "job_id": f"j-{number}", "emr_task_id": "e-none",
    }  # fmt: skip
    assert given.keys() == FILTERS.keys()
    kinds: list[dict[str, Any]] = [
        {},
        {"equal": {"kind": "task"}},
        {"equal": {"kind": "claim", "state": "delivered"}},
        *({"equal": {"kind": "task", FILTERS[name]: value}} for name, value in given.items()),
        *({"equal": {"state": state}} for state in ("unknown", "cancelled", "queued", "submitted")),
        {"needs_person": True},
        {"needs_person": True, "to_settle": True},
        {"equal": {"parent_id": f"tsk_{number}"}},
        {"idempotency_key": (APP, f"key-{number}")},
        {"search": Search(text=f"j-{number}", apps=(APP, "operator"))},
        {"search": Search(text="nothing of ours")},
        {"search": Search(patient=("patient-77", "patient-78"))},
        {"since": later(days=-9), "until": later(days=-8)},
        {"after": (later(days=-100), f"tsk_{number}"), "equal": {"kind": "task"}},
    ]
    return [Wanted(clinics=clinics, **kind) for clinics in (ONE, SOME, EVERYONE) for kind in kinds]


async def everyday(store: Store) -> None:
    """Do it all, beside what is there already; the clock stands at NOW and later."""
    await store.salt("salt")
    await store.writable()
    await reading(store)
    await sending(store)
    await hearing(store)
    await telling(store)
    await operating(store)


async def reading(store: Store) -> None:
    """What is only looked at."""
    for wanted in lists():
        await store.listed(wanted)
    record = await store.get("tsk_1000000002500")
    assert record is not None
    await store.timeline(record)
    for clinics in (ONE, SOME, EVERYONE):
        await store.feed(0, 200, clinics)
        await store.feed(30_000, 200, clinics)
        await store.event("evt_10000000025001", clinics)
        await store.place("evt_10000000025001", clinics)
        await store.newest(clinics)
        await store.asked_of_people(clinics)
        await store.open_work(clinics)
        await store.audit(clinics, before=None, limit=50)
        await store.drift(clinics)
        for state in ("unmatched", "quarantined"):
            await store.webhooks(state, clinics, limit=50)
            await store.webhooks(state, clinics, limit=50, before="whk_1000000002500")
    await store.patient_hashes("MRN-1")
    await store.paused()
    await store.standing()
    await store.luck()
    await store.next_look(NOW)
    await store.next_due(NOW, LIMITS)
    await store.is_anything_queued()
    await store.verify_audit()


async def sending(store: Store) -> None:
    """Commands come, wait their turn, go out, and come to something."""
    ours = {"clinic_id": HERE[0], "connection": HERE[1], "account": "account-1"}
    first = await accept(store, task(1, **ours), key())
    assert (await accept(store, task(1, **ours), key())).what == "replay"
    await store.by_key("intake", key())
    await accept(store, note(2, **ours))
    await accept(store, claim(3, **ours))
    assert (await accept(store, claim(4, **ours))).what == "duplicate"
    await store.in_the_way(claim(5, **ours))
    await store.accept(task(6, **ours), None, LEASE, Limits(concurrency=1, per_minute=10))
    for one in await store.claim(later(seconds=1), LEASE, LIMITS, most=8):
        await settle(store, await mark(store, one), Applied(ids={"id": f"v-{one.record.id}"}))
    if first.attempt is not None:
        await settle(store, await mark(store, first), Pending(ids={"job_id": "j-1"}))
    missing = Observed(field="title", vendor_name="subject", code="missing-field", status=400)
    refused = Refused(code="missing-field", field=missing.vendor_name, ours="title")
    await sent(store, task(7, **ours), refused)
    await sent(store, task(8, **ours), Unknown(code="deadline"))
    blocked = await accept(store, task(9, **ours))
    await store.change(blocked.record.id, lambda current: wishes.cancel(current, NOW), NOW, BY_OPERATOR)
    await store.pass_time(later(seconds=130))
    await store.next_due(later(seconds=130), LIMITS)


async def hearing(store: Store) -> None:
    """Vendors tell, and are asked."""
    told = Sighting(says="created", operation="create_task", ids={"id": "v-77", "job_id": "j-1"}, ref="tsk_000008")
    unknown = Sighting(says="created", operation="create_task", ids={"id": "v-no"}, values={"description": "Nobody's"})
    for number, sighting, connection in ((1, told, HERE), (2, unknown, HERE), (3, unknown, None)):
        await store.keep_webhook(webhook(number, account="account-1"), f"digest-{number}")
        await store.keep_webhook(webhook(number, account="account-1"), f"digest-{number}")
        found = structs.replace(
            seen(sighting, number, connection), account="account-1", account_connections=frozenset({HERE})
        )
        await store.recognise(found, NOW)
        await store.sight(f"whk_{number:06d}", f"event-{number}", [found], NOW)
    await store.keep_webhook(webhook(4), "digest-4")
    await store.read_webhook("whk_000004", Reading(state="ignored"))
    for record in await store.due_looks(later(minutes=3), 4, [("clinic-9", "emr")]):
        sightings = [structs.replace(found, id=f"look-{record.id}", webhook_id=None, sighting=unknown)]
        looked = Looked(
            delivery_id=record.id,
            began=later(minutes=3),
            sightings=sightings,
            complete=True,
            schedule=(60.0,),
            gap=300.0,
        )
        await store.look(looked, later(minutes=3))
    await store.leave_looks(later(minutes=3))


async def telling(store: Store) -> None:
    """Apps are told."""
    await store.open_endpoints([APP, "watcher"], NOW, every_lease=True)
    (taken,) = await store.take_callbacks([(INTAKE, 20)], NOW)
    for number, due in enumerate(taken.due):
        follows = Next(what="later", tries=1, due_at=later(minutes=1)) if number else Next(what="told", tries=0)
        tried = Tried(at=NOW, ended_at=NOW, status=200, error=None, next=follows)
        await store.settle_callback(due, tried, INTAKE.url_digest, hurry=number == 1)
    await store.next_callback([APP, "watcher"], NOW)
    await store.redeliver([INTAKE], (100, 200), SOME, NOW)
    await store.resume_endpoint(APP, NOW, BY_OPERATOR)
    await store.backlogs([INTAKE])
    for clinics in (ONE, EVERYONE):
        await store.untold(APP, (0, 50), clinics, given_up=False)
        await store.untold(APP, (0, 50), clinics, given_up=True)
    entry = await store.event("evt_10000000025001", EVERYONE)
    assert entry is not None
    await store.told([INTAKE], entry)


async def operating(store: Store) -> None:
    """People look after it."""
    await store.pause(*HERE, problem("connection-blocked", "why"), NOW, BY_OPERATOR)
    await accept(store, task(20, clinic_id=HERE[0], account="account-1"))
    await store.try_again("tsk_000020", NOW)
    await store.resume(*HERE, NOW, BY_OPERATOR)
    await store.pause("clinic-8", "emr", problem("connection-blocked"), NOW)
    await store.try_connections(later(minutes=20))
    await store.acted(BY_OPERATOR, NOW)
    session = Session(digest="d", app="operator", key_id="o1", key_sha256="h", begun_at=NOW, seen_at=NOW)
    await store.sign_in(session, BY_OPERATOR, timedelta(hours=1), timedelta(hours=12))
    await store.session("d")
    await store.session_seen("d", NOW)
    await store.sessions("operator")
    await store.sign_out_others(session, BY_OPERATOR, NOW)
    await store.sign_out("d")
    cursor = (await store.reseal(None, 20)).next_cursor
    await store.reseal(cursor, 20)
    await store.forget(later(days=-300), timedelta(days=30), 20)
    await store.pass_time(later(minutes=30), every_lease=True)
    await store.begin_epoch(later(minutes=30), BY_OPERATOR)
