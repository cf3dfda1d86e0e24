"""Looks: asking a vendor what became of a command, page by page.

What `parse_lookup` cannot read it says by raising ValueError (msgspec's decoding errors are ValueErrors); the gateway
then knows nothing, and looks again later. A page that calls itself `complete` is a proof that what is not listed was
never created, and allows a second send; so nothing may look complete by accident.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import msgspec

from adapters.base import HttpRequest, HttpResponse, Page, Sent
from gateway.conformance import bodies, canaries, replay
from gateway.conformance.check import Fault, Faults, Group, Subject
from gateway.conformance.samples import LookupSample
from gateway.files.source import dotted

_IDS: tuple[dict[str, str], ...] = (
    {}, {"job_id": "j1"}, {"id": "i1"}, {"emr_id": "e1"}, {"id": "i1", "emr_id": "e1", "job_id": "j1"},
)  # fmt: skip
_PAGES = (1, 2, 20)
_WORDS = ("status", "state", "priority")
_HOSTILE = "a/../b?c=d&e#f g%2e\r\nx: y"


def asked(it: Subject) -> bool:
    """Whether the vendor can be asked at all."""
    return any(True for _ in _looks(it))


def a_look_reads_and_never_writes(it: Subject) -> Faults:
    """A look is a GET without a body, to the link's origin.

    It may be repeated at any time. Build the URL from `link.base_url`, and the headers with `self.headers(link)`.
    """
    for command, request in _looks(it):
        if (request.method, request.json, request.form) != ("GET", None, None):
            body = "" if request.json is None and request.form is None else " with a body"
            yield Fault(command.operation, f"its look is a {request.method}{body}")
        if not request.url.startswith(canaries.ORIGIN + "/"):
            yield Fault(command.operation, f"its look goes to {request.url}, whatever the account says")


def an_id_cannot_leave_its_place(it: Subject) -> Faults:
    """An id or a text of the command cannot change the rest of a look's URL.

    `urllib.parse.quote(text, safe="")` for a part of the path, `urlencode` for a query.
    """
    way = canaries.link(it.adapter)
    for operation in it.adapter.operations:
        for key in ("id", "job_id", "emr_id"):
            honest, hostile = (
                it.adapter.build_lookup(canaries.command(operation, ids={key: text}), way, 1)
                for text in ("abc", _HOSTILE)
            )
            if honest and hostile and _marks(honest.url) != _marks(hostile.url):
                yield Fault(operation.name, f"an {key} of '/?&' changes the look's URL")
        honest = it.adapter.build_lookup(canaries.command(operation), way, 1)
        command = canaries.command(operation)
        wild = msgspec.structs.replace(command, values={path: _wild(value) for path, value in command.values.items()})
        hostile = it.adapter.build_lookup(wild, way, 1)
        if honest and hostile and _marks(honest.url) != _marks(hostile.url):
            yield Fault(operation.name, "a value of '/?&' changes the look's URL")


def _marks(url: str) -> list[str]:
    return re.findall(r"[/?&#=\s]", url)


def _wild(value: Any) -> Any:
    return [_HOSTILE] if isinstance(value, list) else _HOSTILE


def every_look_has_samples(it: Subject) -> Faults:
    """Each way to look for an operation has a sample that shows something, and where pages follow, the last.

    Write `lookup.<operation>.<case>.json`; `ids` in its `sent` say what was known: a look by the task's own id, by its
    job's, and at the list are three ways.
    """
    told = [(_way(it, sample.command), sample.lookup) for sample in it.samples.lookups]
    ways = {_way(it, command): _known(command) for command, _ in reversed(list(_looks(it)))}
    for way, what in ways.items():
        pages = [page for each, page in told if each == way]
        if not any(page.sightings for page in pages):
            yield Fault(way[0], f"no sample of a look {what} shows anything")
        elif all(page.more for page in pages):
            yield Fault(way[0], f"no sample of a look {what} shows the last page")


def _way(it: Subject, command: Sent) -> tuple[str, str]:
    """Which of the ways to look a command takes: the operation, and the path without the ids."""
    link = canaries.link(it.adapter)
    ids = {name: name for name in command.ids}
    request = it.adapter.build_lookup(msgspec.structs.replace(command, ids=ids), link, 1)
    return command.operation, urlsplit(request.url).path if request else ""


def _known(command: Sent) -> str:
    return f"by {' and '.join(command.ids)}" if command.ids else "without an id"


def each_page_is_another_request(it: Subject) -> Faults:
    """Where a look has pages, each page is asked for by its number.

    `page` counts from 1; put it into the query. Else the first page would be read twenty times.
    """
    for sample in [sample for sample in it.samples.lookups if sample.lookup.more]:
        way = replay.link(it.adapter, sample.link)
        requests = [it.adapter.build_lookup(sample.command, way, page) for page in (1, 2, 3)]
        if len({request.url if request else None for request in requests}) < len(requests):
            yield Fault(sample.name, "more pages follow, but their requests do not differ")


def an_unreadable_page_proves_nothing(it: Subject) -> Faults:
    """A page that cannot be read raises ValueError or shows nothing; it is never complete.

    Decode into a Struct whose list and paging are required; never fall back to an empty list.
    """
    lists = any(sample.response.body.lstrip().startswith("[") for sample in it.samples.lookups)
    for operation in it.adapter.operations:
        for ids in ({}, {"id": "1", "job_id": "1"}):
            for kind, body in bodies.UNREADABLE.items():
                if lists and body.startswith(b"["):
                    continue  # where the page is a bare list, an empty one may be all there is
                command = canaries.command(operation, ids=ids)
                yield from _unproved(it, command, body, Fault(operation.name, f"{kind}"))


def a_beginning_of_a_page_proves_nothing(it: Subject) -> Faults:
    """A page that was cut off raises ValueError.

    Decode the whole body as JSON before reading anything of it.
    """
    for sample in it.samples.lookups:
        for beginning in bodies.beginnings(sample.response.body):
            about = Fault(sample.name, f"a page cut off after {len(beginning)} bytes")
            if faults := list(_unproved(it, sample.command, beginning, about)):
                yield faults[0]
                break


def _unproved(it: Subject, command: Sent, body: bytes, about: Fault) -> Faults:
    try:
        page = it.adapter.parse_lookup(command, HttpResponse(status=200, body=body))
    except (ValueError, RecursionError):
        return
    except Exception as error:  # noqa: BLE001 - whatever else it raises is the fault
        yield Fault(about.where, f"{about.what} raises {type(error).__name__}, not ValueError")
        return
    if page.sightings or page.more or page.complete:
        said = "complete" if page.complete else "more to come" if page.more else "a sighting"
        yield Fault(about.where, f"{about.what} is read as {said}")


def a_spoilt_page_is_never_complete(it: Subject) -> Faults:
    """A page with a value or a row that cannot be read is not complete, and loses no row in silence.

    A row that is passed over would count as "does not exist", and be sent again. Let it raise. Only what the vendor
    itself says of further pages may make a page complete.
    """
    for sample in it.samples.lookups:
        for at, body in bodies.spoilt(sample.response.body):
            page = _page(it, sample, body)
            lost = page is not None and len(page.sightings) < len(sample.lookup.sightings)
            if page is not None and page.complete and (sample.lookup.more or lost):
                yield Fault(sample.name, f"is complete with a wrong value at {dotted(at)}")


def more_and_complete_exclude_each_other(it: Subject) -> Faults:
    """A page that says more follow is not complete.

    `complete=not more`, for vendors whose list is the whole truth; else leave it False.
    """
    for sample in it.samples.lookups:
        page = _page(it, sample, sample.reply.body)
        if page is not None and page.more and page.complete:
            yield Fault(sample.name, "is complete, yet more pages follow")


def what_the_vendor_adds_hides_nothing(it: Subject) -> Faults:
    """New fields, new words and other forms of moments hide nothing that is listed.

    Read into Structs that do not forbid unknown fields; type words as `str`; leave moments out.
    """
    for sample in it.samples.lookups:
        document = bodies.document(sample.response.body)
        listed = [sighting.get("ids", {}) for sighting in sample.lookup.sightings]
        for what, changed in _variants(document, {text for ids in listed for text in ids.values()}):
            page = _page(it, sample, bodies.encoded(changed))
            if page is None or [dict(sighting.ids) for sighting in page.sightings] != listed:
                yield Fault(sample.name, f"{what} hides what is listed")


def _variants(document: Any, ids: set[str]) -> Iterator[tuple[str, Any]]:
    """The document as it may come next year; the words of an envelope around what is listed stay."""
    yield "a field that no page names", bodies.grown(document)
    depth = min((len(at) for at, value in bodies.leaves(document) if str(value) in ids), default=0)
    for at, value in bodies.leaves(document):
        if isinstance(value, str) and len(at) >= depth > 0 and str(at[-1]).lower().endswith(_WORDS):
            yield f"'brand-new' at {dotted(at)}", bodies.replaced(document, at, "brand-new")
        for form in bodies.CLOCKS if bodies.is_moment(value) else ():
            yield f"{form!r} at {dotted(at)}", bodies.replaced(document, at, form)


def _looks(it: Subject) -> Iterator[tuple[Sent, HttpRequest]]:
    """Each look that the adapter builds, page by page, with the command it is for."""
    way = canaries.link(it.adapter)
    for operation in it.adapter.operations:
        for ids, page in product(_IDS, _PAGES):
            command = canaries.command(operation, ids=ids)
            request = it.adapter.build_lookup(command, way, page)
            if request is not None:
                yield command, request


def _page(it: Subject, sample: LookupSample, body: bytes) -> Page | None:
    """What a body is read as; None when it is unreadable."""
    try:
        return it.adapter.parse_lookup(sample.command, HttpResponse(status=200, body=body))
    except Exception:  # noqa: BLE001 - the gateway reads it as unreadable
        return None


GROUP = Group(
    title="Looks",
    concerns=asked,
    otherwise="the vendor cannot be asked; what is not known stays with a person",
    checks=(
        a_look_reads_and_never_writes,
        an_id_cannot_leave_its_place,
        every_look_has_samples,
        each_page_is_another_request,
        an_unreadable_page_proves_nothing,
        a_beginning_of_a_page_proves_nothing,
        a_spoilt_page_is_never_complete,
        more_and_complete_exclude_each_other,
        what_the_vendor_adds_hides_nothing,
    ),
)
