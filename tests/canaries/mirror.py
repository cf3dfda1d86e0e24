"""A vendor that shows everybody their own words: every answer repeats the request, its headers and all."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CALLBACKS, SPANS = "/callbacks", "/v1/traces"
"""What else comes in here: an app's events, and spans as OTLP."""

STATUSES = (201, 302, 400, 401, 403, 404, 409, 418, 422, 429, 500, 503)
WAYS = (*(f"status-{status}" for status in STATUSES), "html", "cut", "closed", "missing", "elsewhere")
"""How a create may be answered; the command's title says which."""


def _cobalt(words: str) -> object:
    return {"success": False, "message": words, "error": words, "data": {"task_id": [words]}}


def _task_api(words: str) -> object:
    return {"detail": {"message": words, "param": words, "code": words}}


def _maxcare(words: str) -> object:
    return {"code": "bad_request", "message": words, "trace_id": words}


_SHAPES: Mapping[str, Callable[[str], object]] = {
    "client_id": _cobalt,
    "x-api-key": _task_api,
    "authorization": _maxcare,
}
"""How each vendor words a refusal, by a header that its requests have."""


class Heard:
    """Everything that came in, by path."""

    def __init__(self) -> None:
        self._requests: list[tuple[str, bytes]] = []

    def note(self, path: str, text: bytes) -> None:
        self._requests.append((path, text))

    def at(self, path: str) -> bytes:
        return b"\n".join(text for at, text in self._requests if at == path)

    def count(self, path: str) -> int:
        return sum(at == path for at, _ in self._requests)

    def elsewhere(self) -> bytes:
        """What vendors were told."""
        return b"\n".join(text for at, text in self._requests if at not in (CALLBACKS, SPANS))


class _Handler(BaseHTTPRequestHandler):
    heard: Heard
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        words = f"{body.decode('utf-8', 'replace')} {dict(self.headers)}"
        self.heard.note(self.path, words.encode())
        if self.path == SPANS:
            self._answer(200, b"", "application/x-protobuf")
        elif self.path == CALLBACKS:
            self._answer(200 if self.heard.count(CALLBACKS) > 1 else 500, words.encode())
        else:
            self._mirror(words)

    def do_GET(self) -> None:
        self.heard.note(self.path, str(self.headers).encode())
        self._answer(200, json.dumps({"path": self.path, "headers": dict(self.headers)}).encode())

    def _mirror(self, words: str) -> None:
        found = re.search(r"way-([a-z0-9-]+)", words)
        way = found[1] if found else ""
        shape = next((each for name, each in _SHAPES.items() if name in self.headers), lambda text: {"text": text})
        if way.startswith("status-"):
            self._answer(int(way.removeprefix("status-")), json.dumps(shape(words)).encode())
        elif way == "missing":
            mrn = re.search(r"zq[a-z0-9]*mrn[a-z0-9]*", words)
            self._answer(400, json.dumps(shape(f"Missing required field: {mrn[0] if mrn else 'x'}")).encode())
        elif way == "html":
            self._answer(200, f"<html>{words}</html>".encode(), "text/html")
        elif way == "cut":
            self._answer(200, words.encode(), cut=True)
        elif way == "closed":
            self.close_connection = True
        elif way == "elsewhere":
            self._answer(307, words.encode())
        else:
            self._answer(200, words.encode())

    def _answer(self, status: int, body: bytes, kind: str = "application/json", *, cut: bool = False) -> None:
        told = re.sub(rb"[^ -~]", b"", body)[:2000].decode()
        self.send_response_only(status)
        for name, value in (("Content-Type", kind), ("Retry-After", told), ("Location", told), ("X-Words", told)):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) * (2 if cut else 1)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = cut or self.close_connection

    def log_message(self, *_args: object) -> None:
        """Says nothing."""


@contextmanager
def mirror() -> Iterator[tuple[str, Heard]]:
    """The mirror at work: its address, and what it has heard."""
    heard = Heard()
    handler = type("Handler", (_Handler,), {"heard": heard})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        server.server_close()
