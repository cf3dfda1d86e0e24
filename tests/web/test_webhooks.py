"""Webhooks in, and the list of those that fit nothing yet."""

import hmac
import json

import pytest
from web.world import SECRET, TOKEN, created_event, task


def listed(gateway, state, **kwargs):
    return gateway.get(f"/v1/webhooks?state={state}", **kwargs).json()["items"]


def event(**data):
    return {"id": "evt_1", "type": "task.created", "job_id": 990, "access_token_reference_id": "ref_north",
            "data": {"task_id": "nobody's", "emr_task_id": "emr-1", **data}}  # fmt: skip


def settle(gateway, state, count=1):
    return gateway.until(f"/v1/webhooks?state={state}", lambda now: len(now["items"]) == count)["items"]


def test_a_signed_event_delivers_its_task(gateway):
    made = gateway.submitted(task())
    answer = gateway.push(created_event(made, emr_id="emr-3"))
    assert answer.status_code == 200
    found = gateway.until(f"/v1/tasks/{made['id']}", lambda now: now["final"])
    assert (found["state"], found["vendor"]["emr_id"]) == ("delivered", "emr-3")


@pytest.mark.parametrize(
    "path",
    [f"/v1/webhooks/cobalt-main/{TOKEN}x", "/v1/webhooks/cobalt-main/x", f"/v1/webhooks/nobody/{TOKEN}",
     f"/v1/webhooks/solum/{TOKEN}", "/v1/webhooks/cobalt-main/%C3%A9"],
)  # fmt: skip
def test_every_miss_is_the_same_404_and_stores_nothing(gateway, path):
    answer = gateway.call("POST", path, by=None, content=b"{}")
    problem = answer.json()
    del problem["request_id"], problem["instance"]
    known = gateway.get("/v1/tasks/none").json()
    del known["request_id"], known["instance"]
    assert (answer.status_code, problem) == (404, known)
    assert gateway.rows()["webhooks"] == 0


def test_an_app_key_is_no_way_in(gateway):
    assert gateway.call("POST", "/v1/webhooks/cobalt-main/wrong", content=b"{}").status_code == 404


def test_a_wrong_signature_is_answered_alike_and_proves_nothing(gateway):
    made = gateway.submitted(task())
    assert gateway.push(created_event(made), secret="another").status_code == 200
    assert len(settle(gateway, "unverified")) == 1
    assert gateway.get(f"/v1/tasks/{made['id']}").json()["state"] == "submitted"
    assert gateway.push(created_event(made)).status_code == 200
    gateway.until(f"/v1/tasks/{made['id']}", lambda now: now["state"] == "delivered")


def test_an_event_that_fits_nothing_is_listed_as_unmatched(gateway):
    gateway.push(event())
    (found,) = settle(gateway, "unmatched")
    assert (found["account"], found["state"], found["event_id"]) == ("cobalt-main", "unmatched", "evt_1")
    assert found["why"]
    assert "body" not in found


def test_an_event_of_an_unknown_connection_says_so(gateway):
    gateway.push({**event(), "access_token_reference_id": "ref_nobody"})
    (found,) = settle(gateway, "unmatched")
    assert "ref_nobody" in found["why"]


def test_an_event_whose_ids_are_of_another_clinic_is_quarantined(gateway):
    made = gateway.submitted(task())
    gateway.push(created_event(made, reference="ref_south"))
    settle(gateway, "quarantined")
    assert gateway.get(f"/v1/tasks/{made['id']}").json()["state"] == "submitted"


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"null", b"\xff\xfe", b'{"data": 7}', b"[" * 2000])
def test_a_body_that_cannot_be_read_is_kept_and_answered_with_200(gateway, body):
    headers = {"cobalt-verification": hmac.new(SECRET.encode(), body, "sha256").hexdigest()}
    path = f"/v1/webhooks/cobalt-main/{TOKEN}"
    assert gateway.call("POST", path, by=None, content=body, headers=headers).status_code == 200
    settle(gateway, "unreadable")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "", "application/json; charset=latin-1"])
def test_any_content_type_is_taken(gateway, content_type):
    path = f"/v1/webhooks/cobalt-main/{TOKEN}"
    answer = gateway.call("POST", path, by=None, content=b"{}", headers={"content-type": content_type})
    assert answer.status_code == 200
    assert gateway.rows()["webhooks"] == 1


def test_the_same_body_twice_is_kept_once(gateway):
    made = gateway.submitted(task())
    for _ in range(3):
        assert gateway.push(created_event(made)).status_code == 200
    gateway.until(f"/v1/tasks/{made['id']}", lambda now: now["final"])
    assert gateway.rows()["webhooks"] == 1


def test_a_body_of_a_mebibyte_is_taken_and_a_larger_one_is_a_413(gateway):
    path = f"/v1/webhooks/cobalt-main/{TOKEN}"
    assert gateway.call("POST", path, by=None, content=b"x" * 1024 * 1024).status_code == 200
    answer = gateway.call("POST", path, by=None, content=b"x" * (1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


def test_a_lost_link_pauses_the_connection_it_names(gateway):
    gateway.push({"id": "evt_9", "type": "access_token.login_required", "access_token_reference_id": "ref_north",
                  "data": {"message": "Log in again"}})  # fmt: skip
    found = gateway.until("/v1/connections", lambda now: any(each["paused"] for each in now["items"]))
    paused = [(each["clinic_id"], each["name"], each["why"]) for each in found["items"] if each["paused"]]
    assert paused == [("north", "emr", "Log in again")]


def test_the_list_is_newest_first_and_walked_by_cursor(gateway):
    for number in range(3):
        gateway.push({**event(), "id": f"evt_{number}"})
    settle(gateway, "unmatched", 3)
    first = gateway.get("/v1/webhooks?limit=2").json()
    rest = gateway.get(f"/v1/webhooks?limit=2&cursor={first['next_cursor']}").json()
    assert [each["event_id"] for each in [*first["items"], *rest["items"]]] == ["evt_2", "evt_1", "evt_0"]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("query", ["state=new", "state=CANARY", "limit=0", "stat=unmatched"])
def test_a_list_of_something_else_is_refused(gateway, query):
    answer = gateway.get(f"/v1/webhooks?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-parameter")
    assert "CANARY" not in answer.text


def test_a_key_of_one_clinic_does_not_see_those_of_others_or_of_none(gateway):
    gateway.push({**event(), "access_token_reference_id": "ref_south"})
    settle(gateway, "unmatched")
    gateway.push({**event(), "id": "evt_2", "access_token_reference_id": "ref_nobody"})
    settle(gateway, "unmatched", 2)
    assert listed(gateway, "unmatched", by="north") == []


def test_a_webhooks_secret_and_token_are_in_no_answer(gateway):
    gateway.push(event())
    settle(gateway, "unmatched")
    told = json.dumps([listed(gateway, "unmatched"), gateway.get("/v1/connections").json()])
    assert TOKEN not in told
    assert SECRET not in told
