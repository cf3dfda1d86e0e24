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
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.logs import ALLOWED
from gateway.rules.record import Record

CALL, NEWS, ANSWER = SpanKind.CLIENT, SpanKind.CONSUMER, SpanKind.SERVER
"""What kind of work a span is: a call to a vendor, news from one, a request that is answered."""

_NAMES = {"method": "http.request.method", "route": "http.route", "status": "http.response.status_code"}
"""The conventions' names for ours; all others are put under our own."""

_tracer = trace.get_tracer("task-gateway")
_header = TraceContextTextMapPropagator()


@contextmanager
def span(
    name: str, *, of: str | None = None, about: str | None = None, role: SpanKind = SpanKind.INTERNAL, **facts: Any
) -> Iterator[Span]:
    """A span that is part of the trace `of` (none: of a new one), linked to the trace `about`, current in the block.

    An exception leaves its class in it; its text may be a patient's.
    """
    begun = _tracer.start_span(name, context=_context(of), kind=role)
    if not begun.get_span_context().is_valid and not trace.get_current_span().get_span_context().is_valid:
        yield begun  # nobody keeps it, and nobody's trace goes on here
        return
    with trace.use_span(begun, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        note(**facts)
        link(about)
        try:
            yield begun
        except Exception as error:
            begun.set_attribute("error.type", type(error).__name__)
            begun.set_status(StatusCode.ERROR)
            raise


def note(**facts: Any) -> None:
    """Add facts to the current span, as far as a log line may have them."""
    current = trace.get_current_span()
    for name, value in facts.items() if current.is_recording() else ():
        if name in ALLOWED and value is not None:
            current.set_attribute(_NAMES.get(name, f"task_gateway.{name}"), value)


def link(about: str | None) -> None:
    """Link the current span to the trace that a delivery came with, if it came with one."""
    if about is None:
        return
    found = trace.get_current_span(_context(about)).get_span_context()
    if found.is_valid:
        trace.get_current_span().add_link(found)


def recorded() -> bool:
    """Whether anybody keeps the current span."""
    return trace.get_current_span().is_recording()


def facts(record: Record) -> dict[str, str]:
    """What spans and log lines say of a delivery."""
    return {
        "delivery_id": record.id,
        "kind": record.kind,
        "clinic_id": record.clinic_id,
        "connection": record.connection,
        "adapter": record.adapter,
        "operation": record.operation,
    }


def here() -> str | None:
    """The trace that the work at hand is part of, if any."""
    if not trace.get_current_span().get_span_context().is_valid:
        return None
    carrier: dict[str, str] = {}
    _header.inject(carrier)
    return carrier.get("traceparent")


def _context(traceparent: str | None) -> Context:
    """What a span begins in. `tracestate` and baggage are left behind: anything could be in them."""
    return _header.extract({"traceparent": traceparent}, Context()) if traceparent else Context()
