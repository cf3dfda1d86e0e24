"""What answers say to browsers, and that our pages need no more than that allows."""

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from web.world import bearer

from gateway.web.safe_headers import safe_headers
from gateway.web.templates import render
from schemas.problem import CODES

PAGES = ["/schema", "/problems", "/problems/duplicate", "/docs", "/docs/runbook/outcome-unknown"]


class Parsed(HTMLParser):
    """What of a page a browser would load or run, by the kind of policy that it needs."""

    def __init__(self, text):
        super().__init__()
        self.styles, self.other = [], []
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self._within = tag
        names = {name for name, _ in attrs}
        if tag in {"script", "img", "iframe", "object", "embed", "form", "base", "link", "video", "audio"}:
            self.other.append(tag)
        self.other += [f"{tag} {name}" for name in names if name == "style" or name.startswith("on")]
        self.other += [str(value) for name, value in attrs if name in {"href", "src"} and ":" in (value or "")]

    def handle_data(self, data):
        if self._within == "style":
            self.styles.append(data)

    def handle_endtag(self, _tag):
        self._within = ""


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_one_style_sheet_which_its_policy_names_and_nothing_else_to_load_or_run(shared, path):
    answer = shared.call("GET", path, by=None)
    page = Parsed(answer.text)

    [style] = page.styles
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in answer.headers["content-security-policy"]
    assert page.other == []


@pytest.mark.parametrize("path", [*PAGES, "/", "/v1/me", "/v1/tasks", "/nowhere", "/health/live"])
def test_a_policy_allows_nothing_inline_and_nothing_from_elsewhere(shared, path):
    policy = shared.call("GET", path).headers["content-security-policy"]

    directives = dict(each.strip().split(" ", 1) for each in policy.split(";"))
    assert directives.pop("style-src").startswith("'sha256-")
    assert directives == dict.fromkeys(("default-src", "base-uri", "form-action", "frame-ancestors"), "'none'")


def test_no_other_site_is_invited_to_ask_or_to_embed(shared):
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST", **bearer("reader")}
    for method in ("GET", "OPTIONS"):
        answer = shared.client.request(method, "/v1/tasks", headers=headers)
        assert [name for name in answer.headers if name.startswith("access-control-")] == []
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_https_alone_is_asked_for_in_production_and_not_on_a_developers_machine(shared):
    assert "strict-transport-security" not in shared.get("/v1/me").headers
    assert safe_headers(production=True)[b"strict-transport-security"] == b"max-age=63072000; includeSubDomains"


def test_what_a_page_shows_is_escaped():
    page = render("problem.html", code="<script>alert(1)</script>", known=CODES["duplicate"], runbook=None)

    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_front_door_leads_to_our_own_reference(shared):
    answer = shared.client.get("/", headers={"Host": "evil.example"}, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (302, "/schema")


@pytest.mark.parametrize("path", ["/v1/me", "/schema", "/nowhere"])
def test_trace_is_not_answered(shared, path):
    answer = shared.client.request("TRACE", path, headers=bearer("everything") | {"X-Secret": "canary"})

    assert answer.status_code in {404, 405}
    assert "canary" not in answer.text + str(answer.headers)
