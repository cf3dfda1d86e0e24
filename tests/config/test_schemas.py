"""The JSON Schemas that editors use: current, valid under both drafts, and of one mind with the loader."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from corpus import BASE, ENVIRON, Case, cases, told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from adapters import discover
from gateway.cli import cli
from gateway.editor import documents
from gateway.files.reader import Reader
from gateway.files.strict_yaml import read_yaml
from schemas.config import CapabilityFile, ClinicFile, GatewayFile

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config"
FILES = sorted(
    file.relative_to(SHIPPED).as_posix() for file in (*SHIPPED.glob("*.yaml"), *SHIPPED.glob("clinics/*.yaml"))
)
DRAFTS = [Draft7Validator, Draft202012Validator]
SCHEMAS = documents(discover([BASE / "vendors"]))


def schema_of(file: str) -> str:
    kind = "clinic" if file.startswith("clinics/") else file.removesuffix(".yaml")
    return f"{kind}.schema.json"


def as_written(directory: Path, file: str):
    """The data of a file with its references as they stand there."""
    source = read_yaml(directory, file, ENVIRON)
    for spot, text in source.references.items():
        data = source.data
        for part in spot[:-1]:
            data = data[part]
        data[spot[-1]] = text
    return source.data


def errors(draft, file: str, data) -> list[str]:
    return [error.message for error in draft(SCHEMAS[schema_of(file)]).iter_errors(data)]


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_under_both_drafts_and_needs_no_other_document(draft, name):
    draft.check_schema(SCHEMAS[name])

    assert all(ref.startswith("#/definitions/") for ref in re.findall(r'"\$ref": "(.*?)"', json.dumps(SCHEMAS[name])))


def test_the_shipped_schemas_are_what_the_command_writes(tmp_path):
    ran = CliRunner().invoke(cli, ["schema", str(tmp_path)])

    assert ran.exit_code == 0
    assert {file.name: file.read_text() for file in (SHIPPED / "schema").iterdir()} == {
        file.name: file.read_text() for file in tmp_path.iterdir()
    }


def test_the_command_knows_the_adapters_of_a_directory(tmp_path):
    CliRunner().invoke(cli, ["schema", str(tmp_path / "new"), "--path", str(BASE / "vendors")])

    written = {file.name: json.loads(file.read_text()) for file in (tmp_path / "new").iterdir()}
    assert written == json.loads(json.dumps(SCHEMAS))
    assert "Account.acme" in written["gateway.schema.json"]["definitions"]


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("file", FILES)
def test_the_shipped_files_pass(draft, file):
    assert errors(draft, file, as_written(SHIPPED, file)) == []


@pytest.mark.parametrize("file", FILES)
def test_each_shipped_file_names_its_schema_in_its_first_line(file):
    first = (SHIPPED / file).read_text().partition("\n")[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)

    assert named is not None
    assert ((SHIPPED / file).parent / named[1]).resolve() == SHIPPED / "schema" / schema_of(file)


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("case", cases("shape"), ids=lambda case: case.name)
def test_an_editor_shows_a_mistake_of_shape(draft, case, tmp_path):
    case.make(tmp_path / "config")

    files = {change.file for change in case.changes}
    assert any(errors(draft, file, as_written(tmp_path / "config", file)) for file in files)


@pytest.mark.parametrize("case", cases("names", "production", "between"), ids=lambda case: case.name)
def test_an_editor_leaves_to_the_loader_what_hangs_on_other_places(case, tmp_path):
    case.make(tmp_path / "config")

    there = [change.file for change in case.changes if (tmp_path / "config" / change.file).exists()]
    data = {file: as_written(tmp_path / "config", file) for file in there if schema_of(file) in SCHEMAS}
    assert [errors(Draft7Validator, file, data[file]) for file in data] == [[] for _ in data]


def test_what_is_left_empty_and_what_comes_by_reference_passes():
    """The loader's own liberties: an empty key is none, any text may be a reference, an option stands in two places."""
    written = {
        "mode": "${env:MODE}", "database": None, "apps": None, "follow": {"unknown": None},
        "accounts": {
            "a": {"adapter": "task_api", "api_key": "${env:K}", "mark": None, "webhook": None},
            "b": {"adapter": "cobalt", "client_id": "x", "credentials": {"client_secret": "${file:y}"}},
            "c": {"adapter": "${env:ADAPTER}", "api_key": "k", "credentials": {"anything": 1}},
        },
    }  # fmt: skip
    table = {"cobalt": {"*": {"create_claim": None, "create_task": {"fields": {"title": "${env:NEED}"}}}, "epic": None}}

    assert [errors(draft, "gateway.yaml", written) for draft in DRAFTS] == [[], []]
    assert [errors(draft, "emr_capabilities.yaml", table) for draft in DRAFTS] == [[], []]


ODD = st.sampled_from([
    None, True, False, 0, -1, 3, 2.5, "", "x", "no", "30m", "7d", "2026-11-22", "cobalt", "required", "task.*", "*",
    "${env:ODD}", "${vault:x}", "a${env:ODD}", "$HOME", "${env:ODD", "{env:ODD}", "%ODD%", " ", "two\nlines",
    "low", "submit", "title", [], ["x"], ["low"], [1], [None], {}, {"x": 1}, {"need": "required"},
    {"create_task": None}, {"account": "solum"}, {"name": "x"}, {"api_key": "k"}, [{"to": "emr"}], "id:x", "a b",
])  # fmt: skip
KEYS = st.sampled_from([
    "x", "a b", "mode", "title", "credentials", "api_key", "mark", "emr", "when", "type", "create_task", "fields",
    "need", "one_of", "supported", "webhook", "limits", "ids", "name", "epic", "*", "patient.mrn",
])  # fmt: skip


def places(data, spot=()):
    """Every place of the data, from the top."""
    yield spot
    if isinstance(data, (dict, list)):
        for key in data if isinstance(data, dict) else range(len(data)):
            yield from places(data[key], (*spot, key))


def spoilt(data, draw):
    """The data with one place left out, put in or replaced."""
    copy = json.loads(json.dumps(data))
    *above, last = draw(st.sampled_from([spot for spot in places(copy) if spot]))
    inside = copy
    for part in above:
        inside = inside[part]
    if isinstance(inside, dict) and draw(st.booleans()):
        inside[draw(KEYS)] = draw(ODD)
    elif draw(st.integers(0, 4)):
        inside[last] = draw(ODD)
    else:
        del inside[last]
    return copy


MADE_OF = ("gateway.yaml", "emr_capabilities.yaml", "clinics/lakeside-family.yaml")
WHOLE = {file: as_written(BASE, file) for file in MADE_OF}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    directory = tmp_path_factory.mktemp("spoilt") / "config"
    return directory, Case("", "", environ={"ODD": "odd"}).make(directory)


@pytest.mark.parametrize("file", WHOLE)
@given(drawn=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_what_the_loader_accepts_passes_and_what_it_refuses_by_shape_fails(file, drawn, whole):
    directory, environ = whole
    data = spoilt(WHOLE[file], drawn.draw)
    (directory / file).write_text(json.dumps(data))  # JSON is YAML

    found = [errors(draft, file, data) for draft in DRAFTS]
    accepted = told(directory, environ) == []
    misshapen = misshapen_lines(directory, environ, file)
    (directory / file).write_text((BASE / file).read_text())

    assert found[0] == found[1]
    assert not (accepted and found[0])
    assert found[0] or not misshapen or '"${env:ODD}"' in json.dumps(data)  # what is named is not the schema's to judge


def misshapen_lines(directory: Path, environ, file: str) -> list[str]:
    """What the reader alone says of a file."""
    source = read_yaml(directory, file, environ)
    reader = Reader(source, production=False, also=lambda spot: source.keys(*spot) if spot[:1] == ("accounts",) else ())
    if file == "emr_capabilities.yaml":
        reader.value(CapabilityFile, source.data, ())
    else:
        reader.read(GatewayFile if file == "gateway.yaml" else ClinicFile)
    return source.mistakes()
