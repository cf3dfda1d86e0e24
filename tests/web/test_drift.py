"""Where vendors' answers and the capability table differ, as it is listed."""

import pytest
from msgspec import structs
from web.world import answering, task


def wants(name, status=400):
    """A vendor that misses a field."""
    return answering(status, json={"success": False, "message": f"Missing required field: {name}"})


def rejected(gateway, body=None):
    """A task that the vendor refuses."""
    answer = gateway.post("/v1/tasks", body or task())
    assert (answer.status_code, answer.json()["code"]) == (422, "vendor-rejected")
    return answer.json()["delivery"]


def drift(gateway, by="everything"):
    answer = gateway.get("/v1/capabilities/drift", by=by)
    assert answer.status_code == 200
    return answer.json()


def test_nothing_is_listed_where_nothing_was_learnt(gateway):
    gateway.submitted(task())

    assert drift(gateway) == {"items": [], "trials": [], "next_cursor": None}


def test_a_field_that_the_vendor_wanted_is_listed_by_our_name_with_where_and_how_it_is_known(gateway):
    gateway.vendors.handler = wants("subject")
    made = [rejected(gateway) for _ in range(2)]

    (seen,) = drift(gateway)["items"]

    assert {name: seen[name] for name in ("vendor", "emr", "clinic_id", "connection", "operation")} == {
        "vendor": "cobalt", "emr": "eclinicalworks", "clinic_id": "north", "connection": "emr",
        "operation": "create_task",
    }  # fmt: skip
    assert (seen["field"], seen["vendor_name"]) == ("title", "subject")
    assert (seen["code"], seen["status"], seen["count"]) == ("missing-field", 400, 2)
    assert seen["delivery_id"] == made[1]["id"]
    assert seen["first_at"] < seen["last_at"]
    assert (seen["rule"]["need"], seen["rule"]["where"]) == ("optional", "adapter: cobalt")


@pytest.mark.parametrize("name", ["department_id", "title"])
def test_a_name_that_maps_to_no_place_is_listed_by_the_vendors_name_though_it_be_one_of_ours(gateway, name):
    gateway.vendors.handler = wants(name)
    rejected(gateway)

    (seen,) = drift(gateway)["items"]

    assert (seen["field"], seen["vendor_name"], seen["rule"]) == (None, name, None)


def test_what_the_table_says_of_another_emr_is_not_held_against_what_was_seen(gateway):
    gateway.vendors.handler = wants("subject")
    rejected(gateway)
    configured = gateway.app.state.services.configured
    north = configured.config.clinics["north"]
    moved = structs.replace(north.connections["emr"], emr="athenahealth")
    clinic = structs.replace(north, connections={**north.connections, "emr": moved})
    configured.config = structs.replace(configured.config, clinics={"north": clinic})

    (seen,) = drift(gateway)["items"]

    assert (seen["emr"], seen["rule"]) == ("eclinicalworks", None)


def test_no_word_of_the_patient_is_listed(gateway):
    text = "Missing required field: subject of Ms. CANARY"
    gateway.vendors.handler = answering(400, json={"success": False, "message": text})
    rejected(gateway, task(description="About CANARY"))

    assert "CANARY" not in gateway.get("/v1/capabilities/drift").text


def test_a_refusal_for_another_reason_is_not_listed(gateway):
    gateway.vendors.handler = answering(404, json={"success": False, "message": "User not found."})
    rejected(gateway)

    assert drift(gateway)["items"] == []


def test_a_foreign_clinics_drift_is_not_there(gateway):
    gateway.vendors.handler = wants("phone_call_type_id")
    rejected(gateway, task("south", title="t", assignees=["dr-wilson"]))

    assert [seen["clinic_id"] for seen in drift(gateway)["items"]] == ["south"]
    assert drift(gateway, by="north") == {"items": [], "trials": [], "next_cursor": None}


def eastern(**fields):
    """A task for the clinic whose table tries out whether titles are needed."""
    return task("east", assignees=["dr-wilson"], encounter_note_id="nte_1", **fields)


def test_a_rule_on_trial_is_noted_on_the_delivery_and_counted_and_the_task_is_sent(gateway):
    without = gateway.submitted(eastern())
    given = gateway.submitted(eastern(title="Call back"))

    assert {"field": "title", "fate": "missing"} in without["mapping"]
    assert "missing" not in {entry["fate"] for entry in given["mapping"]}
    assert (without["state"], given["state"], len(gateway.vendors.requests)) == ("delivered", "delivered", 2)
    (trial,) = drift(gateway)["trials"]
    assert (trial["clinic_id"], trial["vendor"], trial["emr"]) == ("east", "maxcare", None)
    assert (trial["field"], trial["accepted"], trial["refused"]) == ("title", 1, 0)
    assert (trial["rule"]["need"], trial["rule"]["where"]) == ("advisory", "emr_capabilities.yaml: maxcare.*")


def test_a_refusal_of_what_lacks_a_field_on_trial_is_counted_too(gateway):
    gateway.vendors.handler = answering(404, json={"code": "not_found", "message": "no such note"})
    rejected(gateway, eastern())

    (trial,) = drift(gateway)["trials"]

    assert (trial["accepted"], trial["refused"]) == (0, 1)


def test_an_explanation_notes_what_a_rule_on_trial_misses_and_counts_nothing(gateway):
    told = gateway.post("/v1/tasks/explain", eastern()).json()

    assert told["would"] == "send"
    assert told["advisories"] == ["title"]
    assert {"field": "title", "fate": "missing"} in told["mapping"]
    assert drift(gateway)["trials"] == []
