"""Apps hear of what happens: callbacks to a program of its own, and streams that come and go."""

import json
import os
import socket
import subprocess
import sys
from base64 import b64encode
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from journeys import world
from journeys.world import task, until
from standardwebhooks import Webhook

EXAMPLES = Path(__file__).parents[2] / "config" / "examples"
OLD, NEW = (f"whsec_{b64encode(name * 32).decode()}" for name in (b"o", b"n"))


@contextmanager
def receiver(directory, port, secret=OLD):
    """The example's receiver at work; what it has printed."""
    printed = directory / "heard"
    environ = {**os.environ, "INTAKE_CALLBACK_SECRET": secret}
    with printed.open("a") as out:
        command = [sys.executable, str(EXAMPLES / "receive_callbacks.py"), str(port)]
        process = subprocess.Popen(command, env=environ, stdout=out, stderr=subprocess.DEVNULL)
    try:
        until(lambda: _listens(port))
        yield lambda: [line.split() for line in printed.read_text().splitlines()]
    finally:
        process.kill()
        process.wait()


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def configured(directory, vendors, port, secrets=(OLD,)):
    """A configuration whose app is told on this port."""
    config = world.write_config(directory / "config", vendors.port_base)
    callback = {"url": f"http://127.0.0.1:{port}/hooks", "secrets": list(secrets)}
    file = config / "gateway.yaml"
    roles = "    roles: [submit, read, operate, admin]\n"
    file.write_text(file.read_text().replace(roles, f"{roles}    callback: {json.dumps(callback)}\n"))
    return config


@pytest.fixture
def place(tmp_path):
    """A sandbox, a gateway's port and an endpoint's, and a configuration of all three."""
    port, hooks = world.free_port(), world.free_port()
    url = f"http://127.0.0.1:{port}/v1/webhooks/cobalt-main/{world.TOKEN}"
    with world.sandbox(tmp_path, url) as vendors:
        yield port, hooks, configured(tmp_path, vendors, hooks)


def test_the_example_s_receiver_hears_of_every_step_of_every_delivery_in_order(place, tmp_path):
    port, hooks, config = place
    with world.gateway(config, port) as gateway, receiver(tmp_path, hooks) as heard:
        ids = [gateway.post("/v1/tasks", task(), key=f"k{n}", prefer="wait=10").json()["id"] for n in range(5)]
        until(lambda: len(heard()) >= 20)

        for delivery_id in ids:
            assert [type_ for _, type_, about in heard() if about == delivery_id] == [
                "task.queued", "task.sending", "task.submitted", "task.delivered",
            ]  # fmt: skip


def test_what_a_receiver_missed_comes_when_it_is_back_whoever_was_down(place, tmp_path):
    port, hooks, config = place
    with world.gateway(config, port) as gateway:
        missed = gateway.post("/v1/tasks", task(), prefer="wait=10").json()["id"]
        until(lambda: gateway.http.get("/v1/callbacks").json()["items"][0]["last_error"])
        gateway.kill()
    with receiver(tmp_path, hooks) as heard, world.gateway(config, port) as gateway:
        until(lambda: len([line for line in heard() if line[2] == missed]) == 4)
        assert gateway.http.get("/v1/callbacks").json()["items"][0]["state"] == "working"


def test_the_standard_s_library_verifies_what_is_sent_and_both_secrets_while_they_are_rotated(place):
    port, hooks, config = place
    file = config / "gateway.yaml"
    file.write_text(file.read_text().replace(f'"{OLD}"', f'"{NEW}", "{OLD}"'))
    with socket.create_server(("127.0.0.1", hooks)) as endpoint, world.gateway(config, port) as gateway:
        gateway.post("/v1/tasks", task(), prefer="respond-async")
        connection, _ = endpoint.accept()
        head, body = _request(connection)

        for secret in (OLD, NEW):
            verified = Webhook(secret).verify(body, head)
            assert verified["id"] == head["webhook-id"]
            assert verified["type"] == "task.queued"
        assert len(head["webhook-signature"].split()) == 2
        connection.close()


def _request(connection):
    with connection.makefile("rb") as stream:
        stream.readline()
        head = {}
        while line := stream.readline().strip().decode():
            name, _, value = line.partition(": ")
            head[name.lower()] = value
        return head, stream.read(int(head["content-length"]))


def test_a_forged_event_is_refused_by_the_example_s_receiver(tmp_path):
    hooks = world.free_port()
    with receiver(tmp_path, hooks) as heard:
        body = '{"id": "evt_1", "type": "task.delivered", "data": {}}'
        now = datetime.now(UTC)
        headers = {
            "webhook-id": "evt_1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(NEW).sign("evt_1", now, body),
        }

        assert httpx.post(f"http://127.0.0.1:{hooks}/", content=body, headers=headers).status_code == 401
        headers["webhook-signature"] = Webhook(OLD).sign("evt_1", now, body)
        ago = now - timedelta(hours=1)
        late = {**headers, "webhook-timestamp": str(int(ago.timestamp()))}
        late["webhook-signature"] = Webhook(OLD).sign("evt_1", ago, body)
        assert httpx.post(f"http://127.0.0.1:{hooks}/", content=body, headers=late).status_code == 401
        for _ in range(2):
            assert httpx.post(f"http://127.0.0.1:{hooks}/", content=body, headers=headers).status_code == 204
        assert len(heard()) == 1
