"""One delivery, its timeline, and the lists."""

import pytest
from web.world import answering, claim, created_event, task


def test_a_delivery_is_shown_as_it_is_now(gateway):
    made = gateway.submitted(task(reference="r-1", metadata={"a": "b"}))
    answer = gateway.get(f"/v1/tasks/{made['id']}")
    assert answer.status_code == 200
    assert answer.json() == made
    gateway.push(created_event(made, emr_id="emr-5"))
    found = gateway.until(f"/v1/tasks/{made['id']}", lambda now: now["final"])
    assert (found["state"], found["vendor"]["emr_id"], found["command"]) == ("delivered", "emr-5", made["command"])
    assert found["version"] > made["version"]


def test_a_delivery_is_found_under_its_own_kind_only(gateway):
    made = gateway.submitted(claim(), "/v1/claims")
    assert gateway.get(f"/v1/claims/{made['id']}").status_code == 200
    for plural in ("tasks", "notes"):
        assert gateway.get(f"/v1/{plural}/{made['id']}").status_code == 404


def test_the_timeline_tells_acceptance_attempts_events_sightings_and_wishes(gateway):
    made = gateway.submitted(task())
    gateway.push(created_event(made))
    gateway.until(f"/v1/tasks/{made['id']}", lambda now: now["final"])
    items = gateway.get(f"/v1/tasks/{made['id']}/timeline").json()["items"]
    assert items[0]["what"] == "accepted"
    assert items[0]["facts"]["rule"] == "routes[1]"
    attempt = next(item["facts"] for item in items if item["what"] == "attempt")
    assert (attempt["verdict"], attempt["status"]) == ("pending", 200)
    assert attempt["first_byte_at"] <= attempt["ended_at"]
    assert attempt["config_version"] == made["route"]["config_version"]
    assert {item["facts"]["type"] for item in items if item["what"] == "event"} >= {"task.submitted", "task.delivered"}
    assert [item["facts"]["says"] for item in items if item["what"] == "sighting"] == ["created"]
    assert [item["at"] for item in items] == sorted(item["at"] for item in items)


def test_the_timeline_of_a_second_try_has_both_attempts(gateway):
    gateway.vendors.handler = answering(
        429, json={"success": False, "message": "slow down"}, headers={"Retry-After": "0"}
    )
    made = gateway.submitted(task())
    assert made["state"] == "queued"
    gateway.until(
        f"/v1/tasks/{made['id']}/timeline",
        lambda now: sum(item["what"] == "attempt" for item in now["items"]) >= 2,
    )


class TestLists:
    @pytest.fixture
    def made(self, gateway):
        """Two tasks of different clinics, states and references; a note; a claim."""
        first = gateway.submitted(task(reference="r-1"), headers={"Idempotency-Key": "k-1"})
        gateway.push(created_event(first, emr_id="emr-1"))
        first = gateway.until(f"/v1/tasks/{first['id']}", lambda now: now["final"])
        second = gateway.submitted(task("south", title="t", assignees=["dr-wilson"], reference="r-2"))
        note = gateway.submitted({"clinic_id": "north", "emr_task_id": "emr-1", "text": "n"}, "/v1/notes")
        made_claim = gateway.submitted(claim(), "/v1/claims")
        return {"first": first, "second": second, "note": note, "claim": made_claim}

    def ids(self, gateway, path, **kwargs):
        answer = gateway.get(path, **kwargs)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    def test_a_list_is_newest_first_and_leaves_commands_out(self, gateway, made):
        answer = gateway.get("/v1/tasks").json()
        assert [item["id"] for item in answer["items"]] == [made["second"]["id"], made["first"]["id"]]
        assert all("command" not in item for item in answer["items"])
        assert answer["next_cursor"] is None
        assert {**answer["items"][1], "command": made["first"]["command"]} == made["first"]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("clinic_id=north", ["first"]),
            ("clinic_id=south", ["second"]),
            ("clinic_id=nowhere", []),
            ("state=delivered", ["first"]),
            ("state=submitted", ["second"]),
            ("state=held", []),
            ("reference=r-1", ["first"]),
            ("reference=r", []),
            ("idempotency_key=k-1", ["first"]),
            ("idempotency_key=k-2", []),
            ("emr_id=emr-1", ["first"]),
            ("clinic_id=north&state=submitted", []),
            ("clinic_id=north&state=delivered&reference=r-1", ["first"]),
            ("", ["second", "first"]),
        ],
    )
    def test_filters_are_by_equality_and_all_must_fit(self, gateway, made, query, expected):
        assert self.ids(gateway, f"/v1/tasks?{query}") == [made[name]["id"] for name in expected]

    def test_the_vendors_ids_are_filters(self, gateway, made):
        for name in ("first", "second"):
            vendor = made[name]["vendor"]
            assert self.ids(gateway, f"/v1/tasks?id={vendor['id']}") == [made[name]["id"]]
            assert self.ids(gateway, f"/v1/tasks?job_id={vendor['job_id']}") == [made[name]["id"]]

    def test_notes_are_found_by_their_tasks_emr_id(self, gateway, made):
        assert self.ids(gateway, "/v1/notes?emr_task_id=emr-1") == [made["note"]["id"]]
        assert self.ids(gateway, "/v1/notes?emr_task_id=emr-2") == []
        assert gateway.get("/v1/tasks?emr_task_id=emr-1").status_code == 400

    def test_the_list_over_all_kinds_has_all_of_them_and_can_be_narrowed(self, gateway, made):
        newest_first = [made[name]["id"] for name in ("claim", "note", "second", "first")]
        assert self.ids(gateway, "/v1/deliveries") == newest_first
        assert self.ids(gateway, "/v1/deliveries?kind=note") == [made["note"]["id"]]
        assert self.ids(gateway, "/v1/deliveries?kind=task&state=delivered") == [made["first"]["id"]]
        assert self.ids(gateway, "/v1/deliveries?needs_person=true") == []
        assert self.ids(gateway, "/v1/deliveries?needs_person=false") == newest_first

    @pytest.mark.usefixtures("made")
    def test_another_apps_key_finds_nothing(self, gateway):
        assert self.ids(gateway, "/v1/tasks?idempotency_key=k-1", by="reader") == []

    def test_a_list_shows_the_clinics_of_the_key_only(self, gateway, made):
        assert self.ids(gateway, "/v1/tasks", by="north") == [made["first"]["id"]]
        assert self.ids(gateway, "/v1/tasks?clinic_id=south", by="north") == []
        assert made["second"]["id"] not in self.ids(gateway, "/v1/deliveries", by="north")

    @pytest.mark.parametrize("limit", [1, 2, 3])
    def test_cursors_walk_the_whole_list_once(self, gateway, limit):
        made = [gateway.submitted(task(reference=f"r-{number}"))["id"] for number in range(5)]
        walked, cursor = [], ""
        for _ in range(9):
            page = gateway.get(f"/v1/tasks?limit={limit}{cursor and '&cursor=' + cursor}").json()
            assert len(page["items"]) <= limit
            walked.extend(item["id"] for item in page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert walked == made[::-1]

    def test_what_comes_during_a_walk_changes_nothing_of_it(self, gateway):
        made = [gateway.submitted(task())["id"] for _ in range(3)]
        first = gateway.get("/v1/tasks?limit=2").json()
        gateway.submitted(task())
        rest = gateway.get(f"/v1/tasks?limit=2&cursor={first['next_cursor']}").json()
        assert [item["id"] for item in [*first["items"], *rest["items"]]] == made[::-1]

    @pytest.mark.parametrize(
        "query",
        [
            "clinic=north", "State=queued", "emr_task_id=1", "needs_person=true", "kind=task", "page=2",
            "state=CANARY", "limit=0", "limit=201", "limit=-1", "limit=CANARY", "limit=1e1", "limit=%D9%A3",
            "cursor=CANARY", "cursor=%00", "cursor=AAAA", "cursor=%C3%A9", "cursor=MjAyNi0xMS0yMlQxNTowMDowMHx0c2tfMQ",
            "limit=99999999999999999999999999",
            "state=queued&state=held",
        ],
    )  # fmt: skip
    def test_a_parameter_that_is_unknown_or_unreadable_is_a_400_without_its_value(self, gateway, query):
        answer = gateway.get(f"/v1/tasks?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-parameter")
        assert "CANARY" not in answer.text

    @pytest.mark.parametrize("query", ["kind=CANARY", "needs_person=CANARY", "emr_task_id=1", "bogus=1"])
    def test_so_it_is_in_the_list_over_all_kinds(self, gateway, query):
        answer = gateway.get(f"/v1/deliveries?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-parameter")
        assert "CANARY" not in answer.text


def test_what_needs_a_person_is_listed_first_hand(gateway):
    fine = gateway.submitted(task(type="vob"))
    gateway.vendors.handler = answering(502)
    unknown = gateway.submitted(task())
    gateway.vendors.handler = answering(403)
    held = gateway.submitted(task(title="held"))
    found = gateway.get("/v1/deliveries?needs_person=true").json()["items"]
    assert (unknown["state"], held["state"], fine["state"]) == ("unknown", "held", "delivered")
    assert [item["id"] for item in found] == [held["id"], unknown["id"]]
