"""What people ask of a delivery: cancel, retry, resolve."""

from datetime import timedelta

import pytest
from web.world import accepts, answering, breaks_off, claim, created_event, task

WHY = {"reason": "checked in the EMR"}


@pytest.fixture
def paused(gateway):
    """A gateway with a held task."""
    assert gateway.post("/v1/connections/north/emr/pause", WHY).status_code == 200
    made = gateway.submitted(task())
    assert (made["state"], made["waiting_for"]) == ("held", "connection")
    return made


def unknown(gateway, body=None):
    """A task whose outcome nobody knows."""
    gateway.vendors.handler = breaks_off
    made = gateway.submitted(body or task())
    gateway.vendors.handler = accepts
    assert made["state"] == "unknown"
    return made


def rejected(gateway):
    """A task that the vendor refused."""
    gateway.vendors.handler = answering(400, json={"success": False, "message": "Missing required field: subject"})
    made = gateway.post("/v1/tasks", task()).json()["delivery"]
    gateway.vendors.handler = accepts
    return made


class TestCancel:
    def test_what_waits_is_cancelled_for_good(self, gateway, paused):
        answer = gateway.post(f"/v1/tasks/{paused['id']}/cancel")
        assert answer.status_code == 200
        assert (answer.json()["state"], answer.json()["safe_to_resend"]) == ("cancelled", True)
        gateway.post("/v1/connections/north/emr/resume")
        assert gateway.get(f"/v1/tasks/{paused['id']}").json()["state"] == "cancelled"
        assert gateway.vendors.requests == []

    def test_cancelling_twice_is_as_good_as_once(self, gateway, paused):
        first = gateway.post(f"/v1/tasks/{paused['id']}/cancel").json()
        again = gateway.post(f"/v1/tasks/{paused['id']}/cancel")
        assert (again.status_code, again.json()["version"]) == (200, first["version"])

    def test_an_app_that_submits_may_cancel(self, gateway, paused):
        assert gateway.post(f"/v1/tasks/{paused['id']}/cancel", by="submitter").status_code == 200

    def test_what_changed_since_it_was_seen_is_not_cancelled(self, gateway, paused):
        path = f"/v1/tasks/{paused['id']}"
        seen = gateway.get(path).headers["ETag"]
        gateway.post(f"{path}/retry", WHY)

        stale = gateway.post(f"{path}/cancel", headers={"If-Match": seen})

        assert (stale.status_code, stale.json()["code"]) == (412, "version-changed")
        fresh = gateway.get(path).headers["ETag"]
        assert gateway.post(f"{path}/cancel", headers={"If-Match": fresh}).json()["state"] == "cancelled"

    @pytest.mark.parametrize("form", ["3", 'W/"3"', '"3", "4"', '"three"'])
    def test_an_if_match_of_another_form_is_refused(self, gateway, paused, form):
        answer = gateway.post(f"/v1/tasks/{paused['id']}/cancel", headers={"If-Match": form})
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed-header")

    def test_what_reached_the_vendor_is_too_late(self, gateway):
        made = gateway.submitted(task())
        answer = gateway.post(f"/v1/tasks/{made['id']}/cancel")
        assert (answer.status_code, answer.json()["code"]) == (409, "too-late")
        assert answer.json()["delivery"] == {"id": made["id"], "state": "submitted"}

    def test_what_may_have_reached_the_vendor_is_too_late(self, gateway):
        made = unknown(gateway)
        assert gateway.post(f"/v1/tasks/{made['id']}/cancel").json()["code"] == "too-late"

    def test_a_replay_of_what_was_cancelled_is_a_422(self, gateway):
        gateway.post("/v1/connections/north/emr/pause", WHY)
        key = {"Idempotency-Key": "k-1"}
        made = gateway.submitted(task(), headers=key)
        gateway.post(f"/v1/tasks/{made['id']}/cancel")
        answer = gateway.post("/v1/tasks", task(), headers=key)
        assert (answer.status_code, answer.json()["code"]) == (422, "cancelled")
        assert answer.json()["delivery"]["id"] == made["id"]


class TestRetry:
    def test_on_what_was_rejected_it_makes_a_new_delivery(self, gateway):
        old = rejected(gateway)
        answer = gateway.post(f"/v1/tasks/{old['id']}/retry", WHY)
        new = answer.json()
        assert answer.status_code == 201
        assert answer.headers["location"] == f"/v1/tasks/{new['id']}"
        assert (new["retry_of"], new["command"]) == (old["id"], old["command"])
        before = gateway.get(f"/v1/tasks/{old['id']}").json()
        assert (before["state"], before["retried_as"]) == ("rejected", new["id"])
        gateway.until(f"/v1/tasks/{new['id']}", lambda now: now["state"] == "submitted")

    def test_a_second_time_it_is_refused(self, gateway):
        old = rejected(gateway)
        gateway.post(f"/v1/tasks/{old['id']}/retry", WHY)
        answer = gateway.post(f"/v1/tasks/{old['id']}/retry", WHY)
        assert (answer.status_code, answer.json()["code"]) == (409, "already-retried")

    def test_on_what_waits_it_looks_now_and_makes_nothing_new(self, gateway, paused):
        answer = gateway.post(f"/v1/tasks/{paused['id']}/retry", WHY)
        assert (answer.status_code, answer.json()["id"], answer.json()["state"]) == (200, paused["id"], "held")
        assert gateway.rows()["deliveries"] == 1

    def test_on_what_is_unknown_it_is_refused(self, gateway):
        made = unknown(gateway)
        answer = gateway.post(f"/v1/tasks/{made['id']}/retry", WHY)
        assert (answer.status_code, answer.json()["code"]) == (409, "outcome-unknown")

    def test_on_what_was_delivered_it_is_refused(self, gateway):
        made = gateway.submitted(task(type="vob"))
        answer = gateway.post(f"/v1/tasks/{made['id']}/retry", WHY)
        assert (answer.status_code, answer.json()["code"]) == (409, "not-resendable")

    @pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": None}, {"reason": " "}])
    def test_without_a_reason_it_is_refused(self, gateway, paused, body):
        answer = gateway.post(f"/v1/tasks/{paused['id']}/retry", body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/reason")

    def test_the_timeline_says_who_asked_and_why(self, gateway, paused):
        gateway.post(f"/v1/tasks/{paused['id']}/retry", WHY)
        items = gateway.get(f"/v1/tasks/{paused['id']}/timeline").json()["items"]
        asked = [item["facts"] for item in items if item["what"] == "asked"]
        assert asked == [{"what": "retry", "app": "everything", "reason": WHY["reason"]}]


class TestResolve:
    def test_an_unknown_one_that_was_created_is_delivered_with_its_ids(self, gateway):
        made = unknown(gateway)
        finding = {"outcome": "created", "id": "v-9", "emr_id": "emr-9", **WHY}
        answer = gateway.post(f"/v1/tasks/{made['id']}/resolve", finding)
        assert answer.status_code == 200
        assert (answer.json()["state"], answer.json()["vendor"]["emr_id"]) == ("delivered", "emr-9")

    def test_an_unknown_one_that_was_not_created_has_failed_and_may_be_retried(self, gateway):
        made = unknown(gateway)
        answer = gateway.post(f"/v1/tasks/{made['id']}/resolve", {"outcome": "not_created", **WHY})
        found = answer.json()
        assert answer.status_code == 200
        assert (found["state"], found["problem"]["code"], found["safe_to_resend"]) == ("failed", "not-created", True)
        assert gateway.post(f"/v1/tasks/{made['id']}/retry", WHY).status_code == 201

    def test_with_resend_it_makes_a_new_delivery(self, gateway):
        made = unknown(gateway)
        answer = gateway.post(f"/v1/tasks/{made['id']}/resolve", {"outcome": "not_created", "resend": True, **WHY})
        assert answer.status_code == 201
        assert answer.json()["retry_of"] == made["id"]
        assert gateway.get(f"/v1/tasks/{made['id']}").json()["state"] == "failed"

    def test_an_overdue_submission_can_be_settled_and_one_in_time_cannot(self, gateway):
        made = gateway.submitted(task())
        answer = gateway.post(f"/v1/tasks/{made['id']}/resolve", {"outcome": "created", **WHY})
        assert (answer.status_code, answer.json()["code"]) == (409, "not-resolvable")
        gateway.skew.append(timedelta(seconds=901))
        gateway.post("/v1/connections/east/max/resume")  # which wakes the engine
        gateway.until(f"/v1/tasks/{made['id']}", lambda now: now["overdue"])
        answer = gateway.post(f"/v1/tasks/{made['id']}/resolve", {"outcome": "created", **WHY})
        assert (answer.status_code, answer.json()["state"], answer.json()["overdue"]) == (200, "delivered", False)

    def test_a_conflict_can_be_settled(self, gateway):
        made = gateway.submitted(task())
        failed = {**created_event(made), "type": "task.failed", "id": "evt_f"}
        gateway.push(failed)
        gateway.until(f"/v1/tasks/{made['id']}", lambda now: now["state"] == "failed")
        gateway.push(created_event(made))
        found = gateway.until(f"/v1/tasks/{made['id']}", lambda now: now["conflict"])
        assert (found["state"], found["safe_to_resend"]) == ("failed", False)
        assert gateway.post(f"/v1/tasks/{made['id']}/retry", WHY).json()["code"] == "outcome-unknown"
        answer = gateway.post(f"/v1/tasks/{made['id']}/resolve", {"outcome": "created", **WHY})
        assert (answer.json()["state"], answer.json()["conflict"]) == ("delivered", False)

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"outcome": "created"}, "/reason"),
            ({"reason": "x"}, "/outcome"),
            ({"outcome": "CANARY", "reason": "x"}, "/outcome"),
            ({"outcome": "created", "reason": "x", "resend": "CANARY"}, "/resend"),
            ({"outcome": "created", "reason": "x", "CANARY!": 1}, ""),
            ({"outcome": "created", "reason": 7}, "/reason"),
        ],
    )
    def test_a_finding_that_cannot_be_read_is_refused_without_its_values(self, gateway, body, pointer):
        made = unknown(gateway)
        answer = gateway.post(f"/v1/tasks/{made['id']}/resolve", body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer
        assert "CANARY" not in answer.text
        assert gateway.get(f"/v1/tasks/{made['id']}").json()["state"] == "unknown"


@pytest.mark.parametrize("kind", ["note", "claim"])
def test_notes_and_claims_are_asked_the_same(gateway, kind):
    gateway.post("/v1/connections/north/emr/pause", WHY)
    body = claim() if kind == "claim" else {"clinic_id": "north", "emr_task_id": "e", "text": "x"}
    made = gateway.submitted(body, f"/v1/{kind}s")
    place = f"/v1/{kind}s/{made['id']}"
    assert gateway.post(f"{place}/resolve", {"outcome": "created", **WHY}).json()["code"] == "not-resolvable"
    assert gateway.post(f"{place}/retry", WHY).status_code == 200
    assert gateway.post(f"{place}/cancel").json()["state"] == "cancelled"
    assert gateway.get(f"{place}/timeline").status_code == 200
    assert gateway.get(place).json()["state"] == "cancelled"
