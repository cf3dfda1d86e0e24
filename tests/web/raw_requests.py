"""Requests that no client library would send, as bytes; a canary in whatever a caller can put anything into."""

import gzip
import json

from web.bodies import CANARY
from web.world import TOKEN, bearer, task

GOOD = json.dumps(task()).encode()
AUTH = f"Authorization: {bearer('everything')['Authorization']}\r\nContent-Type: application/json\r\n"
EXPLAIN = f"POST /v1/tasks/explain HTTP/1.1\r\nHost: gateway\r\n{AUTH}"
ME = f"GET /v1/me HTTP/1.1\r\nHost: gateway\r\n{AUTH}"
CHUNKED = "Transfer-Encoding: chunked\r\n"
BOMB = gzip.compress(b" " * 50_000_000)


def post(path="/v1/tasks", *, lines="", body=GOOD, length=None, auth=AUTH):
    """A POST with a length, its own by default."""
    size = len(body) if length is None else length
    return f"POST {path} HTTP/1.1\r\nHost: gateway\r\n{auth}{lines}Content-Length: {size}\r\n\r\n".encode() + body


def in_chunks(body, path="/v1/tasks", size=100, lines=""):
    """The same in chunks."""
    head = f"POST {path} HTTP/1.1\r\nHost: gateway\r\n{AUTH}{lines}{CHUNKED}\r\n".encode()
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def explain(lines, rest=b""):
    """An explain with these header lines, and these bytes behind it."""
    return f"{EXPLAIN}{lines}\r\n".encode() + rest


def get(lines="", start="GET /v1/me HTTP/1.1"):
    """A GET with this start line and these header lines."""
    return f"{start}\r\nHost: gateway\r\n{AUTH}{lines}\r\n".encode("latin-1")


SMUGGLED = post()
"""What would store a delivery if a server took it for a request of its own."""
NOTHING = b"0\r\n\r\n"

LENGTHS = {
    f"a length of {what}": explain(f"Content-Length: {length}\r\n", GOOD)
    for what, length in {
        "a sign": f"+{len(GOOD)}", "less than nothing": "-1", "a word": CANARY, "nothing at all": "",
        "two numbers": f"5, {len(GOOD)}", "the same number twice": f"{len(GOOD)}, {len(GOOD)}", "hex": "0x10",
        "a fraction": "5.0", "an exponent": "1e1", "a number with a gap": "1 0", "twenty digits": "9" * 20,
        "a hundred digits": "9" * 100, "another script's digits": "\u0665",
    }.items()
}  # fmt: skip
SMUGGLING = {
    "two lengths": explain(f"Content-Length: 5\r\nContent-Length: {len(GOOD)}\r\n", GOOD),
    "a length and chunks": explain(f"Content-Length: 5\r\n{CHUNKED}", NOTHING + SMUGGLED),
    "a length of all and chunks": explain(f"{CHUNKED}Content-Length: {5 + len(SMUGGLED)}\r\n", NOTHING + SMUGGLED),
    "chunks twice": explain(f"{CHUNKED}Transfer-Encoding: {CANARY}\r\n", NOTHING + SMUGGLED),
    **{
        f"chunks spelt {coding!r}": explain(f"Transfer-Encoding:{coding}\r\nContent-Length: 5\r\n", NOTHING + SMUGGLED)
        for coding in (
            " xchunked", " chunked, identity", " identity, chunked", "\tchunked", " \x0bchunked", " CHUNKED",
            ' "chunked"', " chunked;q=1", " chunked\x00", " gzip, chunked", " ,chunked", "chunked ",
        )
    },
    "chunks under another name": explain("Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", NOTHING),
    "chunks behind a space": explain(f" {CHUNKED}Content-Length: 5\r\n", NOTHING + SMUGGLED),
    "chunks with a space before the colon": explain("Transfer-Encoding : chunked\r\nContent-Length: 5\r\n", SMUGGLED),
    "chunks in HTTP/1.0": explain(CHUNKED, NOTHING + SMUGGLED).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    **{
        f"a chunk of {what}": explain(CHUNKED, chunk + SMUGGLED)
        for what, chunk in {
            "no size": b"\r\n{}\r\n", "a word": b"zz\r\n{}\r\n", "less than nothing": b"-2\r\n{}\r\n",
            "hex": b"0x2\r\n{}\r\n", "more than can be": b"f" * 17 + b"\r\n{}\r\n",
            "a sign": b"+2\r\n{}\r\n", "a gap": b"2 \r\n{}\r\n",
            "less than it says": b"5\r\n{}\r\n", "more than it says": b"1\r\n{}\r\n0\r\n\r\n",
            "bare LF": b"2\n{}\n0\n\n", "a long extension": b"2;" + b"x" * 70_000 + b"\r\n{}\r\n0\r\n\r\n",
            "an extension of CR": b"2;\r\r\n{}\r\n0\r\n\r\n",
        }.items()
    },
    "trailers that are headers": explain(CHUNKED, b"2\r\n{}\r\n0\r\nContent-Length: 9\r\nHost: x\r\n\r\n"),
    "trailers that never end": explain(CHUNKED, b"2\r\n{}\r\n0\r\n" + b"X: CANARYx7\r\n" * 5000),
    "a length on a GET": get(f"Content-Length: {len(SMUGGLED)}\r\n") + SMUGGLED,
    "chunks on a GET": get(CHUNKED) + NOTHING,
    "an upgrade to HTTP/2": get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n"),
}  # fmt: skip
HEADERS = {
    "a space before the colon": explain(f"Content-Length : {len(GOOD)}\r\n", GOOD),
    "a folded header": explain("X: a\r\n b\r\nContent-Length: 0\r\n"),
    "a folded first header": b"GET /v1/me HTTP/1.1\r\n Host: x\r\n\r\n",
    "no Host": f"GET /v1/me HTTP/1.1\r\n{AUTH}\r\n".encode(),
    "two Hosts": get(f"Host: {CANARY}\r\n"),
    "a Host of another": get().replace(b"Host: gateway", b"Host: CANARYx7@evil.example:99999"),
    "no colon": get(f"{CANARY}\r\n"),
    "no name": get(f": {CANARY}\r\n"),
    "a name with a NUL": get(f"X\x00: {CANARY}\r\n"),
    "a value with a NUL": get(f"X: {CANARY}\x00\r\n"),
    "a value with a CR": get(f"X: a\rX-Forged: {CANARY}\r\n"),
    "a bare LF between": get(f"X: a\nX-Forged: {CANARY}\r\n"),
    "bare LFs": get().replace(b"\r\n", b"\n"),
    "bare CRs": get().replace(b"\r\n", b"\r"),
    "a name in another script": get(f"\xe9{CANARY}: x\r\n"),
    "bytes in the key": get().replace(b"tgk_", b"\xff\xfeCANARYx7"),
    "two keys": get(f"Authorization: Bearer {CANARY}\r\n"),
    "two content types": post(lines=f"Content-Type: text/{CANARY}\r\n", path="/v1/tasks/explain"),
    "a long header": get(f"X: {'y' * 200_000}\r\n"),
    "a long name": get(f"{'y' * 200_000}: x\r\n"),
    "100 headers": get("X: y\r\n" * 100),
    "500 headers": get("X: y\r\n" * 500),
    "50000 headers": get("X: y\r\n" * 50_000),
    "a megabyte of cookies": get(f"Cookie: {CANARY}={'y' * 1000}\r\n" * 1000),
    "headers that trickle off": get(f"X: {CANARY}\r\n")[:-2],
    "an expectation": explain(f"Expect: 100-continue\r\nContent-Length: {len(GOOD)}\r\n", GOOD),
    "an expectation of nobody": explain(f"Expect: {CANARY}\r\nContent-Length: {len(GOOD)}\r\n", GOOD),
    "an upgrade": get(
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
    ),
    "an override of the method": explain(f"X-HTTP-Method-Override: {CANARY}\r\nContent-Length: {len(GOOD)}\r\n", GOOD),
    "a forwarding proxy": get(
        f"X-Forwarded-For: {CANARY}\r\nX-Forwarded-Host: {CANARY}\r\nForwarded: for={CANARY}\r\n"
    ),
    "a trace of nobody": get(f"traceparent: {CANARY}\r\ntracestate: {CANARY}={CANARY}\r\nbaggage: {CANARY}\r\n"),
    "a range": get("Range: bytes=0-0, -1, 5-2\r\nIf-Range: x\r\n"),
    **{
        f"a key that is {what}": post(lines=f"Idempotency-Key: {key}\r\n", body=b"[]")
        for what, key in {"long": CANARY * 100, "quoted half": f'"{CANARY}', "a tab": f"a\t{CANARY}"}.items()
    },
    **{
        f"a preference for {wish}": post("/v1/tasks/explain", lines=f"Prefer: {wish}\r\n")
        for wish in (f"wait={CANARY}", "wait=-1", "wait=" + "9" * 40, ",;=,,;", "handling=\x7f", f'foo="{CANARY}')
    },
    **{
        f"an If-Match of {tag}": post("/v1/tasks/none/cancel", lines=f"If-Match: {tag}\r\n", body=b"")
        for tag in (CANARY, f'W/"{CANARY}"', '"' + "9" * 30 + '"', '"1", "2"')
    },
    "a bomb of gzip": post("/v1/tasks/explain", lines="Content-Encoding: gzip\r\n", body=BOMB),
    "a bomb of deflate": post("/v1/tasks/explain", lines="Content-Encoding: deflate, gzip\r\n", body=BOMB),
}  # fmt: skip
LINES = {
    "a method of nobody": get(start=f"{CANARY} /v1/tasks HTTP/1.1"),
    "a long method": get(start=f"{CANARY * 5000} /v1/tasks HTTP/1.1"),
    "a method in lower case": get(start="get /v1/me HTTP/1.1"),
    "a trace": get(f"X: {CANARY}\r\n", start=f"TRACE /{CANARY} HTTP/1.1"),
    "a connection through": b"CONNECT elsewhere:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a star to get": get(start="GET * HTTP/1.1"),
    "no request line": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03CANARYx7",
    "no version": get(start="GET /v1/me"),
    "HTTP/0.9": b"GET /v1/me\r\n",
    "HTTP/1.0": get(start="GET /v1/me HTTP/1.0"),
    "HTTP/1.2": get(start="GET /v1/me HTTP/1.2"),
    "HTTP/9.9": get(start="GET /v1/me HTTP/9.9"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version in lower case": get(start="GET /v1/me http/1.1"),
    "a version of nobody": get(start=f"GET /v1/me {CANARY}"),
    "two spaces": get(start="GET  /v1/me  HTTP/1.1"),
    "tabs": get(start="GET\t/v1/me\tHTTP/1.1"),
    "a space in the target": get(start=f"GET /v1/tasks/{CANARY} x HTTP/1.1"),
    "line breaks before": b"\r\n\r\n" + get(),
    "a space before": b" " + get(),
    "a proxy's greeting": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + get(),
    **{
        f"the target {target[:40]!r}": get(start=f"GET {target} HTTP/1.1")
        for target in (
            f"http://elsewhere.example/{CANARY}", f"http://{CANARY}@gateway/v1/me", f"https://gateway/{CANARY}",
            "gateway:80", f"file:///{CANARY}", "", "?", f"//{CANARY}/v1/me", "/v1//me", "/v1/../v1/me", "/v1/%2e%2e/me",
            f"/v1/tasks/..%2f{CANARY}", f"/v1/tasks/{CANARY}%00", f"/v1/tasks/{CANARY}%ff%fe", f"/v1/tasks/{CANARY}%f",
            f"/v1/tasks/{CANARY}%", f"/v1/tasks/%zz{CANARY}", f"/v1/tasks/{CANARY}%0d%0aX-Forged:%201",
            f"/v1/tasks/{CANARY}\\x", f"/v1/tasks/{CANARY}#x", f"/v1/tasks/{CANARY}\xe9", f"/v1/tasks/{CANARY};x=1",
            "/" + CANARY * 1000, "/v1/tasks/" + CANARY * 12_000, "/v1/tasks/" + "%F0%9F%98%80" * 500,
            "/v1/me/" + "a/" * 5000, f"/v1/tasks?{CANARY}", f"/v1/tasks?{CANARY}={CANARY}",
            f"/v1/tasks?state={CANARY}", f"/v1/tasks?limit={CANARY}", "/v1/tasks?limit=" + "9" * 5000,
            f"/v1/tasks?cursor={CANARY}", "/v1/tasks?cursor=" + "A" * 20_000,
            "/v1/tasks?state=%ff%fe", "/v1/tasks?state=%00", f"/v1/tasks?state=held&state={CANARY}",
            "/v1/tasks?" + "&" * 5000, "/v1/tasks?" + "a=b&" * 5000,
            f"/v1/tasks?reference={CANARY}%00", f"/v1/webhooks?state={CANARY}",
            f"/v1/deliveries?kind={CANARY}", f"/v1/deliveries?needs_person={CANARY}", f"/schema/{CANARY}.json",
            f"/problems/{CANARY}", f"/problems/%3Cscript%3E{CANARY}",
        )
    },
}  # fmt: skip
HALVES = {
    "half a line": b"GET /v1/m",
    "half a header": get(f"X: {CANARY}\r\n")[:-9],
    "half a body": post(length=len(GOOD) + 50),
    "no body": post(length=500, body=b""),
    "half a chunk": explain(CHUNKED, b"50\r\n{}"),
    "half a webhook": post(f"/v1/webhooks/cobalt-main/{TOKEN}", length=5000, body=b"{}", auth=""),
    "a body of next to everything": post(body=b" " * 400_000, length=500_000),
}
"""Sent, and then the connection is closed: to the full, or for writing alone."""
PIPELINED = {
    "a good one and half a one": get() + post(length=500, body=b"{"),
    "a good one and none": get() + b"\x00\x01CANARYx7\r\n\r\n",
    "a bad one and a good one": post("/v1/tasks/explain", body=b"CANARYx7") + get(),
    "a refused one and a good one": post("/v1/tasks/explain", body=b"{}", lines="Content-Encoding: x\r\n") + get(),
    "one without a key and a good one": b"GET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n" + get(),
    "a close and another": get("Connection: close\r\n") + get(),
    "a hundred": get() * 100,
}
"""Several in one breath; none of them stores anything."""
