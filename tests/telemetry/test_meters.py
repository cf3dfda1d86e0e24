"""What is counted: under labels of closed sets, whatever an adapter or a caller comes with."""

from importlib.metadata import version

import pytest
from prometheus_client.parser import text_string_to_metric_families
from rules.records import record

from gateway.telemetry.meters import Meters, cause
from schemas.outcome import Applied, Blocked, NotApplied, Pending, Refused, Unknown


def counted(meters, name):
    """The samples of a metric by their labels, these in the order of their names."""
    families = text_string_to_metric_families(meters.text().decode())
    samples = [sample for family in families for sample in family.samples if sample.name == f"task_gateway_{name}"]
    return {tuple(label for _, label in sorted(sample.labels.items())): sample.value for sample in samples}


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (Applied(ids={"id": "1"}), "none"), (Pending(ids={"id": "1"}), "none"),
        (Unknown(code="deadline"), "deadline"), (Unknown(code="transport:ServerDisconnectedError"), "transport"),
        (Unknown(code="oversized:200"), "oversized"), (Unknown(code="http-502"), "http-5xx"),
        (NotApplied(code="http-429"), "http-4xx"), (NotApplied(code="token:http-503"), "token"),
        (Blocked(code="credentials"), "credentials"), (Refused(code="missing-field"), "missing-field"),
        (Refused(code="acme-17"), "other"), (Unknown(code="http-teapot"), "other"), (Unknown(code=""), "other"),
    ],
)  # fmt: skip
def test_a_cause_is_a_code_without_its_particulars_and_one_of_a_closed_set(outcome, why):
    assert cause(outcome) == why


def test_an_attempt_counts_by_what_it_proved_and_why():
    meters = Meters()
    for outcome in (Unknown(code="deadline"), Unknown(code="deadline"), Refused(code="acme-17")):
        meters.attempted(record("sending"), outcome, 0.2)

    assert counted(meters, "attempts_total") == {
        ("cobalt", "deadline", "create_task", "unknown"): 2,
        ("cobalt", "other", "create_task", "refused"): 1,
    }


def test_requests_count_by_template_method_and_class_of_status():
    meters = Meters()
    for status in (200, 201, 404):
        meters.answered("/v1/tasks/{id}", "GET", status, 0.01)

    assert counted(meters, "requests_total") == {
        ("GET", "/v1/tasks/{id}", "2xx"): 2,
        ("GET", "/v1/tasks/{id}", "4xx"): 1,
    }


def test_what_is_expected_begins_at_zero_and_what_was_counted_stays():
    meters = Meters()
    meters.received("cobalt-main", "matched")
    meters.expect("webhooks", [("cobalt-main", "matched"), ("cobalt-main", "unverified")])

    assert counted(meters, "webhooks_total") == {("cobalt-main", "matched"): 1, ("cobalt-main", "unverified"): 0}


def test_a_gauge_forgets_what_is_no_more():
    meters = Meters()
    meters.show("in_flight", {("old",): 3})
    meters.show("in_flight", {("new",): 1})

    assert counted(meters, "in_flight") == {("new",): 1}


def test_each_has_a_registry_of_its_own():
    one, other = Meters(), Meters()
    one.reloaded(done=True)

    assert counted(other, "reloads_total") == {}
    assert counted(other, "build_info") == {(version("task-gateway"),): 1}
