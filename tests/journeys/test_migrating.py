"""From SQLite to PostgreSQL: what was accepted before is read, told and delivered there."""

import json
from base64 import b64encode

import pytest
from journeys import world
from journeys.world import COBALT, TOKEN, run, task
from ports import free_port
from postgres import server

KEYS = f"encryption: {{keys: [{{id: k1, key: '{b64encode(b'1' * 32).decode()}'}}]}}\n"


@pytest.fixture
def database():
    with server() as running, running.database() as url:
        yield url


def migrate(config, database, *more):
    old = config.parent / "var" / "gateway.db"
    return run("migrate", "--from", f"sqlite:///{old}", "--to", database, *more, directory=config.parent)


def test_what_a_gateway_on_sqlite_accepted_is_served_and_delivered_by_one_on_postgresql(tmp_path, database):
    port = free_port()
    hook = f"http://127.0.0.1:{port}/v1/webhooks/cobalt-main/{TOKEN}"
    with world.sandbox(tmp_path, hook) as vendors:
        config = world.write_config(tmp_path / "config", vendors.port_base, more=KEYS)
        with world.gateway(config, port) as gateway:
            made = gateway.post("/v1/tasks", task(), key="k-1")
            before = gateway.settled(made)
            gateway.http.post("/v1/connections/lakeside/emr/pause", json={"reason": "moving"}).raise_for_status()
            held = gateway.post("/v1/tasks", task(description="Call back."), key="k-2")
            told = gateway.http.get("/v1/events?limit=200").json()["items"]
            busy = migrate(config, database)
            gateway.stop()

        moved = migrate(config, database, "--json")
        again = migrate(config, database)

        with world.gateway(config, port, environ={"TASK_GATEWAY_DATABASE": database}) as gateway:
            assert gateway.delivery(made) == before
            replayed = gateway.post("/v1/tasks", task(), key="k-1")
            assert (replayed.json()["id"], replayed.headers["idempotent-replayed"]) == (before["id"], "true")
            gateway.http.post("/v1/connections/lakeside/emr/resume").raise_for_status()
            assert gateway.settled(held)["command"]["description"] == "Call back."
            news = gateway.http.get(f"/v1/events?after={told[-1]['id']}").json()["items"]
            assert gateway.http.get("/v1/events?limit=200").json()["items"] == [*told, *news]
        assert len(vendors.created(COBALT)) == 2
        there = {"TASK_GATEWAY_DATABASE": database}
        put_back = run("restore", "--config", str(config), directory=config.parent, environ=there)

    assert (busy.returncode, "in use by another process" in busy.stderr) == (1, True), busy.stderr
    assert moved.returncode == 0, moved.stderr
    counts = {each["table"]: each["rows"] for each in json.loads(moved.stdout)["tables"]}
    assert (counts["deliveries"], counts["idempotency_keys"], counts["events"]) == (2, 2, len(told))
    assert (again.returncode, "it is not empty" in again.stderr) == (1, True), again.stderr
    assert (put_back.returncode, "database: restored; 0 connections paused" in put_back.stderr) == (0, True)
