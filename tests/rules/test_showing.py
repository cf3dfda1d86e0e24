"""A plan as callers see it."""

import pytest
from msgspec import structs
from rules.clinics import HARBOR, HILLTOP, LAKESIDE, changed, claim, sound, task
from rules.records import NOW, record

from adapters.base import HttpRequest
from gateway.rules.record import present, thin
from gateway.rules.showing import added, not_yet, route, shown_request, with_extras
from schemas.delivery import Mapped, State, WorkStatus
from schemas.problem import problem

EMR = {"connection": "emr", "patient": {"mrn": "1001"}}


# The request


def test_the_exact_request_is_shown_with_its_secrets_masked():
    visible = shown_request(sound(LAKESIDE, task(**EMR, title="Labs")), NOW)

    assert visible == {
        "method": "POST",
        "url": "http://127.0.0.1:9101/v1/tasks",
        "headers": {"client_id": "***", "client_secret": "***", "access_token": "***"},
        "json": {
            "description": "Call Ms. Okafor back", "patient_mrn": "1001", "subject": "Labs", "phone_call_type_id": "12",
        },
    }  # fmt: skip


def test_the_request_of_an_explained_task_carries_a_tag_of_zeros():
    tags = shown_request(sound(HILLTOP, task(tags=["fax"])), NOW)["json"]["tags"]

    assert tags == ["fax", "gw:tsk_00000000000000000000000000000000"]


def test_an_id_that_is_not_yet_has_the_prefix_of_its_kind():
    assert not_yet(sound(LAKESIDE, claim())) == "clm_00000000000000000000000000000000"


def test_extra_fields_are_shown_in_the_request():
    made = sound(HILLTOP, task(vendor_fields={"task_api": {"queue": "x"}}))

    assert shown_request(made, NOW)["json"]["queue"] == "x"


def test_extra_fields_never_overwrite_the_request():
    built = HttpRequest(method="POST", url="https://acme.example", json={"a": 1, "b": {"c": 2}})

    assert with_extras(built, {"a": 9, "b": {"d": 9}, "e": 5}).json == {"a": 1, "b": {"c": 2}, "e": 5}
    assert with_extras(built, {}) is built
    assert with_extras(structs.replace(built, json=None), {"a": 9}).json is None


# What the adapter adds


def test_our_tag_is_reported_as_added():
    for fields in ({}, {"tags": ["fax"]}):
        assert added(sound(HILLTOP, task(**fields)), "tsk_1", NOW) == (
            Mapped(field="tags", fate="added", place="tags"),
        )


def test_what_is_added_is_named_where_it_stands_and_a_value_in_the_vendors_words_is_no_addition():
    class Nested(type(HILLTOP.connections["tasks"].adapter)):
        def build_request(self, sent, link):
            built = super().build_request(sent, link)
            body = {**built.json, "title": built.json["title"].upper(), "meta": {"refs": {"ours": sent.ref}}}
            return structs.replace(built, json=body)

    account = structs.replace(HILLTOP.connections["tasks"].account, adapter=Nested())
    clinic = changed(HILLTOP, "tasks", account=account)
    told = {(entry.field, entry.place) for entry in added(sound(clinic, task()), "tsk_1", NOW)}

    assert told == {("tags", "tags"), ("meta.refs.ours", "meta.refs.ours")}


def test_nothing_is_added_where_the_table_says_it_all():
    visit = task(encounter_note_id="n", assignees=["dr-wilson"])

    assert added(sound(LAKESIDE, task(**EMR)), "tsk_1", NOW) == ()
    assert added(sound(HARBOR, visit), "tsk_1", NOW) == ()
    assert added(sound(LAKESIDE, claim()), "clm_1", NOW) == ()


def test_an_account_that_does_not_mark_adds_nothing():
    account = HILLTOP.connections["tasks"].account
    unmarked = structs.replace(account, credentials=structs.replace(account.credentials, mark=False))

    assert added(sound(changed(HILLTOP, "tasks", account=unmarked), task()), "tsk_1", NOW) == ()


# The route


def test_the_route_names_connection_rule_and_configuration():
    assert route(sound(LAKESIDE, task(**EMR)), LAKESIDE) == {
        "connection": "emr",
        "adapter": "cobalt",
        "emr": "eclinicalworks",
        "rule": "pinned",
        "config_version": LAKESIDE.version,
    }


# The delivery

# fmt: off
STATES: dict[State, tuple[bool, bool]] = {
    "queued": (False, False),
    "held": (False, False),
    "sending": (False, False),
    "submitted": (False, False),
    "unknown": (False, False),
    "delivered": (True, False),
    "rejected": (True, True),
    "failed": (True, True),
    "cancelled": (True, True),
}
# fmt: on


@pytest.mark.parametrize(("state", "expected"), STATES.items())
def test_a_delivery_says_whether_it_is_final_and_safe_to_resend(state, expected):
    final, resendable = expected

    for seen in (present(record(state)), thin(record(state))):
        told = seen if isinstance(seen, dict) else structs.asdict(seen)
        assert (told["state"], told["final"], told["safe_to_resend"]) == (state, final, resendable)
    assert not present(record(state, conflict=True)).safe_to_resend


@pytest.mark.parametrize(
    ("facts", "waits_for"),
    [
        ({"state": "held", "awaits_parent": True}, "parent"),
        ({"state": "held", "awaits_connection": True}, "connection"),
        ({"state": "held", "awaits_parent": True, "awaits_connection": True}, "parent"),
        ({"state": "queued"}, None),
        ({"state": "cancelled", "awaits_parent": True}, None),
    ],
)
def test_a_held_delivery_says_what_it_waits_for(facts, waits_for):
    assert present(record(**facts)).waiting_for == waits_for


def test_a_delivery_shows_its_command_and_a_list_does_not():
    whole, listed = present(record()), present(record(), command=False)

    assert whole.command == {"clinic_id": "lakeside-family"}
    assert structs.asdict(whole) | {"command": None} == structs.asdict(listed) | {"command": None}
    assert listed.command != whole.command


def test_a_delivery_shows_the_vendor_s_ids_and_the_work():
    work = WorkStatus(status="pending", raw="not_started", at=NOW)
    seen = present(record("delivered", vendor_id="abc", job_id="7", work=work))

    assert (seen.vendor.id, seen.vendor.emr_id, seen.vendor.job_id) == ("abc", None, "7")
    assert seen.work == work


def test_an_event_says_ids_and_state_and_nothing_of_the_patient():
    told = thin(record("failed", vendor_id="abc", problem=problem("vendor-failed", "Okafor is unknown"), reference="r"))

    assert told["vendor"] == {"id": "abc"}
    assert (told["problem"], told["reference"]) == ("vendor-failed", "r")
    assert "Okafor" not in str(told)


def test_a_record_s_repr_shows_nothing_of_the_patient():
    assert "Okafor" not in repr(record())
    assert "Okafor" not in repr(present(record()))
