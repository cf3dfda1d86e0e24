"""The other pages: what waits for a person, connections, clinics, webhooks, callbacks, the trail, the configuration."""

import re

import pytest
from console.routes import PAGES
from console.seat import seat
from web.world import answering, breaks_off, claim, created_event, task

from gateway.errors import ConfigErrors
from gateway.web.console.static import ASSETS

WHY = {"reason": "for the test"}


def wants(name):
    """A vendor that misses a field."""
    return answering(400, json={"success": False, "message": f"Missing required field: {name}"})


def count(page):
    """How much waits, as the frame says it."""
    found = re.search(r'aria-label="(\d+) wait"', page)
    return int(found[1]) if found else 0


def acts(gateway):
    return [(each["action"], each["about"], each["reason"]) for each in gateway.get("/v1/audit").json()["items"]]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_may_do_nothing_but_what_comes_from_here(gateway, path):
    answer = seat(gateway).get(path)
    policy = dict(each.split(" ", 1) for each in answer.headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data:",
        "connect-src": "'self'", "form-action": "'self'", "frame-ancestors": "'none'", "base-uri": "'none'",
    }  # fmt: skip
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"<script(?! src=\"/console/)|<style|\sstyle=|\son\w+=|https?://", answer.text)


@pytest.mark.parametrize("name", sorted(ASSETS))
def test_the_consoles_files_are_kept_by_browsers_under_the_version_they_have(gateway, name):
    answer = gateway.client.get(f"/console/static/{name}")
    assert answer.status_code == 200
    assert answer.content == ASSETS[name].content
    assert "immutable" in answer.headers["cache-control"]
    assert gateway.client.get(f"/console/static/no-{name}").status_code == 404


@pytest.mark.parametrize(
    ("path", "marked"),
    [("/console", ["/console"]), ("/console/clinics/north", ["/console/clinics"]), ("/console/sessions", [])],
)
def test_the_frame_marks_the_place_that_a_page_belongs_to(gateway, path, marked):
    assert re.findall(r'href="([^"]+)" aria-current="page"', seat(gateway).page(path)) == marked


class TestInbox:
    def test_where_nobody_is_needed_it_says_so(self, gateway):
        gateway.submitted(task())
        page = seat(gateway).page("/console")
        assert "Nothing waits for you" in page
        assert count(page) == 0

    def test_everything_that_waits_for_a_person_is_there(self, gateway):
        gateway.vendors.handler = breaks_off
        lost = gateway.submitted(task(reference="call-1"))
        gateway.vendors.handler = wants("subject")
        gateway.post("/v1/tasks", task())
        gateway.vendors.handler = answering(401)
        shut_out = gateway.submitted(task("south", title="t", assignees=["dr-wilson"]))
        gateway.push({**created_event({"vendor": {"id": "nobody's", "job_id": "99"}}), "id": "evt_of_nobody"})
        gateway.until("/v1/webhooks", lambda found: found["items"])
        page = seat(gateway).page("/console")
        assert f'href="/console/deliveries/{lost["id"]}#settle"' in page
        assert re.search(rf'its own words stand at <a [^>]*href="/console/deliveries/{shut_out["id"]}"', page)
        for words in ("call-1", "the answer was lost", "south", "Closed connections", "title", "refused 1 time without",
                      "1 unmatched"):  # fmt: skip
            assert words in page, words
        assert count(page) == 2

    def test_a_claim_that_nobody_can_look_up_says_that_only_a_person_can_tell(self, gateway):
        gateway.vendors.handler = breaks_off
        made = gateway.submitted(claim(), "/v1/claims")
        assert made["state"] == "unknown"
        assert "the answer was lost" in seat(gateway).page("/console")

    def test_who_only_reads_is_offered_nothing_to_do(self, gateway):
        gateway.vendors.handler = breaks_off
        gateway.submitted(task())
        page = seat(gateway, "reader").page("/console")
        assert "the answer was lost" in page
        assert "#settle" not in page


class TestConnections:
    def test_a_connection_is_paused_and_opened_with_a_reason(self, gateway):
        somebody = seat(gateway)
        assert somebody.post("/console/connections/north/emr/pause", reason="upgrade").status_code == 303
        made = gateway.submitted(task())
        page = somebody.page("/console/connections")
        assert "paused by everything: upgrade" in page
        assert made["state"] == "held"
        assert somebody.post("/console/connections/north/emr/resume", reason="done").status_code == 303
        gateway.until(f"/v1/tasks/{made['id']}", lambda found: found["state"] == "submitted")
        assert acts(gateway)[:2] == [("resume", "north/emr", "done"), ("pause", "north/emr", "upgrade")]

    @pytest.mark.parametrize("what", ["pause", "resume"])
    def test_without_a_reason_nothing_is_done(self, gateway, what):
        before = gateway.rows()
        somebody = seat(gateway)
        assert somebody.post(f"/console/connections/north/emr/{what}").status_code == 422
        assert gateway.rows()["paused_connections"] == before["paused_connections"]

    def test_what_is_under_way_is_counted_for_each(self, gateway):
        gateway.submitted(task())
        page = seat(gateway).page("/console/connections")
        row = page[page.index('id="link-north-emr"') :].partition("</tr>")[0]
        assert re.findall(r'class="number">(\d+)<', row) == ["0", "1", "0"]

    def test_one_clinics_people_see_no_others_pace(self, gateway):
        recent = gateway.app.state.services.world.meters.recent
        gateway.submitted(task("south", title="t", assignees=["dr-wilson"]))
        recent.sample({("south", "emr"): 7}, gateway.app.state.services.world.now())
        everyone, north = (seat(gateway, app).page("/console/connections") for app in ("everything", "north"))
        assert "cobalt-main, waiting in the last 20 minutes: 7" in everyone
        assert "cobalt-main, waiting in the last 20 minutes: 0" in north


class TestClinics:
    def test_a_cell_says_what_is_needed_by_what_name_and_how_that_is_known(self, gateway):
        page = seat(gateway).page("/console/clinics/south")
        row = re.sub(r"<[^>]*>|\s+", " ", page[page.index("<code>title</code>") :].partition("</tr>")[0])
        assert (
            re.sub(r"\s+", " ", row).strip()
            == "title required as subject operator, emr_capabilities.yaml: cobalt.athenahealth"
        )
        assert "not offered" in page
        assert "eClinicalWorks only" in page

    def test_a_clinic_with_two_vendors_has_both_beside_each_other(self, gateway):
        page = seat(gateway).page("/console/clinics/north")
        row = page[page.index("<code>due_<wbr>at</code>") :].partition("</tr>")[0]
        assert row.count("<td>") == 2
        assert "in the text" in row
        assert "as <code>deadline</code>" in row
        assert "has a default" in row

    def test_what_the_vendor_wanted_stands_in_its_cell_and_as_rows_to_write(self, gateway):
        gateway.vendors.handler = wants("subject")
        gateway.post("/v1/tasks", task())
        page = seat(gateway).page("/console/clinics/north")
        row = page[page.index("<code>title</code>") :].partition("</tr>")[0]
        assert "refused 1 time without it" in row
        assert "title: {need: required, source: observed" in page
        assert "1 wanted" in seat(gateway).page("/console/clinics")


class TestWebhooks:
    def test_each_state_has_a_page_that_says_what_it_means(self, gateway):
        gateway.push({**created_event({"vendor": {"id": "nobody's", "job_id": "99"}}), "id": "evt_of_nobody"})
        gateway.until("/v1/webhooks", lambda found: found["items"])
        somebody = seat(gateway)
        assert "evt_of_nobody" in somebody.page("/console/webhooks")
        assert "None." in somebody.page("/console/webhooks?of=unverified")
        assert somebody.get("/console/webhooks?of=matched").status_code == 400


class TestTrail:
    def test_the_newest_is_first_and_older_ones_follow(self, gateway):
        somebody = seat(gateway)
        for number in range(101):
            gateway.post("/v1/connections/north/emr/pause", {"reason": f"reason-{number}"})
        first = somebody.page("/console/audit")
        assert "reason-100" in first
        assert "reason-0<" not in first
        assert "reason-0<" in somebody.page(re.search(r'href="(/console/audit\?before=\d+)"', first)[1])


class TestConfiguration:
    def test_a_reload_says_who_asked_for_it_and_what_it_changed(self, gateway):
        somebody = seat(gateway)
        assert "not reloaded since" in somebody.page("/console/configuration")
        assert somebody.post("/console/configuration/reload", reason="a new key").status_code == 303
        page = somebody.page("/console/configuration")
        assert "in force</span> by everything" in page
        assert "No clinic has changed" in page
        assert acts(gateway)[0][:2] == ("reload", "configuration")

    def test_mistakes_are_told_and_the_old_one_stays(self, gateway):
        def broken():
            raise ConfigErrors(["clinics/north.yaml:4: timezone: unknown"])

        gateway.app.state.services.reloader._read = broken
        somebody = seat(gateway)
        somebody.post("/console/configuration/reload", reason="a new key")
        page = somebody.page("/console/configuration")
        assert "refused</span> by everything" in page
        assert "clinics/north.yaml:4: timezone: unknown" in page
        assert "clinics/north.yaml" not in seat(gateway, "north").page("/console/configuration")

    def test_an_administrator_of_one_clinic_sees_the_names_of_no_other(self, gateway):
        page = seat(gateway, "north").page("/console/configuration")
        assert "<dt>Clinics</dt><dd>1</dd>" in page
        assert "maxcare-main" not in page
        assert "submitter" not in page
