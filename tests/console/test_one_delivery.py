"""One delivery: hidden until somebody says why, and what can be asked of it."""

import re

import pytest
from console.routes import PAGES
from console.seat import seat
from store.records import encryption_key
from web.world import TOKEN, accepts, answering, breaks_off, created_event, task

CANARY = "Zebedee Canary"
MRN = "MRN-77-canary"


def one(delivery):
    return f"/console/deliveries/{delivery['id']}"


def acts(gateway):
    """What is in the audit trail beside signing in, the newest first."""
    found = gateway.get("/v1/audit").json()["items"]
    return [(each["action"], each["about"], each["reason"]) for each in found if each["action"] != "sign-in"]


def state(gateway, delivery):
    return gateway.get(f"/v1/tasks/{delivery['id']}").json()["state"]


@pytest.fixture
def refused(gateway):
    """A task that is about somebody, and that the vendor refused in words about them."""
    gateway.vendors.handler = answering(422, json={"success": False, "message": f"no chart for {CANARY}"})
    body = task(description=f"Call {CANARY} back", patient={"mrn": MRN}, title=CANARY, metadata={"who": CANARY})
    return gateway.post("/v1/tasks", body).json()["delivery"]


@pytest.fixture
def unknown(gateway):
    """A task whose answer was lost."""
    gateway.vendors.handler = breaks_off
    made = gateway.submitted(task(description=f"Call {CANARY} back", patient={"mrn": MRN}, reference="call-1"))
    gateway.vendors.handler = accepts
    return made


class TestHidden:
    @pytest.mark.parametrize("app", ["reader", "everything"])
    def test_no_page_shows_a_word_of_the_patient(self, gateway, refused, unknown, app):
        somebody = seat(gateway, app)
        seen = 0
        for path in [*PAGES, one(refused), one(unknown), "/console/clinics/north"]:
            answer = somebody.get(path)
            seen += answer.status_code == 200
            assert CANARY not in answer.text, path
            assert MRN not in answer.text, path
        assert seen >= 5

    def test_whoever_says_why_sees_them_once_and_the_trail_says_who_and_why(self, gateway, refused):
        somebody = seat(gateway, "reader")
        shown = somebody.post(f"{one(refused)}/reveal", reason="the clinic asks")
        assert shown.status_code == 200
        assert shown.headers["cache-control"] == "no-store"
        for words in (f"Call {CANARY} back", MRN, f"no chart for {CANARY}"):
            assert words in shown.text
        assert acts(gateway) == [("reveal", refused["id"], "the clinic asks")]
        again = somebody.page(one(refused))
        assert CANARY not in again
        assert "reader revealed its words" in again

    @pytest.mark.parametrize("fields", [{}, {"reason": ""}, {"reason": "   "}])
    def test_without_a_reason_nothing_is_shown_and_nothing_is_written(self, gateway, refused, fields):
        answer = seat(gateway).post(f"{one(refused)}/reveal", **fields)
        assert answer.status_code == 422
        assert CANARY not in answer.text
        assert acts(gateway) == []

    def test_what_cannot_be_written_to_the_trail_is_not_shown(self, gateway, refused):
        somebody = seat(gateway)

        async def full(*_args):
            raise OSError("the disk is full")

        gateway.app.state.services.store.acted = full
        answer = somebody.post(f"{one(refused)}/reveal", reason="the clinic asks")
        assert answer.status_code == 500
        assert CANARY not in answer.text

    def test_what_no_key_opens_is_called_unreadable_everywhere_and_is_nowhere_revealed_or_sent_again(
        self, gateway, refused, unknown
    ):
        gateway.app.state.services.store.vault.use([encryption_key("k1"), encryption_key("k2")])
        gateway.post("/v1/admin/reseal", {})
        gateway.app.state.services.store.vault.use([encryption_key("k2")])
        somebody = seat(gateway)
        for path in PAGES:
            somebody.page(path)
        page = somebody.post(f"{one(refused)}/reveal", reason="the clinic asks")
        assert page.status_code == 200
        assert "They cannot be read" in page.text
        assert f'hx-get="{one(refused)}"' in page.text
        assert "/reveal" not in page.text
        assert "Send again" not in page.text
        assert acts(gateway)[0][0] == "reseal"
        version = {"version": str(gateway.get(f"/v1/tasks/{unknown['id']}").json()["version"])}
        found = somebody.post(f"{one(unknown)}/resolve", outcome="not_created", resend="yes", reason="x", **version)
        assert (found.status_code, "What is stored cannot be read" in found.text) == (503, True)
        assert state(gateway, unknown) == "unknown"
        assert gateway.post(f"/v1/tasks/{refused['id']}/retry", {"reason": "x"}).json()["code"] == "unreadable"

    def test_text_that_looks_like_a_page_is_shown_as_text(self, gateway):
        made = gateway.submitted(task(description="<script>alert(1)</script>", reference="<b>x</b>"))
        somebody = seat(gateway)
        shown = somebody.post(f"{one(made)}/reveal", reason="<i>why</i>").text
        for escaped in ("&lt;script&gt;alert(1)&lt;/script&gt;", "&lt;b&gt;x&lt;/b&gt;", "&lt;i&gt;why&lt;/i&gt;"):
            assert escaped in shown
        assert "<script>alert" not in shown


class TestSettling:
    def test_what_was_created_becomes_delivered_with_the_ids_that_were_found(self, gateway, unknown):
        somebody = seat(gateway)
        version = str(unknown["version"])
        found = {"outcome": "created", "vendor_id": "v-9", "emr_id": "e-9", "reason": "seen there"}
        done = somebody.post(f"{one(unknown)}/resolve", **found, version=version)
        assert (done.status_code, done.headers["location"]) == (303, f"{one(unknown)}?done=settled")
        found = gateway.get(f"/v1/tasks/{unknown['id']}").json()
        assert (found["state"], found["vendor"]["id"], found["vendor"]["emr_id"]) == ("delivered", "v-9", "e-9")
        assert acts(gateway) == [("resolve", unknown["id"], "created: seen there")]
        assert "Recorded" in somebody.page(done.headers["location"])

    def test_what_was_not_created_fails_and_is_made_anew_only_where_that_is_wanted(self, gateway, unknown):
        somebody = seat(gateway)
        fields = {"outcome": "not_created", "reason": "not there", "version": str(unknown["version"])}
        done = somebody.post(f"{one(unknown)}/resolve", **fields, resend="yes").headers["location"]
        assert state(gateway, unknown) == "failed"
        anew = gateway.get(f"/v1/tasks/{unknown['id']}").json()["retried_as"]
        assert done == f"/console/deliveries/{anew}?done=again"
        assert unknown["id"] in somebody.page(done)

    def test_a_box_ticked_before_the_other_choice_resends_nothing(self, gateway, unknown):
        fields = {"outcome": "created", "resend": "yes", "reason": "seen", "version": str(unknown["version"])}
        seat(gateway).post(f"{one(unknown)}/resolve", **fields)
        assert gateway.get(f"/v1/tasks/{unknown['id']}").json()["retried_as"] is None
        assert state(gateway, unknown) == "delivered"

    def test_a_page_that_has_grown_old_settles_nothing_and_says_so(self, gateway, unknown):
        somebody = seat(gateway)
        somebody.get(one(unknown))
        fields = {"outcome": "not_created", "reason": "not there", "version": str(unknown["version"] - 1)}
        answer = somebody.post(f"{one(unknown)}/resolve", **fields)
        assert answer.status_code == 412
        assert "nothing was done" in answer.text
        assert f'name="version" value="{unknown["version"]}"' in answer.text
        assert state(gateway, unknown) == "unknown"
        assert acts(gateway) == []

    @pytest.mark.parametrize("version", ["", "x", "-1", "1.0", "\u0661"])
    def test_a_form_without_the_version_it_was_made_for_is_refused(self, gateway, unknown, version):
        fields = {"outcome": "created", "reason": "seen", "version": version}
        answer = seat(gateway).post(f"{one(unknown)}/resolve", **fields)
        assert answer.status_code == 400
        assert state(gateway, unknown) == "unknown"

    @pytest.mark.parametrize(
        "fields", [{"outcome": "created"}, {"reason": "x"}, {"outcome": "perhaps", "reason": "x"},
                   {"outcome": "created", "vendor_id": "x" * 256, "reason": "x"},
                   {"outcome": "not_created", "vendor_id": "v-1", "reason": "x"}],
    )  # fmt: skip
    def test_half_a_finding_is_none(self, gateway, unknown, fields):
        answer = seat(gateway).post(f"{one(unknown)}/resolve", **fields, version=str(unknown["version"]))
        assert answer.status_code == 422
        assert "nothing was done" in answer.text
        assert state(gateway, unknown) == "unknown"

    def test_what_holds_no_question_offers_no_answer_and_takes_none(self, gateway):
        made = gateway.submitted(task())
        somebody = seat(gateway)
        assert "/resolve" not in somebody.page(one(made))
        fields = {"outcome": "created", "reason": "x", "version": str(made["version"])}
        assert somebody.post(f"{one(made)}/resolve", **fields).status_code == 409


class TestAsking:
    def test_what_ended_badly_is_made_anew(self, gateway, refused):
        gateway.vendors.handler = accepts
        somebody = seat(gateway)
        assert "Send again" in somebody.page(one(refused))
        version = str(gateway.get(f"/v1/tasks/{refused['id']}").json()["version"])
        done = somebody.post(f"{one(refused)}/retry", reason="mended", version=version).headers["location"]
        assert done.endswith("?done=again")
        assert "Send again" not in somebody.page(one(refused))
        assert acts(gateway) == [("retry", refused["id"], "mended")]

    def test_what_waits_is_withdrawn_with_the_reason(self, gateway):
        gateway.post("/v1/connections/north/emr/pause", {"reason": "x"})
        made = gateway.submitted(task())
        somebody = seat(gateway)
        done = somebody.post(f"{one(made)}/cancel", reason="no longer wanted", version=str(made["version"]))
        assert done.headers["location"] == f"{one(made)}?done=cancelled"
        assert state(gateway, made) == "cancelled"
        assert acts(gateway)[0] == ("cancel", made["id"], "no longer wanted")

    def test_no_field_takes_the_name_of_something_that_its_form_is_known_by(self, gateway, unknown):
        page = seat(gateway).page(one(unknown))
        assert not set(re.findall(r'name="(\w+)"', page)) & {"id", "action", "method", "children", "parentNode"}

    def test_only_what_can_be_done_is_offered(self, gateway, unknown):
        reader, operator = seat(gateway, "reader").page(one(unknown)), seat(gateway).page(one(unknown))
        assert ["/resolve" in page for page in (reader, operator)] == [False, True]
        for page in (reader, operator):
            assert "/retry" not in page
            assert "/cancel" not in page

    def test_a_webhook_that_settles_it_stands_in_the_timeline(self, gateway):
        made = gateway.submitted(task())
        gateway.push(created_event(made))
        gateway.until(f"/v1/tasks/{made['id']}", lambda found: found["state"] == "delivered")
        page = seat(gateway).page(one(made))
        for words in ("Accepted and stored", "Attempt 1: taken, the result comes later", "Seen by webhook: created",
                      "The task is delivered", "emr-1"):  # fmt: skip
            assert words in page
        assert TOKEN not in page
