"""The alert rules and the dashboard: every metric and label that they name is one that the gateway has."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import promql_parser as promql
import pytest
import yaml

from gateway.telemetry.meters import Meters

MONITORING = Path("config/monitoring")
RUNBOOK = Path("docs/runbook")
GROUPS = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
BOARD = json.loads((MONITORING / "dashboard.json").read_text())
EXPRESSIONS = [
    *((rule["alert"], rule["expr"]) for rule in RULES),
    *((panel["title"], target["expr"]) for panel in BOARD["panels"] for target in panel.get("targets", ())),
]
SCRAPED = {"job", "instance"}
"""The labels that Prometheus adds."""


def known() -> dict[str, set[str]]:
    """Every sample's name that Prometheus gets to see, with its labels."""
    found = {"up": SCRAPED}
    for collector, names in Meters()._registry._collector_to_names.items():
        labels = {*getattr(collector, "_labelnames", ()), *SCRAPED}
        found |= {family.name: labels for family in collector.collect()}
        found |= {name: {*labels, *(["le"] if name.endswith("_bucket") else [])} for name in names}
    return found


def asked(expression: str) -> Iterator[tuple[str, set[str]]]:
    """The metrics that an expression reads, and the labels by which it picks or groups them."""
    names: dict[str, set[str]] = {}
    grouped: set[str] = set()

    def visit(node: object) -> None:
        if isinstance(node, promql.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, promql.VectorSelector):
            names.setdefault(str(node.name), set()).update(each.name for each in node.matchers.matchers)
        if isinstance(node, promql.AggregateExpr) and node.modifier:
            grouped.update(node.modifier.labels)

    promql.walk(promql.parse(expression), visit)
    return ((name, labels | grouped) for name, labels in names.items())


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_what_is_asked_of_prometheus_is_what_the_gateway_tells_it(where, expression):
    found = dict(asked(expression))
    assert found, where
    for name, labels in found.items():
        assert name in known(), f"{where}: there is no {name}"
        assert labels <= known()[name], f"{where}: {name} has no {labels - known()[name]}"


def test_a_metric_that_is_not_there_would_be_found():
    assert dict(asked('sum by (x) (rate(a_total{y="1"}[5m])) / b')) == {"a_total": {"x", "y"}, "b": {"x"}}


def test_every_alert_says_how_grave_it_is_and_leads_to_a_page_of_its_own():
    pages = {rule["annotations"]["runbook_url"].rpartition("/docs/runbook/")[2] for rule in RULES}
    assert pages == {page.stem for page in RUNBOOK.glob("*.md")} - {"README"}
    assert len(pages) == len(RULES)
    for rule in RULES:
        page = RUNBOOK / f"{rule['annotations']['runbook_url'].rpartition('/')[2]}.md"
        assert f"Alert: `{rule['alert']}`" in page.read_text()
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"]


def test_pages_lead_to_pages_that_are_there():
    for page in RUNBOOK.glob("*.md"):
        for link in page.read_text().split("](")[1:]:
            target = link.partition(")")[0].partition("#")[0]
            assert target.startswith("/problems/") or (RUNBOOK / target).exists(), f"{page}: {target}"


def test_every_panel_says_what_it_shows_and_has_a_place_of_its_own():
    panels = BOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places)
    assert all(panel["description"] for panel in panels if panel["type"] != "row")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with Prometheus, which tests do not need")
def test_promtool_takes_the_rules_and_they_fire_when_they_should():
    for arguments in (("check", "rules", MONITORING / "alerts.yaml"), ("test", "rules", "tests/telemetry/alerts.yaml")):
        done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)  # noqa: S607
        assert done.returncode == 0, done.stdout + done.stderr
