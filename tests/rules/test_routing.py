"""Which connection a command takes."""

import pytest
from rules.clinics import HARBOR, HILLTOP, LAKESIDE, RIVERBEND, changed, claim, note, task, with_routes

from gateway.rules.planning import note_connection
from gateway.rules.routing import Chosen, choose, offers
from schemas.command import NAMING

COMMANDS = {"task": task, "note": note, "claim": claim}


def routed(clinic, command):
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return choose(clinic, NAMING[type(command)].operation, fields, command.connection)


def way(clinic, command):
    """Connection and rule, or the code of the problem."""
    chosen = routed(clinic, command)
    return (chosen.connection.name, chosen.rule) if isinstance(chosen, Chosen) else chosen.code


TWO_KEYS = with_routes(("front-desk", {"type": ["vob"], "priority": ["high", "urgent"]}), ("emr", {}))
TAGS = with_routes(("front-desk", {"tags": ["fax", "call"]}), ("emr", {}))
PEOPLE = with_routes(("front-desk", {"assignees": ["front-desk"]}), ("emr", {}))

# fmt: off
WAYS = {
    "a value of the rule's": (LAKESIDE, task(type="vob"), ("front-desk", "routes[0]")),
    "the rule's other value": (LAKESIDE, task(type="general"), ("front-desk", "routes[0]")),
    "none of its values": (LAKESIDE, task(type="other"), ("emr", "routes[1]")),
    "values are compared whole": (LAKESIDE, task(type="VOB"), ("emr", "routes[1]")),
    "the field left out": (LAKESIDE, task(), ("emr", "routes[1]")),
    "the field blank": (LAKESIDE, task(type=" "), ("emr", "routes[1]")),
    "both keys": (TWO_KEYS, task(type="vob", priority="high"), ("front-desk", "routes[0]")),
    "one key of two": (TWO_KEYS, task(type="vob", priority="low"), ("emr", "routes[1]")),
    "the other key of two": (TWO_KEYS, task(type="x", priority="urgent"), ("emr", "routes[1]")),
    "one tag of several": (TAGS, task(tags=["new", "fax"]), ("front-desk", "routes[0]")),
    "no tag of several": (TAGS, task(tags=["new", "mail"]), ("emr", "routes[1]")),
    "no tags": (TAGS, task(), ("emr", "routes[1]")),
    "a person": (PEOPLE, task(assignees=["dr-wilson", "front-desk"]), ("front-desk", "routes[0]")),
    "the first of two that match": (with_routes(("emr", {}), ("front-desk", {})), task(), ("emr", "routes[0]")),
    "nothing matches": (with_routes(("emr", {"type": ["vob"]})), task(), "no-route"),
    "no rules at all": (with_routes(), task(), "no-route"),
    "one connection needs no rule": (RIVERBEND, task(), ("emr", "only connection")),
    "a pin": (LAKESIDE, task(type="vob", connection="emr"), ("emr", "pinned")),
    "a pin on nothing": (LAKESIDE, task(connection="emd"), "unknown-connection"),
    "a claim has no type, so a rule of types does not exclude it": (
        with_routes(("emr", {"type": ["vob"]}), ("front-desk", {})), claim(), ("emr", "routes[0]")),
    "a rule whose connection has no claims is passed over": (
        with_routes(("front-desk", {}), ("emr", {})), claim(), ("emr", "routes[1]")),
    "no connection has claims": (with_routes(("front-desk", {})), claim(), "operation-unsupported"),
    "an EMR without claims": (RIVERBEND, claim(), "operation-unsupported"),
    "a vendor without claims": (HARBOR, claim(), "operation-unsupported"),
}
# fmt: on


@pytest.mark.parametrize(("clinic", "command", "expected"), WAYS.values(), ids=WAYS)
def test_a_command_takes_the_first_rule_that_matches(clinic, command, expected):
    assert way(clinic, command) == expected


def test_an_unknown_pin_points_at_the_field_and_lists_what_there_is():
    error = routed(LAKESIDE, task(connection="CANARY"))

    assert (error.pointer, error.field, error.source) == ("/connection", "connection", "clinic: lakeside-family")
    assert error.detail == "this clinic's connections: emr, front-desk"


def test_an_operation_that_is_not_offered_says_whose_rule_that_is():
    by_table, by_adapter = routed(RIVERBEND, claim()), routed(HARBOR, claim())

    assert by_table.source == "emr_capabilities.yaml: cobalt.* (documented)"
    assert "emr (cobalt on athenahealth) does not offer create_claim" in by_table.detail
    assert by_adapter.source == "adapter: maxcare (documented)"


def test_a_pin_on_a_connection_without_the_operation_is_found_all_the_same():
    assert way(LAKESIDE, claim(connection="front-desk")) == ("front-desk", "pinned")
    assert not offers(LAKESIDE.connections["front-desk"], "create_claim")


# Notes on a task of the EMR's


def noted(clinic, **fields):
    chosen = note_connection(clinic, note(emr_task_id="e-9", clinic_id="c", **fields))
    return (chosen.connection.name, chosen.rule) if isinstance(chosen, Chosen) else (chosen.code, chosen.pointer)


def test_a_note_goes_through_the_connection_it_names():
    assert noted(LAKESIDE, connection="emr") == ("emr", "pinned")
    assert noted(LAKESIDE, connection="front-desk") == ("front-desk", "pinned")
    assert noted(LAKESIDE, connection="emd") == ("unknown-connection", "/connection")


def test_a_note_goes_through_the_only_connection_that_has_notes():
    assert noted(LAKESIDE) == ("emr", "only connection with notes")


def test_a_note_without_a_connection_for_it_has_no_route():
    two = changed(LAKESIDE, "front-desk", rules=LAKESIDE.connections["emr"].rules)

    assert noted(HILLTOP) == ("no-route", "/connection")
    assert noted(two) == ("no-route", "/connection")
