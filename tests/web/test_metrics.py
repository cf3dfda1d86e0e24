"""GET /metrics: what Prometheus reads."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from web.world import answering, breaks_off, task


def scraped(gateway):
    """The samples by name and labels."""
    answer = gateway.get("/metrics", by="reader")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value for family in families for sample in family.samples
    }


def value(samples, name, **labels):
    return samples.get((f"task_gateway_{name}", *sorted(labels.items())))


def later(gateway, **ago):
    """Figures are kept for five seconds; go beyond."""
    gateway.skew.append(timedelta(seconds=6, **ago))


def test_a_gateway_that_has_done_nothing_shows_its_accounts_at_zero(gateway):
    samples = scraped(gateway)

    for account in ("cobalt-main", "solum", "maxcare-main"):
        assert value(samples, "deliveries", account=account, state="unknown") == 0
        assert value(samples, "needs_person", account=account) == 0
        assert value(samples, "breaker", account=account, state="closed") == 1
    assert value(samples, "webhooks_total", account="cobalt-main", state="unverified") == 0
    assert (value(samples, "store_readable"), value(samples, "disk_reserve")) == (1, 1)
    assert value(samples, "build_info", version="0.1.0") == 1


def test_deliveries_attempts_and_requests_are_counted(gateway):
    gateway.submitted(task())
    gateway.vendors.handler = breaks_off
    gateway.submitted(task())
    gateway.vendors.handler = answering(400, json={"success": False, "message": "Missing required field: subject"})
    gateway.post("/v1/tasks", task())
    gateway.post("/v1/tasks", {"clinic_id": "nowhere"})

    samples = scraped(gateway)

    assert value(samples, "deliveries_accepted_total", kind="task") == 3
    of = {"adapter": "cobalt", "operation": "create_task"}
    assert value(samples, "attempts_total", **of, verdict="pending", cause="none") == 1
    assert value(samples, "attempts_total", **of, verdict="unknown", cause="transport") == 1
    assert value(samples, "attempts_total", **of, verdict="refused", cause="missing-field") == 1
    assert value(samples, "drift_total", **of) == 1
    assert value(samples, "requests_total", route="/v1/tasks", method="POST", status="2xx") == 2
    assert value(samples, "requests_total", route="/v1/tasks", method="POST", status="4xx") == 2
    assert value(samples, "deliveries", account="cobalt-main", state="unknown") == 1
    assert value(samples, "needs_person", account="cobalt-main") == 1
    assert value(samples, "commit_seconds_count") > 3


def test_a_rule_on_trial_is_counted_when_a_command_lacks_what_it_wants(gateway):
    gateway.submitted(task("east", encounter_note_id="nte_1", assignees=["dr-wilson"]))

    assert value(scraped(gateway), "advisories_total", adapter="maxcare", operation="create_task") == 1


def test_the_age_of_the_oldest_counts_from_when_it_was_accepted(gateway):
    gateway.vendors.handler = breaks_off
    gateway.submitted(task())
    later(gateway, minutes=10)

    age = value(scraped(gateway), "oldest_seconds", account="cobalt-main", state="unknown")
    assert 606 <= age < 660


def test_figures_of_the_database_are_read_once_in_five_seconds(gateway):
    assert value(scraped(gateway), "deliveries", account="cobalt-main", state="submitted") == 0
    gateway.submitted(task())
    assert value(scraped(gateway), "deliveries", account="cobalt-main", state="submitted") == 0
    later(gateway)
    assert value(scraped(gateway), "deliveries", account="cobalt-main", state="submitted") == 1


def test_a_paused_connection_counts_for_its_account(gateway):
    gateway.post("/v1/connections/north/emr/pause", {"reason": "x"})

    assert value(scraped(gateway), "connections_paused", account="cobalt-main") == 1


def test_a_webhook_counts_once_by_what_it_came_to(gateway):
    gateway.push({"id": "evt-1", "type": "appointment.updated", "data": {}})
    gateway.push({"id": "evt-1", "type": "appointment.updated", "data": {}})
    gateway.push({"id": "evt-2", "type": "task.created", "data": {}}, secret="wrong")
    until_counted(gateway, "ignored", "known", "unverified")


def until_counted(gateway, *states):
    for state in states:
        for _ in range(200):
            if value(scraped(gateway), "webhooks_total", account="cobalt-main", state=state) == 1:
                break
        else:
            pytest.fail(f"{state} was not counted")


@pytest.mark.parametrize(
    ("method", "path", "route", "known"),
    [
        ("GET", "/v1/tasks/zqcanary", "/v1/tasks/{delivery_id}", "GET"), ("GET", "/zqcanary", "unrouted", "GET"),
        ("ZQCANARY", "/v1/me", "unrouted", "other"), ("GET", "/v1/me?zqcanary=1", "/v1/me", "GET"),
    ],
)  # fmt: skip
def test_no_label_is_a_caller_s_word(gateway, method, path, route, known):
    gateway.call(method, path)

    samples = scraped(gateway)
    assert [name for name in samples if "zqcanary" in str(name).lower()] == []
    assert any(("route", route) in name and ("method", known) in name for name in samples)


def test_no_clinic_is_named(gateway):
    gateway.submitted(task())

    assert "north" not in gateway.get("/metrics").text
