"""The real server on a real socket: what no client library would send is no 5xx, repeats nothing and stores nothing."""

import re
import socket
import time

import httpx
import pytest
from journeys import world
from web.bodies import CANARY, FIELDS, MEDIA_TYPES, RAW
from web.raw_requests import (
    AUTH,
    EXPLAIN,
    GOOD,
    HALVES,
    HEADERS,
    LENGTHS,
    LINES,
    PIPELINED,
    SMUGGLING,
    get,
    in_chunks,
    post,
)
from web.world import TOKEN, bearer, write_config

BODIES = {**RAW, **FIELDS}
ALONE = {**LENGTHS, **SMUGGLING, **HEADERS, **LINES}
MEDIA = {
    f"a body of {media_type or 'no type'}": post(auth=AUTH.replace("application/json", media_type))
    for media_type in MEDIA_TYPES
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A gateway as a user starts it, with a key for all; its vendors are not there. At its end its log is looked at."""
    config = write_config(tmp_path_factory.mktemp("raw") / "config")
    with world.gateway(config) as gateway:
        gateway.http.headers.update(bearer("everything"))
        yield gateway
        assert gateway.http.get("/health/ready").status_code == 200
        assert CANARY not in gateway.log()
        assert "broke" not in gateway.log()


def exchange(server, *parts, seconds=3.0, quiet=0.1, half_close=False):
    """Sends the parts and reads until the server closes, or is quiet for a while; what came, and whether it closed."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        try:
            for part in parts:
                connection.sendall(part if isinstance(part, bytes) else part.encode())
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:  # it was refused while it came
            pass
        return _read(connection, seconds, quiet)


def _read(connection, seconds, quiet):
    got = b""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        connection.settimeout(max(quiet if got else end - time.monotonic(), 0.01))
        try:
            more = connection.recv(65536)
        except TimeoutError:
            return got, False
        except OSError:
            return got, True
        if not more:
            return got, True
        got += more
    return got, False


def statuses(got):
    """Those of whole answers; a 100 comes before one."""
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] ([2-5]\d\d) ", got)]


def listed(server):
    return [item["id"] for item in server.http.get("/v1/tasks").json()["items"]]


@pytest.fixture
def harmless(server):
    """Whatever is sent meanwhile stores nothing."""
    before = listed(server)
    yield
    assert listed(server) == before


def check(got, *, most=1):
    """No 5xx, no word of the caller's, a problem for each refusal that is ours, and no more answers than requests."""
    assert all(status < 500 for status in statuses(got)), got[:500]
    assert len(statuses(got)) <= most, got[:500]
    assert CANARY.encode() not in got
    for answer in re.split(rb"(?=HTTP/1\.[01] \d{3} )", got):
        head, _, body = answer.partition(b"\r\n\r\n")
        if body and b" 200 " not in head.partition(b"\r\n")[0]:
            assert b"application/problem+json" in head, answer[:500]


@pytest.mark.usefixtures("harmless")
@pytest.mark.parametrize("what", BODIES)
def test_a_bad_body_is_refused_in_one_piece_and_in_many(server, what):
    for request in (post(body=BODIES[what]), in_chunks(BODIES[what], size=len(BODIES[what]) // 7 + 1)):
        got, _ = exchange(server, request)
        check(got)
        assert statuses(got) in ([400], [422]), got[:500]


@pytest.mark.usefixtures("harmless")
@pytest.mark.parametrize("what", MEDIA)
def test_another_content_type_is_refused(server, what):
    got, _ = exchange(server, MEDIA[what])
    check(got)
    assert statuses(got) == [415]


@pytest.mark.usefixtures("harmless")
@pytest.mark.parametrize("what", ALONE)
def test_a_malformed_request_is_no_5xx_and_runs_no_second_one(server, what):
    got, _ = exchange(server, ALONE[what], quiet=1.0 if what in SMUGGLING else 0.1)
    check(got)


@pytest.mark.usefixtures("harmless")
@pytest.mark.parametrize("what", HALVES)
@pytest.mark.parametrize("reset", [False, True], ids=["and then nothing", "and then a reset"])
def test_what_ends_half_way_is_given_up(server, what, reset):
    if not reset:
        check(exchange(server, HALVES[what], half_close=True)[0])
        return
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(HALVES[what])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@pytest.mark.usefixtures("harmless")
@pytest.mark.parametrize("what", PIPELINED)
def test_requests_in_one_breath_are_answered_one_by_one(server, what):
    got, _ = exchange(server, PIPELINED[what])
    check(got, most=PIPELINED[what].count(b"\r\n\r\n"))


def test_headers_that_never_end_are_given_up(server):
    got, closed = exchange(server, "GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Half", seconds=15, quiet=15)
    assert closed
    check(got)


@pytest.mark.parametrize(
    "head",
    [post(length=5000, body=b""), post(f"/v1/webhooks/cobalt-main/{TOKEN}", length=5000, body=b"", auth="")],
    ids=["of an app", "of a webhook"],
)
def test_a_body_that_comes_byte_by_byte_is_given_up_and_its_connection_closed(server, head):
    with socket.create_connection(("127.0.0.1", server.port), timeout=0.1) as connection:
        connection.sendall(head)
        got = world.until(lambda: _dripped(connection), seconds=20)
        got += _read(connection, 3, 3)[0]
    check(got)
    assert statuses(got) == [408]
    assert b'"body-too-slow"' in got


def _dripped(connection):
    """What the server says to one byte more; nothing yet."""
    connection.sendall(b" ")
    try:
        return connection.recv(65536)
    except TimeoutError:
        return b""


@pytest.mark.parametrize("head", [b"", b"GET /v1/me HT", post(length=5000, body=b"{")], ids=["idle", "half", "slow"])
def test_three_hundred_held_connections_hold_up_nobody_else(server, head):
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(300)]
    for connection in held:
        connection.sendall(head)
    try:
        assert httpx.get(f"{server.http.base_url}/health/ready", trust_env=False, timeout=4).status_code == 200
    finally:
        for connection in held:
            connection.close()


@pytest.mark.parametrize(
    ("what", "status"),
    [("no Host", 400), ("two Hosts", 400), ("two keys", 401), ("two content types", 415), ("a bomb of gzip", 415)],
)
def test_what_may_come_once_is_never_chosen_among(server, what, status):
    assert statuses(exchange(server, HEADERS[what])[0]) == [status]


def test_two_requests_in_a_row_on_one_connection_are_two(server):
    got, _ = exchange(server, get() * 2)
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
    got, _ = exchange(server, in_chunks(GOOD, "/v1/tasks/explain"))
    assert statuses(got) == [200]
    big = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    got, _ = exchange(server, f"{EXPLAIN}Transfer-Encoding: chunked\r\n\r\n", *([big] * 9), b"0\r\n\r\n")
    assert statuses(got) in ([413], [])


@pytest.mark.parametrize(
    "path",
    ["/v1/tasks/%00", "/v1/tasks/%ff", "/v1/tasks/%2e%2e", "/v1/tasks/..%2f..", "//v1//me", "/v1/me/", "/%E0%A4%A"],
)
def test_any_path_is_answered_with_a_problem_or_what_is_there(server, path):
    got, _ = exchange(server, get(start=f"GET {path} HTTP/1.1"))
    (status,) = statuses(got)
    assert status in {200, 400, 404}


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
