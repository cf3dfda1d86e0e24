"""The documents as the gateway serves them."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gateway.web.problems import RUNBOOK

ROOT = Path(__file__).parent.parent.parent / "docs"
DOCUMENTS = sorted(path.relative_to(ROOT).with_suffix("").as_posix() for path in ROOT.rglob("*.md"))


class Parsed(HTMLParser):
    """A page's links and anchors."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.links += [found["href"]] if tag == "a" else []
        self.anchors += [found["id"]] if "id" in found else []


@pytest.fixture
def read(shared):
    """A page by its address, without a key."""

    def page(path):
        answer = shared.call("GET", path, by=None)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8"), path
        return answer.text

    return page


def address(name):
    return f"/docs/{name}".removesuffix("/README")


def test_every_document_is_served_and_each_of_its_links_leads_somewhere(read):
    pages = {address(name): Parsed(read(address(name))) for name in DOCUMENTS}
    others = {}
    for path, page in pages.items():
        assert len(set(page.anchors)) == len(page.anchors), path
        for link in page.links:
            where, _, anchor = link.partition("#")
            if where.startswith("https://"):
                continue
            assert not where or where.startswith("/"), (path, link)
            there = pages.get(where or path) or others.get(where)
            if there is None and where != "/console":
                there = others[where] = Parsed(read(where))
            assert not anchor or anchor in there.anchors, (path, link)


def test_the_index_leads_to_every_document(read):
    named = Parsed(read("/docs")).links
    above = {address(f"{name.rpartition('/')[0]}/README") for name in DOCUMENTS if "/" in name}
    reached = {*named, *(link for each in above for link in Parsed(read(each)).links)}
    assert {address(name) for name in DOCUMENTS} - reached == set()


def test_a_problem_that_is_also_the_operators_leads_to_their_page(read):
    for code, page in RUNBOOK.items():
        assert address(f"runbook/{page}") in Parsed(read(f"/problems/{code}")).links
        read(address(f"runbook/{page}"))


def test_a_document_that_is_none_is_not_there(shared):
    for path in ("/docs/none", "/docs/runbook/none", "/docs/../README", "/docs/%2e%2e/%2e%2e/pyproject.toml"):
        assert shared.call("GET", path, by=None).status_code == 404, path


def test_a_link_to_a_file_that_is_not_served_leaves_its_words(read):
    assert re.search(r"<td>met</td>\s*<td>SECURITY\.md</td>", read("/docs/asvs"))
