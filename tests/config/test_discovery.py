"""Adapters are found by their place alone, and what is broken about them is told all at once."""

# ruff: noqa: E501 - a table reads best with a row a line

import sys

import pytest

from adapters import BrokenAdapter, discover
from adapters.base import HttpResponse, Link

ACME = """
from __future__ import annotations
from msgspec import Struct
from adapters.base import Adapter, Applied, NoSettings, Operation, Place, Secret

class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    key: Secret
    region: str = "eu"

class Acme(Adapter[Account, NoSettings]):
    name = "acme"
    docs = "https://acme.example"
    base_url = "https://api.acme.example"
    account = Account
    operations = (
        Operation(name="create_task", path="/tasks", places={"description": Place("text", "required")}),
    )
    def headers(self, link):
        return {"Authorization": link.account.key.reveal()}
    def parse_success(self, sent, response):
        return Applied(ids={})

adapter = Acme()
"""
PLACES = 'places={"description": Place("text", "required")}'


NESTED = (
    ACME.replace(
        "class Acme(",
        """class _Task(Struct):
    id: str

class _Reply(Struct):
    task: _Task

class Acme(""",
    )
    .replace(
        "return Applied(ids={})", "return Applied(ids={'id': msgspec.json.decode(response.body, type=_Reply).task.id})"
    )
    .replace("from msgspec import", "import msgspec\nfrom msgspec import")
)


@pytest.fixture
def vendors(tmp_path):
    (tmp_path / "vendors").mkdir()
    return tmp_path / "vendors"


def reasons(vendors):
    with pytest.raises(BrokenAdapter) as raised:
        discover([vendors])
    return [(reason.file.rsplit("/", 1)[-1], reason.line, reason.text) for reason in raised.value.reasons]


def test_our_own_adapters_are_found():
    assert set(discover()) == {"cobalt", "maxcare", "task_api"}


def test_a_dropped_in_file_is_an_adapter(vendors):
    (vendors / "acme.py").write_text(ACME)

    assert set(discover([vendors])) == {"acme", "cobalt", "maxcare", "task_api"}


def test_files_that_begin_with_an_underscore_are_no_adapters(vendors):
    (vendors / "_draft.py").write_text("raise RuntimeError")
    (vendors / "notes.txt").write_text("no Python")

    assert set(discover([vendors])) == {"cobalt", "maxcare", "task_api"}


def test_a_dropped_in_file_that_changed_is_read_anew(vendors):
    (vendors / "acme.py").write_text(ACME)
    discover([vendors])
    (vendors / "acme.py").write_text(ACME.replace("api.acme.example", "app.acme.example"))

    assert discover([vendors])["acme"].base_url == "https://app.acme.example"


# fmt: off
BROKEN = {
    "it does not import": ("x = 1\nimport nothing_such", 2, "ModuleNotFoundError: No module named 'nothing_such'"),
    "it is no Python": ("\n\ndef (", 3, "SyntaxError: "),
    "it has no adapter": ("x = 1", 1, "has no attribute 'adapter'; put `adapter = ...()` at its end"),
    "its adapter is a class": (ACME.replace("Acme()", "Acme"), 1, "'adapter' is the class Acme, expected an instance of an Adapter"),
    "its adapter is something else": ("adapter = 1", 1, "'adapter' is a int, expected an instance of an Adapter"),
    "it lacks a method": (ACME.replace("def headers", "def heads"), 23, "TypeError: Can't instantiate abstract class Acme "),
    "it declares no name": (ACME.replace('name = "acme"', ""), 1, "expected it to declare name"),
    "its name is empty": (ACME.replace('"acme"', '""'), 1, "its name is empty; give it one"),
    "its name is taken": (
        ACME.replace('"acme"', '"cobalt"'), 11, "the name 'cobalt' is taken by adapters/cobalt.py; give it one of its own"),
    "a key of its table is no canonical path": (
        ACME.replace('"description": Place', '"descripton": Place'), 16,
        "create_task: 'descripton' is no canonical field of it, did you mean 'description'?"),
    "an operation is declared twice": (
        ACME.replace("    def headers", "    operations = operations * 2\n    def headers"), 16,
        "'create_task' is declared twice; remove one"),
    "an operation is unknown": (
        ACME.replace('"create_task"', '"create_tsk"'), 16,
        "unknown operation 'create_tsk'; known: create_task, add_note, create_claim"),
    "its text has no place for what is folded": (
        ACME.replace(PLACES, 'places={"title": Place(None)}'), 1, "create_task: 'description' has no place; give it one"),
    "it pushes in a way that there is not": (
        ACME.replace("    account =", '    pushes = "Signed"\n    account ='), 14,
        "'Signed' is no way to push; expected nothing, unsigned or signed"),
    "it replaces what the gateway relies on": (
        ACME.replace("def headers", "def ours(self, operation, wire):\n        return None\n    def headers"), 1,
        "'ours' is the gateway's own function; remove it"),
    "it ends the program": ("x = 1\nraise SystemExit(0)", 2, "SystemExit: 0"),
    "a field of the command stands in its path": (
        ACME.replace("/tasks", "/tasks/{emr_task_id}/notes"), 16,
        "create_task: '/tasks/{emr_task_id}/notes' would be sent as it stands; expected a plain path"),
    "a vendor's name is blank": (
        ACME.replace('"text"', '"task..text"'), 16, "create_task: 'task..text' has a blank name; without a place of its own, write FOLDED"),
    "no EMR has it": (
        ACME.replace('path="/tasks"', 'path="/tasks", emrs=()'), 16,
        "'create_task' is on no EMR; leave emrs out if all have it"),
    "its results are overdue at once": (
        ACME.replace('path="/tasks"', 'path="/tasks", settles_within=0'), 16,
        "'create_task' settles within 0; expected seconds, at least 1"),
    "its account is no Struct": (
        ACME.replace("account = Account", "account = dict"), 1, "'account' is no class of credentials; expected a Struct"),
}
# fmt: on


@pytest.mark.parametrize(("text", "line", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_told_with_its_reason_and_line(vendors, text, line, reason):
    (vendors / "acme.py").write_text(text)

    [(file, number, told)] = reasons(vendors)

    assert (file, number) == ("acme.py", line)
    assert told.startswith(reason)


def test_an_adapter_in_force_reads_with_its_own_structs_after_its_file_was_edited(vendors):
    (vendors / "acme.py").write_text(NESTED)
    in_force = discover([vendors])["acme"]
    edited = NESTED.replace("    id: str", "    number: str").replace(".task.id", ".task.number")
    (vendors / "acme.py").write_text(edited)
    discover([vendors])

    answer = HttpResponse(status=201, body=b'{"task": {"id": "4711"}}')

    assert in_force.parse_success(None, answer).ids == {"id": "4711"}


def test_all_broken_files_are_told_at_once_and_the_sound_ones_kept(vendors):
    (vendors / "acme.py").write_text(ACME)
    (vendors / "one.py").write_text("x = 1")
    (vendors / "two.py").write_text("import nothing_such")

    with pytest.raises(BrokenAdapter) as raised:
        discover([vendors])

    assert set(raised.value.found) == {"acme", "cobalt", "maxcare", "task_api"}
    assert str(raised.value).splitlines() == [
        f"{vendors}/one.py:1: has no attribute 'adapter'; put `adapter = ...()` at its end",
        f"{vendors}/two.py:1: ModuleNotFoundError: No module named 'nothing_such'",
    ]


def test_a_file_that_does_not_import_leaves_nothing_behind(vendors):
    (vendors / "broken_on_purpose.py").write_text("raise RuntimeError('half way')")

    assert reasons(vendors) == [("broken_on_purpose.py", 1, "RuntimeError: half way")]
    assert not [name for name in sys.modules if "broken_on_purpose" in name]


def test_a_clinic_works_through_a_dropped_in_adapter(directory):
    directory.write("vendors/acme.py", ACME)
    directory.replace("gateway.yaml", "adapter_paths: []", "adapter_paths: [vendors]")
    directory.replace("gateway.yaml", "apps:\n", "  acme: {adapter: acme, region: us, credentials: {key: k}}\napps:\n")
    directory.write("clinics/hill.yaml", "id: hill\nname: Hill\ntimezone: UTC\nconnections: {a: {account: acme}}\n")

    link = directory.load().clinics["hill"].connections["a"].link()

    assert isinstance(link, Link)
    assert (link.account.region, link.account.key.reveal()) == ("us", "k")


def test_a_broken_dropped_in_file_stops_the_start_with_the_other_mistakes(directory):
    directory.write("vendors/acme.py", "x = 1")
    directory.replace("gateway.yaml", "adapter_paths: []", "adapter_paths: [vendors]")
    directory.replace("gateway.yaml", "adapter: task_api", "adapter: task_apy")

    assert directory.mistakes() == [
        "gateway.yaml:11: accounts.solum.adapter: unknown adapter 'task_apy', did you mean 'task_api'?",
        "vendors/acme.py:1: broken adapter: has no attribute 'adapter'; put `adapter = ...()` at its end",
    ]
