"""The requests that an adapter builds of its own tables."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.base import HttpRequest
from gateway.conformance import bodies, canaries
from gateway.conformance.check import Fault, Faults, Group, Subject
from gateway.files.source import dotted

NOTHING = object()


def at(request: HttpRequest, wire: str) -> Any:
    """What stands at the vendor's name in the body, be it JSON or a form."""
    if request.form is not None:
        return request.form.get(wire, NOTHING)
    part: Any = request.json
    for name in wire.split("."):
        if not isinstance(part, Mapping) or name not in part:
            return NOTHING
        part = part[name]
    return part


def the_required_places_alone_build(it: Subject) -> Faults:
    """The required fields alone build a request, and all of them are in it.

    Only what the table calls required is sure to be in `sent.values`; ask for the rest with `.get()`.
    """
    for operation in it.adapter.operations:
        request = it.adapter.build_request(canaries.command(operation), canaries.link(it.adapter))
        for path, spot in operation.places.items():
            if spot.need == "required" and spot.wire and at(request, spot.wire) is NOTHING:
                yield Fault(f"{operation.name}: {path}", f"nothing stands at '{spot.wire}'")


def a_field_that_is_not_given_is_not_sent(it: Subject) -> Faults:
    """A field that is not given is not sent, neither as null nor as blank.

    Leave the key out; some vendors read null as "delete it".
    """
    for operation in it.adapter.operations:
        request = it.adapter.build_request(canaries.command(operation), canaries.link(it.adapter))
        for path, place in operation.places.items():
            if place.need != "required" and place.wire and at(request, place.wire) in ("", [], {}):
                yield Fault(f"{operation.name}: {path}", f"'{place.wire}' is sent though nothing was given")
        for spot, value in bodies.leaves(request.json or request.form):
            if value is None:
                yield Fault(operation.name, f"'{dotted(spot)}' is sent as null")


def building_changes_nothing(it: Subject) -> Faults:
    """Building twice gives the same request and leaves the command as it was.

    Nothing may be kept on the adapter between calls or written into `sent.values`; copy what you change.
    """
    for operation in it.adapter.operations:
        command = canaries.command(operation, *operation.places)
        way, before = canaries.link(it.adapter), copy.deepcopy(command.values)
        once, again = (msgspec.json.encode(it.adapter.build_request(command, way)) for _ in range(2))
        if once != again:
            yield Fault(operation.name, "the second request differs from the first")
        if command.values != before:
            yield Fault(operation.name, "build_request changed sent.values")


def a_request_goes_to_the_connection_s_origin(it: Subject) -> Faults:
    """A command is posted to the link's origin, as JSON or as a form.

    Begin the URL with `link.base_url`, so that an account can lead it to a sandbox; never with the class's own.
    """
    for operation in it.adapter.operations:
        request = it.adapter.build_request(canaries.command(operation), canaries.link(it.adapter))
        if not request.url.startswith(canaries.ORIGIN + "/"):
            yield Fault(operation.name, f"goes to {request.url}, whatever the account says")
        if request.method not in {"POST", "PUT", "PATCH"}:
            yield Fault(operation.name, f"{request.method} creates nothing")
        if (request.json is None) == (request.form is None):
            yield Fault(operation.name, "has a JSON body and a form" if request.json else "has no body")


def headers_are_plain(it: Subject) -> Faults:
    """Header names are plain, values are one line, and the content type is left to the gateway.

    The gateway adds Content-Type, Accept and Accept-Encoding, since it writes the body and reads the answer.
    """
    for request in canaries.requests(it.adapter, canaries.link(it.adapter)):
        for name, text in request.headers.items():
            if name.lower() in {"content-type", "accept-encoding", "content-length", "host"}:
                yield Fault(name, "is the gateway's own header")
            if not re.fullmatch(r"[A-Za-z0-9_-]+", name) or not str(text).isprintable():
                yield Fault(name, "is no header that can be sent")


def every_credential_is_used(it: Subject) -> Faults:
    """Every required credential makes a difference to some request.

    Operators must not be asked for what is not used. Put it where the vendor wants it, or take it out of the Struct.
    """
    before = _all(it, None)
    for level, field in canaries.fields(it.adapter):
        if field.required and _all(it, (level, field.name)) == before:
            yield Fault(f"{level}.{field.name}", "changes nothing in any request")


def _all(it: Subject, changed: tuple[str, str] | None) -> list[bytes]:
    way = canaries.link(it.adapter, changed=changed)
    return [msgspec.json.encode(request) for request in canaries.requests(it.adapter, way)]


GROUP = Group(
    title="Requests",
    checks=(
        the_required_places_alone_build,
        a_field_that_is_not_given_is_not_sent,
        building_changes_nothing,
        a_request_goes_to_the_connection_s_origin,
        headers_are_plain,
        every_credential_is_used,
    ),
)
