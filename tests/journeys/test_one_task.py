"""One and the same task for every clinic: each vendor gets it in its own words."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from journeys.world import COBALT, MAXCARE, PROGRAM, TASK_API, task
from ports import free_port

SHIPPED = Path(__file__).parents[2] / "config"


def test_the_demo_delivers_all_of_it_and_takes_its_database_along_when_it_is_ended(tmp_path):
    base = free_port(5) - 1
    arguments = ["demo", "--config", str(SHIPPED), "--port", str(base + 4), "--port-base", str(base)]
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([PROGRAM, *arguments], cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True) as demo:
        assert any("All 6 commands delivered." in line for line in demo.stdout)
        assert list(tmp_path.glob("task-gateway-demo-*")) != []
        demo.terminate()
    assert demo.returncode == 0
    assert list(tmp_path.glob("task-gateway-demo-*")) == []


@pytest.fixture
def received(gateway, vendors):
    """What each vendor received for each clinic, of the same task."""
    found = {}
    for clinic, vendor in (("lakeside", COBALT), ("riverbend", COBALT), ("hilltop", TASK_API), ("harbor", MAXCARE)):
        answer = gateway.post("/v1/tasks", task(clinic))
        assert answer.status_code in {201, 202}, answer.text
        assert gateway.settled(answer)["state"] == "delivered"
        found[clinic] = (answer, vendors.creates(vendor)[-1])
    return found


def test_all_clinics_take_it_and_each_vendor_gets_exactly_its_own_words(received):
    bodies = {clinic: json.loads(request["body"]) for clinic, (_, request) in received.items()}
    cobalt = {
        "patient_mrn": "MRN-12345",
        "subject": "Follow-up appointment needed",
    }
    assert bodies["lakeside"] == {
        **cobalt,
        "description": "Due: 2027-01-15 09:30 CST\nPriority: high\n\nSchedule a follow-up appointment.",
        "assignee_user_id": "emr-wilson",
    }
    assert bodies["riverbend"] == {
        **cobalt,
        "description": "Due: 2027-01-15 10:30 EST\nPriority: high\n\nSchedule a follow-up appointment.",
        "assignee_user_id": "a-1187",
    }
    hilltop = received["hilltop"][0].json()
    assert bodies["hilltop"] == {
        "title": "Follow-up appointment needed",
        "description": "Patient MRN: MRN-12345\n\nSchedule a follow-up appointment.",
        "assigned_user_ids": ["c41d"],
        "created_by_id": "b0b1",
        "deadline": "2027-01-15T09:30:00-06:00",
        "priority": "high",
        "tags": [f"gw:{hilltop['id']}"],
    }
    assert bodies["harbor"] == {
        "noteId": "nte_3cc73cb69c59403ca9108af6c5693b25",
        "providerId": "prv_d4e5f6a7b8c94d0e1f2a3b4c5d6e7f8a",
        "assigneeIds": ["prv_d4e5f6a7b8c94d0e1f2a3b4c5d6e7f8a"],
        "notes": (
            "Title: Follow-up appointment needed\nPatient MRN: MRN-12345\nDue: 2027-01-15 07:30 PST\nPriority: high\n\n"
            "Schedule a follow-up appointment."
        ),
    }


def test_each_vendor_gets_the_credentials_of_that_clinic_and_only_those(received):
    def headers(clinic):
        return {name.lower(): value for name, value in received[clinic][1]["headers"].items()}

    assert headers("lakeside")["access_token"] == "at_lakeside"
    assert headers("riverbend")["access_token"] == "at_riverbend"
    assert headers("lakeside")["client_id"] == headers("riverbend")["client_id"] == "ci_sandbox"
    assert headers("hilltop")["x-api-key"] == "sk_sandbox"
    assert headers("harbor")["authorization"] == "Bearer max_dev_ak_sandbox"
    assert headers("harbor")["x-organization-id"] == "org_harbor"
    for clinic in received:
        assert headers(clinic)["content-type"] == "application/json"
        assert not {"cookie", "idempotency-key", "user-agent"} & set(headers(clinic))


def test_each_says_what_became_of_each_field(received):
    fates = {
        clinic: {each["field"]: each["fate"] for each in answer.json()["mapping"]}
        for clinic, (answer, _) in received.items()
    }
    given = {"title", "description", "patient.mrn", "assignees", "due_at", "priority", "encounter_note_id"}
    for clinic, mapping in fates.items():
        assert given <= set(mapping), clinic
    assert fates["lakeside"]["due_at"] == "folded"
    assert fates["lakeside"]["encounter_note_id"] == "not_carried"
    assert fates["harbor"]["encounter_note_id"] == "sent"
    assert fates["hilltop"]["created_by"] == "defaulted"


@pytest.mark.parametrize(
    ("clinic", "pointers"),
    [
        ("lakeside", {"/patient/mrn", "/assignees/1"}),
        ("riverbend", {"/patient/mrn", "/title", "/assignees/1"}),
        ("hilltop", {"/title", "/due_at", "/assignees/1"}),
        ("harbor", {"/encounter_note_id", "/assignees/1"}),
    ],
)
def test_where_something_is_missing_one_answer_names_all_of_it_and_nothing_is_sent(gateway, vendors, clinic, pointers):
    body = {"clinic_id": clinic, "description": "x", "assignees": ["dr-wilson", "nobody"], "priority": "soon"}
    answer = gateway.post("/v1/tasks", body)
    errors = answer.json()["errors"]
    assert answer.status_code == 422
    assert {error["pointer"] for error in errors} == pointers | {"/priority"}
    assert all(error["source"] for error in errors)
    assert all(vendors.creates(vendor) == [] for vendor in (COBALT, TASK_API, MAXCARE))
