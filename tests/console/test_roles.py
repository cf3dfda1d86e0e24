"""Who may see and do what at the console: roles, clinics, and the token of each form."""

from contextlib import contextmanager
from itertools import product

import pytest
from console.routes import CONSOLE, ONE, OPEN, PAGES, SESSION, path_of
from console.seat import Seat, seat
from web.world import APPS, answering, gateway, task

POSTS = [template for method, template in CONSOLE if method == "POST"]
WHY = {"reason": "for the test"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with gateway(tmp_path_factory.mktemp("shared")) as at_work:
        yield at_work


@contextmanager
def stopping(at_work):
    """The gateway about to stop: what would stream for long ends at once."""
    event = at_work.app.state.services.stopping
    event.set()
    yield
    event.clear()


def asked(somebody, method, path):
    with stopping(somebody.gateway):
        return somebody.post(path, **WHY) if method == "POST" else somebody.get(path)


@pytest.mark.parametrize(("route", "app"), list(product(CONSOLE, ["reader", "operator", "everything", None])))
def test_who_may_call_what(shared, route, app):
    somebody = seat(shared, app) if app else Seat(shared)
    wanted = CONSOLE[route]
    answer = asked(somebody, route[0], path_of(route[1]))
    if wanted == OPEN:
        assert answer.status_code != 401
    elif app is None:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/console/login")
    elif wanted == SESSION or wanted in APPS[app]:
        assert answer.status_code not in {401, 403}
    else:
        assert answer.status_code == 403
        assert f"the role {wanted}" in answer.text


@pytest.mark.parametrize("app", ["reader", "operator", "everything"])
def test_the_frame_leads_to_what_may_be_seen_and_to_nothing_else(shared, app):
    page = seat(shared, app).get("/console").text
    assert 'action="/console/logout"' in page
    for path in PAGES:
        assert (f'<li><a href="{path}"' in page) == (CONSOLE["GET", path] in APPS[app]), path


@pytest.mark.parametrize("template", POSTS)
@pytest.mark.parametrize("token", [None, "", "0" * 64, "of another session"])
def test_no_form_is_taken_without_the_token_of_its_page(shared, template, token):
    somebody, other = seat(shared), seat(shared)
    fields = {} if token is None else {"csrf": other.csrf if token == "of another session" else token}
    before = shared.rows()
    answer = somebody.call("POST", path_of(template), data={**WHY, **fields})
    assert answer.status_code == 403
    assert shared.rows() == before


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"reason": "x"}', "application/json", 415),
        (b"reason=x", "text/plain", 415),
        (b"reason=x", "multipart/form-data; boundary=x", 415),
        (b"reason=%ff", "application/x-www-form-urlencoded", 400),
        (b"reason=\xff", "application/x-www-form-urlencoded", 400),
        (b"reason=x&reason=y", "application/x-www-form-urlencoded", 400),
        (b"reason=x%00", "application/x-www-form-urlencoded", 400),
        (b"reason", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"f%d=x" % n for n in range(50)), "application/x-www-form-urlencoded", 400),
        (b"reason=" + b"x" * 600_000, "application/x-www-form-urlencoded", 413),
        (b"", "application/x-www-form-urlencoded", 403),
    ],
)
def test_an_odd_form_is_refused_with_a_page_that_repeats_nothing_of_it(shared, content, kind, status):
    answer = seat(shared).call("POST", "/console/configuration/reload", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]


class TestAnotherClinic:
    """Whoever has a key for one clinic cannot tell another clinic's things from none."""

    @pytest.fixture
    def full(self, tmp_path):
        with gateway(tmp_path) as at_work:
            at_work.vendors.handler = answering(500)
            at_work.south = at_work.submitted(
                task("south", title="t", assignees=["dr-wilson"], reference="of-the-south")
            )
            at_work.post("/v1/connections/south/emr/pause", {"reason": "of the south"})
            yield at_work

    @pytest.mark.parametrize(("method", "template"), [route for route in CONSOLE if ONE in route[1]])
    def test_a_foreign_delivery_is_none(self, full, method, template):
        somebody = seat(full, "north")
        told = []
        for delivery in (full.south["id"], "tsk_nothing"):
            answer = asked(somebody, method, path_of(template, delivery_id=delivery))
            request = answer.headers["x-request-id"]
            told.append((answer.status_code, answer.text.replace(request, "").replace(delivery, "")))
        assert told[0] == told[1]
        assert told[0][0] == 404

    @pytest.mark.parametrize("what", ["pause", "resume"])
    def test_a_foreign_connection_is_none(self, full, what):
        somebody = seat(full, "north")
        assert somebody.post(f"/console/connections/south/emr/{what}", **WHY).status_code == 404
        assert somebody.get("/console/clinics/south").status_code == 404

    @pytest.mark.parametrize("path", PAGES)
    def test_no_page_has_a_word_of_it(self, full, path):
        everyone, somebody = seat(full).page(path), seat(full, "north").page(path)
        for word in (full.south["id"], "of the south", "of-the-south", "athenahealth", "South"):
            assert word not in somebody, word
        if path in {"/console", "/console/connections", "/console/deliveries", "/console/clinics"}:
            assert "south" in everyone

    def test_a_search_finds_nothing_of_it(self, full):
        found = {}
        for app in ("everything", "north"):
            somebody = seat(full, app)
            for text in (full.south["id"], "of-the-south", "MRN-1"):
                to = somebody.post("/console/deliveries/search", q=text).headers["location"]
                found[app, text] = full.south["id"] in somebody.page(to)
        assert found == {(app, text): app == "everything" for app, text in found}
