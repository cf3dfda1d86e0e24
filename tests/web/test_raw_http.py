"""The real server on a real socket: requests that no client library would send."""

import json
import re
import socket
import time

import pytest
from journeys import world

GOOD = json.dumps(world.task("hilltop")).encode()
AUTH = f"Authorization: Bearer {world.KEY}\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A gateway as a user starts it; its vendors are not there."""
    directory = tmp_path_factory.mktemp("raw")
    config = world.write_config(
        directory / "config",
        world.free_port(4) - 1,
    )
    with world.gateway(config) as gateway:
        yield gateway


def exchange(server, *parts, seconds=3.0, quiet=0.2):
    """Sends the parts and reads until the server closes, or is quiet for a while; what came, and whether it closed."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        for part in parts:
            connection.sendall(part if isinstance(part, bytes) else part.encode())
        got = b""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            connection.settimeout(max(quiet if got else end - time.monotonic(), 0.01))
            try:
                more = connection.recv(65536)
            except TimeoutError:
                return got, False
            except ConnectionResetError:
                return got, True
            if not more:
                return got, True
            got += more
    return got, False


def statuses(got):
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", got)]


def listed(server):
    return [item["id"] for item in server.http.get("/v1/tasks").json()["items"]]


def post(path="/v1/tasks", *, lines="", body=GOOD, length=None):
    head = f"POST {path} HTTP/1.1\r\nHost: gateway\r\n{AUTH}{lines}"
    size = f"Content-Length: {len(body) if length is None else length}\r\n"
    return (head + size + "\r\n").encode() + body


SMUGGLED = b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\n" + AUTH.encode() + b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD
CHUNKED = "Transfer-Encoding: chunked\r\n"
EXPLAIN = "POST /v1/tasks/explain HTTP/1.1\r\nHost: gateway\r\n" + AUTH

CASES = {
    "two lengths": f"{EXPLAIN}Content-Length: 5\r\nContent-Length: {len(GOOD)}\r\n\r\n".encode() + GOOD,
    "a length and chunks": f"{EXPLAIN}Content-Length: 5\r\n{CHUNKED}\r\n0\r\n\r\n".encode() + SMUGGLED,
    "a length of all and chunks": (
        f"{EXPLAIN}{CHUNKED}Content-Length: {5 + len(SMUGGLED)}\r\n\r\n0\r\n\r\n".encode() + SMUGGLED
    ),
    "chunks spelt oddly": f"{EXPLAIN}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n".encode() + SMUGGLED,
    "chunks twice": f"{EXPLAIN}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n".encode() + SMUGGLED,
    "a signed length": f"{EXPLAIN}Content-Length: +{len(GOOD)}\r\n\r\n".encode() + GOOD,
    "a negative length": f"{EXPLAIN}Content-Length: -1\r\n\r\n".encode() + GOOD,
    "a length in words": f"{EXPLAIN}Content-Length: ten\r\n\r\n".encode() + GOOD,
    "a space before the colon": f"{EXPLAIN}Content-Length : {len(GOOD)}\r\n\r\n".encode() + GOOD,
    "a folded header": f"{EXPLAIN}X: a\r\n b\r\nContent-Length: 0\r\n\r\n".encode(),
    "no Host": b"GET /v1/me HTTP/1.1\r\n" + AUTH.encode() + b"\r\n",
    "two Hosts": b"GET /v1/me HTTP/1.1\r\nHost: a\r\nHost: b\r\n" + AUTH.encode() + b"\r\n",
    "HTTP/1.0": b"GET /v1/me HTTP/1.0\r\n" + AUTH.encode() + b"\r\n",
    "a method of nobody": b"BREW /v1/tasks HTTP/1.1\r\nHost: x\r\n\r\n",
    "no request line": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
    "a target that is none": b"GET /v1/tasks/\x00\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "an escape cut short": b"GET /v1/tasks/%f HTTP/1.1\r\nHost: x\r\n" + AUTH.encode() + b"\r\n",
    "an escape of no UTF-8": b"GET /v1/tasks/%ff%00?%ff=%00 HTTP/1.1\r\nHost: x\r\n" + AUTH.encode() + b"\r\n",
    "the target of a proxy": b"GET http://elsewhere/v1/me HTTP/1.1\r\nHost: x\r\n" + AUTH.encode() + b"\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a connection through": b"CONNECT elsewhere:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long header": b"GET /v1/me HTTP/1.1\r\nHost: x\r\n" + AUTH.encode() + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
    "500 headers": b"GET /v1/me HTTP/1.1\r\nHost: x\r\n" + AUTH.encode() + b"X: y\r\n" * 500 + b"\r\n",
    "an upgrade": b"GET /v1/me HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "bytes in a header": b"GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_a_malformed_request_is_no_5xx_and_runs_no_second_one(server, what):
    before = listed(server)
    got, _ = exchange(server, CASES[what])
    assert len(statuses(got)) <= 1, got
    assert all(status < 500 for status in statuses(got)), got
    assert listed(server) == before
    assert server.http.get("/health/ready").status_code == 200


def test_headers_that_never_end_are_given_up(server):
    got, closed = exchange(server, "GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Half", seconds=15, quiet=15)
    assert closed
    assert all(status < 500 for status in statuses(got))


def test_two_requests_in_a_row_on_one_connection_are_two(server):
    request = b"GET /v1/me HTTP/1.1\r\nHost: x\r\n" + AUTH.encode() + b"\r\n"
    got, _ = exchange(server, request * 2)
    assert statuses(got) == [200, 200]


def test_two_idempotency_keys_on_one_request_are_a_400(server):
    before = listed(server)
    got, _ = exchange(server, post(lines="Idempotency-Key: k-1\r\nIdempotency-Key: k-2\r\n"))
    assert statuses(got) == [400]
    assert b'"malformed-header"' in got
    assert listed(server) == before


def test_preferences_may_come_in_several_lines(server):
    got, _ = exchange(
        server, post(lines="Prefer: respond-async\r\nPrefer: handling=lenient, foo\r\nPrefer: handling=strict\r\n")
    )
    assert statuses(got) == [202] or b"field-not-carried" in got


def test_a_body_in_chunks_is_read_and_one_too_large_is_refused_while_it_comes(server):
    chunk = b"%x\r\n%b\r\n" % (len(GOOD), GOOD)
    head = f"{EXPLAIN}Transfer-Encoding: chunked\r\n\r\n".encode()
    got, _ = exchange(server, head + chunk + b"0\r\n\r\n")
    assert statuses(got) == [200]
    big = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    got, _ = exchange(server, head, *([big] * 9), b"0\r\n\r\n")
    assert statuses(got) in ([413], [])


@pytest.mark.parametrize(
    "path",
    ["/v1/tasks/%00", "/v1/tasks/%ff", "/v1/tasks/%2e%2e", "/v1/tasks/..%2f..", "//v1//me", "/v1/me/", "/%E0%A4%A"],
)
def test_any_path_is_answered_with_a_problem_or_what_is_there(server, path):
    got, _ = exchange(server, f"GET {path} HTTP/1.1\r\nHost: x\r\n{AUTH}\r\n")
    (status,) = statuses(got)
    assert status in {200, 400, 404}


def test_half_a_body_holds_up_nobody_else(server):
    with socket.create_connection(("127.0.0.1", server.port)) as half:
        half.sendall(post(length=len(GOOD) + 50))
        assert server.http.get("/v1/me").status_code == 200
        assert server.http.get("/health/ready").status_code == 200


def test_a_caller_who_hangs_up_loses_nothing(server):
    before = listed(server)
    with socket.create_connection(("127.0.0.1", server.port)) as gone:
        gone.sendall(post(lines="Idempotency-Key: gone-1\r\n"))
        world.until(lambda: len(listed(server)) > len(before))
    again = server.http.post(
        "/v1/tasks", content=GOOD, headers={"Idempotency-Key": "gone-1", "Content-Type": "application/json"}
    )
    assert again.headers["idempotent-replayed"] == "true"
    assert len(listed(server)) == len(before) + 1
