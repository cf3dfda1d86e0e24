"""The configuration is put in force while the gateway runs: by signal, and by the API."""

import re
import signal

import httpx
import pytest
from journeys import world
from journeys.world import CLINICS, COBALT, TOKEN, task, until
from ports import free_port


@pytest.fixture
def town(tmp_path):
    """Vendors, a configuration in files, and the gateway on it."""
    port = free_port()
    with world.sandbox(tmp_path, f"http://127.0.0.1:{port}/v1/webhooks/cobalt-main/{TOKEN}") as vendors:
        config = world.write_config(tmp_path / "config", vendors.port_base)
        with world.gateway(config, port) as gateway:
            yield vendors, config, gateway


def knows(gateway, clinic):
    return clinic in [each["id"] for each in gateway.http.get("/v1/clinics").json()["items"]]


def test_a_clinic_dropped_in_is_served_after_a_hangup_signal(town):
    _, config, gateway = town
    added = CLINICS["lakeside"].replace("lakeside", "meadow").replace("Lakeside", "Meadow")
    (config / "clinics" / "meadow.yaml").write_text(added)
    assert not knows(gateway, "meadow")

    gateway.process.send_signal(signal.SIGHUP)

    until(lambda: knows(gateway, "meadow"))
    assert gateway.http.get("/v1/audit").json()["items"][0]["app"] == "SIGHUP"


def test_a_broken_file_changes_nothing_and_is_told_line_by_line(town):
    _, config, gateway = town
    file = config / "clinics" / "lakeside.yaml"
    file.write_text(file.read_text().replace("account: cobalt-main", "account: cobalt-mian"))
    (config / "clinics" / "hilltop.yaml").unlink()

    answer = gateway.post("/v1/admin/reload", None)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-configuration")
    (line,) = [each["detail"] for each in answer.json()["errors"]]
    assert line.startswith("clinics/lakeside.yaml:7: connections.emr.account: ")
    assert "did you mean 'cobalt-main'?" in line
    assert knows(gateway, "hilltop")
    assert gateway.post("/v1/tasks", task(), key="k-1").status_code in {201, 202}
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: gateway.log().count("reload.mistake") >= 2)
    assert gateway.process.poll() is None


def test_mended_credentials_let_go_what_a_blocked_connection_held(town):
    vendors, config, gateway = town
    file = config / "clinics" / "lakeside.yaml"
    good = file.read_text()
    file.write_text(good.replace("at_lakeside", "at_revoked"))
    assert gateway.http.post("/v1/admin/reload").json()["changed"] == []  # a version says nothing of secrets
    held = [gateway.post("/v1/tasks", task(description=f"Call back {n}."), key=f"k-{n}") for n in range(3)]
    for answer in held:
        until(lambda answer=answer: gateway.delivery(answer)["waiting_for"] == "connection")
    file.write_text(good)

    gateway.http.post("/v1/admin/reload").raise_for_status()

    for answer in held:
        assert gateway.settled(answer)["state"] == "delivered"
    assert len(vendors.created(COBALT)) == 3


def test_a_stream_ends_with_its_key_and_goes_on_under_another_configuration_of_others(town):
    _, config, gateway = town
    file = config / "gateway.yaml"
    with gateway.http.stream("GET", "/v1/events/stream", params={"after": "evt_0"}) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "id: evt_0"
        file.write_text(f"{file.read_text()}\nprivate_networks: [10.0.0.0/8]\n")
        gateway.http.post("/v1/admin/reload").raise_for_status()
        gateway.post("/v1/tasks", task(), key="k-1")
        assert any("task.queued" in line for line in lines)
        file.write_text(re.sub("sha256: .*}", f"sha256: {'0' * 64}}}", file.read_text()))
        gateway.process.send_signal(signal.SIGHUP)

        list(lines)  # it ends, long before its 15 minutes
    assert gateway.http.get("/v1/me").status_code == 401


def test_who_may_not_reload_is_told_so(town):
    _, _, gateway = town
    answer = httpx.post(f"{gateway.http.base_url}/v1/admin/reload", trust_env=False)
    assert answer.status_code == 401
