"""The program as it runs, its sockets watched: a dry run opens none."""

import sys
from contextlib import contextmanager

import pytest
from journeys.world import KEY, task, write_config
from litestar.testing import TestClient
from ports import free_port

from gateway.app import build
from gateway.clinics import load

_watched: list[str] | None = None


def _watch(event: str, _arguments: object) -> None:
    if _watched is not None and event.startswith("socket."):
        _watched.append(event)


sys.addaudithook(_watch)  # it cannot be taken away again, so it sleeps between the tests


@contextmanager
def watched():
    """What is done with sockets meanwhile."""
    global _watched  # noqa: PLW0603 - a hook of the interpreter has nowhere else to look
    _watched = found = []
    try:
        yield found
    finally:
        _watched = None


@pytest.fixture
def client(tmp_path):
    """The gateway with its real transport, before vendors that are not there."""
    directory = write_config(tmp_path / "config", free_port(4))
    config = load(directory, {"TASK_GATEWAY_DATABASE": f"sqlite:///{tmp_path}/gateway.db"})
    with TestClient(build(config)) as client:
        client.headers["Authorization"] = f"Bearer {KEY}"
        yield client


BODIES = [
    *(("tasks", task(clinic)) for clinic in ("lakeside", "riverbend", "hilltop", "harbor")),
    ("notes", {"clinic_id": "lakeside", "emr_task_id": "e-1", "text": "x"}),
    ("claims", {"clinic_id": "lakeside", "appointment_id": "a-1"}),
]


def test_explain_opens_no_socket_and_a_submit_does(client):
    with watched() as found:
        explained = [client.post(f"/v1/{plural}/explain", json=body).json() for plural, body in BODIES]
    assert [each["would"] for each in explained] == ["send"] * len(BODIES)
    assert found == []

    with watched() as found:
        client.post("/v1/tasks", json=BODIES[0][1])
    assert "socket.connect" in found
