"""Commands in files are read as strictly as the gateway reads a body, and everything that is wrong is told at once."""

import json

import pytest

from gateway.errors import Stopped
from gateway.files.commands import commands_in, count_in

ONE = {"clinic_id": "c", "description": "Müller, 10:30", "due_at": "2027-01-15T09:30:00-06:00"}
TEXT = json.dumps(ONE, ensure_ascii=False)
YAML = "clinic_id: c\ndescription: Müller, 10:30\ndue_at: 2027-01-15T09:30:00-06:00\n"
LIST = f"[{TEXT}, {TEXT}]"
YAML_LIST = "".join(f"- {YAML}".replace("\n", "\n  ").rstrip(" ") for _ in range(2))


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("one.json", TEXT, [1]), ("list.json", LIST, [1, 2]), ("one.yaml", YAML, [1]), ("list.yml", YAML_LIST, [1, 2]),
        ("some.jsonl", f"{TEXT}\n\n  \n{TEXT}", [1, 4]), ("some.ndjson", f"\n{TEXT}\r\n", [2]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "marked"])
def test_a_file_gives_its_commands_and_where_they_stand(tmp_path, name, text, lines, mark):
    (tmp_path / name).write_text(mark + text, encoding="utf-8")

    found = list(commands_in(tmp_path / name))

    assert [each.line for each in found] == lines
    assert [each.posted for each in found] == [ONE] * len(lines)
    assert count_in(tmp_path / name) == len(lines)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("x.json", '{"a": 1, "a": 2}', "x.json: it repeats a key"),
        ("x.json", '{"a": {"b": 1, "b": 2}}', "x.json: it repeats a key"),
        ("x.json", '{"a": NaN}', "x.json: it is not JSON, or nests too deep"),
        ("x.json", "", "x.json: it is not JSON, or nests too deep"),
        ("x.json", "[" * 40 + "]" * 40, "x.json: it nests deeper than 32 levels"),
        ("x.json", "[]", "x.json: there is no command in it"),
        ("x.json", "[1, {}, []]", "x.json: command 1: expected a command\nx.json: command 3: expected a command"),
        ("x.jsonl", "\n \n", "x.jsonl: there is no command in it"),
        ("x.jsonl", '{}\n{"a"\n{"a":1, "a":1}\n7\n', "x.jsonl:2: it is\nx.jsonl:3: it repeats a key\nx.jsonl:4: ex"),
        ("x.yaml", "a: 1\nb: {c: 1, c: 2}\n", "x.yaml:2: a key is given twice; remove one"),
        ("x.yaml", "- a: 1\n- b: 1\n  b: 2\n", "x.yaml:3: a key is given twice; remove one"),
        ("x.yaml", "a: [b\n", "x.yaml:1: it is no YAML: a bracket that is never closed; expected ']'"),
        ("x.yaml", "a: .nan\n", "x.yaml: it holds what JSON cannot say"),
        ("x.yaml", "a: !!binary aGk=\n", "x.yaml: it holds what JSON cannot say"),
        ("x.yaml", "a: &a [*a]\n", "x.yaml: it holds what JSON cannot say"),
        ("x.yaml", "? [a]\n: 1\n", "x.yaml:1: it is no YAML: "),
        ("x.yaml", 'a: "\\0"\n', "x.yaml: it holds a NUL"),
        ("x.yaml", "", "x.yaml: expected a command: fields and their values"),
        ("x.yaml", "a: 1\n---\nb: 1\n", "x.yaml:2: it is no YAML: a second document begins here"),
    ],
)  # fmt: skip
def test_everything_that_is_no_command_is_told_with_its_place_and_without_its_words(tmp_path, name, text, told):
    (tmp_path / name).write_text(text)

    with pytest.raises(Stopped) as stopped:
        count_in(tmp_path / name)

    lines = str(stopped.value).replace(f"{tmp_path}/", "").split("\n")
    assert len(lines) == len(told.split("\n"))
    assert all(line.startswith(beginning) for line, beginning in zip(lines, told.split("\n"), strict=True)), lines


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.yaml"])
def test_a_file_in_another_encoding_is_told_so(tmp_path, name):
    (tmp_path / name).write_bytes('{"a": "Müller"}'.encode("latin-1"))
    with pytest.raises(Stopped, match="is not UTF-8"):
        count_in(tmp_path / name)


def test_of_many_lines_that_are_none_twenty_are_told(tmp_path):
    (tmp_path / "x.jsonl").write_text("no\n" * 25)
    with pytest.raises(Stopped) as stopped:
        count_in(tmp_path / "x.jsonl")
    assert str(stopped.value).splitlines()[20:] == ["... and 5 more"]
