"""The feed, and telling again: what a caller sees of events, and what operators see of apps' endpoints."""

import json
import threading
from base64 import b64encode
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from web.world import gateway as made
from web.world import key_of, task

SECRET = f"whsec_{b64encode(b's' * 32).decode()}"
WHY = {"reason": "the app lost its database"}


@contextmanager
def endpoint(port=0):
    """An app's endpoint; `status` is how it answers, `told` what it was told."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            self.server.told.append((self.headers["webhook-id"], json.loads(body)))
            self.send_response(self.server.status)
            self.end_headers()

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.told, server.status = [], 204
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def app(name, url, clinics="['*']", **callback):
    """The line of an app with an endpoint."""
    settings = json.dumps({"url": url, "secrets": [SECRET], **callback})
    key = f"{{id: {name}, sha256: {sha256(key_of(name).encode()).hexdigest()}}}"
    return f"  {name}: {{keys: [{key}], clinics: {clinics}, roles: [submit, read], callback: {settings}}}\n"


@pytest.fixture
def hooked(tmp_path):
    """A gateway, one of whose apps is told at a real endpoint, and another at one where nobody is."""
    with endpoint() as server:
        url = f"http://127.0.0.1:{server.server_port}/hooks?token=canary-token"
        apps = app("hooked", url) + app("deaf", "http://127.0.0.1:1/", "[north]", scope="clinics")
        with made(tmp_path, more=f"{apps}answer_within: 2\n") as at_work:
            at_work.endpoint = server
            yield at_work


def listed(gateway, query="", **kwargs):
    return gateway.get(f"/v1/events{query}", **kwargs).json()


def ids(page):
    return [event["id"] for event in page["items"]]


def told(gateway, count):
    """What the endpoint was told, once it is so much."""
    gateway.until("/v1/callbacks", lambda _state: len(gateway.endpoint.told) >= count, by="operator")
    return gateway.endpoint.told


def state(gateway, name, wanted=lambda _state: True):
    def found(answer):
        return next(each for each in answer["items"] if each["app"] == name)

    return found(gateway.until("/v1/callbacks", lambda answer: wanted(found(answer)), by="operator"))


class TestFeed:
    def test_it_lists_what_happened_oldest_first(self, gateway):
        delivery = gateway.submitted(task())
        events = listed(gateway)["items"]

        assert [event["type"] for event in events] == ["task.queued", "task.sending", "task.submitted"]
        assert {event["data"]["id"] for event in events} == {delivery["id"]}
        assert set(events[0]) == {"id", "type", "at", "clinic_id", "data"}

    def test_pages_follow_each_other_without_gap_or_overlap(self, gateway):
        for _ in range(3):
            gateway.submitted(task())
        whole, parts, after = ids(listed(gateway)), [], "evt_0"
        while after:
            page = listed(gateway, f"?after={after}&limit=2")
            parts += ids(page)
            after = page["next_cursor"]

        assert parts == whole
        assert len(whole) == 9

    def test_after_the_last_one_there_is_nothing_until_something_happens(self, gateway):
        gateway.submitted(task())
        last = ids(listed(gateway))[-1]
        assert listed(gateway, f"?after={last}") == {"items": [], "next_cursor": None}

        delivery = gateway.submitted(task())
        assert {event["data"]["id"] for event in listed(gateway, f"?after={last}")["items"]} == {delivery["id"]}

    def test_a_key_sees_the_events_of_its_own_clinics(self, gateway):
        gateway.submitted(task("south", title="t", assignees=["dr-wilson"]))
        delivery = gateway.submitted(task("north"))

        assert {event["clinic_id"] for event in listed(gateway)["items"]} == {"north", "south"}
        assert {event["data"]["id"] for event in listed(gateway, by="north")["items"]} == {delivery["id"]}

    def test_an_unknown_place_a_foreign_one_and_none_of_ours_are_the_same_400(self, gateway):
        gateway.submitted(task("south", title="t", assignees=["dr-wilson"]))
        foreign = ids(listed(gateway))[0]
        problems = []
        for after in (foreign, "evt_nobody", "tsk_1"):
            answer = gateway.get(f"/v1/events?after={after}", by="north")
            problems.append({**answer.json(), "request_id": None, "instance": None})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid-parameter")

        assert problems[0] == problems[1] == problems[2]

    @pytest.mark.parametrize(
        "query", ["?limit=0", "?limit=x", "?limit=201", "?afterr=evt_0", "?after=evt_0&after=evt_0"]
    )
    def test_a_query_that_cannot_be_read_is_refused(self, gateway, query):
        assert gateway.get(f"/v1/events{query}").status_code == 400

    def test_it_holds_no_patient_text(self, gateway):
        gateway.submitted(task(description="PHI-CANARY", title="PHI-CANARY", patient={"mrn": "PHI-CANARY"}))

        assert "PHI-CANARY" not in gateway.get("/v1/events").text

    @pytest.mark.parametrize("seen", [{"after": "evt_nobody"}, {"last-event-id": "evt_nobody"}])
    def test_a_stream_from_an_unknown_place_is_refused(self, gateway, seen):
        answer = gateway.get(
            "/v1/events/stream", params={k: v for k, v in seen.items() if k == "after"},
            headers={k: v for k, v in seen.items() if k != "after"},
        )  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-parameter")


class TestCallbacks:
    def test_an_app_is_told_of_its_own_deliveries(self, hooked):
        hooked.submitted(task(), by="hooked")
        hooked.submitted(task())

        heard = told(hooked, 3)
        assert [body for _, body in heard] == listed(hooked)["items"][:3]
        assert [id_ for id_, _ in heard] == ids(listed(hooked))[:3]

    def test_how_each_endpoint_fares_can_be_seen_without_its_token(self, hooked):
        hooked.submitted(task(), by="hooked")
        told(hooked, 3)

        well = state(hooked, "hooked", lambda each: not each["waiting"])
        badly = state(hooked, "deaf", lambda each: each["waiting"] == 3 and each["last_error"])
        assert (well["state"], well["waiting"], well["behind_since"], well["last_status"]) == ("working", 0, None, 204)
        assert well["origin"] == f"http://127.0.0.1:{hooked.endpoint.server_port}"
        assert (badly["last_status"], badly["last_error"]) == (None, "transport:ClientConnectorError")
        assert badly["behind_since"]
        assert "canary-token" not in hooked.get("/v1/callbacks").text

    def test_an_endpoint_where_a_metadata_service_is_is_not_called(self, tmp_path):
        with made(tmp_path, more=f"{app('lost', 'http://169.254.169.254/')}answer_within: 2\n") as gateway:
            gateway.submitted(task(), by="lost")

            assert state(gateway, "lost", lambda each: each["last_error"])["last_error"] == "transport:AddressRefused"

    def test_an_operator_of_one_clinic_sees_the_endpoints_of_that_clinic_s_apps(self, hooked):
        seen = [each["app"] for each in hooked.get("/v1/callbacks", by="north").json()["items"]]

        assert seen == ["deaf"]
        assert hooked.post("/v1/callbacks/hooked/resume", WHY, by="north").status_code == 404
        assert hooked.post("/v1/callbacks/nobody/resume", WHY, by="north").status_code == 404

    def test_every_try_stands_in_the_delivery_s_timeline(self, hooked):
        delivery = hooked.submitted(task(), by="hooked")
        lines = hooked.until(
            f"/v1/tasks/{delivery['id']}/timeline",
            lambda answer: len([each for each in answer["items"] if each["what"] == "callback"]) >= 4,
        )["items"]
        tries = [each["facts"] for each in lines if each["what"] == "callback"]

        assert {(each["app"], each["status"]) for each in tries} == {("hooked", 204), ("deaf", None)}
        assert all(each["event_id"].startswith("evt_") for each in tries)

    def test_what_an_endpoint_was_not_told_and_who_was_told_of_an_event_can_be_seen(self, hooked):
        hooked.submitted(task(), by="hooked")
        told(hooked, 3)
        state(hooked, "deaf", lambda each: each["waiting"] == 3 and each["last_error"])
        order = ids(listed(hooked))

        waiting = hooked.get("/v1/callbacks/deaf/events", by="north").json()
        part = hooked.get("/v1/callbacks/deaf/events?state=waiting&limit=1", by="north").json()
        rest = hooked.get(f"/v1/callbacks/deaf/events?after={part['next_cursor']}", by="north").json()
        assert [each["event"]["id"] for each in waiting["items"]] == order
        assert part["items"] + rest["items"] == waiting["items"]
        assert hooked.get("/v1/callbacks/deaf/events?state=given_up", by="north").json()["items"] == []
        assert hooked.get("/v1/callbacks/deaf/events?state=told", by="north").status_code == 400
        assert hooked.get("/v1/callbacks/hooked/events", by="north").status_code == 404

        everywhere = hooked.get(f"/v1/events/{order[0]}/callbacks", by="operator").json()["items"]
        assert [(each["app"], each["state"], each["tries"][0]["status"]) for each in everywhere] == [
            ("hooked", "told", 204), ("deaf", "waiting", None),
        ]  # fmt: skip
        here = hooked.get(f"/v1/events/{order[0]}/callbacks", by="north").json()["items"]
        assert [each["app"] for each in here] == ["deaf"]

    def test_one_that_answers_410_is_disabled_until_it_is_resumed(self, hooked):
        hooked.endpoint.status = 410
        hooked.submitted(task(), by="hooked")
        gone = state(hooked, "hooked", lambda each: each["state"] == "disabled")
        assert gone["disabled_at"]
        hooked.endpoint.status = 204

        answer = hooked.post("/v1/callbacks/hooked/resume", WHY, by="operator")

        assert (answer.status_code, answer.json()["state"], answer.json()["disabled_at"]) == (200, "working", None)
        assert [body["type"] for _, body in told(hooked, 4)][1:] == ["task.queued", "task.sending", "task.submitted"]
        (act,) = hooked.get("/v1/audit", by="administrator").json()["items"]
        assert (act["action"], act["about"], act["reason"]) == ("resume", "callbacks/hooked", WHY["reason"])


class TestRedelivery:
    def test_one_event_is_told_again_with_its_id(self, hooked):
        hooked.submitted(task(), by="hooked")
        event_id, body = told(hooked, 3)[1]
        state(hooked, "hooked", lambda each: not each["waiting"])

        answer = hooked.post(f"/v1/events/{event_id}/redeliver", {**WHY, "app": "hooked"}, by="operator")

        assert (answer.status_code, answer.json()) == (202, {"events": 1, "callbacks": 1})
        assert told(hooked, 4)[3] == (event_id, body)

    def test_without_an_app_everybody_is_told_whom_it_concerns(self, hooked):
        hooked.submitted(task(), by="hooked")
        event_id, _ = told(hooked, 3)[0]

        assert hooked.post(f"/v1/events/{event_id}/redeliver", WHY, by="operator").json()["callbacks"] == 2

    def test_a_range_is_told_again_in_order(self, hooked):
        for _ in range(2):
            hooked.submitted(task(), by="hooked")
        first = [id_ for id_, _ in told(hooked, 6)]
        state(hooked, "hooked", lambda each: not each["waiting"])
        order = ids(listed(hooked))

        body = {**WHY, "app": "hooked", "after": order[0], "until": order[3]}
        assert hooked.post("/v1/events/redeliver", body, by="operator").json() == {"events": 3, "callbacks": 3}
        assert sorted(id_ for id_, _ in told(hooked, 9)[6:]) == sorted(order[1:4])

        everything = {**WHY, "app": "hooked", "after": "evt_0"}
        assert hooked.post("/v1/events/redeliver", everything, by="operator").json() == {"events": 6, "callbacks": 6}
        assert sorted(id_ for id_, _ in told(hooked, 15)[9:]) == sorted(first)

    def test_it_is_kept_in_the_trail_and_in_the_timeline(self, hooked):
        delivery = hooked.submitted(task(), by="hooked")
        event_id, _ = told(hooked, 3)[0]
        hooked.post(f"/v1/events/{event_id}/redeliver", WHY, by="operator")
        hooked.post("/v1/events/redeliver", {**WHY, "after": event_id}, by="operator")

        ranged, single = hooked.get("/v1/audit", by="administrator").json()["items"]
        assert (single["action"], single["about"]) == ("redeliver", delivery["id"])
        assert single["reason"] == f"{event_id}: {WHY['reason']}"
        assert (ranged["action"], ranged["about"]) == ("redeliver", f"events/{event_id}..")
        lines = hooked.get(f"/v1/tasks/{delivery['id']}/timeline").json()["items"]
        assert [each["facts"]["what"] for each in lines if each["what"] == "asked"] == ["redeliver"]

    def test_a_foreign_event_is_none(self, hooked):
        hooked.submitted(task("south", title="t", assignees=["dr-wilson"]))
        foreign = ids(listed(hooked))[0]
        for event_id in (foreign, "evt_nobody"):
            assert hooked.post(f"/v1/events/{event_id}/redeliver", WHY, by="north").status_code == 404
            answer = hooked.post("/v1/events/redeliver", {**WHY, "after": event_id}, by="north")
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/after")

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"after": "evt_0", "app": "nobody"}, "/app"), ({"after": "evt_0", "app": "reader"}, "/app"),
            ({"after": "evt_0", "until": "evt_nobody"}, "/until"), ({}, "/after"), ({"after": "evt_0", "to": 1}, "/to"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_with_the_wish_is_pointed_out(self, hooked, body, pointer):
        answer = hooked.post("/v1/events/redeliver", {**WHY, **body}, by="operator")

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)

    def test_a_reason_must_be_given(self, hooked):
        hooked.submitted(task(), by="hooked")
        event_id, _ = told(hooked, 3)[0]

        assert hooked.post(f"/v1/events/{event_id}/redeliver", {}, by="operator").status_code == 422
