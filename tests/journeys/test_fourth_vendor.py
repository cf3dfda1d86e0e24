"""A fourth vendor: one dropped-in file, and nothing else changes."""

import json
import threading
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from journeys import world

import adapters

CLINIC = """
id: fourth
name: Fourth
timezone: Europe/Paris
connections:
  board: {account: acme-main}
people:
  dr-wilson: {name: "Dr. Wilson", ids: {board: "w-1"}}
"""


class Stand(BaseHTTPRequestHandler):
    """The vendor: notes what comes, answers as its page says."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path, dict(self.headers), body))
        answer = json.dumps({"id": f"acme-{len(self.server.got)}"}).encode()
        self.send_response(400 if body["text"] == "bad" else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_args):
        pass


@pytest.fixture
def vendor():
    with ThreadingHTTPServer(("127.0.0.1", 0), Stand) as server:
        server.got = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def digest(root):
    return {str(file): sha256(file.read_bytes()).hexdigest() for file in sorted(root.rglob("*.py"))}


def test_a_new_adapter_passes_the_kit_and_delivers_with_no_other_file_touched(tmp_path, vendor):
    ours = Path(adapters.__file__).parent
    before = digest(ours)
    for words in (("new", "acme", "--into", "dropped-in"), ("test", "dropped-in/acme.py")):
        ended = world.run("adapter", *words, directory=tmp_path)
        assert ended.returncode == 0, ended.stdout
    account = (
        "  acme-main:\n    adapter: acme\n"
        f"    base_url: http://127.0.0.1:{vendor.server_port}\n    credentials: {{api_key: 'ak-of-acme'}}\n"
    )
    config = world.write_config(
        tmp_path / "config", 9100, accounts=account, more=f"adapter_paths: ['{tmp_path / 'dropped-in'}']\n"
    )
    (config / "clinics" / "fourth.yaml").write_text(CLINIC)
    with world.gateway(config) as gateway:
        answer = gateway.post("/v1/tasks", world.task("fourth"))
        assert (answer.status_code, answer.json()["state"]) == (201, "delivered")
        assert answer.json()["vendor"]["id"] == "acme-1"
        refused = gateway.post("/v1/tasks", {"clinic_id": "fourth", "description": "bad"})
        assert (refused.status_code, refused.json()["code"]) == (422, "vendor-rejected")
        found = gateway.http.get("/v1/clinics/fourth/capabilities").json()
        assert found["connections"][0]["adapter"] == "acme"
        assert gateway.post("/v1/claims", {"clinic_id": "fourth", "appointment_id": "1"}).status_code == 422
    path, headers, body = vendor.got[0]
    assert (path, headers["Authorization"]) == ("/v1/tasks", "Bearer ak-of-acme")
    assert body == {
        "text": "Title: Follow-up appointment needed\nDue: 2027-01-15 16:30 CET\nPriority: high\n\n"
        "Schedule a follow-up appointment.",
        "assignee": "w-1",
        "patient": {"mrn": "MRN-12345"},
    }
    assert "ak-of-acme" not in gateway.log()
    assert digest(ours) == before


def test_a_broken_file_stops_the_start_with_its_reason(tmp_path):
    (tmp_path / "dropped-in").mkdir()
    (tmp_path / "dropped-in" / "broken.py").write_text("adapter = None\n")
    config = world.write_config(tmp_path / "config", 9100, more=f"adapter_paths: ['{tmp_path / 'dropped-in'}']\n")
    ended = world.run("serve", "--config", str(config), directory=tmp_path)
    assert ended.returncode == 1
    assert "broken.py" in ended.stderr
    assert "Traceback" not in ended.stderr
