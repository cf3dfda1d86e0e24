"""Cobalt from end to end: tasks, notes and claims, each settled by the vendor's signed webhook."""

from uuid import uuid4

from journeys.world import COBALT, task, until


def test_a_task_is_delivered_by_the_signed_webhook_with_its_emr_id(gateway, vendors):
    answer = gateway.post("/v1/tasks", task())
    assert (answer.status_code, answer.json()["state"]) == (202, "submitted")
    found = gateway.settled(answer)
    (push,) = vendors.call(COBALT, "GET", "pushes")["items"]
    assert (found["state"], push["outcome"]) == ("delivered", 200)
    assert found["vendor"]["emr_id"] in push["body"]
    assert found["vendor"]["id"] == vendors.created(COBALT)[0]["id"]


def test_a_caller_who_waits_gets_the_final_answer(gateway):
    answer = gateway.post("/v1/tasks", task(), prefer="wait=20")
    assert (answer.status_code, answer.json()["state"]) == (201, "delivered")


def test_a_task_that_the_emr_refuses_has_failed_for_the_vendors_reason(gateway):
    answer = gateway.post("/v1/tasks", task(description="x [sandbox:fail]"), prefer="wait=20")
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["detail"]) == (422, "vendor-failed", "Failed to create task")
    assert problem["delivery"]["state"] == "failed"
    assert problem["delivery"]["safe_to_resend"] is True


def test_a_note_is_held_for_its_tasks_emr_id_and_then_delivered(gateway, vendors):
    vendors.fault(COBALT, on="create_task", kind="no_webhook", times=1)
    parent = gateway.post("/v1/tasks", task())
    note = gateway.post(f"/v1/tasks/{parent.json()['id']}/notes", {"text": "Prefers mornings."})
    assert (note.status_code, note.json()["state"], note.json()["waiting_for"]) == (202, "held", "parent")
    assert [each["path"] for each in vendors.creates(COBALT)] == ["/v1/tasks"]

    (event,) = until(lambda: vendors.call(COBALT, "GET", "events")["items"])
    vendors.call(COBALT, "POST", f"events/{event['id']}/push")
    done = gateway.settled(note)
    assert done["state"] == "delivered"
    assert gateway.settled(parent)["vendor"]["emr_id"] in vendors.creates(COBALT)[-1]["body"]


def test_notes_of_one_task_go_out_in_order(gateway, vendors):
    parent = gateway.post("/v1/tasks", task())
    notes = [gateway.post("/v1/notes", {"task_id": parent.json()["id"], "text": f"note {n}"}) for n in range(4)]
    assert [gateway.settled(note)["state"] for note in notes] == ["delivered"] * 4
    sent = [each["body"] for each in vendors.creates(COBALT) if each["path"] == "/v1/tasks/notes"]
    assert [f"note {n}" in body for n, body in enumerate(sent)] == [True] * 4


def test_a_note_on_a_task_that_fails_fails_with_it(gateway, vendors):
    parent = gateway.post("/v1/tasks", task(description="x [sandbox:fail]"))
    note = gateway.post("/v1/notes", {"task_id": parent.json()["id"], "text": "x"})
    if note.status_code == 409:  # the task had failed already
        assert note.json()["code"] == "parent-not-created"
    else:
        found = gateway.settled(note)
        assert (found["state"], found["problem"]["code"]) == ("failed", "parent-failed")
    assert len(vendors.creates(COBALT)) == 1


def test_a_claim_is_delivered_and_a_second_one_is_a_duplicate(gateway, vendors):
    body = {"clinic_id": "lakeside", "appointment_id": uuid4().hex}
    first = gateway.post("/v1/claims", body)
    assert gateway.settled(first)["state"] == "delivered"
    second = gateway.post("/v1/claims", body)
    assert (second.status_code, second.json()["code"]) == (409, "duplicate")
    assert second.json()["delivery"]["id"] == first.json()["id"]
    assert len(vendors.creates(COBALT)) == 1


def test_a_claim_that_failed_may_be_made_again(gateway):
    body = {"clinic_id": "lakeside", "appointment_id": f"fail-{uuid4().hex}"}
    first = gateway.post("/v1/claims", body, prefer="wait=20")
    assert first.json()["code"] == "vendor-failed"
    assert gateway.post("/v1/claims", body).status_code == 202


def test_a_claim_on_athenahealth_is_not_supported_and_the_answer_says_whose_rule_that_is(gateway, vendors):
    answer = gateway.post("/v1/claims", {"clinic_id": "riverbend", "appointment_id": uuid4().hex})
    assert (answer.status_code, answer.json()["code"]) == (422, "operation-unsupported")
    assert answer.json()["errors"][0]["source"] == "emr_capabilities.yaml: cobalt.* (documented)"
    assert vendors.creates(COBALT) == []


def test_a_refusal_of_the_vendors_names_our_field(gateway, vendors):
    body = '{"success": false, "message": "Missing required field: phone_call_type_id"}'
    vendors.fault(COBALT, on="create_task", kind="status", status=400, body=body)
    answer = gateway.post("/v1/tasks", task())
    assert (answer.status_code, answer.json()["code"]) == (422, "vendor-rejected")
    assert answer.json()["errors"][0]["field"] == "phone_call_type_id"


def test_an_expired_link_holds_what_comes_until_it_is_resumed(gateway, vendors):
    vendors.call(COBALT, "PUT", "links/at_riverbend", json={"expired": True})
    answer = gateway.post("/v1/tasks", task("riverbend"))
    found = gateway.settled(answer, "held")
    assert found["waiting_for"] == "connection"
    vendors.call(COBALT, "PUT", "links/at_riverbend", json={"expired": False})
    gateway.http.post("/v1/connections/riverbend/emr/resume")
    assert gateway.settled(answer)["state"] == "delivered"
