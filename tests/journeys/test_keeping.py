"""A backup beside a gateway at work, put back elsewhere; a new encryption key while it runs."""

import base64
import signal

import pytest
from journeys import world
from journeys.world import COBALT, KEY, TOKEN, run, task, until
from ports import free_port

ONE, TWO = (base64.b64encode(name * 32).decode() for name in (b"1", b"2"))
CANARY = "Zebedee Canary"


@pytest.fixture
def town(tmp_path):
    """Vendors, and a configuration with an encryption key."""
    port = free_port()
    with world.sandbox(tmp_path, f"http://127.0.0.1:{port}/v1/webhooks/cobalt-main/{TOKEN}") as vendors:
        keys = f"encryption: {{keys: [{{id: k1, key: '{ONE}'}}]}}\n"
        yield vendors, world.write_config(tmp_path / "config", vendors.port_base, more=keys), port


def database(config):
    return config.parent / "var" / "gateway.db"


def test_a_backup_of_a_running_gateway_is_put_back_and_holds_what_was_open(town):
    vendors, config, port = town
    with world.gateway(config, port) as gateway:
        assert gateway.settled(gateway.post("/v1/tasks", task(), key="k-1"))["state"] == "delivered"
        gateway.http.post("/v1/connections/lakeside/emr/pause", json={"reason": "for the test"}).raise_for_status()
        held = gateway.post("/v1/tasks", task(description=f"Call {CANARY} back."), key="k-2")
        made = run("backup", "--config", str(config), "saved.db", directory=config.parent)
        assert made.returncode == 0, made.stderr
        gateway.http.post("/v1/connections/lakeside/emr/resume").raise_for_status()
        assert gateway.settled(held)["state"] == "delivered"
        gateway.stop()
    assert CANARY.encode() not in (config.parent / "saved.db").read_bytes()
    assert len(vendors.created(COBALT)) == 2

    def restored(*arguments):
        done = run("restore", "--config", str(config), *arguments, directory=config.parent)
        return done.returncode, done.stderr

    assert "gateway.db: File exists" in restored("saved.db")[1]
    for file in database(config).parent.glob("gateway.db*"):
        file.unlink()
    left = database(config).with_name("gateway.db-wal")
    left.write_bytes(b"of another database")
    code, told = restored("saved.db")
    assert (code, "gateway.db-wal: File exists" in told) == (1, True)
    left.unlink()
    assert restored()[0] == 1
    code, told = restored("saved.db")
    assert (code, "1 connection paused" in told) == (0, True), told
    assert [file.name for file in left.parent.iterdir()] == ["gateway.db"]

    with world.gateway(config, port) as gateway:
        found = gateway.delivery(held)
        assert (found["state"], found["waiting_for"]) == ("held", "connection")
        (connection,) = [c for c in gateway.http.get("/v1/connections").json()["items"] if c["paused"]]
        assert "restored from a backup" in connection["why"]
        assert gateway.http.post(f"{held.headers['location']}/cancel").json()["state"] == "cancelled"
        why = {"reason": "looked through by hand"}
        gateway.http.post("/v1/connections/lakeside/emr/resume", json=why).raise_for_status()
        acts = [(act["action"], act["reason"]) for act in gateway.http.get("/v1/audit").json()["items"]]
        assert acts[0] == ("resume", "looked through by hand")
        assert acts[2:] == [("restore", "put back from saved.db"), ("pause", "for the test")]
        assert gateway.settled(gateway.post("/v1/tasks", task(), key="k-3"))["state"] == "delivered"
    assert len(vendors.created(COBALT)) == 3


def test_a_new_key_takes_over_while_the_gateway_runs_and_the_old_one_can_go(town):
    _, config, port = town
    file = config / "gateway.yaml"
    with world.gateway(config, port) as gateway:
        made = gateway.post("/v1/tasks", task(description=f"Call {CANARY} back."), key="k-1")
        gateway.settled(made)
        file.write_text(file.read_text().replace("{id: k1, ", f"{{id: k2, key: '{TWO}'}}, {{id: k1, "))
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: "reload.done" in gateway.log())

        done = run("reseal", "--url", f"http://127.0.0.1:{port}", "--key", KEY, directory=config.parent)
        assert (done.returncode, "0 that no key opens" in done.stderr) == (0, True), done.stderr

        file.write_text(file.read_text().replace(f", {{id: k1, key: '{ONE}'}}", ""))
        gateway.http.post("/v1/admin/reload").raise_for_status()
        assert CANARY in gateway.delivery(made)["command"]["description"]
        timeline = gateway.http.get(f"{made.headers['location']}/timeline").json()["items"]
        assert "unreadable" not in str(timeline)
        gateway.stop()
    assert CANARY.encode() not in b"".join(each.read_bytes() for each in database(config).parent.iterdir())
