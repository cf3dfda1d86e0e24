"""Words that other programs would obey are words here: they find nothing, harm nothing and come back as they came."""

import logging
from urllib.parse import quote

import pytest
import structlog
from structlog.testing import capture_logs
from web.world import bearer, task

WORDS = [
    "' OR '1'='1", "'; DROP TABLE deliveries; --", '" OR ""="', "x' UNION SELECT value FROM meta --", "%", "_",
    "{{7*7}}", "${env:HOME}", "$(id)", "`id`", "../../etc/passwd", "<script>alert(1)</script>", "\r\nX-Evil: 1",
]  # fmt: skip
FILTERS = ("clinic_id", "reference", "idempotency_key", "id", "emr_id", "job_id")


@pytest.mark.parametrize("words", WORDS)
def test_a_filter_of_hostile_words_finds_nothing_and_harms_nothing(gateway, words):
    kept = gateway.submitted(task("south", title="t", assignees=["dr-wilson"]))["id"]

    for name in FILTERS:
        answer = gateway.client.get("/v1/tasks", params={name: words}, headers=bearer("everything"))
        assert (answer.status_code, answer.json()["items"]) == (200, [])
    for path in (f"/v1/tasks/{quote(words)}", f"/v1/clinics/{quote(words)}/capabilities"):
        assert gateway.client.get(path, headers=bearer("everything")).status_code in {404, 405}
    assert gateway.get(f"/v1/tasks/{kept}").json()["id"] == kept


@pytest.mark.parametrize("words", WORDS)
def test_hostile_words_of_a_command_reach_the_vendor_and_come_back_unchanged(gateway, words):
    sent = task("south", title="t", assignees=["dr-wilson"], description=f"Call. {words}", reference=words.strip())
    made = gateway.submitted(sent)

    assert made["command"]["description"] == sent["description"]
    assert made["reference"] == sent["reference"]
    [found] = gateway.client.get("/v1/tasks", params={"reference": words.strip()}, headers=bearer("everything")).json()[
        "items"
    ]
    assert found["id"] == made["id"]


@pytest.mark.parametrize(
    ("headers", "path", "status", "code"),
    [
        ({}, "/v1/me", 401, "unauthenticated"),
        (bearer("everything") | {"Authorization": "Bearer tgk_everything_guessed"}, "/v1/me", 401, "unauthenticated"),
        (bearer("submitter"), "/v1/tasks", 403, "forbidden"),
        (bearer("operator"), "/v1/audit", 403, "forbidden"),
        (bearer("north"), "/v1/tasks/tsk_of_nobody", 404, "not-found"),
    ],
)
def test_who_is_not_let_in_is_a_line_with_the_reason_and_no_part_of_the_key(shared, headers, path, status, code):
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    with capture_logs() as captured:
        shared.client.get(path, headers=headers)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

    [line] = [each for each in captured if each["event"] == "request"]
    assert (line["status"], line["code"]) == (status, code)
    assert "guessed" not in str(line)
    assert line["app"] == (None if status == 401 else headers["Authorization"].split("_")[1])
