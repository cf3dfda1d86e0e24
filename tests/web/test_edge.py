"""What holds for every request, whatever takes it: a name, a line in the log, safe headers; and which host is ours."""

import logging

import pytest
import structlog
from structlog.testing import capture_logs
from web.world import gateway as made

CANARY = "CANARYx7"
ANY = [
    ("GET", "/v1/me", 200), ("GET", "/v1/tasks/none", 404), ("GET", "/nowhere", 404), ("POST", "/v1/me", 405),
    ("GET", "/schema", 200), ("GET", "/schema/openapi.json", 200), ("GET", "/schema/nothing", 404),
    ("GET", "/schema/none.json", 404), ("GET", "/problems/none", 404), ("GET", "/health/live", 200),
    ("POST", "/v1/webhooks/cobalt-main/wrong", 404), ("OPTIONS", "/v1/tasks", 204), ("BREW", "/v1/tasks", 405),
]  # fmt: skip


@pytest.fixture
def lines():
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    with capture_logs() as captured:
        yield lambda: [line for line in captured if line["event"] == "request"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@pytest.mark.parametrize(("method", "path", "status"), ANY)
def test_every_request_is_named_and_writes_one_line(shared, lines, method, path, status):
    answer = shared.call(method, path)
    (line,) = lines()
    assert answer.status_code == line["status"] == status
    assert answer.headers["x-request-id"] == line["request_id"]
    assert "," not in answer.headers["x-request-id"]


@pytest.mark.parametrize(("method", "path", "status"), ANY)
def test_every_error_is_a_problem(shared, method, path, status):
    answer = shared.call(method, path)
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", f"/v1/tasks/{CANARY}", "/v1/tasks/{delivery_id}"), ("GET", f"/{CANARY}", "unrouted"),
        ("GET", f"/v1/tasks/x/{CANARY}?{CANARY}={CANARY}", "unrouted"), (CANARY, "/v1/tasks", "unrouted"),
        ("GET", f"/schema/{CANARY}", "/schema/{path}"), ("GET", f"/problems/{CANARY}", "/problems/{code}"),
        ("POST", f"/v1/webhooks/{CANARY}/{CANARY}", "/v1/webhooks/{account}/{token}"),
    ],
)  # fmt: skip
def test_neither_the_line_nor_the_problem_has_a_word_of_the_callers(shared, lines, method, path, route):
    answer = shared.call(method, path, headers={"X-Request-Id": CANARY, "User-Agent": CANARY})
    (line,) = lines()
    assert line["route"] == route
    assert CANARY not in str(line)
    assert CANARY not in answer.text + str(answer.headers)


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in ANY])
def test_every_answer_forbids_copies_frames_scripts_and_guessed_types(shared, method, path):
    headers = shared.call(method, path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"].startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_no_answer_depends_on_the_host_it_was_asked_for(shared):
    for path in ("/schema", "/schema/openapi.json", "/problems", "/v1/me", "/v1/tasks/none"):
        plain, other = shared.get(path), shared.get(path, headers={"Host": CANARY, "X-Forwarded-Host": CANARY})
        assert CANARY not in other.text + str(other.headers)
        assert plain.status_code == other.status_code


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    with made(tmp_path_factory.mktemp("named"), more="hosts: [gateway.clinic.example, 10.0.0.7]\n") as gateway:
        yield gateway


@pytest.mark.parametrize(
    "host",
    ["gateway.clinic.example", "gateway.clinic.example:8443", "GATEWAY.clinic.example", "10.0.0.7", "10.0.0.7:80"],
)
def test_a_gateway_with_names_answers_to_them_on_any_port(named, host):
    assert named.get("/v1/me", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "gateway.clinic.example.evil.example", "10.0.0.8", "[::1]"])
def test_and_to_no_other_even_for_a_good_key(named, host):
    answer = named.get("/v1/me", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "wrong-host")


def test_health_is_asked_for_by_address(named):
    for path in ("/health/live", "/health/ready"):
        assert named.call("GET", path, by=None, headers={"Host": "10.1.2.3"}).status_code == 200
