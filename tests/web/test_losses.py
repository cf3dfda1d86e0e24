"""What a vendor has no place for, and what only that vendor has: reported, or refused where that is wanted."""

import pytest
from web.world import gateway as made
from web.world import task

STRICT = {"Prefer": "handling=strict"}
LOST = "field-not-carried"


def fates(delivery):
    return {entry["field"]: (entry["fate"], entry.get("as")) for entry in delivery["mapping"]}


def told(answer):
    """Status, and the code and pointer of all that is wrong."""
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, sorted((error["code"], error["pointer"]) for error in problem["errors"])


@pytest.fixture
def careful(tmp_path):
    """A gateway whose clinic would rather refuse than lose."""
    with made(tmp_path, north="on_loss: refuse\n") as at_work:
        yield at_work


class TestLosses:
    BODY = task(
        tags=["a"], source={"call_id": "c"}, patient={"mrn": "1", "ids": {"cobalt": "x", "task_api": "y"}},
        vendor_fields={"maxcare": {"x": 1}}, priority="high", status="pending", encounter_note_id="n",
    )  # fmt: skip
    LOSSES = [
        "/encounter_note_id",
        "/patient/ids/task_api",
        "/source/call_id",
        "/status",
        "/tags",
        "/vendor_fields/maxcare",
    ]

    def test_they_are_reported_and_the_rest_is_sent(self, gateway):
        found = fates(gateway.submitted(self.BODY))

        lost = {
            "encounter_note_id",
            "patient.ids.task_api",
            "source.call_id",
            "status",
            "tags",
            "vendor_fields.maxcare",
        }
        assert {field for field, fate in found.items() if fate == ("not_carried", None)} == lost
        assert found["priority"] == found["patient.id"] == ("folded", "description")
        assert len(gateway.vendors.requests) == 1

    def test_strict_handling_refuses_them_all_at_once(self, gateway):
        answer = gateway.post("/v1/tasks", self.BODY, headers=STRICT)

        assert told(answer) == (422, [(LOST, pointer) for pointer in self.LOSSES])
        assert answer.headers["preference-applied"] == "handling=strict"
        assert {error["source"] for error in answer.json()["errors"]} == {"Prefer: handling=strict"}
        assert gateway.vendors.requests == []
        assert gateway.rows()["deliveries"] == 0

    def test_a_clinic_refuses_them_without_being_asked(self, careful):
        answer = careful.post("/v1/tasks", self.BODY)

        assert told(answer) == (422, [(LOST, pointer) for pointer in self.LOSSES])
        assert {error["source"] for error in answer.json()["errors"]} == {"clinic: north (on_loss: refuse)"}
        assert careful.vendors.requests == []
        assert careful.post("/v1/tasks/explain", self.BODY).json()["would"] == "refuse"

    def test_a_careful_clinic_takes_what_loses_nothing(self, careful):
        assert careful.post("/v1/tasks", task(priority="high", title="x")).status_code == 202

    def test_notes_and_claims_lose_nothing(self, careful):
        note = {"clinic_id": "north", "emr_task_id": "e-1", "text": "x", "metadata": {"k": "v"}}
        claim = {"clinic_id": "north", "appointment_id": "a-1", "reference": "r"}

        assert careful.post("/v1/notes", note, headers=STRICT).status_code == 202
        assert careful.post("/v1/claims", claim, headers=STRICT).status_code == 202

    def test_the_same_key_answers_with_the_same_delivery_however_it_is_handled(self, gateway):
        headers = {"Idempotency-Key": "k"}
        first = gateway.post("/v1/tasks", self.BODY, headers=headers)
        again = gateway.post("/v1/tasks", self.BODY, headers={**headers, **STRICT})

        assert first.json()["id"] == again.json()["id"]
        assert again.headers["idempotent-replayed"] == "true"
        assert "preference-applied" not in again.headers

    @pytest.mark.parametrize(("prefer", "would", "applied"), [("handling=strict", "refuse", "handling=strict"),
                                                              ("wait=5, respond-async", "send", None)])  # fmt: skip
    def test_an_explanation_says_whether_it_was_strict_and_waits_for_nothing(self, gateway, prefer, would, applied):
        answer = gateway.post("/v1/tasks/explain", self.BODY, headers={"Prefer": prefer})

        assert (answer.json()["would"], answer.headers.get("preference-applied")) == (would, applied)


class TestVendorFields:
    def extra(self, **fields):
        return task(type="vob", vendor_fields={"task_api": fields})

    def test_they_stand_at_the_top_of_the_vendor_s_body_and_are_reported(self, gateway):
        delivery = gateway.submitted(self.extra(queue="north", flags=[1, {"a": None}]))

        [body] = gateway.vendors.bodies()
        assert (body["queue"], body["flags"]) == ("north", [1, {"a": None}])
        assert fates(delivery)["vendor_fields.task_api.queue"] == ("sent", "queue")
        assert fates(delivery)["vendor_fields.task_api.flags"] == ("sent", "flags")

    def test_they_never_overwrite_a_mapped_field(self, gateway):
        answer = gateway.post("/v1/tasks", self.extra(title="x", tags=["y"], queue="z"))

        refused = "field-not-supported"
        assert told(answer) == (422, [(refused, f"/vendor_fields/task_api/{name}") for name in ("tags", "title")])
        assert gateway.vendors.requests == []

    def test_an_operation_that_takes_none_refuses_them(self, gateway):
        answer = gateway.post("/v1/tasks", task(vendor_fields={"cobalt": {"x": 1}}))

        assert told(answer) == (422, [("field-not-supported", "/vendor_fields/cobalt/x")])

    @pytest.mark.parametrize("path", ["/v1/notes", "/v1/claims"])
    def test_notes_and_claims_have_none(self, gateway, path):
        answer = gateway.post(path, {"clinic_id": "north", "vendor_fields": {"cobalt": {}}})

        assert ("unknown-field", "/vendor_fields") in told(answer)[1]

    def test_they_are_no_loss_where_they_are_taken(self, careful):
        assert careful.post("/v1/tasks", self.extra(queue="z") | {"patient": {"mrn": "1"}}).status_code == 201
