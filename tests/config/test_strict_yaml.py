"""The dialect: small, boring, and never surprising."""

import re

import pytest
from corpus import BASE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.files.source import dotted
from gateway.files.strict_yaml import read_yaml


@pytest.fixture
def read(tmp_path):
    def of(text, environ=None):
        (tmp_path / "a.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_yaml(tmp_path, "a.yaml", environ or {})

    return of


# fmt: off
WORDS = {
    "true": True, "false": False, "null": None, "~": None, "": None,
    "NO": "NO", "yes": "yes", "on": "on", "True": "True", "FALSE": "FALSE", "Null": "Null", "y": "y",
    "0": 0, "12": 12, "-3": -3, "1.5": 1.5, "1e3": 1000.0, "-0.25": -0.25,
    "01234": "01234", "12:30": "12:30", "0x1F": "0x1F", "0o17": "0o17", "1_000": "1_000", "+1": "+1", ".5": ".5",
    ".inf": ".inf", ".nan": ".nan", "1.": "1.", "9" * 40: "9" * 40,
    "2026-11-22": "2026-11-22", "2026-11-22T10:00:00Z": "2026-11-22T10:00:00Z", "<<": "<<", "=": "=",
    '"12"': "12", "'true'": "true", '""': "",
}
# fmt: on


@pytest.mark.parametrize(("written", "meant"), WORDS.items())
def test_a_word_means_what_it_looks_like(read, written, meant):
    data = read(f"a: {written}\n").data

    assert data == {"a": meant}
    assert type(data["a"]) is type(meant)


@pytest.mark.parametrize("key", ["NO", "01234", "true", "12:30", "404"])
def test_a_key_is_text_as_written(read, key):
    assert read(f"{key}: x\n").data == {key: "x"}


TOO_MUCH = "too large or too deep once its aliases are written out; expected at most 100000 values, 32 levels deep"
# fmt: off
UNREADABLE = {
    "a key given twice below": (
        "x:\n  - {a: 1, a: 2}\n", "a.yaml:2: x[0].a: given twice (column 12), first on line 2 (column 6); remove one"),
    "an alias of itself": ("a: &a [*a]\n", f"a.yaml:1: {TOO_MUCH}"),
    "bytes that are no UTF-8": (b"a: 1\nb: \xff\n", "a.yaml:2: not UTF-8; save the file as UTF-8"),
    "a tag that runs code elsewhere": (
        "a: !!python/object:os.system x\n",
        "a.yaml:1: a: tags are not used here; put text that begins with ! in quotes"),
}
# fmt: on


@pytest.mark.parametrize(("text", "mistake"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_plain_yaml_is_told_with_its_line(read, text, mistake):
    assert read(text).mistakes() == [mistake]


SIGNS = st.sampled_from([*"\"'{}[],:-#&*!|>%@`? \t\n\r\\", "- ", ": ", "${", "\x85", "\u2028", "\x0b", "é", "\ufeff"])


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_is_written_is_read_or_told_with_a_line_of_the_file_and_none_of_its_words(read, data):
    text = (BASE / "clinics/lakeside-family.yaml").read_text()
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(text)))
        text = text[:place] + data.draw(SIGNS) + text[place + data.draw(st.integers(0, 2)) :]

    told = [line for line in read(text).mistakes() if "not YAML" in line]

    for line in told:
        number, problem = re.fullmatch(r"a\.yaml:([0-9]+): not YAML: (.*)", line).groups()
        assert 1 <= int(number) <= len(text.splitlines()) + 1
        assert not re.search(r"lakeside|wilson|desk|emr|cobalt|74196090", problem)


def test_aliases_within_aliases_are_capped(read):
    levels = "".join(f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]\n" for level in range(1, 9))

    [mistake] = read(f"l0: &l0 [{', '.join('x' * 9)}]\n{levels}").mistakes()

    assert "too large or too deep" in mistake


def test_deep_nesting_is_capped(read):
    [mistake] = read("a: " + "[" * 900 + "]" * 900).mistakes()

    assert "too large or too deep" in mistake


def test_an_alias_may_spare_a_repetition(read):
    source = read("a: &x [1, 2]\nb: *x\n")

    assert (source.data, source.mistakes()) == ({"a": [1, 2], "b": [1, 2]}, [])


def test_every_place_knows_its_line(read):
    source = read("a: 1\nb:\n  c:\n    - x\n    - y: 2\n")

    spots = [("a",), ("b",), ("b", "c"), ("b", "c", 1), ("b", "c", 1, "y")]
    assert [source.line(spot) for spot in spots] == [1, 2, 3, 5, 5]
    assert source.line(("b", "c", 1, "missing")) == 5


def test_a_place_is_written_as_people_write_it():
    assert dotted(("routes", 1, "when", "type", 0)) == "routes[1].when.type[0]"


def test_a_reference_is_replaced_wherever_text_stands(read, tmp_path):
    (tmp_path / "secret").write_text("two\n")

    source = read('a: ["${env:ONE}", {b: "${file:secret}"}]\n', {"ONE": "one"})

    assert source.data == {"a": ["one", {"b": "two"}]}
    assert source.references == {("a", 0): "${env:ONE}", ("a", 1, "b"): "${file:secret}"}


@pytest.mark.parametrize("text", ["costs $5", "US$", "100%", "50% of 20%", "{name}", "env:X", "$HOME/x", "a$B"])
def test_other_signs_are_text(read, text):
    source = read(f'a: "{text}"\n')

    assert (source.data, source.mistakes()) == ({"a": text}, [])


# fmt: off
SLIPS = ["$HOME", "${HOME}", "${x", "$${env}", "${env:X", "{env:X}", "{{env:X}}", "$(file:x)", "$env:X", "%HOME%",
         "{{ home }}", "at ${x", "${ENV:X}", "${env:{X}}"]
# fmt: on


@pytest.mark.parametrize("text", SLIPS)
def test_what_another_tool_would_replace_is_no_text(read, text):
    assert read(f'a: "{text}"\n').mistakes() == [
        "a.yaml:1: a: looks like a reference and is none; expected ${env:NAME} or ${file:PATH}"
    ]


def test_a_referenced_number_stays_text(read):
    assert read("a: ${env:N}\n", {"N": "12"}).data == {"a": "12"}
