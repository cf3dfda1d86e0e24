"""The samples: that each says where it is from, that there are enough of them, and that each replays."""

from __future__ import annotations

import json
from datetime import date

import msgspec

from gateway.conformance import replay
from gateway.conformance.check import Fault, Faults, Group, Subject
from gateway.conformance.declaration import is_address
from gateway.rules.verdict import read_answer

_MADE = date(2026, 11, 22)
"""When this kit was made: a clock that is behind it is wrong."""
RECORDED = ("sandbox:", "live:")
"""How the source of a recorded exchange begins: recorded at the vendor's own sandbox, or in production."""


def every_sample_can_be_read(it: Subject) -> Faults:
    """Every sample can be read.

    The keys of a sample are those of `gateway/conformance/samples.py`; the guide shows one of each kind.
    """
    for name, reason in it.samples.unreadable:
        yield Fault(name, reason)
    offered = {operation.name for operation in it.adapter.operations}
    for sample in (*it.samples.answers, *it.samples.lookups):
        if sample.operation not in offered:
            yield Fault(sample.name, f"is of {sample.operation}, which the adapter does not declare")
    for exchange in (*it.samples.answers, *it.samples.lookups, *it.samples.tokens):
        try:
            replay.link(it.adapter, exchange.link)
        except msgspec.ValidationError as error:
            yield Fault(exchange.name, f"its link has other credentials than the adapter: {error}")


def every_sample_says_where_and_when_it_is_from(it: Subject) -> Faults:
    """Every sample says where it is from, and when.

    `source` is the address of the page it was written from, or `sandbox: ...` / `live: ...` with who recorded it
    there; `date` the day of that, as 2026-11-22, which is past; `about` what it shows.
    """
    for sample in it.samples.all:
        if not (sample.source in it.samples.pages or is_address(sample.source) or _is_recorded(sample.source)):
            yield Fault(sample.name, f"its source is '{sample.source}'")
        if (day := _day(sample.date)) is None or day > max(it.today, _MADE):
            yield Fault(sample.name, f"its date is '{sample.date}'{', which is to come' if day else ''}")
        if not sample.about.strip():
            yield Fault(sample.name, "does not say what it is about")


def _is_recorded(source: str) -> bool:
    return source.startswith(RECORDED) and bool(source.partition(":")[2].strip())


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None


def every_operation_has_samples_of_success_and_failure(it: Subject) -> Faults:
    """Every declared operation has a sample of its success, with the request, and one of a refusal.

    Write `<operation>.<case>.json`: the page's example with its request, and a documented error.
    """
    for operation in it.adapter.operations:
        created = [sample for sample in it.samples.created if sample.operation == operation.name]
        if not created:
            yield Fault(operation.name, "no sample of a success (applied or pending)")
        elif not any(sample.request for sample in created):
            yield Fault(operation.name, "no sample of a success has its request")
        if not any(sample.operation == operation.name for sample in it.samples.proving("refused")):
            yield Fault(operation.name, "no sample of a failure (refused)")


def a_task_that_notes_hang_on_has_an_emr_id(it: Subject) -> Faults:
    """Where the adapter has notes, every task that exists has an `emr_id`: notes name their task by it.

    Where the vendor has one id for a task, it is both: `{"id": "4711", "emr_id": "4711"}`. Without it, every note
    would wait for it in vain.
    """
    if not (it.adapter.supports("add_note") and it.adapter.supports("create_task")):
        return
    shown = [
        *((sample.name, sample.outcome) for sample in it.samples.proving("applied") if _is_task(sample.operation)),
        *(
            (sample.name, told)
            for sample, sightings in (
                *((each, each.lookup.sightings) for each in it.samples.lookups),
                *((each, each.sightings) for each in it.samples.webhooks),
            )
            for told in sightings
            if told.get("says") == "created" and _is_task(told.get("operation"))
        ),
    ]
    if not shown:
        yield Fault("create_task", "no sample shows a task that exists, with its emr_id")
    for name, told in shown:
        if not told.get("ids", {}).get("emr_id"):
            yield Fault(name, "shows a task without an emr_id")


def _is_task(operation: object) -> bool:
    return operation == "create_task"


def every_request_replays_byte_for_byte(it: Subject) -> Faults:
    """Every sampled request is built again, byte for byte.

    What differs is told; mend the adapter, or the sample if it is not what the page says.
    """
    for sample in it.samples.answers:
        if sample.request is not None:
            built = it.adapter.build_request(sample.command, replay.link(it.adapter, sample.link))
            yield from (Fault(sample.name, text) for text in replay.differences(built, sample.request))
    for look in it.samples.lookups:
        asked = it.adapter.build_lookup(look.command, replay.link(it.adapter, look.link), look.page)
        if asked is None:
            yield Fault(look.name, "build_lookup does not ask for it")
        elif look.request is not None:
            yield from (Fault(look.name, text) for text in replay.differences(asked, look.request))


def every_answer_replays(it: Subject) -> Faults:
    """Every sampled answer proves what the sample says.

    What differs is told. A `message` that the sample leaves out is not compared; `field` is the vendor's own name.
    """
    for sample in it.samples.answers:
        outcome = replay.shown(read_answer(it.adapter, sample.command, sample.reply))
        if "message" not in sample.outcome:
            outcome.pop("message", None)
        if outcome != sample.outcome:
            yield Fault(sample.name, f"read as {json.dumps(outcome)}, the sample has {json.dumps(sample.outcome)}")


def every_look_replays(it: Subject) -> Faults:
    """Every sampled page of a look shows what the sample says.

    What differs is told; `sightings` leaves out what is empty.
    """
    for sample in it.samples.lookups:
        page = replay.page(it.adapter.parse_lookup(sample.command, sample.reply))
        if page != sample.lookup:
            read, told = (json.dumps(replay.plain(part)) for part in (page, sample.lookup))
            yield Fault(sample.name, f"read as {read}, the sample has {told}")


GROUP = Group(
    title="Samples",
    checks=(
        every_sample_can_be_read,
        every_sample_says_where_and_when_it_is_from,
        every_operation_has_samples_of_success_and_failure,
        a_task_that_notes_hang_on_has_an_emr_id,
        every_request_replays_byte_for_byte,
        every_answer_replays,
        every_look_replays,
    ),
)
