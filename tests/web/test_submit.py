"""Submitting: statuses, headers, preferences and idempotency."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from web.world import answering, breaks_off, claim, created_event, never, task
from web.world import gateway as made

REFUSED = answering(400, json={"success": False, "message": "Missing required field: subject"})


def test_a_delivered_task_is_answered_with_201_and_its_place(gateway):
    answer = gateway.post("/v1/tasks", task(type="vob", reference="call-1", metadata={"run": "7"}))
    delivery = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/tasks/{delivery['id']}"
    assert "retry-after" not in answer.headers
    assert (delivery["state"], delivery["final"], delivery["safe_to_resend"]) == ("delivered", True, False)
    assert delivery["vendor"]["id"]
    assert delivery["reference"] == "call-1"
    assert delivery["route"] == {
        "connection": "desk", "adapter": "task_api", "emr": None, "rule": "routes[0]",
        "config_version": delivery["route"]["config_version"],
    }  # fmt: skip


def test_a_task_that_the_vendor_took_is_answered_with_202_and_retry_after(gateway):
    answer = gateway.post("/v1/tasks", task())
    delivery = answer.json()
    assert answer.status_code == 202
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["location"] == f"/v1/tasks/{delivery['id']}"
    assert (delivery["state"], delivery["final"], delivery["attempts"]) == ("submitted", False, 1)
    assert delivery["command"] == task()


def test_a_task_that_the_vendor_refused_is_answered_with_422_carrying_the_delivery(gateway):
    gateway.vendors.handler = REFUSED
    answer = gateway.post("/v1/tasks", task())
    problem = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["location"] == f"/v1/tasks/{problem['delivery']['id']}"
    assert problem["code"] == "vendor-rejected"
    assert problem["errors"][0]["field"] == "title"
    assert problem["delivery"]["state"] == "rejected"
    assert problem["delivery"]["safe_to_resend"] is True


def test_a_lost_answer_is_unknown_and_answered_with_202(gateway):
    gateway.vendors.handler = breaks_off
    answer = gateway.post("/v1/tasks", task())
    assert answer.status_code == 202
    assert (answer.json()["state"], answer.json()["safe_to_resend"]) == ("unknown", False)


def test_what_never_left_is_queued_and_answered_with_202(gateway):
    gateway.vendors.connects = False
    answer = gateway.post("/v1/tasks", task())
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert gateway.vendors.requests == []


def test_refused_credentials_hold_the_task(gateway):
    gateway.vendors.handler = answering(401, json={"success": False, "message": "no"})
    answer = gateway.post("/v1/tasks", task())
    assert answer.status_code == 202
    assert (answer.json()["state"], answer.json()["waiting_for"]) == ("held", "connection")
    assert answer.json()["problem"]["code"] == "connection-blocked"


@pytest.mark.parametrize(
    ("path", "body", "prefix"),
    [
        ("/v1/tasks", task(), "tsk_"),
        ("/v1/claims", claim(), "clm_"),
        ("/v1/notes", {"clinic_id": "north", "emr_task_id": "emr-7", "text": "Called"}, "note_"),
    ],
)
def test_each_kind_has_its_prefix_and_its_place(gateway, path, body, prefix):
    answer = gateway.post(path, body)
    assert answer.status_code == 202
    assert answer.json()["id"].startswith(prefix)
    assert answer.headers["location"] == f"{path}/{answer.json()['id']}"


def test_a_note_under_its_task_is_held_until_the_emr_id_is_known_and_then_sent_with_it(gateway):
    parent = gateway.submitted(task())
    answer = gateway.post(f"/v1/tasks/{parent['id']}/notes", {"text": "Called back"})
    note = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/notes/{note['id']}"
    assert (note["kind"], note["state"], note["waiting_for"]) == ("note", "held", "parent")
    gateway.push(created_event(parent, emr_id="emr-77"))
    gateway.until(f"/v1/notes/{note['id']}", lambda now: now["state"] == "submitted")
    assert gateway.vendors.bodies()[-1] == {"emr_task_id": "emr-77", "note": "Called back"}


def test_a_note_under_one_task_that_names_another_is_refused(gateway):
    one, other = gateway.submitted(task()), gateway.submitted(task(title="other"))
    path = f"/v1/tasks/{one['id']}/notes"
    answer = gateway.post(path, {"text": "x", "task_id": other["id"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-value")
    assert answer.json()["errors"][0]["pointer"] == "/task_id"
    assert gateway.post(path, {"text": "x", "task_id": [one["id"]]}).json()["code"] == "invalid-value"
    assert gateway.post(path, {"text": "x", "task_id": one["id"]}).status_code == 202
    assert gateway.post(path, {"text": "x", "task_id": None}).status_code == 202


def test_a_note_on_a_task_that_was_not_created_is_a_409(gateway):
    gateway.vendors.handler = REFUSED
    parent = gateway.post("/v1/tasks", task()).json()["delivery"]
    answer = gateway.post("/v1/notes", {"task_id": parent["id"], "text": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "parent-not-created")
    assert answer.json()["delivery"]["id"] == parent["id"]


def test_a_second_claim_for_an_appointment_is_a_409_that_names_the_first(gateway):
    first = gateway.submitted(claim(), "/v1/claims")
    answer = gateway.post("/v1/claims", claim())
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate")
    assert answer.json()["delivery"]["id"] == first["id"]
    assert len(gateway.vendors.requests) == 1


def test_everything_that_is_wrong_is_said_at_once_with_pointer_field_and_source(gateway):
    body = {
        "clinic_id": "south",
        "descripton": "x",
        "priority": "soon",
        "assignees": ["dr-wilsn"],
        "due_at": "2026-01-01T10:00:00",
    }
    answer = gateway.post("/v1/tasks", body)
    assert answer.status_code == 422
    told = {(error["code"], error["pointer"]) for error in answer.json()["errors"]}
    assert told == {
        ("unknown-field", "/descripton"),
        ("invalid-value", "/priority"),
        ("invalid-value", "/due_at"),
        ("missing-required-fields", "/description"),
        ("missing-required-fields", "/patient/mrn"),
        ("missing-required-fields", "/title"),
        ("unknown-person", "/assignees/0"),
    }
    assert all(error["source"] and error["field"] and error["detail"] for error in answer.json()["errors"])
    assert any("America/New_York" in error["detail"] for error in answer.json()["errors"])
    assert gateway.rows()["deliveries"] == 0


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        (task("nowhere"), "unknown-clinic", "/clinic_id"),
        (task(connection="nope"), "unknown-connection", "/connection"),
        (task(vendor_fields={"cobalt": {"x": 1}}), "field-not-supported", "/vendor_fields/cobalt/x"),
        (task(status="completed"), "value-not-supported", "/status"),
    ],
)
def test_a_refusal_before_storing_has_its_code_and_pointer(gateway, body, code, pointer):
    answer = gateway.post("/v1/tasks", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert gateway.vendors.requests == []


def test_a_claim_on_an_emr_without_claims_names_the_rule(gateway):
    answer = gateway.post("/v1/claims", claim(clinic_id="south"))
    assert (answer.status_code, answer.json()["code"]) == (422, "operation-unsupported")
    assert answer.json()["errors"][0]["source"] == "emr_capabilities.yaml: cobalt.* (documented)"


def test_a_note_where_no_connection_has_notes_has_no_route(gateway):
    answer = gateway.post("/v1/notes", {"clinic_id": "east", "emr_task_id": "1", "text": "x"})
    assert (answer.status_code, answer.json()["code"]) == (422, "no-route")


class TestPreferences:
    def test_respond_async_answers_before_the_vendor_does(self, gateway):
        gateway.vendors.handler = never
        answer = gateway.post("/v1/tasks", task(), headers={"Prefer": "respond-async"})
        assert answer.status_code == 202
        assert answer.headers["preference-applied"] == "respond-async"
        assert answer.json()["state"] in {"queued", "sending"}

    def test_wait_waits_for_the_webhook(self, gateway):
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(gateway.post, "/v1/tasks", task(), headers={"Prefer": "wait=20"})
            found = gateway.until("/v1/tasks?state=submitted", lambda now: now["items"])
            gateway.push(created_event(found["items"][0]))
            answer = waiting.result()
        assert (answer.status_code, answer.json()["state"]) == (201, "delivered")
        assert answer.headers["preference-applied"] == "wait=20"

    def test_a_wait_that_ends_in_a_failure_is_a_422(self, gateway):
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(gateway.post, "/v1/tasks", task(), headers={"Prefer": "wait=20"})
            found = gateway.until("/v1/tasks?state=submitted", lambda now: now["items"])
            event = created_event(found["items"][0], failure_reason="The EMR is closed")
            gateway.push({**event, "type": "task.failed"})
            answer = waiting.result()
        assert (answer.status_code, answer.json()["code"]) == (422, "vendor-failed")
        assert answer.json()["detail"] == "The EMR is closed"
        assert answer.json()["delivery"]["state"] == "failed"

    def test_a_wait_that_ends_before_the_result_says_how_long_it_waited(self, gateway):
        answer = gateway.post("/v1/tasks", task(), headers={"Prefer": "wait=0"})
        assert answer.status_code == 202
        assert answer.headers["preference-applied"] == "wait=0"

    def test_a_longer_wait_than_allowed_is_cut_to_25(self, gateway):
        answer = gateway.post("/v1/tasks", task(type="vob"), headers={"Prefer": "wait=9999"})
        assert answer.headers["preference-applied"] == "wait=25"

    def test_a_wait_that_is_no_number_is_refused_without_its_text(self, gateway):
        answer = gateway.post("/v1/tasks", task(), headers={"Prefer": "wait=CANARY"})
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed-header")
        assert "CANARY" not in answer.text.upper()
        assert gateway.rows()["deliveries"] == 0

    def test_strict_handling_refuses_what_would_be_lost(self, gateway):
        answer = gateway.post("/v1/tasks", task(tags=["a"]), headers={"Prefer": "handling=strict"})
        assert (answer.status_code, answer.json()["code"]) == (422, "field-not-carried")
        assert answer.json()["errors"][0]["pointer"] == "/tags"
        assert gateway.post("/v1/tasks", task(tags=["a"])).status_code == 202

    def test_strict_handling_that_finds_nothing_lost_is_applied(self, gateway):
        answer = gateway.post("/v1/tasks", task(), headers={"Prefer": "handling=strict"})
        assert answer.headers["preference-applied"] == "handling=strict"

    def test_several_preferences_may_come_together(self, gateway):
        answer = gateway.post("/v1/tasks", task(), headers={"Prefer": "respond-async, handling=strict"})
        assert answer.headers["preference-applied"] == "respond-async, handling=strict"

    def test_unknown_preferences_are_ignored(self, gateway):
        answer = gateway.post("/v1/tasks", task(), headers={"Prefer": "return=minimal"})
        assert answer.status_code == 202
        assert "preference-applied" not in answer.headers


def test_a_vendor_slower_than_answer_within_is_answered_for_with_202(tmp_path):
    with made(tmp_path, more="answer_within: 0.05\n") as slow:
        slow.vendors.handler = never
        answer = slow.post("/v1/tasks", task())
        assert (answer.status_code, answer.json()["state"]) == (202, "sending")


def key(text):
    return {"Idempotency-Key": text}


class TestIdempotency:
    def test_the_same_key_and_body_give_the_delivery_as_it_is_now(self, gateway):
        first = gateway.post("/v1/tasks", task(), headers=key("k-1"))
        gateway.push(created_event(first.json()))
        gateway.until(f"/v1/tasks/{first.json()['id']}", lambda now: now["final"])
        again = gateway.post("/v1/tasks", task(), headers=key("k-1"))
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        assert (first.status_code, again.status_code) == (202, 201)
        assert again.json()["id"] == first.json()["id"]
        assert again.headers["location"] == first.headers["location"]
        assert len(gateway.vendors.requests) == 1

    def test_a_replay_of_a_refusal_by_the_vendor_is_the_same_422(self, gateway):
        gateway.vendors.handler = REFUSED
        first = gateway.post("/v1/tasks", task(), headers=key("k-1"))
        again = gateway.post("/v1/tasks", task(), headers=key("k-1"))
        assert (first.status_code, again.status_code) == (422, 422)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json()["delivery"]["id"] == first.json()["delivery"]["id"]

    def test_order_of_fields_and_white_space_make_no_other_body(self, gateway):
        one = gateway.post("/v1/tasks", task(), headers=key("k-1")).json()
        other = json.dumps(dict(reversed(task().items())), indent=3)
        headers = {**key("k-1"), "content-type": "application/json; charset=utf-8"}
        assert gateway.post("/v1/tasks", content=other, headers=headers).json()["id"] == one["id"]

    def test_a_quoted_and_a_bare_key_are_the_same(self, gateway):
        one = gateway.post("/v1/tasks", task(), headers=key("k-1")).json()
        assert gateway.post("/v1/tasks", task(), headers=key('"k-1"')).json()["id"] == one["id"]

    def test_a_slash_at_the_end_makes_no_other_path(self, gateway):
        one = gateway.post("/v1/tasks", task(), headers=key("k-1")).json()
        assert gateway.post("/v1/tasks/", task(), headers=key("k-1")).json()["id"] == one["id"]

    def test_another_body_with_the_same_key_is_a_422(self, gateway):
        gateway.submitted(task(), headers=key("k-1"))
        answer = gateway.post("/v1/tasks", task(title="Other"), headers=key("k-1"))
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")

    def test_one_key_over_two_operations_is_a_422(self, gateway):
        gateway.submitted(task(), headers=key("k-1"))
        answer = gateway.post("/v1/claims", claim(), headers=key("k-1"))
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")

    def test_one_key_over_notes_of_two_tasks_is_a_422(self, gateway):
        one, two = gateway.submitted(task()), gateway.submitted(task(title="two"))
        gateway.submitted({"text": "x"}, f"/v1/tasks/{one['id']}/notes", headers=key("k-1"))
        answer = gateway.post(f"/v1/tasks/{two['id']}/notes", {"text": "x"}, headers=key("k-1"))
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")

    def test_two_apps_may_use_the_same_key(self, gateway):
        one = gateway.submitted(task(), headers=key("k-1"))
        other = gateway.submitted(task(), headers=key("k-1"), by="submitter")
        assert other["id"] != one["id"]

    def test_without_a_key_each_post_is_a_delivery(self, gateway):
        assert gateway.submitted(task())["id"] != gateway.submitted(task())["id"]

    @pytest.mark.parametrize("bad", ["k" * 256, '""', "k\tx", "k\xe9"])
    def test_a_key_that_cannot_be_read_is_a_400(self, gateway, bad):
        answer = gateway.post("/v1/tasks", task(), headers={"Idempotency-Key": bad.encode("latin-1")})
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed-header")
        assert gateway.rows()["deliveries"] == 0

    @pytest.mark.parametrize("good", ["k" * 255, f'"{"k" * 255}"', "with spaces inside", "a"])
    def test_a_key_of_1_to_255_characters_is_taken(self, gateway, good):
        one = gateway.submitted(task(), headers=key(good))
        assert gateway.submitted(task(), headers=key(good))["id"] == one["id"]

    @pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": ""}])
    def test_an_app_that_must_send_a_key_gets_a_400_without_one(self, gateway, headers):
        answer = gateway.post("/v1/tasks", task(), by="keyed", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-required")
        assert gateway.post("/v1/tasks/explain", task(), by="keyed").status_code == 200
        assert gateway.post("/v1/tasks", task(), by="keyed", headers=key("k-1")).status_code == 202

    def test_a_refusal_before_storing_leaves_the_key_unused(self, gateway):
        assert gateway.post("/v1/tasks", task(priority="soon"), headers=key("k-1")).status_code == 422
        gateway.submitted(claim(), "/v1/claims")
        assert gateway.post("/v1/claims", claim(), headers=key("k-1")).status_code == 409
        answer = gateway.post("/v1/tasks", task(), headers=key("k-1"))
        assert answer.status_code == 202
        assert "idempotent-replayed" not in answer.headers

    def test_a_hundred_posts_at_once_make_one_delivery(self, tmp_path):
        async def slowly(_request):
            await asyncio.sleep(0.2)
            return httpx.Response(201, json={"id": "s-1", "status": "pending"})

        with made(tmp_path, more="answer_within: 30\n") as gateway, ThreadPoolExecutor(100) as pool:
            gateway.vendors.handler = slowly
            posts = [pool.submit(gateway.post, "/v1/tasks", task(type="vob"), headers=key("k-1")) for _ in range(100)]
            answers = [post.result() for post in posts]
            assert {answer.status_code for answer in answers} == {201}
            assert len({answer.json()["id"] for answer in answers}) == 1
            assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
            assert len(gateway.vendors.requests) == 1
            assert gateway.rows()["deliveries"] == 1
