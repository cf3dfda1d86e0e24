"""What a configuration may hold, and what will surprise all the same."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import pytest
from msgspec import structs
from rules.clinics import CONFIG
from rules.records import NOW

from gateway.clinics import load
from gateway.rules.findings import of_account, of_clinic

SHIPPED = Path(__file__).parents[2] / "config"

HEAD = "id: c\nname: C\ntimezone: UTC\n"
TWO = """
connections:
  emr: {account: cobalt-main, emr: eclinicalworks, reference_id: user_c, credentials: {access_token: at_c}}
  desk: {account: solum, defaults: {created_by: bot, assignees: [bot], due_in: 2d, title_from: description}}
people: {bot: {name: Bot, ids: {emr: "1", desk: "2"}}}
"""
"""Cobalt with tasks, notes and claims; the task API with tasks, for which the defaults supply all but the text."""
ONE = """
connections:
  emr: {account: cobalt-main, emr: athenahealth, reference_id: user_c, credentials: {access_token: at_c}}
"""
EMRS = """
connections:
  a: {account: cobalt-main, emr: eclinicalworks, reference_id: user_a, credentials: {access_token: at_a}}
  b: {account: cobalt-main, emr: eclinicalworks, reference_id: user_b, credentials: {access_token: at_b}}
"""


def routes(*each):
    return "routes:\n" + "".join(f"  - {{{rule}}}\n" for rule in each)


TO_EMR, TO_DESK = "to: emr", "to: desk"
SPLIT = routes("to: desk, when: {type: vob}", TO_EMR)

# What a clinic's file says beside its head, and all that is found in it.
# fmt: off
FOUND = {
    "two connections, a rule for one and the rest to the other": (TWO + SPLIT, []),
    "one connection without rules": (ONE, []),
    # rules that never match
    "a rule behind one that takes everything": (TWO + routes(TO_EMR, TO_DESK), [
        ("warning", "never-matches", "routes[1]"), ("note", "only-named", "connections.desk")]),
    "a rule behind a wider one of the same field": (
        TWO + routes("to: desk, when: {type: [vob, general]}", "to: emr, when: {type: vob}", TO_EMR), [
            ("warning", "never-matches", "routes[1]")]),
    "a rule behind two that share its values": (
        TWO + routes("to: desk, when: {type: vob}", "to: desk, when: {type: general}",
                     "to: emr, when: {type: [vob, general]}", TO_EMR), [("warning", "never-matches", "routes[2]")]),
    "a rule behind one that asks for less of the same": (
        TWO + routes("to: desk, when: {tags: [fax, call]}", "to: emr, when: {tags: fax, priority: high}", TO_EMR), [
            ("warning", "never-matches", "routes[1]")]),
    "a rule with one value more than the one before it": (
        TWO + routes("to: desk, when: {type: vob}", "to: emr, when: {type: [vob, general]}", TO_DESK), []),
    "a rule of another field than the one before it": (
        TWO + routes("to: desk, when: {type: vob}", "to: emr, when: {priority: high}", TO_DESK), []),
    "every priority asked for, which a task may leave out": (
        TWO + routes("to: desk, when: {priority: [low, medium, high, urgent]}", TO_EMR), []),
    "a rule behind one that only tasks without claims go by": (EMRS + routes("to: a, when: {type: vob}", "to: b"), [
        ("note", "only-named", "connections.b"), ("note", "notes-by-name", "connections")]),
    # rules that lead to a refusal
    "a rule for what its connection cannot say": (
        TWO + routes("to: emr, when: {status: [in_progress, completed]}", "to: desk, when: {type: vob}", TO_EMR), [
            ("error", "only-refused", "routes[0]")]),
    "a rule of which one value can be said": (
        TWO + routes("to: emr, when: {status: [pending, completed]}", "to: desk, when: {type: vob}", TO_EMR), []),
    "a rule for what would be lost, in a clinic that refuses losses": (
        TWO + "on_loss: refuse\n" + routes("to: emr, when: {type: vob}", "to: desk, when: {type: x}", TO_EMR), [
            ("error", "only-refused", "routes[0]")]),
    "a rule for what the clinic itself refuses": (
        TWO + "capabilities: {desk: {create_task: {fields: {type: refused}}}}\n" + SPLIT, [
            ("error", "only-refused", "routes[0]")]),
    # what no rule leads to
    "two connections without rules": (TWO, [("warning", "no-routes", "routes")]),
    "no rule for the rest": (
        TWO + routes("to: desk, when: {type: vob}", "to: emr, when: {type: general}"), [
            ("warning", "no-last-route", "routes")]),
    "claims that no rule leads anywhere": (TWO + routes(TO_DESK), [
        ("warning", "unrouted", "connections.emr"), ("note", "only-named", "connections.emr")]),
    # people
    "somebody without an id where a name will do": (
        TWO.replace('ids: {emr: "1", desk', "ids: {desk") + SPLIT, [("note", "no-id", "connections.emr")]),
    "somebody without an id where one is required": (
        TWO.replace("people: {", 'people: {dr-x: {name: X, ids: {emr: "9"}}, ') + SPLIT, [
            ("warning", "no-id", "connections.desk")]),
    "somebody without any id": (TWO.replace("people: {", "people: {dr-x: {name: X}, ") + SPLIT, [
        ("warning", "no-id", "people")]),
    "a rule for somebody without an id where it leads": (
        TWO.replace("people: {", 'people: {dr-x: {name: X, ids: {desk: "9"}}, ')
        + routes("to: emr, when: {assignees: dr-x}", "to: desk, when: {type: vob}", TO_EMR), [
            ("warning", "no-id", "routes[0]"), ("note", "no-id", "connections.emr")]),
    # defaults, capabilities, references
    "a default that nothing has a place for": (ONE + "defaults: {due_in: 2d, priority: high}\n", [
        ("note", "default-unused", "defaults")]),
    "a default that one of two has a place for": (TWO + "defaults: {priority: high}\n" + SPLIT, []),
    "a group of which every member is refused": (
        ONE + "capabilities: {emr: {create_task: {one_of: [[priority]], fields: {priority: refused}}}}\n", [
            ("error", "nothing-passes", "connections.emr")]),
    "a connection that offers nothing": (
        ONE + "capabilities: {emr: {create_task: {supported: false}, add_note: {supported: false}}}\n", [
            ("error", "nothing-offered", "connections.emr"), ("warning", "never-matches", "only connection"),
            ("warning", "no-last-route", "routes")]),
    "a connection whose webhooks name nothing": (ONE.replace("reference_id: user_c, ", ""), [
        ("warning", "no-reference", "connections.emr.reference_id")]),
}
# fmt: on


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    return copytree(SHIPPED, tmp_path_factory.mktemp("findings") / "config")


def clinic_of(directory, text):
    (directory / "clinics" / "c.yaml").write_text(HEAD + text)
    config = load(directory, {})
    return config.clinics["c"], config


@pytest.mark.parametrize(("text", "expected"), FOUND.values(), ids=FOUND)
def test_what_will_surprise_is_found_and_nothing_else(shipped, text, expected):
    clinic, config = clinic_of(shipped, text)

    assert [(each.severity, each.code, each.where) for each in of_clinic(clinic, config, NOW)] == expected


def test_a_finding_says_what_it_is_about(shipped):
    people = "people: {" + ", ".join(f"p{number}: {{name: P, ids: {{desk: x}}}}" for number in range(10)) + "}\n"
    text = TWO.partition("people:")[0].replace("created_by: bot, assignees: [bot], ", "") + people + SPLIT
    (emr,) = of_clinic(*clinic_of(shipped, text), NOW)

    assert emr.about == tuple(f"p{number}" for number in range(10))
    assert emr.detail == "p0, p1, p2, p3, p4, p5, p6, p7 and 2 more: no id here; their names go into the text"


def line_of(file, start):
    lines = enumerate(file.read_text().splitlines(), start=1)
    return next(number for number, line in lines if line.strip().startswith(start))


def test_a_finding_names_the_file_and_the_line_or_the_nearest_one_around_what_is_not_there(shipped):
    text = TWO.replace("reference_id: user_c, ", "") + routes(TO_EMR, "to: desk, when: {type: vob}")
    file = shipped / "clinics" / "c.yaml"
    clinic, config = clinic_of(shipped, text)

    found = {each.where: (each.file, each.line) for each in of_clinic(clinic, config, NOW)}

    assert found["routes[1]"] == ("clinics/c.yaml", line_of(file, "- {to: desk"))
    assert found["connections.emr.reference_id"] == ("clinics/c.yaml", line_of(file, "emr:"))


def test_what_an_account_or_an_app_lacks_stands_in_the_gateway_s_file(shipped):
    config = structs.replace(load(shipped, {}), apps={})
    unused = structs.replace(config, clinics={})

    [account] = of_account(config.accounts["maxcare-main"], unused)
    [app] = [each for each in of_clinic(config.clinics["hilltop-clinic"], config, NOW) if each.code == "no-app"]

    assert (account.file, account.line) == ("gateway.yaml", line_of(shipped / "gateway.yaml", "maxcare-main:"))
    assert (app.file, app.line) == ("gateway.yaml", line_of(shipped / "gateway.yaml", "apps:"))


def test_a_rule_that_never_matches_names_those_that_take_its_tasks(shipped):
    text = TWO + routes(
        "to: desk, when: {type: vob}", "to: desk, when: {type: x}", "to: emr, when: {type: [vob, x]}", TO_EMR
    )
    (never,) = of_clinic(*clinic_of(shipped, text), NOW)

    assert never.detail == "never matches a task: all it asks for is taken by routes[0], routes[1]"


def test_a_clinic_that_no_app_may_submit_for_is_found():
    reader = structs.replace(CONFIG.apps["intake"], roles=frozenset({"read"}))
    foreign = structs.replace(CONFIG.apps["operator"], clinics=frozenset({"hilltop-clinic"}))
    config = structs.replace(CONFIG, apps={"intake": reader, "operator": foreign})

    codes = {name: [each.code for each in of_clinic(clinic, config, NOW)] for name, clinic in config.clinics.items()}

    assert [name for name, each in codes.items() if "no-app" not in each] == ["hilltop-clinic"]


# fmt: off
ACCOUNTS = {
    "the shipped Cobalt": ("cobalt-main", {}, []),
    "one that pushes, without a webhook": ("cobalt-main", {"webhook_token": None}, [("warning", "no-webhook")]),
    "one that signs, without a secret": ("solum", {"webhook_secrets": ()}, [("warning", "webhook-unproved")]),
    "one that no connection goes through": ("maxcare-main", {"name": "other"}, [("note", "account-unused")]),
}
# fmt: on


@pytest.mark.parametrize(("name", "facts", "expected"), ACCOUNTS.values(), ids=ACCOUNTS)
def test_what_an_account_lacks_is_found(name, facts, expected):
    account = structs.replace(CONFIG.accounts[name], **facts)

    assert [(each.severity, each.code) for each in of_account(account, CONFIG)] == expected
