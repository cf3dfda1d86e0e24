"""What is counted: families of Prometheus metrics, their labels taken from closed sets.

A label is one of ours (a route's template, a verdict, a state) or of the configuration (an account, an adapter). A
clinic is none: ten thousand of them would make ten thousand series of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from gateway.rules.record import Record
from gateway.telemetry.recent import Recent
from schemas.outcome import VERDICTS, Applied, Outcome, Pending

MEDIA_TYPE = "text/plain; version=0.0.4"
"""Of Prometheus' text, in UTF-8."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, that nobody asks for

_CAUSES = frozenset(
    {
        "deadline", "transport", "oversized", "internal", "unreadable", "unrecognised", "contradictory", "no-id",
        "probably-ours", "token", "tls", "config", "credentials", "login_required", "changed", "not-marked",
        "rate-limited", "conflict", "duplicate", "missing-field", "unexpected-field", "invalid-format",
        "user-not-found", "not-found", "not-ready", "bad-request", "refused",
        *(f"http-{hundreds}xx" for hundreds in range(1, 6)),
    }
)  # fmt: skip
"""Why an attempt did not simply succeed. A code that only a dropped-in adapter knows counts as "other"."""

_TIMES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)
"""Seconds; a caller may wait for 25."""
_COMMIT_TIMES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)

_COUNTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "requests": ("Requests answered, by the class of their status", ("route", "method", "status")),
    "deliveries_accepted": ("Deliveries stored", ("kind",)),
    "attempts": ("Attempts that ended, by what they proved and why", ("adapter", "operation", "verdict", "cause")),
    "retries": ("Attempts, among those, of what was sent before or tried to be", ("account",)),
    "looks": ("Looks at vendors", ("adapter", "result")),
    "webhooks": ("Webhooks by what they came to", ("account", "state")),
    "callbacks": ("Tries to tell an app's endpoint of an event, by what came of them", ("app", "result")),
    "drift": ("Refusals for a field that the capability table does not require", ("adapter", "operation")),
    "advisories": ("Fields that rules on trial wanted and commands lacked", ("adapter", "operation")),
    "reloads": ("Reloads of the configuration", ("result",)),
}
_HISTOGRAMS: Mapping[str, tuple[str, tuple[str, ...], tuple[float, ...]]] = {
    "request_seconds": ("From a request's arrival to the beginning of its answer", ("route",), _TIMES),
    "attempt_seconds": ("From an attempt's lease to its end", ("account",), _TIMES),
    "commit_seconds": ("One commit of the store's writer", (), _COMMIT_TIMES),
    "commit_jobs": ("How many transactions a commit held", (), _BATCHES),
    "loop_lag_seconds": ("How much later than asked the event loop came back", (), _COMMIT_TIMES),
}
_GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "deliveries": ("Deliveries that are not final", ("account", "state")),
    "oldest_seconds": ("Age of the oldest of them since it was accepted; 0: there is none", ("account", "state")),
    "needs_person": ("Deliveries that wait for a person", ("account",)),
    "connections_paused": ("Paused connections", ("account",)),
    "in_flight": ("Sends under way", ("account",)),
    "breaker": ("1 for the state that the account's breaker is in", ("account", "state")),
    "store_readable": ("1: the database answers", ()),
    "disk_reserve": ("1: there is room for new commands", ()),
}


def cause(outcome: Outcome) -> str:
    """An outcome's code without its particulars: one of a closed set; "none" where all went well."""
    if isinstance(outcome, Applied | Pending):
        return "none"
    head = outcome.code.partition(":")[0]
    if head.startswith("http-"):
        head = f"{head[:6]}xx"
    return head if head in _CAUSES else "other"


class Meters:
    """Every family, in a registry of its own; the flows say what happened, and nothing else is known of it here."""

    def __init__(self) -> None:
        self.recent = Recent()
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._gauges = {name: self._family(Gauge, name, what, labels) for name, (what, labels) in _GAUGES.items()}
        build = self._family(Gauge, "build_info", "1; the version is the label", ("version",))
        build.labels(version("task-gateway")).set(1)
        counters = {name: self._family(Counter, name, what, labels) for name, (what, labels) in _COUNTERS.items()}
        self._counters: Mapping[str, Counter] = counters
        self._times: Mapping[str, Histogram] = {
            name: self._family(Histogram, name, what, labels, buckets=buckets)
            for name, (what, labels, buckets) in _HISTOGRAMS.items()
        }

    def _family(self, kind: Any, name: str, what: str, labels: Iterable[str], **more: Any) -> Any:
        return kind(name, what, tuple(labels), namespace="task_gateway", registry=self._registry, **more)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered; `route` is its template, `method` one of HTTP's own or "other"."""
        self._counters["requests"].labels(route, method, f"{status // 100}xx").inc()
        self._times["request_seconds"].labels(route).observe(seconds)

    def accepted(self, record: Record, advisories: int) -> None:
        """A delivery was stored; `advisories` rules on trial wanted a field that it lacks."""
        self._counters["deliveries_accepted"].labels(record.kind).inc()
        if advisories:
            self._counters["advisories"].labels(record.adapter, record.operation).inc(advisories)

    def attempted(self, record: Record, outcome: Outcome, seconds: float) -> None:
        """An attempt has ended, of the record as it was before."""
        verdict = VERDICTS[type(outcome)]
        self._counters["attempts"].labels(record.adapter, record.operation, verdict, cause(outcome)).inc()
        self._counters["retries"].labels(record.account).inc(record.attempts > 0)
        self._times["attempt_seconds"].labels(record.account).observe(seconds)
        self.recent.attempted(record, outcome, seconds)

    def drifted(self, record: Record) -> None:
        """A vendor refused a command for a field that the table does not require."""
        self._counters["drift"].labels(record.adapter, record.operation).inc()

    def looked(self, record: Record, *, failed: bool) -> None:
        """A look at a vendor has ended."""
        self._counters["looks"].labels(record.adapter, "failed" if failed else "listed").inc()

    def received(self, account: str, state: str) -> None:
        """A webhook was read, or proved nothing ("unverified"), or came again ("known")."""
        self._counters["webhooks"].labels(account, state).inc()

    def called_back(self, app: str, result: str) -> None:
        """An app's endpoint was told of an event, or was not."""
        self._counters["callbacks"].labels(app, result).inc()

    def reloaded(self, *, done: bool) -> None:
        """A reload has put the files in force, or found mistakes in them."""
        self._counters["reloads"].labels("done" if done else "refused").inc()

    def committed(self, jobs: int, seconds: float) -> None:
        """The store has committed so many jobs in one transaction. Called on any thread."""
        self._times["commit_seconds"].observe(seconds)
        self._times["commit_jobs"].observe(jobs)

    def lagged(self, seconds: float) -> None:
        """The event loop came back so much later than it was asked to."""
        self._times["loop_lag_seconds"].observe(seconds)

    def expect(self, counter: str, series: Iterable[tuple[str, ...]]) -> None:
        """Let these series begin at zero: the first of one that was not there would be no increase."""
        for labels in series:
            self._counters[counter].labels(*labels)

    def show(self, gauge: str, values: Mapping[tuple[str, ...], float]) -> None:
        """A gauge's values by its labels; what is not among them any more is gone."""
        family = self._gauges[gauge]
        if _GAUGES[gauge][1]:
            family.clear()
        for labels, value in values.items():
            (family.labels(*labels) if labels else family).set(value)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)
