"""What people get wrong, case by case: each mistake is found, with file, line and key, and says what would be right."""

from __future__ import annotations

import re

import pytest
from corpus import CORPUS, ENVIRON, cases, told

CASES = cases()
SUGGESTS = re.compile(
    r"did you mean '[^']+'\?"  # the name that was meant
    r"|; known: \S"  # all names there are
    r"|\bexpected \S"  # what belongs here
    r"|(; |: )(give|make|name|put|remove|rename|save|set|use|write) \S"  # what to do
)
"""A suggestion names what would be right, or what to do; that something is wrong is none."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}: {case.name}")
def test_a_mistake_comes_out_as_exactly_these_lines(case, tmp_path):
    environ = case.make(tmp_path / "config")

    lines = told(tmp_path / "config", environ)

    assert lines == case.lines
    assert lines != []
    assert not [line for line in lines if "canary" in line or any(secret in line for secret in ENVIRON.values())]


def test_the_base_itself_has_no_mistake_not_even_in_production(tmp_path):
    [case] = [case for case in cases("production") if case.name == "a vendor without https"]
    case.changes = [change for change in case.changes if "mode:" in change.new]

    environ = case.make(tmp_path / "config")

    assert "mode: production" in (tmp_path / "config/gateway.yaml").read_text()
    assert told(tmp_path / "config", environ) == []


def test_every_line_names_its_file_and_line():
    lines = [line for case in CASES for line in case.lines]

    assert [line for line in lines if not re.match(r"[a-z_/-]+\.(yaml|py):[1-9][0-9]*: \S", line)] == []


@pytest.mark.parametrize("kind", ["yaml", "shape", "names", "secrets"])
def test_the_line_told_is_one_that_somebody_wrote_or_its_key_just_above(kind, tmp_path):
    elsewhere = []
    for number, case in enumerate(cases(kind)):
        case.make(tmp_path / str(number))
        wrote = set()
        for change in case.changes:
            if change.old is not None and change.added and not change.file.endswith(".py"):
                text = (tmp_path / str(number) / change.file).read_text()
                first = text[: text.index(change.new)].count("\n") + 1
                wrote |= {f"{change.file}:{first + line}" for added in change.added for line in (added, added - 1)}
        if wrote and not any(line.split(": ")[0] in wrote for line in case.lines):
            elsewhere.append((case.name, case.lines))

    assert elsewhere == []


def test_a_hundred_mistakes_and_more_are_all_found_and_four_of_five_say_what_would_be_right(record_property):
    lines = [line for case in CASES for line in case.lines]
    mute = [line for line in lines if not SUGGESTS.search(line)]
    found = sum(bool(case.lines) for case in CASES) / len(CASES)
    helped = 1 - len(mute) / len(lines)
    record_property(
        "corpus", f"{len(CASES)} cases, {found:.0%} found; {len(lines)} lines, {helped:.0%} with a suggestion"
    )

    assert len(CASES) >= 100
    assert found == 1
    assert helped >= 0.8, mute


@pytest.mark.parametrize("case", cases("many"), ids=lambda case: case.name)
def test_as_many_places_are_told_of_as_were_spoilt(case):
    """One run tells of all of them: at least one line of output for each line that somebody spoilt."""
    spoilt = sum(len(change.added) or 1 for change in case.changes)

    assert len(case.lines) >= spoilt


def test_every_case_is_of_a_known_kind():
    kinds = {"yaml", "shape", "names", "secrets", "production", "between", "many"}

    assert {file.parent.name for file in CORPUS.glob("*/*.txt")} == kinds
