"""A receiver of the gateway's callbacks, on Python's standard library alone.

    INTAKE_CALLBACK_SECRET=whsec_... python receive_callbacks.py 9200

Any library of Standard Webhooks (https://www.standardwebhooks.com) verifies just as well.
"""

import base64
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["INTAKE_CALLBACK_SECRET"].removeprefix("whsec_"))
seen: set[str] = set()  # better in your database, in the transaction that does the work: an event may come twice


def is_genuine(headers: dict[str, str], body: bytes) -> bool:
    """Whether the gateway has signed this body, in the last five minutes."""
    event_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signed = hmac.digest(KEY, f"{event_id}.{at}.".encode() + body, "sha256")
    expected = b"v1," + base64.b64encode(signed)
    given = headers.get("webhook-signature", "").encode().split()  # two while the secret is rotated
    is_fresh = at.isdecimal() and abs(time.time() - int(at)) < 300
    return is_fresh and any(hmac.compare_digest(expected, each) for each in given)


class Hooks(BaseHTTPRequestHandler):
    """Answers at once; whatever takes longer than a few seconds belongs behind the answer."""

    def do_POST(self) -> None:
        """Take an event: 2xx ends it, anything else brings it again later, 410 stops them all."""
        body = self.rfile.read(int(self.headers["content-length"]))
        if not is_genuine({name.lower(): value for name, value in self.headers.items()}, body):
            self.send_error(401)
            return
        event = json.loads(body)
        if event["id"] not in seen:
            print(event["id"], event["type"], event["data"].get("id", ""), flush=True)
            seen.add(event["id"])
        self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Hooks).serve_forever()
