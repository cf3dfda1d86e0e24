"""A vendor that wants more than the table says: refused once, learnt, required from then on before anything is sent."""

import json
import re
import sqlite3
from contextlib import closing

import pytest
from journeys import world
from journeys.world import COBALT, KEY, task
from patching import paste


@pytest.fixture
def town(tmp_path):
    """A sandbox and a configuration of the test's own."""
    with world.sandbox(tmp_path, "http://127.0.0.1:9/hooks") as vendors:
        yield vendors, world.write_config(tmp_path / "config", vendors.port_base)


def asked(gateway, *arguments):
    """What the command line prints, asking the gateway that the environment names."""
    environ = {"TASK_GATEWAY_URL": str(gateway.http.base_url), "TASK_GATEWAY_KEY": KEY}
    ended = world.run("capabilities", *arguments, directory=gateway.directory, environ=environ)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def drift(gateway):
    return gateway.http.get("/v1/capabilities/drift").json()


def events(gateway, type_):
    with closing(sqlite3.connect(gateway.directory / "var" / "gateway.db")) as database:
        rows = database.execute("SELECT data FROM events WHERE type = ?", (type_,)).fetchall()
    return [json.loads(data) for (data,) in rows]


def test_what_a_vendor_was_seen_to_want_is_required_once_the_suggested_rows_are_pasted_and_reloaded(town):
    vendors, config = town
    body = task("riverbend")
    with world.gateway(config) as gateway:
        assert gateway.post("/v1/tasks", body).status_code == 202
        vendors.call(COBALT, "PUT", "demands", json=["phone_call_type_id"])
        for _ in range(2):
            refused = gateway.post("/v1/tasks", body)
            assert (refused.status_code, refused.json()["code"]) == (422, "vendor-rejected")

        [seen] = drift(gateway)["items"]
        where = {"vendor": "cobalt", "emr": "athenahealth", "clinic_id": "riverbend", "connection": "emr"}
        what = {"operation": "create_task", "field": "phone_call_type_id", "vendor_name": "phone_call_type_id"}
        assert seen.items() >= {**where, **what, "code": "missing-field", "status": 400, "count": 2}.items()
        assert seen["delivery_id"] == refused.json()["delivery"]["id"]
        assert seen["rule"]["need"] == "optional"
        assert events(gateway, "capability.drift") == [{**where, **what}]

        paste(config / "emr_capabilities.yaml", asked(gateway, "suggest"))
        gateway.http.post("/v1/admin/reload").raise_for_status()

        sent = len(vendors.creates(COBALT))
        answer = gateway.post("/v1/tasks", body)
        [error] = answer.json()["errors"]
        assert (answer.status_code, answer.json()["code"]) == (422, "missing-required-fields")
        assert (error["field"], error["pointer"]) == ("phone_call_type_id", "/phone_call_type_id")
        assert error["source"] == "emr_capabilities.yaml: cobalt.athenahealth (observed)"
        assert len(vendors.creates(COBALT)) == sent
        assert asked(gateway, "suggest") == "# Nothing to add to emr_capabilities.yaml.\n"
        assert drift(gateway)["items"][0]["rule"]["need"] == "required"

        given = gateway.post("/v1/tasks", task("riverbend", phone_call_type_id="7"))
        assert (given.status_code, len(vendors.creates(COBALT))) == (202, sent + 1)


def test_a_name_without_a_place_is_remarked_and_nothing_is_suggested_though_we_call_another_field_so(town):
    vendors, config = town
    vendors.call(COBALT, "PUT", "demands", json=["title"])
    with world.gateway(config) as gateway:
        [error] = gateway.post("/v1/tasks", task(title=None)).json()["errors"]

        assert (error["field"], error["pointer"], error["source"]) == (None, None, "vendor: cobalt (title)")
        assert json.loads(asked(gateway, "suggest", "--json"))["add"] == {}
        assert "the vendor wants what it calls 'title', for which the adapter has no place" in asked(gateway, "suggest")
        [told] = [line for line in asked(gateway).splitlines() if "refused without it" in line]
        assert re.search(r"has no place\W+title", told)


class TestTheTable:
    """`task-gateway capabilities`."""

    def test_it_shows_each_clinics_rules_with_their_origin_and_what_was_seen(self, gateway, vendors):
        vendors.call(COBALT, "PUT", "demands", json=["notify_list"])
        gateway.post("/v1/tasks", task())

        _, harbor, hilltop, lakeside, riverbend = re.split(r"(?m)^(?=\S+/\S+  )", asked(gateway))

        assert harbor.startswith("harbor/max  maxcare")
        assert hilltop.startswith("hilltop/tasks  task_api")
        [title] = [line for line in riverbend.splitlines() if " title " in line]
        assert " required " in title
        assert "emr_capabilities.yaml: cobalt.athenahealth (operator)" in title
        assert re.search(r"(?m)^ *create_claim .*\n *not offered ", riverbend)
        [notify] = [line for line in lakeside.splitlines() if "notify_list" in line]
        assert "refused without it: 1" in notify

    def test_it_is_the_answer_of_the_api_as_json(self, gateway):
        tables = {table["clinic_id"]: table for table in json.loads(asked(gateway, "--json"))}

        assert tables["lakeside"] == gateway.http.get("/v1/clinics/lakeside/capabilities").json()
        assert set(tables) == set(world.CLINICS)

    @pytest.mark.parametrize(
        ("url", "key", "told"),
        [
            ("http://127.0.0.1:9", KEY, "no gateway answers there"),
            ("https://127.0.0.1:9", KEY, "no gateway answers there"),
            (None, "tgk_wrong_key", "401 unauthenticated: No valid app key"),
        ],
    )
    def test_what_keeps_it_from_asking_is_told_in_a_line(self, gateway, url, key, told):
        ended = world.run(
            "capabilities", "--url", url or str(gateway.http.base_url), "--key", key, directory=gateway.directory
        )
        assert (ended.returncode, ended.stdout) == (1, "")
        assert told in ended.stderr
        assert "Traceback" not in ended.stderr
