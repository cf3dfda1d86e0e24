"""README and the other documents say what is true."""

from __future__ import annotations

import re
from pathlib import Path

from adapters import discover
from gateway.features import feature_table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_feature_table_of_readme_is_the_adapters_own():
    found = re.search(r"<!-- features -->\n(.*)<!-- /features -->", README, re.DOTALL)

    assert found is not None
    assert found[1] == feature_table(discover())


def test_every_direct_dependency_has_a_reason_in_contributing():
    project = (ROOT / "pyproject.toml").read_text()
    wanted = set(re.findall(r'^    "([A-Za-z-]+)(?:\[\w+\])?[><=]', project, re.MULTILINE))
    reasons = (
        (ROOT / "CONTRIBUTING.md").read_text().partition("## Dependencies")[2].partition("## Decisions")[0].lower()
    )

    assert {name for name in wanted if name.lower() not in reasons} == set()


def test_links_between_files_lead_to_files():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for document in documents:
        for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
            path = link.partition("#")[0]
            if path and not path.startswith(("/", "https://")):
                assert (document.parent / path).exists(), f"{document.relative_to(ROOT)}: {link}"


def test_the_constraints_pin_exact_versions_and_name_no_address():
    lines = (ROOT / "constraints.txt").read_text().splitlines()

    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*", line)] == []
