"""An adapter's label comes from the kit and from what its samples say of themselves."""

import pytest
from conformance import guide
from conformance.planted import CODE, CREATED, REFUSED

from gateway.conformance import examine
from gateway.conformance.kit import read
from gateway.conformance.maturity import maturity

PAGE = "https://docs.northwind.example/tasks/create"


def labelled(into, source, changed=None):
    created = guide.files()[CREATED].replace(PAGE, source)
    return examine(guide.write(into, {CREATED: created, **(changed or {})}), guide.TODAY).maturity


@pytest.mark.parametrize(
    ("source", "label"),
    [
        (PAGE, "conformance passed"),
        ("sandbox: recorded by J. Doe at sandbox.northwind.example", "sandbox verified"),
        ("live: recorded by J. Doe, ticket 4711", "live verified"),
        ("live:", "conformance failed"),
        ("seen somewhere", "conformance failed"),
    ],
)
def test_a_success_that_was_recorded_is_what_verifies(tmp_path, source, label):
    assert labelled(tmp_path, source) == label


def test_a_recorded_refusal_verifies_nothing(tmp_path):
    refused = guide.files()[REFUSED].replace("https://docs.northwind.example/errors", "live: ticket 4711")

    assert labelled(tmp_path, PAGE, {REFUSED: refused}) == "conformance passed"


def test_every_operation_must_have_been_recorded(tmp_path):
    note = 'Operation(name="add_note", path="/v2/notes", text="text", places={"text": Place("text", "required")}),'
    code = guide.files()[CODE].replace("    operations = (", f"    operations = (\n        {note}")
    created = guide.files()[CREATED].replace(PAGE, "live: ticket 4711")

    subject = read(guide.write(tmp_path, {CODE: code, CREATED: created}), guide.TODAY)

    assert maturity(subject, passed=True) == "conformance passed"


def test_what_fails_the_kit_is_not_verified_whatever_was_recorded(tmp_path):
    code = guide.files()[CODE].replace("import hashlib", "import hashlib  # TODO")

    assert labelled(tmp_path, "live: ticket 4711", {CODE: code}) == "conformance failed"
