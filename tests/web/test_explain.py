"""The dry run: what it says, and that it does nothing."""

import pytest
from web.world import claim, key_of, task


def explained(gateway, body, plural="tasks", **kwargs):
    rows = gateway.rows()
    answer = gateway.post(f"/v1/{plural}/explain", body, **kwargs)
    assert answer.status_code == 200, answer.text
    assert gateway.rows() == rows
    assert gateway.vendors.requests == []
    return answer.json()


def test_a_sound_task_would_be_sent_and_its_exact_request_is_shown_without_secrets(gateway):
    found = explained(gateway, task(title="Call", priority="high", tags=["a"]))
    assert (found["would"], found["waiting_for"], found["problems"]) == ("send", None, [])
    assert found["route"]["rule"] == "routes[1]"
    assert found["request"] == {
        "method": "POST",
        "url": "http://cobalt.invalid/v1/tasks",
        "headers": {"client_id": "***", "client_secret": "***", "access_token": "***"},
        "json": {
            "description": "Priority: high\n\nCall the patient back", "patient_mrn": "MRN-1", "subject": "Call",
        },
    }  # fmt: skip
    assert {(each["field"], each["fate"], each.get("as")) for each in found["mapping"]} == {
        ("description", "sent", "description"),
        ("patient.mrn", "sent", "patient_mrn"),
        ("title", "sent", "subject"),
        ("priority", "folded", "description"),
        ("tags", "not_carried", None),
    }


def test_what_is_explained_is_what_is_sent(gateway):
    found = explained(gateway, task(title="Call", priority="high"))
    gateway.submitted(task(title="Call", priority="high"))
    assert gateway.vendors.bodies() == [found["request"]["json"]]


def test_defaults_and_our_own_tag_are_reported(gateway):
    found = explained(gateway, task(type="vob"))
    fates = {each["field"]: each["fate"] for each in found["mapping"]}
    assert fates["assignees"] == fates["due_at"] == fates["title"] == "defaulted"
    assert fates["tags"] == "added"


def test_a_task_with_problems_would_be_refused_with_all_of_them(gateway):
    found = explained(gateway, {"clinic_id": "south", "description": "x", "created_by": "dr-wilsn"})
    assert found["would"] == "refuse"
    assert found["request"] is None
    assert {error["pointer"] for error in found["problems"]} == {
        "/title", "/assignees", "/patient/mrn", "/created_by"}  # fmt: skip


def test_a_task_for_a_paused_connection_would_be_held(gateway):
    gateway.post("/v1/connections/north/emr/pause", {"reason": "moving"})
    found = explained(gateway, task())
    assert (found["would"], found["waiting_for"]) == ("hold", "connection")


def test_a_note_whose_task_has_no_emr_id_yet_would_be_held(gateway):
    gateway.post("/v1/connections/north/emr/pause", {"reason": "moving"})
    parent = gateway.submitted(task())
    gateway.post("/v1/connections/north/emr/resume")
    gateway.until(f"/v1/tasks/{parent['id']}", lambda now: now["state"] == "submitted")
    gateway.vendors.requests.clear()
    found = explained(gateway, {"task_id": parent["id"], "text": "x"}, "notes")
    assert (found["would"], found["waiting_for"]) == ("hold", "parent")


def test_a_claim_is_explained(gateway):
    assert explained(gateway, claim(), "claims")["request"]["json"] == {"appointment_id": "apt-1"}
    refused = explained(gateway, claim(clinic_id="south"), "claims")
    assert (refused["would"], refused["problems"][0]["code"]) == ("refuse", "operation-unsupported")


@pytest.mark.parametrize("body", [{}, {"clinic_id": None}, {"clinic_id": 7, "title": 7}])
def test_a_task_of_no_clinic_would_be_refused(gateway, body):
    found = explained(gateway, body)
    assert found["would"] == "refuse"
    assert "/clinic_id" in {error["pointer"] for error in found["problems"]}


def test_a_foreign_clinic_is_explained_as_an_unknown_one(gateway):
    foreign = explained(gateway, task("south"), by="north")
    absent = explained(gateway, task("nowhere"), by="north")
    assert foreign == absent
    assert foreign["problems"][0]["code"] == "unknown-clinic"


@pytest.mark.parametrize("secret", ["ci_tests", "cs_tests", "at_north", key_of("everything")])
def test_a_secret_is_masked_wherever_it_stands(gateway, secret):
    text = gateway.post("/v1/tasks/explain", task()).text
    assert secret not in text


def test_strict_handling_is_explained_too(gateway):
    found = explained(gateway, task(tags=["a"]), headers={"Prefer": "handling=strict"})
    assert (found["would"], found["problems"][0]["code"]) == ("refuse", "field-not-carried")
