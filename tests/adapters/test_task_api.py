"""What is peculiar to the X-API-Key task API and stands in no sample."""

import hashlib
import hmac
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from samples import replay

from adapters.base import Applied, BadSignature, Blocked, HttpResponse, Link, NoSettings, Refused, Secret, Sent
from adapters.task_api import Account, adapter
from gateway.conformance.samples import AT

SECRET = Secret("whsec_abc")
REQUIRED = {
    "title": "Call back",
    "description": "About the bill",
    "assignees": ["u1"],
    "created_by": "u0",
    "due_at": "2026-12-01T17:00:00-06:00",
}
PAGE = replay.named("task_api/create_task.schema")
TASK = json.loads(PAGE.response.body)


def link(*, mark: bool) -> Link:
    return Link(
        base_url="https://api.example.com",
        account=Account(api_key=Secret("k"), mark=mark),
        connection=NoSettings(),
    )


def sent(values=REQUIRED, **ids) -> Sent:
    return Sent(ref="tsk_1", operation="create_task", values=values, at=AT, ids=ids)


def reply(document, status=200, **headers) -> HttpResponse:
    return HttpResponse(status=status, headers=headers, body=json.dumps(document).encode())


def sign(body: bytes) -> str:
    return hmac.new(b"whsec_abc", body, hashlib.sha256).hexdigest()


def verify(body: bytes, signature: str) -> None:
    adapter.verify_webhook({"x-solum-signature": signature}, body, [SECRET], AT)


# Requests


def test_nothing_that_the_page_does_not_name_is_sent_because_it_would_vanish_silently():
    documented = set(PAGE.request.body)

    assert {spot.wire for spot in adapter.operation("create_task").places.values() if spot.wire} == documented
    for mark in (True, False):
        assert set(adapter.build_request(PAGE.command, link(mark=mark)).json) <= documented


def test_what_is_required_is_as_the_page_says():
    places = adapter.operation("create_task").places.values()

    assert {spot.wire for spot in places if spot.need == "required"} == {
        "title",
        "description",
        "assigned_user_ids",
        "created_by_id",
        "deadline",
    }
    assert not {spot.wire for spot in places if spot.need == "varies"}


def test_the_tag_is_behind_the_caller_s_and_leaves_them_alone():
    values = {**REQUIRED, "tags": ["billing"]}
    command = sent(values)

    body = adapter.build_request(command, link(mark=True)).json

    assert body["tags"] == ["billing", "gw:tsk_1"]
    assert values["tags"] == ["billing"]
    assert adapter.build_request(command, link(mark=True)).json == body


def test_the_tag_is_on_unless_the_account_turns_it_off():
    assert Account(api_key=Secret("k")).mark is True


def test_without_the_mark_no_tags_are_added():
    assert "tags" not in adapter.build_request(sent(), link(mark=False)).json


def test_the_deadline_keeps_its_offset():
    assert adapter.build_request(sent(), link(mark=True)).json["deadline"] == "2026-12-01T17:00:00-06:00"


def test_the_defaults_are_left_to_the_vendor():
    assert not {"status", "priority"} & set(adapter.build_request(sent(), link(mark=True)).json)


def test_all_assignees_are_sent():
    body = adapter.build_request(sent({**REQUIRED, "assignees": ["u1", "u2", "u3"]}), link(mark=True)).json

    assert body["assigned_user_ids"] == ["u1", "u2", "u3"]


# Answers


@pytest.mark.parametrize("status", [200, 201])
def test_the_bare_task_is_proof_of_its_creation(status):
    assert adapter.parse_success(sent(), reply(TASK, status)).ids == {"id": TASK["id"]}


def test_a_silently_changed_reply_is_still_a_creation():
    outcome = adapter.parse_success(sent(), reply({**TASK, "title": "cut", "tags": [], "priority": "other"}))

    assert isinstance(outcome, Applied)


@pytest.mark.parametrize("text", ["Not Found", "Method Not Allowed"])
def test_a_router_s_own_text_blocks_and_does_not_refuse(text):
    for status in (404, 405):
        assert adapter.parse_error(sent(), reply({"detail": text}, status)) == Blocked(code="config")


def test_the_first_of_several_faults_names_the_field_and_all_are_told():
    outcome = adapter.parse_error(
        sent(),
        reply(
            {
                "detail": [
                    {"type": "missing", "loc": ["body", "deadline"], "msg": "Field required"},
                    {"type": "missing", "loc": ["body", "created_by_id"], "msg": "Field required"},
                ]
            },
            422,
        ),
    )

    assert (outcome.code, outcome.field) == ("missing-field", "deadline")
    assert "created_by_id" in outcome.message
    assert adapter.ours("create_task", outcome.field) == "due_at"


def test_an_empty_list_of_faults_names_no_field():
    outcome = adapter.parse_error(sent(), reply({"detail": []}, 422))

    assert isinstance(outcome, Refused)
    assert outcome.field is None


@pytest.mark.parametrize("code", ["duplicate", "missing-field", "not-found", "http-429", ""])
def test_the_vendor_s_own_code_is_not_taken_for_one_of_ours(code):
    detail = {"type": "error", "code": code, "message": "No.", "param": None}

    assert adapter.parse_error(sent(), reply({"detail": detail}, 409)).code == "refused"


# Lookups


def test_a_known_task_is_asked_for_itself():
    for mark in (True, False):
        assert adapter.build_lookup(sent(id="t1"), link(mark=mark), 1).url == "https://api.example.com/v1/tasks/t1"


def test_without_the_mark_a_lost_reply_cannot_be_looked_up():
    assert adapter.build_lookup(sent(), link(mark=False), 1) is None


def test_the_list_is_asked_by_page_and_limit():
    request = adapter.build_lookup(sent({**REQUIRED, "patient.id": "p 1"}), link(mark=True), 2)
    query = parse_qs(urlsplit(request.url).query)

    assert urlsplit(request.url).path == "/v1/tasks"
    assert query["page"] == ["2"]
    assert 1 <= int(query["limit"][0]) <= 100
    assert "skip" not in query


def test_a_list_that_does_not_say_whether_there_is_more_is_unreadable():
    for document in ({"data": []}, {"data": [], "pagination": {}}, {"data": [], "pagination": None}, []):
        with pytest.raises(Exception, match=r"."):
            adapter.parse_lookup(sent(), reply(document))


def test_somebody_else_s_tags_are_no_mark():
    for tags in (["gateway"], ["GW:tsk_1"], ["x gw:tsk_1"], [], None):
        (sighting,) = adapter.parse_lookup(sent(id="t1"), reply({**TASK, "tags": tags})).sightings

        assert sighting.ref is None


def test_of_several_marks_none_is_the_one():
    tags = ["gw:tsk_2", "fax", "gw:tsk_1"]
    (sighting,) = adapter.parse_lookup(sent(id="t1"), reply({**TASK, "tags": tags})).sightings

    assert sighting.ref is None
    assert sighting.refs == ("tsk_2", "tsk_1")


# Webhooks


def test_the_signature_is_sha256_equals_hex_over_the_raw_bytes():
    for body in (b'{"event_type": "task_updated", "task_id": "t1"}\n', b"\xff\x00 not JSON "):
        verify(body, "sha256=" + sign(body))


def test_a_re_serialised_body_is_not_the_signed_one():
    signed = b'{"event_type":"task_updated","task_id":"t1"}'

    for other in (b'{"event_type": "task_updated", "task_id": "t1"}', signed + b"\n", b" " + signed):
        with pytest.raises(BadSignature):
            verify(other, "sha256=" + sign(signed))


@pytest.mark.parametrize("form", ["{}", "sha1={}", "sha256:{}", "sha256= {}", "sha256={}0", "SHA512={}", "v1,{}"])
def test_a_signature_of_another_form_is_rejected(form):
    with pytest.raises(BadSignature):
        verify(b"{}", form.format(sign(b"{}")))


def test_the_whole_secret_is_the_key():
    body = b"{}"
    without_prefix = hmac.new(b"abc", body, hashlib.sha256).hexdigest()

    with pytest.raises(BadSignature):
        verify(body, "sha256=" + without_prefix)


def test_a_task_event_without_a_task_s_id_means_nothing():
    for body in (b'{"event_type":"task_updated"}', b'{"event_type":"task_updated","data":{"company_id":"c"}}'):
        assert [sighting.says for sighting in adapter.parse_webhook({}, body)] == ["other"]


def test_a_numeric_id_is_text():
    (sighting,) = adapter.parse_webhook({}, b'{"event_type":"task_updated","task_id":17}')

    assert sighting.ids == {"id": "17"}
