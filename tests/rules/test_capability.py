"""The capability table: four layers, merged cell by cell, each answer with its origin."""

import msgspec
import pytest

from adapters.base import FOLDED, Adapter, Operation, Place
from gateway.rules.capability import Layer, advisories, check, effective, table_layers
from gateway.rules.clinic import Rule
from schemas import config

CREATE = Operation(
    name="create_task", path="/tasks", places={
        "description": Place("text", "required"),
        "title": Place("subject", "varies"),
        "assignees": Place("assignee", "varies"),
        "notify": Place("notify"),
        "due_at": FOLDED,
    },
)  # fmt: skip
CLAIM = Operation(
    name="create_claim", path="/claims", emrs=("east",), places={"appointment_id": Place("appointment_id", "required")}
)


class Acme(Adapter):
    name = "acme"
    docs = "https://acme.example"
    base_url = "https://acme.example"
    operations = (CREATE, CLAIM)

    def headers(self, link):
        raise NotImplementedError

    def parse_success(self, sent, response):
        raise NotImplementedError


def rows(given):
    return msgspec.convert(given, config.Rows)


def layer(where, given):
    return Layer(where=where, rows=rows(given))


def rule(*layers, emr=None, operation="create_task"):
    return effective(Acme(), emr, [layer(f"layer {index}", given) for index, given in enumerate(layers)])[operation]


def need(fields):
    return {"create_task": {"fields": fields}}


# fmt: off
MERGED = {
    "the adapter requires what it always requires": ([], "description", "required", "adapter: acme (documented)"),
    "what varies is optional to the adapter": ([], "title", "optional", "adapter: acme (documented)"),
    "what is folded is optional": ([], "due_at", "optional", "adapter: acme (documented)"),
    "a row replaces the adapter's cell": ([need({"title": "required"})], "title", "required", "layer 0 (operator)"),
    "the nearer row wins": (
        [need({"title": "required"}), need({"title": "advisory"})], "title", "advisory", "layer 1 (operator)"),
    "a nearer row on another field leaves the cell": (
        [need({"title": "required"}), need({"notify": "refused"})], "title", "required", "layer 0 (operator)"),
    "a cell keeps its own source": (
        [need({"title": {"need": "required", "source": "observed"}})], "title", "required", "layer 0 (observed)"),
    "a row's source holds for its cells": (
        [{"create_task": {"source": "documented", "fields": {"title": "required"}}}], "title", "required",
        "layer 0 (documented)"),
    "a cell's source wins over its row's": (
        [{"create_task": {"source": "documented", "fields": {"title": {"need": "required", "source": "observed"}}}}],
        "title", "required", "layer 0 (observed)"),
    "a field without a place may be refused": ([need({"tags": "refused"})], "tags", "refused", "layer 0 (operator)"),
    "an observation relaxes the adapter": (
        [need({"description": {"need": "optional", "source": "observed"}})], "description", "optional",
        "layer 0 (observed)"),
    "a row of another operation changes nothing": (
        [{"create_claim": {"fields": {"appointment_id": "advisory"}}}], "title", "optional",
        "adapter: acme (documented)"),
}
SUPPORTED = {
    "an operation is offered on all EMRs": ("create_task", None, [], True, "adapter: acme (documented)"),
    "an operation is offered on the EMRs it names": ("create_claim", "east", [], True, "adapter: acme (documented)"),
    "and on no other": ("create_claim", "west", [], False, "adapter: acme (documented)"),
    "nor on none": ("create_claim", None, [], False, "adapter: acme (documented)"),
    "a nearer layer may offer it": (
        "create_claim", "west", [{"create_claim": {"supported": True, "source": "observed"}}], True,
        "layer 0 (observed)"),
    "the nearest layer decides": (
        "create_claim", "east", [{"create_claim": {"supported": True}}, {"create_claim": {"supported": False}}], False,
        "layer 1 (operator)"),
    "a row that is silent about it leaves it": (
        "create_claim", "east", [{"create_claim": {"supported": False}}, {"create_claim": {"note": "x"}}], False,
        "layer 0 (operator)"),
}
# fmt: on


@pytest.mark.parametrize(("layers", "field", "wanted", "origin"), MERGED.values(), ids=MERGED)
def test_layers_merge_cell_by_cell(layers, field, wanted, origin):
    cell = rule(*layers).fields[field]

    assert (cell.need, cell.origin) == (wanted, origin)


@pytest.mark.parametrize(("operation", "emr", "layers", "supported", "origin"), SUPPORTED.values(), ids=SUPPORTED)
def test_support_is_merged_likewise(operation, emr, layers, supported, origin):
    support = rule(*layers, emr=emr, operation=operation).support

    assert (support.supported, support.origin) == (supported, origin)


def test_a_cell_takes_date_and_note_from_its_row_where_it_has_none():
    fields = {"title": "required", "notify": {"need": "refused", "note": "own", "checked": "2026-02-02"}}
    merged = rule({"create_task": {"checked": "2026-01-01", "note": "row", "fields": fields}}).fields

    assert (merged["title"].checked, merged["title"].note) == ("2026-01-01", "row")
    assert (merged["notify"].checked, merged["notify"].note) == ("2026-02-02", "own")


def test_groups_add_up_and_a_repeated_one_counts_once():
    far = {"create_task": {"one_of": [["title", "notify"], ["due_at", "tags"]]}}
    near = {"create_task": {"one_of": [["notify", "title"], ["patient.id", "patient.mrn"]]}}

    groups = rule(far, near).one_of

    assert [(group.fields, group.where) for group in groups] == [
        (("title", "notify"), "layer 0"),
        (("due_at", "tags"), "layer 0"),
        (("patient.id", "patient.mrn"), "layer 1"),
    ]


def test_an_operation_that_the_adapter_does_not_have_has_no_rule():
    assert set(effective(Acme(), None, [])) == {"create_task", "create_claim"}


# fmt: off
LAYERS = {
    "an EMR comes after all of them": (
        "acme", "east", ["emr_capabilities.yaml: acme.*", "emr_capabilities.yaml: acme.east"]),
    "an EMR without rows has those of all": ("acme", "west", ["emr_capabilities.yaml: acme.*"]),
    "no EMR has those of all": ("acme", None, ["emr_capabilities.yaml: acme.*"]),
    "another vendor has none": ("other", "east", []),
}
# fmt: on


@pytest.mark.parametrize(("vendor", "emr", "names"), LAYERS.values(), ids=LAYERS)
def test_the_table_gives_its_layers_from_far_to_near(vendor, emr, names):
    table = msgspec.convert({"acme": {"east": need({}), "*": need({})}}, config.CapabilityFile)

    assert [layer.where for layer in table_layers(table, vendor, emr)] == names


ALL_GIVEN = ("description", "title")
RULE = rule(
    need({"title": "required", "assignees": {"need": "required", "note": "400 without it"}, "tags": "refused"}),
    need({"notify": "advisory"}),
    {"create_task": {"one_of": [["patient.id", "patient.mrn"]], "source": "operator"}},
)


def found(given, defaulted=(), of: Rule = RULE):
    errors = check(of, given, {*given, *defaulted}, lambda path: "/" + path.replace(".", "/"))
    return [(error.code, error.pointer, error.source) for error in errors]


# fmt: off
CHECKED = {
    "what is complete passes": (("description", "title", "assignees", "patient.mrn"), (), []),
    "a default counts": (("description", "patient.id"), ("title", "assignees"), []),
    "every missing field is told, in the table's order": ((), (), [
        ("missing-required-fields", "/description", "adapter: acme (documented)"),
        ("missing-required-fields", "/title", "layer 0 (operator)"),
        ("missing-required-fields", "/assignees", "layer 0 (operator)"),
        ("missing-required-fields", "/patient/id", "layer 2 (operator)"),
    ]),
    "a refused field that is given is told": (("description", "title", "assignees", "patient.id", "tags"), (), [
        ("field-not-supported", "/tags", "layer 0 (operator)"),
    ]),
    "a default of a refused field is not the caller's doing": (
        ("description", "title", "assignees", "patient.id"), ("tags",), []),
    "an advisory field may be missing": (("description", "title", "assignees", "patient.id"), (), []),
    "either of a group will do": (("description", "title", "assignees", "patient.id"), (), []),
}
# fmt: on


@pytest.mark.parametrize(("given", "defaulted", "errors"), CHECKED.values(), ids=CHECKED)
def test_a_command_is_checked_against_the_rule(given, defaulted, errors):
    assert found(given, defaulted) == errors


def test_an_error_names_the_field_and_says_what_it_is_about():
    errors = check(RULE, (), (), lambda path: f"/{path}")

    assert [(error.field, error.detail) for error in errors] == [
        ("description", "required here, and no default supplies it"),
        ("title", "required here, and no default supplies it"),
        ("assignees", "400 without it"),
        ("patient.id", "one of patient.id, patient.mrn"),
    ]


def test_a_group_says_nothing_when_a_member_is_told_as_missing_already():
    both = rule({"create_task": {"fields": {"title": "required"}, "one_of": [["notify", "title"]]}})

    assert found(("description",), of=both) == [("missing-required-fields", "/title", "layer 0 (operator)")]


def test_an_operation_that_is_not_offered_is_the_one_error():
    row = {"create_claim": {"supported": False, "source": "documented", "note": "only on east"}}
    [error] = check(rule(row, emr="west", operation="create_claim"), (), (), str)

    assert (error.code, error.source, error.detail) == ("operation-unsupported", "layer 0 (documented)", "only on east")
    assert error.field is None


def test_advisories_are_the_fields_on_trial_that_are_missing():
    assert advisories(RULE, {"description"}) == ("notify",)
    assert advisories(RULE, {"notify"}) == ()
