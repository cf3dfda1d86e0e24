"""Where spans go is said by OpenTelemetry's own variables; canaries follow them to where they are exported."""

import sys
from unittest.mock import patch

import pytest
from opentelemetry import trace

from gateway.errors import Stopped
from gateway.telemetry.exporting import exported


@pytest.mark.parametrize("environ", [{}, {"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_SERVICE_NAME": "x"}])
def test_spans_go_nowhere_unless_a_variable_says_where(environ):
    with patch.object(trace, "set_tracer_provider", side_effect=AssertionError), exported(environ):
        pass


@pytest.mark.parametrize(
    "environ", [{"OTEL_TRACES_EXPORTER": "console"}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}]
)
def test_a_variable_that_names_an_exporter_or_an_endpoint_is_enough(environ):
    made = []
    with patch.object(trace, "set_tracer_provider", side_effect=made.append), exported(environ):
        pass
    (provider,) = made
    assert provider.resource.attributes["service.name"] == "task-gateway"


def test_an_exporter_that_is_not_there_stops_the_start():
    with pytest.raises(Stopped, match="there is no zipkin"), exported({"OTEL_TRACES_EXPORTER": "zipkin"}):
        pass


def test_without_the_sdk_the_start_says_what_to_install():
    missing = patch.dict(sys.modules, {"opentelemetry.sdk.trace": None})
    with missing, pytest.raises(Stopped, match=r"task-gateway\[otel\]"), exported({"OTEL_TRACES_EXPORTER": "console"}):
        pass
