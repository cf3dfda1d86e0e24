"""Two configurations held against each other."""

import pytest
from msgspec import structs

from gateway.rules.comparing import NO_CLINIC, Difference, Planned, differences, grouped

WAY = {"connection": "emr", "adapter": "cobalt", "emr": "athenahealth", "account": "main", "address": "https://a"}
HERE = Planned(
    way=WAY,
    fates={"title": ("sent", "subject")},
    values={"title": "CANARY", "patient.mrn": "1"},
    body={"subject": "CANARY"},
)
REFUSED = Planned(refusals=frozenset({"no-route"}))


def there(**facts):
    return structs.replace(HERE, **facts)


# What the present configuration does, what the other does, and what is told.
# fmt: off
DIFFERENCES = {
    "the same": (HERE, HERE, []),
    "refused there": (HERE, REFUSED, [("refused", "no-route")]),
    "refused there, with a plan": (HERE, there(refusals=frozenset({"b", "a"}), way={}, fates={}), [
        ("refused", "a"), ("refused", "b")]),
    "refused here": (REFUSED, HERE, [("taken", "no longer no-route")]),
    "refused by both for the same": (REFUSED, REFUSED, []),
    "refused by both for others": (REFUSED, Planned(refusals=frozenset({"x"})), [
        ("reason", "also x"), ("reason", "no longer no-route")]),
    "no clinic there": (HERE, NO_CLINIC, [("refused", "unknown-clinic: its clinic is not configured")]),
    "no clinic here": (NO_CLINIC, HERE, [("taken", "no longer unknown-clinic: its clinic is not configured")]),
    "no clinic anywhere": (NO_CLINIC, NO_CLINIC, [("clinic", "its clinic is in neither configuration")]),
    "another way": (HERE, there(way={**WAY, "connection": "desk", "adapter": "task_api", "emr": "none"}), [
        ("route", "connection emr -> desk, adapter cobalt -> task_api, emr athenahealth -> none")]),
    "another way with other words and ids": (
        HERE, there(way={**WAY, "connection": "desk", "adapter": "x"}, fates={"title": ("sent", "t")}, values={}), [
            ("route", "connection emr -> desk, adapter cobalt -> x")]),
    "another way with another fate": (
        HERE, there(way={**WAY, "connection": "desk", "adapter": "x"}, fates={"title": ("folded", "t")}), [
            ("route", "connection emr -> desk, adapter cobalt -> x"), ("mapping", "title: sent -> folded")]),
    "another connection of the same vendor with other ids": (
        HERE, there(way={**WAY, "connection": "b"}, values={}), [("route", "connection emr -> b")]),
    "another address": (HERE, there(way={**WAY, "address": "https://b"}), [("route", "address https://a -> https://b")]),
    "waiting there": (HERE, there(held=True), [("held", "waits")]),
    "waiting here": (there(held=True), HERE, [("held", "waits no longer")]),
    "a field that ends otherwise": (HERE, there(fates={"title": ("folded", "x")}, values={"patient.mrn": "1"}), [
        ("mapping", "title: sent as subject -> folded as x")]),
    "a field more and one less": (HERE, there(fates={"due_at": ("defaulted", "deadline")}), [
        ("mapping", "title: sent as subject -> nothing"), ("mapping", "due_at: nothing -> defaulted as deadline")]),
    "another value": (HERE, there(values={"title": "OTHER", "patient.mrn": "1"}, body={"subject": "OTHER"}), [
        ("mapping", "title: another value")]),
    "a field folded and another with another value": (
        HERE, there(fates={"title": ("folded", "x")}, values={"patient.mrn": "2"}), [
            ("mapping", "title: sent as subject -> folded as x"), ("mapping", "patient.mrn: another value")]),
    "a text that only what is folded changes": (
        there(text="description", values={"description": "a"}),
        there(text="description", values={"description": "b"}, fates={"title": ("folded", "x")}), [
            ("mapping", "title: sent as subject -> folded as x")]),
    "another request of the same fields": (HERE, there(body={"SUBJECT": "CANARY"}), [
        ("mapping", "the vendor's request")]),
}
# fmt: on


@pytest.mark.parametrize(("here", "other", "expected"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_what_would_be_otherwise_is_told_without_a_value(here, other, expected):
    found = differences(here, other)

    assert found == [Difference(*each) for each in expected]
    assert "CANARY" not in repr(found)


def test_differences_are_put_together_by_clinic_with_the_most_frequent_first():
    some, other = Difference("mapping", "a"), Difference("mapping", "b")
    found = [("c2", "t1", [some])] + [
        ("c1", f"t{number}", [some, other] if number < 2 else [other]) for number in range(5)
    ]

    told = [(each.clinic_id, each.what, each.count, each.examples) for each in grouped(found)]

    assert told == [("c1", "b", 5, ("t0", "t1", "t2")), ("c1", "a", 2, ("t0", "t1")), ("c2", "a", 1, ("t1",))]
