"""SECURITY.md and the table of the ASVS say what is true; and what no code of ours may do, none does."""

from __future__ import annotations

import ast
import re
import ssl
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TABLE = (ROOT / "docs/asvs.md").read_text()
SECURITY = (ROOT / "SECURITY.md").read_text()

LEVEL_2 = """
V1.1.1-2 V1.2.1-9 V1.3.1-11 V1.4.1-3 V1.5.1-2 V2.1.1-3 V2.2.1-3 V2.3.1-4 V2.4.1 V3.2.1-2 V3.3.1-4 V3.4.1-6 V3.5.1-5
V3.7.1-2 V4.1.1-3 V4.2.1 V4.3.1-2 V4.4.1-4 V5.1.1 V5.2.1-3 V5.3.1-2 V5.4.1-3 V6.1.1-3 V6.2.1-12 V6.3.1-4 V6.4.1-4
V6.5.1-5 V6.6.1-3 V6.8.1-4 V7.1.1-3 V7.2.1-4 V7.3.1-2 V7.4.1-5 V7.5.1-2 V7.6.1-2 V8.1.1-2 V8.2.1-3 V8.3.1 V8.4.1
V9.1.1-3 V9.2.1-4 V10.1.1-2 V10.2.1-2 V10.3.1-4 V10.4.1-11 V10.5.1-5 V10.6.1-2 V10.7.1-3 V11.1.1-2 V11.2.1-3 V11.3.1-3
V11.4.1-4 V11.5.1 V11.6.1 V12.1.1-3 V12.2.1-2 V12.3.1-4 V13.1.1 V13.2.1-5 V13.3.1-2 V13.4.1-5 V14.1.1-2 V14.2.1-4
V14.3.1-3 V15.1.1-3 V15.2.1-3 V15.3.1-7 V16.1.1 V16.2.1-5 V16.3.1-4 V16.4.1-3 V16.5.1-3 V17.1.1 V17.2.1-4 V17.3.1-2
"""
"""The numbers of the standard's levels 1 and 2."""
STATUSES = ("met", "partly", "not met", "deployment", "n/a")


def numbers(text: str) -> list[str]:
    """Each requirement of a list such as "V1.1.1-2, V1.2.3"."""
    found = re.findall(r"(V\d+\.\d+)\.(\d+)(?:-(\d+))?", text)
    return [f"{section}.{each}" for section, low, high in found for each in range(int(low), int(high or low) + 1)]


ROWS = [line[2:-1].split(" | ") for line in TABLE.splitlines() if line.startswith("| V")]


def test_each_requirement_of_the_standard_has_one_row_and_no_other_has():
    told = [number for row in ROWS for number in numbers(row[0])]

    assert sorted(told) == sorted(numbers(LEVEL_2))
    assert len(told) == 253


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_has_a_status_and_what_that_wants(row):
    _, _, status, how, shown = (cell.strip() for cell in row)

    assert status in STATUSES
    assert how
    assert shown or status not in {"met", "partly"}


def test_every_test_that_a_document_names_is_there():
    named = set(re.findall(r"([\w/]+\.py)::(test_\w+)", TABLE + SECURITY))

    assert len(named) > 60
    assert {(file, name) for file, name in named if not _is_there(file, name)} == set()


def _is_there(file: str, name: str) -> bool:
    path = ROOT / "tests" / file.removeprefix("tests/")
    return path.exists() and re.search(rf"def {name}\(", path.read_text()) is not None


def test_security_md_counts_the_rows_as_they_are():
    counts = Counter(row[2] for row in ROWS for _ in numbers(row[0]))
    told = dict(re.findall(r"^\| ([a-z/ ]+) \| (\d+) \|$", SECURITY.partition("## OWASP")[2], re.MULTILINE))

    assert told == {status: str(counts[status]) for status in STATUSES}


def test_places_that_the_table_points_to_in_security_md_are_there():
    titles = {
        title.lower().replace(",", "").replace(" ", "-") for title in re.findall(r"^## (.+)", SECURITY, re.MULTILINE)
    }

    assert set(re.findall(r"SECURITY\.md#([\w-]+)", TABLE)) <= titles


SOURCES = [file for package in ("schemas", "adapters", "gateway") for file in sorted((ROOT / package).rglob("*.py"))]
OURS = [file for file in SOURCES if "sandbox" not in file.parts]
"""Without the vendors' stand-ins, which hold nobody's data."""


def calls(files):
    """Every call: where it stands, its name as written, and its arguments."""
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                yield file.relative_to(ROOT).as_posix(), ast.unparse(node.func), node.args


def imports(files):
    """Every import: where it stands, and the first word of the module."""
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            yield from ((file.relative_to(ROOT).as_posix(), module.partition(".")[0]) for module in modules)


def test_nothing_starts_a_program_or_runs_text():
    modules = {"subprocess", "pickle", "marshal", "shelve", "ctypes", "cffi", "pty", "xml", "lxml", "dill"}
    names = {
        "eval",
        "exec",
        "os.system",
        "os.popen",
        "os.execv",
        "os.execve",
        "os.fork",
        "__import__",
        "yaml.unsafe_load",
    }

    assert [found for found in imports(SOURCES) if found[1] in modules] == []
    assert {(file, name) for file, name, _ in calls(SOURCES) if name in names} == {("adapters/__init__.py", "exec")}


def test_no_expression_is_made_of_what_comes_in():
    made = {
        (file, ast.unparse(arguments[0]))
        for file, name, arguments in calls(SOURCES)
        if re.fullmatch(r"re\.(compile|match|fullmatch|search|sub|split|findall|finditer)", name)
        if not isinstance(arguments[0], ast.Constant)
    }

    assert made == {
        ("gateway/store/postgres_schema.py", "f'\\\\b{ours}\\\\b'"),  # the words of one dialect for another's
        ("gateway/files/references.py", "SLIP"),  # which stands in the JSON Schemas too
    }


def test_only_strong_hashes_are_used():
    weak = re.compile(
        r"(hashlib\.|hashes\.)?(md5|sha1|md4|MD5|SHA1)|hashlib\.new|zlib\.\w+|.*\.(ECB|CBC|ARC4|TripleDES)"
    )
    assert [(file, name) for file, name, _ in calls(OURS) if weak.fullmatch(name)] == []


def test_plain_randomness_is_for_waiting_times_alone():
    assert {file for file, module in imports(OURS) if module == "random"} == {
        "gateway/world.py",  # World.roll, for jitter
        "gateway/conformance/watch.py",  # to notice adapters that use it
    }


def test_outgoing_tls_is_verified_and_not_older_than_1_2():
    made = {(file, name) for file, name, _ in calls(OURS) if name.startswith(("ssl.", "SSLContext"))}
    text = "\n".join(file.read_text() for file in OURS)

    assert made == {(f"gateway/{file}.py", "ssl.create_default_context") for file in ("transport", "courier")}
    assert re.findall(r"CERT_NONE|check_hostname\s*=|verify=False|verify_ssl|minimum_version", text) == []
    assert ssl.create_default_context().minimum_version >= ssl.TLSVersion.TLSv1_2
