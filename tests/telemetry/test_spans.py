"""One trace from the caller to the vendor, and what spans say of it."""

from unittest.mock import patch

import pytest
from flows.doubles import HOUSE, House, call_back, event, receipt, reply
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracer, SpanKind, StatusCode
from running import run, until

from gateway.logs import ALLOWED
from gateway.telemetry import spans

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def kept():
    """The spans that end while the test runs."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with patch.object(spans, "_tracer", provider.get_tracer("tests")):
        yield exporter


@pytest.fixture
def house(tmp_path):
    return House(tmp_path / "gateway.db", directory=HOUSE)


def named(kept, name):
    return [span for span in kept.get_finished_spans() if span.name == name]


def trace_of(span):
    return trace.format_trace_id(span.context.trace_id)


def linked(span):
    return [link.context.span_id for link in span.links]


def carried(request):
    """The trace and the span that a request to a vendor names."""
    _, trace_id, span_id, _ = request.headers["traceparent"].split("-")
    return trace_id, span_id


@run
async def test_a_delivery_is_one_trace_from_its_caller_to_the_vendor(house, kept):
    async with house.open():
        with spans.span("request", of=CALLER):
            delivery = await house.submit(call_back())
        await house.rests()

    (accept,), (attempt,) = named(kept, "accept"), named(kept, "attempt")
    assert {trace_of(accept), trace_of(attempt)} == {CALLER.split("-")[1]}
    assert attempt.parent.span_id == accept.context.span_id
    assert carried(house.road.creates[0]) == (trace_of(attempt), trace.format_span_id(attempt.context.span_id))
    assert [each.attributes["task_gateway.delivery_id"] for each in (accept, attempt)] == [delivery.id] * 2
    assert (attempt.attributes["task_gateway.verdict"], attempt.kind) == ("pending", SpanKind.CLIENT)


@run
async def test_an_attempt_that_is_made_later_is_still_a_part_of_it(house, kept):
    house.road.answers(reply(429), receipt())
    async with house.open():
        with spans.span("request", of=CALLER):
            delivery = await house.submit(call_back())
        house.advance(hours=1)
        await house.comes_to(delivery, "submitted")
        await house.rests()

    assert [trace_of(span) for span in named(kept, "attempt")] == [CALLER.split("-")[1]] * 2
    assert [carried(request)[0] for request in house.road.creates] == [CALLER.split("-")[1]] * 2


@run
async def test_a_webhook_is_a_trace_of_its_own_with_a_link_to_the_delivery_s(house, kept):
    async with house.open():
        delivery = await house.submit(call_back())
        await house.push(event("task.created", emr_task_id="e-1"))
        await house.comes_to(delivery, "delivered")

    (accept,), (webhook,) = named(kept, "accept"), named(kept, "webhook")
    assert trace_of(webhook) != trace_of(accept)
    assert linked(webhook) == [accept.context.span_id]
    assert webhook.attributes["task_gateway.state"] == "matched"


@run
async def test_a_look_is_a_trace_of_its_own_with_a_link_to_the_delivery_s(house, kept):
    async with house.open():
        await house.submit(call_back())
        house.advance(hours=1)
        await until(lambda: named(kept, "look"))

    (accept,), (look, *_) = named(kept, "accept"), named(kept, "look")
    assert trace_of(look) != trace_of(accept)
    assert linked(look) == [accept.context.span_id]
    asked = next(request for request in house.road.sent if request.method == "GET")
    assert carried(asked) == (trace_of(look), trace.format_span_id(look.context.span_id))


@run
async def test_without_the_sdk_nothing_is_recorded_and_the_caller_s_trace_is_handed_on(house):
    with patch.object(spans, "_tracer", NoOpTracer()):
        async with house.open():
            with spans.span("request", of=CALLER):
                await house.submit(call_back(1))
            await house.submit(call_back(2))

    first, second = house.road.creates
    assert first.headers["traceparent"] == CALLER
    assert "traceparent" not in second.headers


@pytest.mark.parametrize("nonsense", [None, "", "zqtitle", "00-0-0-01", CALLER.replace("00-", "ff-", 1), f"{CALLER}x"])
def test_what_is_no_traceparent_begins_a_new_trace(kept, nonsense):
    with spans.span("request", of=nonsense):
        assert spans.here() is not None

    (made,) = named(kept, "request")
    assert made.parent is None


def test_a_span_says_what_a_log_line_may_say(kept):
    with spans.span("attempt", delivery_id="tsk_1", title="Call Ms. Okafor", code=None, status=200):
        spans.note(verdict="unknown", body="Ms. Okafor", method="GET")

    (made,) = named(kept, "attempt")
    assert dict(made.attributes) == {
        "task_gateway.delivery_id": "tsk_1", "http.response.status_code": 200, "task_gateway.verdict": "unknown",
        "http.request.method": "GET",
    }  # fmt: skip
    assert {"title", "body"}.isdisjoint(ALLOWED)


def test_an_exception_leaves_its_class_and_no_word(kept):
    with pytest.raises(ValueError, match="Okafor"), spans.span("accept"):
        raise ValueError("no such patient: Ms. Okafor")

    (made,) = named(kept, "accept")
    assert (made.status.status_code, made.status.description) == (StatusCode.ERROR, None)
    assert (dict(made.attributes), made.events) == ({"error.type": "ValueError"}, ())
