"""What a key may use, whether it works, and what problems mean."""

import re

import pytest
from web.world import ROLES, task

from schemas.problem import CODES


def test_a_key_is_told_what_it_may_do(gateway):
    found = gateway.get("/v1/me", by="keyed").json()
    assert found == {
        "app": "keyed", "key_id": "keyed", "roles": ["read", "submit"], "clinics": ["*"], "require_key": True,
    }  # fmt: skip
    assert gateway.get("/v1/me", by="north").json()["roles"] == sorted(ROLES)


def test_the_clinics_are_those_in_reach_with_what_they_can_be_asked(gateway):
    assert [clinic["id"] for clinic in gateway.get("/v1/clinics").json()["items"]] == ["east", "north", "south"]
    (north,) = gateway.get("/v1/clinics", by="north").json()["items"]
    assert north["timezone"] == "America/Chicago"
    assert {each["name"]: each["operations"] for each in north["connections"]} == {
        "emr": ["create_task", "add_note", "create_claim"],
        "desk": ["create_task"],
    }


def test_capabilities_say_of_each_rule_whose_it_is(gateway):
    found = gateway.get("/v1/clinics/south/capabilities").json()
    (emr,) = found["connections"]
    title = emr["operations"]["create_task"]["fields"]["title"]
    assert (title["need"], title["place"], title["source"]) == ("required", "subject", "operator")
    assert title["where"] == "emr_capabilities.yaml: cobalt.athenahealth"
    claims = emr["operations"]["create_claim"]
    assert (claims["supported"], claims["source"]) == (False, "documented")


def test_capabilities_say_what_the_connection_fills_in(gateway):
    connections = gateway.get("/v1/clinics/north/capabilities").json()["connections"]
    desk = next(each for each in connections if each["name"] == "desk")
    assert desk["operations"]["create_task"]["defaults"] == ["assignees", "created_by", "due_at", "title"]


class TestConnections:
    def state(self, gateway, name="emr"):
        items = gateway.get("/v1/connections").json()["items"]
        return next(each for each in items if (each["clinic_id"], each["name"]) == ("north", name))

    def test_a_paused_one_holds_what_comes_and_a_resumed_one_lets_it_go(self, gateway):
        answer = gateway.post("/v1/connections/north/emr/pause", {"reason": "moving"})
        assert (answer.status_code, answer.json()["paused"]) == (200, True)
        assert "moving" in self.state(gateway)["why"]
        assert self.state(gateway)["since"] is not None
        assert self.state(gateway, "desk")["paused"] is False
        held = gateway.submitted(task())
        assert (held["state"], held["waiting_for"]) == ("held", "connection")
        answer = gateway.post("/v1/connections/north/emr/resume")
        assert (answer.status_code, answer.json()["paused"]) == (200, False)
        gateway.until(f"/v1/tasks/{held['id']}", lambda now: now["state"] == "submitted")
        assert len(gateway.vendors.requests) == 1

    def test_pausing_needs_a_reason_and_resuming_none(self, gateway):
        assert gateway.post("/v1/connections/north/emr/pause", {}).status_code == 422
        assert gateway.post("/v1/connections/north/emr/pause").status_code in {400, 415}
        assert gateway.post("/v1/connections/north/emr/resume").status_code == 200

    def test_an_absent_and_a_foreign_one_look_the_same(self, gateway):
        for path in ("/v1/connections/south/emr/resume", "/v1/connections/nowhere/emr/resume"):
            assert gateway.post(path, by="north").status_code == 404
        assert gateway.post("/v1/connections/north/nope/resume", by="north").status_code == 404

    def test_those_of_other_clinics_are_not_listed(self, gateway):
        items = gateway.get("/v1/connections", by="north").json()["items"]
        assert {each["clinic_id"] for each in items} == {"north"}


def test_health_is_open(gateway):
    assert gateway.get("/health/live", by=None).json() == {"status": "live"}
    assert gateway.get("/health/ready", by=None).json() == {"status": "ready"}


def test_a_stopping_gateway_is_alive_and_not_ready(gateway):
    gateway.app.state.services.stopping.set()
    assert gateway.get("/health/live", by=None).status_code == 200
    answer = gateway.get("/health/ready", by=None)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_code_has_a_page_with_its_cause_and_its_fix(gateway, code):
    answer = gateway.get(f"/problems/{code}", by=None)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert CODES[code].title in answer.text.replace("&#39;", "'")


def test_an_unknown_code_has_no_page(gateway):
    answer = gateway.get("/problems/CANARY", by=None)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_a_problems_type_leads_to_its_page(gateway):
    problem = gateway.post("/v1/tasks", {}).json()
    assert gateway.get(problem["type"], by=None).status_code == 200


@pytest.mark.parametrize("path", ["/schema", "/problems/duplicate"])
def test_pages_need_nothing_from_elsewhere(gateway, path):
    page = gateway.get(path, by=None)
    assert page.status_code == 200
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", page.text)
    assert "<script" not in page.text


def test_an_answer_and_its_problem_carry_the_requests_id(gateway):
    answer = gateway.get("/v1/tasks/none")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert answer.json()["instance"] == f"urn:task-gateway:{answer.headers['x-request-id']}"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/v1/tasks/a/b/c/d", 404, "not-found"),
        ("PUT", "/v1/tasks", 405, "method-not-allowed"),
        ("DELETE", "/v1/tasks/x", 405, "method-not-allowed"),
    ],
)
def test_what_no_route_takes_is_a_problem_too(gateway, method, path, status, code):
    answer = gateway.call(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["errors"], problem["retryable"]) == (code, [], False)
    assert problem["request_id"] == answer.headers["x-request-id"]
