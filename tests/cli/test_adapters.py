"""`task-gateway adapter` as its users run it."""

import json

import pytest
from conformance import guide
from journeys import world

from gateway.cli.new_adapter import write
from gateway.conformance.kit import version
from gateway.errors import Stopped


def adapter(*words, directory):
    return world.run("adapter", *map(str, words), directory=directory, seconds=300)


def test_a_new_adapter_passes_the_kit_at_once_and_is_written_once(tmp_path):
    made = adapter("new", "acme_care", "--into", "vendors", directory=tmp_path)
    file = tmp_path / "vendors/acme_care.py"
    before = file.read_text()
    tested = adapter("test", "vendors/acme_care.py", directory=tmp_path)
    again = adapter("new", "acme_care", "--into", "vendors", directory=tmp_path)

    assert (made.returncode, tested.returncode, again.returncode) == (0, 0, 1)
    assert "task-gateway adapter test vendors/acme_care.py" in made.stdout
    assert "0 do not: conformance passed" in tested.stdout
    assert "- Token: the vendor has no token call" in tested.stdout
    assert again.stderr == "vendors/acme_care.py is there already\n"
    assert file.read_text() == before
    assert "class AcmeCare(Adapter" in before
    assert "emplate" not in before


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Acme", "cannot be an adapter's name"),
        ("../acme", "cannot be an adapter's name"),
        ("2care", "cannot be an adapter's name"),
        ("cobalt", "the name 'cobalt' is taken"),
        ("template", "the name 'template' is taken"),
    ],
)
def test_a_name_that_cannot_be_one_writes_nothing(tmp_path, name, why):
    with pytest.raises(Stopped, match=why):
        write(name, tmp_path)

    assert not list(tmp_path.iterdir())


def test_samples_that_are_there_are_not_overwritten_either(tmp_path):
    (tmp_path / "samples/acme").mkdir(parents=True)

    with pytest.raises(Stopped, match="samples/acme is there already"):
        write("acme", tmp_path)

    assert not (tmp_path / "acme.py").exists()


def test_each_check_is_a_line_and_a_cross_says_what_where_and_what_to_do(tmp_path):
    text = guide.files()["vendors/northwind.py"]
    guide.write(tmp_path, {"vendors/northwind.py": text.replace("import hashlib", "import hashlib  # TODO")})

    ended = adapter("test", "vendors/northwind.py", directory=tmp_path)

    lines = ended.stdout.splitlines()
    cross = lines.index("  ✗ Nothing in the file and in the samples is left to do")
    assert ended.returncode == 1
    assert lines[cross + 1] == "      northwind.py:9: TODO"
    assert lines[cross + 2].startswith("      → Do it")
    assert len([line for line in lines if line.startswith("  ✓ ")]) > 60
    assert lines[-1].endswith(" hold, 1 does not: conformance failed")


def test_the_kit_s_findings_are_json_for_programs(tmp_path):
    guide.write(tmp_path, {"vendors/samples/northwind/create_task.refused.json": None})

    ended = adapter("test", "vendors/northwind.py", "--json", directory=tmp_path)

    report = json.loads(ended.stdout)
    failed = [finding for finding in report["findings"] if finding["faults"]]
    assert (ended.returncode, report["adapter"], report["maturity"]) == (1, "northwind", "conformance failed")
    assert failed[0]["faults"] == [{"where": "create_task", "what": "no sample of a failure (refused)"}]
    assert failed[0]["mend"]


def test_a_file_that_is_no_adapter_is_told_in_a_line(tmp_path):
    (tmp_path / "odd.py").write_text("import nothing_such\n")

    ended = adapter("test", "odd.py", directory=tmp_path)

    assert ended.returncode == 1
    assert "odd.py:1: ModuleNotFoundError: No module named 'nothing_such'" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


def test_the_list_says_version_operations_and_how_far_each_is_proved(tmp_path):
    guide.write(tmp_path)
    (tmp_path / "vendors/samples/northwind/create_task.refused.json").unlink()

    rows = json.loads(adapter("list", "--path", "vendors", "--json", directory=tmp_path).stdout)
    shown = adapter("list", "--path", "vendors", directory=tmp_path).stdout

    found = {row["name"]: row for row in rows}
    assert found["northwind"]["maturity"] == "conformance failed"
    assert found["northwind"]["operations"] == ["create_task"]
    assert {row["maturity"] for name, row in found.items() if name != "northwind"} == {"conformance passed"}
    assert all(len(row["version"]) == 8 and row["version"] in shown for row in rows)


def test_another_text_is_another_version(tmp_path):
    file = guide.write(tmp_path)
    before = version(file)
    file.write_text(file.read_text() + "\n")

    assert version(file) != before


def test_a_broken_file_among_those_listed_is_told_in_a_line(tmp_path):
    (tmp_path / "odd.py").write_text("adapter = 1\n")

    ended = adapter("list", "--path", ".", directory=tmp_path)

    assert ended.returncode == 1
    assert "odd.py" in ended.stderr
    assert "Traceback" not in ended.stderr
