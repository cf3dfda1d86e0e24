"""Spans (OpenTelemetry) at five points: request, accept, attempt, look and webhook.

They carry what a log line may carry and nothing else. Without the SDK (`task-gateway[otel]`) none is recorded, but a
caller's `traceparent` is still handed on. A trace is a `traceparent` header's text here, so that it can be stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.logs import ALLOWED

_NAMES = {"method": "http.request.method", "route": "http.route", "status": "http.response.status_code"}
"""The conventions' names for ours; all others are put under our own."""

_tracer = trace.get_tracer("task-gateway")
_header = TraceContextTextMapPropagator()


@contextmanager
def span(
    name: str, *, of: str | None = None, about: str | None = None, kind: SpanKind = SpanKind.INTERNAL, **facts: Any
) -> Iterator[Span]:
    """A span that is part of the trace `of` (none: of a new one), linked to the trace `about`, current in the block.

    An exception leaves its class in it; its text may be a patient's.
    """
    begun = _tracer.start_span(name, context=_context(of), kind=kind, links=links(about))
    note(begun, **facts)
    with trace.use_span(begun, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield begun
        except Exception as error:
            begun.set_attribute("error.type", type(error).__name__)
            begun.set_status(StatusCode.ERROR)
            raise


def note(noted: Span, **facts: Any) -> None:
    """Add facts to a span, as far as a log line may have them."""
    for name, value in facts.items():
        if name in ALLOWED and value is not None:
            noted.set_attribute(_NAMES.get(name, f"task_gateway.{name}"), value)


def links(about: str | None) -> list[Link]:
    """The link to a trace, if there is one."""
    found = trace.get_current_span(_context(about)).get_span_context()
    return [Link(found)] if found.is_valid else []


def here() -> str | None:
    """The trace that the work at hand is part of, if any."""
    carrier: dict[str, str] = {}
    _header.inject(carrier)
    return carrier.get("traceparent")


def _context(traceparent: str | None) -> Context:
    """What a span begins in. `tracestate` and baggage are left behind: anything could be in them."""
    return _header.extract({"traceparent": traceparent} if traceparent else {}, Context())
