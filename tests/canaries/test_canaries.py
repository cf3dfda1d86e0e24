"""Patient text and secrets are driven through every path of the real program, and stay where they belong.

At level DEBUG, with encryption on and spans exported. What a caller is told of its own command is no leak.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass

import httpx
import pytest
from canaries.mirror import CALLBACKS, SPANS, mirror
from canaries.story import Story, tell
from canaries.world import EVERY_SECRET, found, gateway, word, words, write_config
from journeys import world


@dataclass
class Evidence:
    """What the story left behind."""

    answers: list[httpx.Response]
    second: list[httpx.Response]
    log: bytes
    printed: bytes
    exported: bytes
    callbacks: bytes
    vendors: bytes
    metrics: bytes
    events: bytes
    typed: list[bytes]
    files: dict[str, bytes]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    directory = tmp_path_factory.mktemp("canaries")
    port = world.free_port()
    hook = f"http://127.0.0.1:{port}/v1/webhooks/cobalt-main/{world.TOKEN}"
    with world.sandbox(directory, hook) as vendors, mirror() as (address, heard):
        config = write_config(directory / "config", vendors.port_base, address)
        with gateway(config, port, address) as running:
            story = Story(running, vendors, config)
            tell(story)
            metrics = running.http.get("/metrics").content
            time.sleep(1)  # the spans' exporter, and looks that fail
            files = stored(directory)
            running.kill()
        with closing(sqlite3.connect(f"file:{directory}/var/gateway.db?mode=ro", uri=True)) as database:
            events = json.dumps(database.execute("SELECT * FROM events").fetchall()).encode()
        files |= {f"{name} after kill -9": text for name, text in stored(directory).items()}
        sandbox_heard = json.dumps([vendors.creates(vendor) for vendor in (1, 2, 3)]).encode()
    return Evidence(
        answers=story.answers, second=story.second, log=(directory / "gateway.log").read_bytes(),
        printed=(directory / "spans.log").read_bytes(), exported=heard.at(SPANS), callbacks=heard.at(CALLBACKS),
        vendors=heard.elsewhere() + sandbox_heard, metrics=metrics, events=events, typed=story.typed, files=files,
    )  # fmt: skip


def stored(directory):
    """The database as it lies on the disk: the file, its log and the log's index; and its backup."""
    files = [*sorted((directory / "var").iterdir()), directory / "backup.db"]
    return {file.name: file.read_bytes() for file in files}


def everything():
    return (*words(), *EVERY_SECRET)


class TestTheStory:
    """It was told whole: a canary that was never let out proves nothing."""

    def test_it_has_every_kind_of_answer_in_it(self, evidence):
        statuses = Counter(answer.status_code for answer in evidence.answers)
        assert {200, 201, 202, 400, 401, 404, 405, 409, 413, 415, 422, 503} - {413} <= set(statuses)
        assert statuses[500] == 0

    def test_vendors_were_told_what_they_had_to_be(self, evidence):
        for place in ("title", "description", "mrn", "note", "extra", "call", "tag"):
            assert found([next(each for each in words() if each.startswith(f"zq{place}"))], evidence.vendors), place

    def test_every_way_that_an_attempt_can_end_was_gone(self, evidence):
        lines = [json.loads(line) for line in evidence.log.splitlines() if line.startswith(b"{")]
        settled = [line for line in lines if line["event"] == "attempt.settled"]
        assert {line["verdict"] for line in settled} == {
            "applied", "pending", "refused", "blocked", "not_applied", "unknown",
        }  # fmt: skip
        assert {line["event"] for line in lines} >= {
            "request", "attempt.settled", "attempt.cannot_build", "attempt.not_saved", "look.taken", "look.broke",
            "webhook.received", "webhook.read", "webhook.cannot_verify", "reload.mistake", "reload.done",
        }  # fmt: skip
        assert {line["state"] for line in lines if line["event"] == "webhook.read"} >= {
            "unmatched", "unreadable", "unverified", "ignored",
        }  # fmt: skip


class TestNothingLeaks:
    """Neither a patient's word nor a secret."""

    def test_into_the_log(self, evidence):
        assert found(everything(), evidence.log) == []

    def test_into_spans(self, evidence):
        for name in (b'"attempt"', b'"look"', b'"webhook"', b'"accept"', b'"POST /v1/tasks"'):
            assert name in evidence.printed
        assert b"attempt" in evidence.exported
        assert found(everything(), evidence.printed + evidence.exported) == []

    def test_into_metrics(self, evidence):
        assert b"task_gateway_attempts_total" in evidence.metrics
        assert found(everything(), evidence.metrics) == []

    def test_into_events_and_callbacks(self, evidence):
        assert b"task.delivered" in evidence.events
        assert b"task.delivered" in evidence.callbacks
        assert found(everything(), evidence.events + evidence.callbacks) == []

    def test_into_the_database_or_its_logs(self, evidence):
        looked_at = {"backup.db", "gateway.db", "gateway.db-wal", "gateway.db-shm", "gateway.db-wal after kill -9"}
        assert looked_at <= set(evidence.files)
        assert any(b"mirror-cobalt" in text for text in evidence.files.values())
        assert {name: leaks for name, text in evidence.files.items() if (leaks := found(everything(), text))} == {}

    def test_onto_a_terminal(self, evidence):
        reasons = {word("retry"), word("resolve")}  # an operator's, which a timeline is there to tell
        assert len(evidence.typed) == 10
        assert b"vendor-rejected" in b"".join(evidence.typed)
        for text in evidence.typed:
            assert set(found(everything(), text)) <= reasons, text[:80]

    def test_into_what_another_app_sees(self, evidence):
        assert len(evidence.second) > 8
        for answer in evidence.second:
            assert found(everything(), answer.content + str(answer.headers).encode()) == [], answer.url

    def test_into_a_refusal(self, evidence):
        refusals = [each for each in evidence.answers if each.status_code >= 400 and b'"delivery"' not in each.content]
        assert len(refusals) > 50
        for answer in refusals:
            assert found(everything(), answer.content + str(answer.headers).encode()) == [], answer.text

    def test_no_secret_into_any_answer(self, evidence):
        for answer in evidence.answers:
            assert found(EVERY_SECRET, answer.content + str(answer.headers).encode()) == [], answer.url
