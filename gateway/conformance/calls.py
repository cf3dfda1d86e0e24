"""An adapter's functions as calls that can be made one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import msgspec

from adapters.base import HttpResponse, Sent
from gateway.conformance import canaries
from gateway.conformance.check import Subject

Call = tuple[str, Callable[[], object]]
"""A function's name, and the call of it."""


def building(it: Subject, commands: Iterable[Sent]) -> Iterator[Call]:
    """Every function that builds, with these commands."""
    adapter, way = it.adapter, canaries.link(it.adapter)
    yield "headers", partial(adapter.headers, way)
    yield "build_token", partial(adapter.build_token, msgspec.structs.replace(way, token=None))
    for command in commands:
        yield "build_request", partial(adapter.build_request, command, way)
        yield "build_lookup", partial(adapter.build_lookup, command, way, 1)


def reading(it: Subject, body: bytes) -> Iterator[Call]:
    """Every function that reads, with this body."""
    adapter, reply = it.adapter, HttpResponse(status=200, body=body)
    for operation in adapter.operations:
        command = canaries.command(operation)
        yield "parse_success", partial(adapter.parse_success, command, reply)
        yield "parse_error", partial(adapter.parse_error, command, reply)
        yield "parse_lookup", partial(adapter.parse_lookup, command, reply)
    yield "parse_webhook", partial(adapter.parse_webhook, {}, body)
    yield "parse_token", partial(adapter.parse_token, reply)


def result(call: Callable[[], object]) -> object:
    """What a call gives, or the exception that it raises."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - whoever asks looks at it
        return error
