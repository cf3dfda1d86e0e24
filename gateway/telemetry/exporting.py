"""Where spans go: what the standard OTEL_ variables say, if the SDK is installed (`task-gateway[otel]`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points, version
from typing import TYPE_CHECKING

from opentelemetry import trace

from gateway.errors import Stopped

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_GROUP = "opentelemetry_traces_exporter"
_OURS = {"otlp": "otlp_proto_http"}
"""The exporter behind the variables' word for it: OTLP over HTTP needs no gRPC."""


@contextmanager
def exported(environ: Mapping[str, str]) -> Iterator[None]:
    """Spans go out while this lasts, if a variable names an exporter or an endpoint; what is left goes out at its end.

    Raises Stopped when the SDK or the exporter is not installed.
    """
    named = environ.get("OTEL_TRACES_EXPORTER") or ("otlp" if any(map(environ.get, _ENDPOINTS)) else "none")
    if named == "none":
        yield
        return
    provider = _provider([name.strip() for name in named.split(",")])
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()


def _provider(names: list[str]) -> TracerProvider:
    try:
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - likewise
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise Stopped(
            "OTEL_ variables ask for spans, and OpenTelemetry's SDK is not installed: task-gateway[otel]"
        ) from error
    ours = Resource({"service.name": "task-gateway", "service.version": version("task-gateway")})
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()))
    for name in names:
        found = list(entry_points(group=_GROUP, name=_OURS.get(name, name)))
        if not found:
            raise Stopped(f"OTEL_TRACES_EXPORTER: there is no {name}; otlp, console and none are known")
        provider.add_span_processor(BatchSpanProcessor(found[0].load()()))
    return provider
