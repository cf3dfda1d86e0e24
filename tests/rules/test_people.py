"""Names of the clinic's directory, turned into the ids one connection knows."""

import pytest
from msgspec import structs
from rules.clinics import DR_WILSON, LAKESIDE, planned, report, sound, task, with_need, wrong

from gateway.rules.clinic import Person
from gateway.rules.people import Named, find, unknown

EMR = {"connection": "emr", "patient": {"mrn": "1001"}}
DESK = {"connection": "front-desk"}
NIGHT = Person(key="night", name="Night shift", ids={"emr": ("n1", "n2")})
CLINIC = structs.replace(LAKESIDE, people={**LAKESIDE.people, "night": NIGHT})

# fmt: off
FOUND = {
    "a person by their key": ("emr", "dr-wilson", Named((DR_WILSON,), "Dr. Wilson")),
    "the same person elsewhere": ("front-desk", "dr-wilson", Named(("7f3c",), "Dr. Wilson")),
    "a team": ("front-desk", "front-desk", Named(("7f3c", "91aa"), "Front desk")),
    "a team without an id here": ("emr", "front-desk", Named((), "Front desk")),
    "the vendor's own id": ("emr", "id:x-77", Named(("x-77",), "x-77")),
    "an id with a colon in it": ("emr", "id:urn:7", Named(("urn:7",), "urn:7")),
    "no id after id:": ("emr", "id:", None),
    "a display name is no key": ("emr", "Dr. Wilson", None),
    "another case": ("emr", "Dr-Wilson", None),
    "a vendor's id without id:": ("emr", DR_WILSON, None),
    "nobody": ("emr", "dr-who", None),
}
# fmt: on


@pytest.mark.parametrize(("connection", "name", "expected"), FOUND.values(), ids=FOUND)
def test_a_person_is_a_key_of_the_directory_or_an_id(connection, name, expected):
    assert find(LAKESIDE, connection, name) == expected


def test_an_unknown_person_is_suggested_the_nearest_key():
    error = unknown(LAKESIDE, "dr-willson", "/assignees/0", "assignees")

    assert (error.code, error.pointer, error.field) == ("unknown-person", "/assignees/0", "assignees")
    assert (error.detail, error.source) == ("did you mean 'dr-wilson'?", "clinic: lakeside-family (people)")


def test_an_unknown_person_like_nobody_is_shown_who_there_is_and_not_repeated():
    error = unknown(LAKESIDE, "CANARY", "/assignees/0", "assignees")
    nobody = unknown(structs.replace(LAKESIDE, people={}), "CANARY", "/assignees/0", "assignees")

    assert error.detail == "the directory has: dr-wilson, front-desk, front-desk-bot"
    assert nobody.detail == "the directory has: nobody"


# fmt: off
UNKNOWN = {
    "the first of a list": ({"assignees": ["dr-who"]}, ["/assignees/0"]),
    "each of a list": ({"assignees": ["a-b-c", "dr-wilson", "x-y-z"]}, ["/assignees/0", "/assignees/2"]),
    "one who is told": ({"notify": ["dr-wilson", "nobody"]}, ["/notify/1"]),
    "the creator": ({"created_by": "nobody"}, ["/created_by"]),
    "in several fields": ({"assignees": ["nobody"], "created_by": "nobody"}, ["/assignees/0", "/created_by"]),
}
# fmt: on


@pytest.mark.parametrize(("fields", "pointers"), UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize("where", [EMR, DESK], ids=["emr", "front-desk"])
def test_every_unknown_person_is_pointed_at_whether_or_not_there_is_a_place(where, fields, pointers):
    assert wrong(LAKESIDE, task(**where, **fields)) == [("unknown-person", pointer) for pointer in pointers]


def test_an_unknown_person_is_not_called_missing_too():
    required = with_need(LAKESIDE, "emr", "assignees", "required")

    assert wrong(required, task(**EMR, assignees=["nobody"])) == [("unknown-person", "/assignees/0")]


def test_a_person_is_sent_by_their_id_here():
    assert sound(LAKESIDE, task(**EMR, assignees=["dr-wilson"])).values["assignees"] == [DR_WILSON]
    assert sound(LAKESIDE, task(**DESK, assignees=["dr-wilson"])).values["assignees"] == ["7f3c"]
    assert sound(LAKESIDE, task(**DESK, created_by="id:zz")).values["created_by"] == "zz"


def test_a_team_is_all_of_its_people_and_each_of_them_once():
    made = sound(LAKESIDE, task(**DESK, assignees=["front-desk", "dr-wilson", "id:zz"]))

    assert made.values["assignees"] == ["7f3c", "91aa", "zz"]


def test_one_person_cannot_be_a_team():
    [error] = planned(LAKESIDE, task(**DESK, created_by="front-desk")).errors

    assert (error.code, error.pointer) == ("value-not-supported", "/created_by")
    assert "a team" in error.detail


def test_a_person_without_an_id_here_is_folded_by_name():
    made = sound(LAKESIDE, task(**EMR, assignees=["front-desk"]))

    assert made.values["description"] == "Assignees: Front desk\n\nCall Ms. Okafor back"
    assert "assignees" not in made.values
    assert report(made)["assignees"] == ("folded", "description")


def test_a_person_without_an_id_here_is_missing_where_one_is_required():
    required = with_need(LAKESIDE, "emr", "assignees", "required")

    assert wrong(required, task(**EMR, assignees=["front-desk"])) == [("missing-required-fields", "/assignees")]
    assert wrong(LAKESIDE, task(**DESK, created_by="front-desk-bot")) == []
    unreachable = structs.replace(LAKESIDE, people={**LAKESIDE.people, "new": Person(key="new", name="New", ids={})})
    assert wrong(unreachable, task(**DESK, created_by="new")) == [("missing-required-fields", "/created_by")]


def test_of_several_those_without_an_id_here_are_folded_by_name():
    made = sound(LAKESIDE, task(**EMR, notify=["front-desk", "dr-wilson"]))

    assert made.values["notify"] == [DR_WILSON]
    assert made.values["description"].startswith("Notify: Front desk\n\n")
    assert report(made)["notify"] == ("sent", "notify_list")
    assert report(made)["notify.0"] == ("folded", "description")


# More than the vendor takes: Cobalt takes one assignee

# fmt: off
CUT = {
    "two people": (["dr-wilson", "id:b"], [DR_WILSON], "b", {"assignees.1"}),
    "three people": (["id:a", "dr-wilson", "id:c"], ["a"], "Dr. Wilson, c", {"assignees.1", "assignees.2"}),
    "a team": (["night"], ["n1"], "Night shift", {"assignees.0"}),
    "a person and a team": (["dr-wilson", "night"], [DR_WILSON], "Night shift", {"assignees.1"}),
    "one without an id first": (["front-desk", "id:b"], ["b"], "Front desk", {"assignees.0"}),
    "the second without an id": (["id:a", "front-desk"], ["a"], "Front desk", {"assignees.1"}),
}
# fmt: on


@pytest.mark.parametrize(("names", "ids", "folded", "elements"), CUT.values(), ids=CUT)
def test_a_list_longer_than_the_place_is_cut_and_the_rest_folded_by_name(names, ids, folded, elements):
    made = sound(CLINIC, task(**EMR, assignees=names))

    told = report(made)
    assert made.values["assignees"] == ids
    assert made.values["description"] == f"Assignees: {folded}\n\nCall Ms. Okafor back"
    assert told["assignees"] == ("sent", "assignee_user_id")
    assert {field for field in told if field.startswith("assignees.")} == elements
    assert all(told[field] == ("folded", "description") for field in elements)
