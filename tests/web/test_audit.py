"""The audit trail as administrators read it."""

import pytest
from web.world import task

WHY = {"reason": "the vendor asked us to"}


@pytest.fixture
def acts(gateway):
    """What a person did at two clinics, and for none."""
    for clinic in ("north", "south"):
        gateway.call("POST", f"/v1/connections/{clinic}/emr/pause", json=WHY)
    gateway.call("POST", "/v1/admin/reload", json={})


def listed(gateway, query="", by="everything"):
    return gateway.get(f"/v1/audit{query}", by=by).json()


@pytest.mark.usefixtures("acts")
def test_it_says_who_did_what_to_what_and_why_newest_first(gateway):
    reload, south, north = listed(gateway)["items"]

    assert {**south, "at": None} == {
        "seq": 2, "at": None, "app": "everything", "key_id": "everything", "action": "pause", "about": "south/emr",
        "clinic_id": "south", **WHY,
    }  # fmt: skip
    assert (reload["action"], reload["clinic_id"], north["about"]) == ("reload", None, "north/emr")


@pytest.mark.usefixtures("acts")
def test_it_is_paged_by_what_the_page_before_gave(gateway):
    first = listed(gateway, "?limit=2")
    second = listed(gateway, f"?limit=2&before={first['next_cursor']}")

    assert [entry["seq"] for entry in first["items"] + second["items"]] == [3, 2, 1]
    assert second["next_cursor"] is None


@pytest.mark.usefixtures("acts")
def test_an_administrator_of_one_clinic_sees_that_clinics_alone(gateway):
    assert [entry["about"] for entry in listed(gateway, by="north")["items"]] == ["north/emr"]


def test_every_wish_of_a_person_is_in_it_with_its_delivery(gateway):
    gateway.call("POST", "/v1/connections/south/emr/pause", json=WHY)
    delivery = gateway.submitted(task("south", title="t", assignees=["dr-wilson"]))
    gateway.call("POST", f"/v1/tasks/{delivery['id']}/retry", json=WHY)

    about = {entry["about"]: entry for entry in listed(gateway)["items"]}
    assert (about[delivery["id"]]["action"], about[delivery["id"]]["clinic_id"]) == ("retry", "south")


REASONED = (
    ("/v1/connections/south/emr/resume", "resume"), ("/v1/admin/reload", "reload"), ("/v1/tasks/{}/cancel", "cancel"),
)  # fmt: skip


@pytest.mark.parametrize(("path", "action"), REASONED)
@pytest.mark.parametrize(
    ("body", "reason"),
    [({"json": WHY}, WHY["reason"]), ({"json": {"reason": " "}}, None), ({"json": {}}, None), ({}, None)],
)
def test_a_reason_that_may_be_left_out_is_kept_where_it_is_given(gateway, path, action, body, reason):
    gateway.call("POST", "/v1/connections/south/emr/pause", json=WHY)
    held = gateway.submitted(task("south", title="t", assignees=["dr-wilson"]))

    assert gateway.call("POST", path.format(held["id"]), **body).status_code == 200

    newest = listed(gateway)["items"][0]
    assert (newest["action"], newest["reason"]) == (action, reason)


@pytest.mark.parametrize("asked", REASONED)
@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [(b"[]", "json", 400), (b"x", "json", 400), (b"reason=x", "x-www-form-urlencoded", 415),
     (b'{"reason": 7}', "json", 422), (b'{"reason": "x", "reasons": "CANARY"}', "json", 422)],
)  # fmt: skip
def test_a_reason_that_cannot_be_read_stops_what_was_asked(gateway, asked, content, kind, status):
    path, action = asked
    gateway.call("POST", "/v1/connections/south/emr/pause", json=WHY)
    held = gateway.submitted(task("south", title="t", assignees=["dr-wilson"]))

    headers = {"content-type": f"application/{kind}"}
    answer = gateway.call("POST", path.format(held["id"]), content=content, headers=headers)

    assert (answer.status_code, "CANARY" in answer.text) == (status, False)
    assert action not in {act["action"] for act in listed(gateway)["items"]}


@pytest.mark.parametrize(
    "query", ["?before=x", "?before=-1", "?before=1e3", "?before=٣", f"?before={'9' * 40}", "?befor=1"]
)
def test_what_is_no_cursor_is_refused(gateway, query):
    answer = gateway.get(f"/v1/audit{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-parameter")
