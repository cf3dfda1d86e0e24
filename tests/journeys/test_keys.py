"""A key is rotated with overlap and revoked while the gateway runs, by the edits that the command line prints."""

import json
import signal

import httpx
import pytest
from journeys import world
from journeys.world import task, until
from ports import free_port


@pytest.fixture
def house(tmp_path):
    """A gateway on a configuration of its own; no vendor answers."""
    config = world.write_config(tmp_path / "config", free_port(4) - 1)
    with world.gateway(config) as gateway:
        yield config, gateway


def status(gateway, key):
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.get(f"{gateway.http.base_url}/v1/me", headers=headers, trust_env=False).status_code


def ran(config, *arguments):
    return json.loads(world.run("key", *arguments, "--json", directory=config.parent).stdout)


def edited(config, edit):
    """The printed edit, made in the file."""
    file = config / "gateway.yaml"
    lines = file.read_text().splitlines()
    line = edit["lines"][0]
    if "add" in edit["how"]:
        lines[line - 1] = lines[line - 1].replace("}]", "}" + edit["text"] + "]")
    else:
        kept = lines[line - 1].partition(", {")[2]
        lines[line - 1] = f"    keys: [{{{kept}"
    file.write_text("\n".join(lines))


def test_an_old_and_a_new_key_work_side_by_side_until_the_old_one_is_revoked(house):
    config, gateway = house
    rotated = ran(config, "rotate", "journey")
    assert status(gateway, rotated["key"]) == 401

    edited(config, rotated["edit"])
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: status(gateway, rotated["key"]) == 200)
    assert status(gateway, world.KEY) == 200

    edited(config, ran(config, "revoke", "journey", "journey")["edit"])
    headers = {"Authorization": f"Bearer {rotated['key']}"}
    gateway.http.post("/v1/admin/reload", headers=headers).raise_for_status()
    assert status(gateway, world.KEY) == 401
    assert status(gateway, rotated["key"]) == 200


def test_a_replay_under_the_new_key_is_the_same_apps_replay(house):
    config, gateway = house
    first = gateway.post("/v1/tasks", task("hilltop"), key="k-1")
    rotated = ran(config, "rotate", "journey")
    edited(config, rotated["edit"])
    gateway.http.post("/v1/admin/reload").raise_for_status()

    gateway.http.headers["Authorization"] = f"Bearer {rotated['key']}"
    again = gateway.post("/v1/tasks", task("hilltop"), key="k-1")

    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]


def test_the_log_tells_which_key_a_request_came_with(house):
    _, gateway = house
    status(gateway, world.KEY)
    line = until(lambda: next((line for line in gateway.log().splitlines() if '"/v1/me"' in line), None))
    assert json.loads(line)["key_id"] == "journey"
    assert world.KEY not in gateway.log()


def test_mistakes_leave_the_old_keys_in_force(house):
    config, gateway = house
    (config / "gateway.yaml").write_text("apps: {journey: {keys: []}}")
    assert gateway.http.post("/v1/admin/reload").status_code == 422
    assert status(gateway, world.KEY) == 200
