"""The console in a real browser, before the real gateway.

Every visit also shows that nothing was asked of elsewhere, that no page broke its policy, and that no script failed.
"""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from console.routes import PAGES
from console.world import FOREIGN, OPERATOR, lost
from journeys.world import COBALT, MAXCARE, task
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.fixture
def gateway(town, vendors):  # noqa: ARG001 - vendors that remember nothing
    return town[0]


@pytest.fixture
def clicks():
    """Counts the clicks of a person on a page."""

    class Clicks:
        count = 0

        def on(self, element):
            element.click()
            self.count += 1

    return Clicks()


def acts(gateway):
    return [(each["action"], each["about"], each["reason"]) for each in gateway.http.get("/v1/audit").json()["items"]]


def test_an_unknown_is_settled_in_three_clicks_from_the_inbox(gateway, vendors, visit, clicks):
    unknown = lost(gateway, vendors, reference="call-1")
    here = visit()
    here.sign_in(OPERATOR)
    page = here.page

    clicks.on(page.locator(f"#settle-{unknown['id']}").get_by_role("link", name="Settle"))
    clicks.on(page.get_by_text("It was created"))
    page.get_by_label("How you know").fill("seen in the chart")
    clicks.on(page.get_by_role("button", name="Record what I found"))

    expect(page.get_by_role("status").filter(has_text="Recorded")).to_be_visible()
    assert clicks.count == 3
    assert gateway.http.get(f"/v1/tasks/{unknown['id']}").json()["state"] == "delivered"
    assert acts(gateway)[0] == ("resolve", unknown["id"], "created: seen in the chart")


def test_what_it_says_is_hidden_until_somebody_says_why_and_stays_revealed_while_the_page_renews_itself(gateway, visit):
    delivered = gateway.settled(gateway.post("/v1/tasks", task(description="Call Zebedee back.")))
    here = visit()
    here.sign_in(OPERATOR)
    here.go(f"/console/deliveries/{delivered['id']}")
    page = here.page
    assert "Zebedee" not in page.content()

    page.get_by_label("Why you need them").fill("the clinic asks")
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text("Call Zebedee back.").first).to_be_visible()
    assert acts(gateway)[0] == ("reveal", delivered["id"], "the clinic asks")
    assert page.url.endswith(delivered["id"])

    assert page.evaluate("localStorage.length + sessionStorage.length") == 0

    page.evaluate("htmx.trigger(document.body, 'delivery')")
    expect(page.get_by_text("dr-ops revealed its words")).to_be_visible()
    expect(page.get_by_text("Call Zebedee back.").first).to_be_visible()
    page.reload()
    assert "Zebedee" not in page.content()


def test_apps_are_told_again_of_an_event_with_a_reason(gateway, visit):
    delivered = gateway.settled(gateway.post("/v1/tasks", task()))
    here = visit()
    here.sign_in(OPERATOR)
    here.go(f"/console/deliveries/{delivered['id']}")
    told = here.page.locator(".timeline details.act").first
    event = (told.get_attribute("id") or "").removeprefix("tell-")
    told.locator("summary").click()
    told.get_by_label("Why").fill("the app was down")
    told.get_by_role("button", name="Tell the apps again").click()

    expect(here.page.locator("[data-done]")).to_be_visible()
    assert acts(gateway)[0] == ("redeliver", delivered["id"], f"{event}: the app was down")


def test_another_clinics_operator_sees_nothing_of_it(gateway, vendors, visit):
    unknown = lost(gateway, vendors, reference="of-lakeside")
    here = visit()
    here.sign_in(FOREIGN)
    for path in PAGES:
        here.go(path)
        assert "lakeside" not in here.page.content(), path
    here.go(f"/console/deliveries/{unknown['id']}")
    expect(here.page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    here.faults.remove("Failed to load resource: the server responded with a status of 404 (Not Found)")


def test_pages_stay_true_while_they_are_open_and_lose_nothing_that_somebody_writes(gateway, vendors, visit):
    inbox, one = visit(), visit()
    inbox.sign_in(OPERATOR)
    unknown = lost(gateway, vendors, reference="call-2")
    expect(inbox.page.locator(f"#settle-{unknown['id']}")).to_be_visible()

    one.sign_in(OPERATOR)
    one.go(f"/console/deliveries/{unknown['id']}")
    one.page.evaluate("window.sameDocument = true")
    one.page.get_by_text("It was not created").click()
    one.page.get_by_label("How you know").fill("half a sent")
    seen = one.page.locator("#settle [name=version]")
    seen.evaluate("field => field.setAttribute('value', '1')")  # as if it had changed since
    with one.page.expect_response(f"**/{unknown['id']}"):
        one.page.evaluate("htmx.trigger(document.body, 'delivery')")
    one.page.wait_for_load_state("networkidle")
    expect(seen).to_have_value("1")  # what is decided on is what was seen, not what came since
    expect(one.page.get_by_label("How you know")).to_have_value("half a sent")
    expect(one.page.get_by_label("It was not created")).to_be_checked()

    settled = {"outcome": "created", "reason": "seen"}
    gateway.http.post(f"/v1/tasks/{unknown['id']}/resolve", json=settled).raise_for_status()
    expect(one.page.locator("header.head .badge")).to_have_text("delivered")
    expect(one.page.get_by_role("status").filter(has_text="The task is delivered")).to_have_count(1)
    expect(inbox.page.locator(f"#settle-{unknown['id']}")).to_have_count(0)
    assert one.page.evaluate("window.sameDocument")


def test_a_page_that_has_grown_old_settles_nothing(gateway, vendors, visit):
    unknown = lost(gateway, vendors, reference="call-3")
    here = visit()
    here.sign_in(OPERATOR)
    page = here.page
    page.add_init_script("window.EventSource = class { close() {} }")  # a page that nothing reaches any more
    here.go(f"/console/deliveries/{unknown['id']}")
    gateway.http.post(
        f"/v1/tasks/{unknown['id']}/resolve", json={"outcome": "created", "reason": "x"}
    ).raise_for_status()
    page.get_by_text("It was not created").click()
    page.get_by_label("How you know").fill("not there")
    page.get_by_role("button", name="Record what I found").click()
    expect(page.get_by_role("alert")).to_contain_text("nothing was done")
    assert gateway.http.get(f"/v1/tasks/{unknown['id']}").json()["state"] == "delivered"
    here.faults = [fault for fault in here.faults if "Failed to load resource" not in fault]


def test_a_page_whose_session_is_over_shows_nothing_any_more(gateway, visit):
    delivered = gateway.settled(gateway.post("/v1/tasks", task(description="Call Zebedee back.")))
    here, other = visit(), None
    here.sign_in(OPERATOR)
    here.go(f"/console/deliveries/{delivered['id']}")
    other = here.page.context.new_page()
    other.goto(f"{here.url}/console")
    other.get_by_role("button", name="Sign out").click()
    gateway.settled(gateway.post("/v1/tasks", task()))  # something happens, so that the open page hears of its end
    here.page.wait_for_url(f"{here.url}/console/login")
    here.faults = [fault for fault in here.faults if "status of 401" not in fault]


def test_it_is_used_with_the_keyboard_alone(gateway, vendors, visit):
    unknown = lost(gateway, vendors, reference="call-4")
    here = visit()
    here.go(f"/console/deliveries/{unknown['id']}")
    keyboard = here.page.keyboard
    keyboard.type(OPERATOR)  # the field has the focus
    keyboard.press("Enter")
    here.page.wait_for_url(f"{here.url}/console/deliveries/{unknown['id']}")

    keyboard.press("Tab")
    expect(here.page.get_by_role("link", name="Skip to the page")).to_be_focused()
    keyboard.press("Enter")
    for _ in range(3):
        keyboard.press("Tab")
    expect(here.page.get_by_label("It was created")).to_be_focused()
    keyboard.press("Space")
    for _ in range(3):
        keyboard.press("Tab")
    keyboard.type("seen by keyboard")
    keyboard.press("Enter")
    expect(here.page.get_by_role("status").filter(has_text="Recorded")).to_be_visible()
    assert acts(gateway)[0] == ("resolve", unknown["id"], "created: seen by keyboard")


@pytest.fixture(scope="module")
def full(town):
    """Something on every page, and the pages."""
    gateway, vendors = town
    vendors.reset()
    delivered = gateway.settled(gateway.post("/v1/tasks", task(reference="call-5")))
    unknown = lost(gateway, vendors, reference="call-6")
    vendors.call(COBALT, "PUT", "demands", json=["phone_call_type_id"])
    gateway.post("/v1/tasks", task("riverbend"))
    vendors.call(COBALT, "PUT", "demands", json=[])
    vendors.call(MAXCARE, "PUT", "faults", json={"on": "create_task", "kind": "status", "status": 401})
    held = gateway.settled(gateway.post("/v1/tasks", task("harbor")), "held")  # its connection is blocked, and says why
    yield [
        *PAGES,
        *(f"/console/deliveries/{each['id']}" for each in (delivered, unknown, held)),
        "/console/clinics/riverbend",
    ]
    gateway.http.post("/v1/connections/harbor/max/resume").raise_for_status()


def serious(page):
    """What axe finds that keeps somebody out."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        (page.url, each["id"], node["html"][:120], node["failureSummary"])
        for each in found
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nobody_is_kept_out_of_any_page(full, visit, theme):
    here = visit(color_scheme=theme)
    here.go("/console/login")
    found = serious(here.page)
    here.sign_in(OPERATOR)
    for path in full:
        here.go(path)
        found += serious(here.page)
    for path in ("/docs/getting-started", "/problems/outcome-unknown", "/schema"):
        here.go(path)
        found += serious(here.page)
    here.go("/console/connections")
    here.page.locator("details.act > summary").first.click()
    found += serious(here.page)
    assert found == []


def test_every_page_fits_a_phone(full, visit):
    here = visit(**PHONE)
    here.sign_in(OPERATOR)
    for path in (*full, "/docs/operating"):
        here.go(path)
        width = here.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["viewport"]["width"], path


def test_pages_are_whole_without_scripts(full, visit):
    here = visit(java_script_enabled=False)
    here.sign_in(OPERATOR)
    here.go(full[-4])
    page = here.page
    page.get_by_label("Why you need them").fill("the clinic asks")
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text("Schedule a follow-up appointment.").first).to_be_visible()
    page.get_by_role("link", name="Hide it").click()
    assert "Schedule a follow-up" not in page.content()
    page.get_by_role("button", name="Sign out").click()
    assert re.search("/console/login$", page.url)
