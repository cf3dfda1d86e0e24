"""Each check of the kit finds the fault it is there for, and says so in a line."""

import pytest
from conformance import guide
from conformance.planted import CODE, CREATED, PLANTED, READ, Planted

from gateway.conformance import examine
from gateway.conformance.check import mending, sentence
from gateway.conformance.kit import GROUPS, faults_of, read

CHECKS = [check for group in GROUPS for check in group.checks]


def written(planted: Planted, into):
    """The guide's vendor with the fault in it."""
    files = guide.files()
    text = files.get(planted.file) or files[CREATED]
    assert planted.old in text
    changed = {planted.file: text.replace(planted.old, planted.new) if planted.old else text}
    for old, new in planted.also:
        code = changed.get(CODE) or files[CODE]
        assert old in code
        changed[CODE] = code.replace(old, new)
    return guide.write(into, {**changed, **dict.fromkeys(planted.without)})


@pytest.mark.parametrize("planted", PLANTED, ids=lambda it: f"{it.check.__name__}: {it.says}")
def test_a_planted_fault_is_found_and_told_in_a_line(planted, tmp_path):
    faults = faults_of(planted.check, read(written(planted, tmp_path), guide.TODAY))

    lines = [f"{fault.where}: {fault.what}" for fault in faults]
    assert [line for line in lines if planted.says in line], lines
    assert not [line for line in lines if "\n" in line]


def test_the_checks_of_the_groups_are_those_with_a_planted_fault():
    assert sorted(check.__name__ for check in CHECKS) == sorted({planted.check.__name__ for planted in PLANTED})
    assert set(CHECKS) == {planted.check for planted in PLANTED}


@pytest.mark.parametrize("group", GROUPS, ids=lambda it: it.title)
def test_the_kit_runs_the_checks_of_each_group(group, tmp_path):
    planted = next(planted for planted in PLANTED if planted.check in group.checks)

    report = examine(written(planted, tmp_path), guide.TODAY)

    assert (group.title, sentence(planted.check)) in {(finding.group, finding.says) for finding in report.failed}


@pytest.mark.parametrize("check", CHECKS, ids=lambda it: it.__name__)
def test_every_check_says_what_holds_and_what_to_do(check):
    assert sentence(check).endswith(".") is False
    assert mending(check)


def test_the_vendor_without_a_fault_keeps_every_rule_of_every_group(tmp_path):
    report = examine(guide.write(tmp_path), guide.TODAY)

    assert [(finding.says, finding.faults) for finding in report.failed] == []
    assert not report.skipped
    assert len(report.findings) == len(CHECKS) + 1


@pytest.mark.parametrize("name", ["headers", "build_request", "build_lookup", "build_token"])
def test_a_function_that_always_raises_is_told_with_its_line(tmp_path, name):
    code = guide.files()[CODE].replace(
        f"    def {name}(", f"    def {name}(self, *_):\n        raise KeyError('x')\n\n    def _{name}("
    )
    line = code.splitlines().index("        raise KeyError('x')") + 1

    report = examine(guide.write(tmp_path, {CODE: code}), guide.TODAY)

    told = {(fault.where, fault.what) for finding in report.failed for fault in finding.faults}
    assert (f"northwind.py:{line}", "KeyError: 'x'") in told


def test_an_adapter_that_ends_the_program_does_not_end_the_kit(tmp_path):
    code = guide.files()[CODE].replace(READ, f"raise SystemExit(0)\n        {READ}")

    report = examine(guide.write(tmp_path, {CODE: code}), guide.TODAY)

    assert "SystemExit: 0" in {fault.what for finding in report.failed for fault in finding.faults}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"title": Place(', '"titel": Place(', "create_task: 'titel' is no canonical field of it"),
        ("adapter = Northwind()", "", "has no attribute 'adapter'"),
        ("import hashlib", "import hashlob", "ModuleNotFoundError: No module named 'hashlob'"),
        ('path="/v2', 'path="v2', "a path that begins with /"),
        ("class Account(", "class Account((", "SyntaxError"),
        ("_FRESH = 300", '_FRESH = len(open("/etc/hosts").read())', "PermissionError: an adapter does no I/O (open)"),
    ],
    ids=["no canonical path", "no adapter", "cannot be imported", "path", "syntax", "I/O"],
)
def test_a_file_that_the_gateway_would_not_load_fails_with_the_reason(tmp_path, old, new, says):
    file = guide.write(tmp_path, {CODE: guide.files()[CODE].replace(old, new)})

    report = examine(file, guide.TODAY)

    assert (report.adapter, report.maturity) == (None, "conformance failed")
    assert says in report.failed[0].faults[0].what
