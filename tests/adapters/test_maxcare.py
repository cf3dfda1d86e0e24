"""What is peculiar to MaxCare and stands in no sample."""

import json
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from samples import replay

from adapters.base import Applied, Blocked, HttpResponse, Link, NotApplied, Pending, Secret, Sent, Unknown
from adapters.maxcare import Account, Connection, adapter

LINK = Link(
    base_url="https://api.maxcare.ai",
    account=Account(api_key=Secret("max_prd_ak_1")),
    connection=Connection(organization_id=Secret("0b1c")),
)
PAGE = replay.named("maxcare/create_task.example")
DOCUMENT = json.loads(PAGE.response.body)
CODES = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "rate_limit_exceeded": 429,
    "internal_error": 500,
}


def sent(**ids) -> Sent:
    return msgspec.structs.replace(PAGE.command, ids=ids)


def reply(document, status=200, headers=None) -> HttpResponse:
    return HttpResponse(status=status, headers=headers or {}, body=json.dumps(document).encode())


def success(**changes) -> HttpResponse:
    return reply({"code": "success", "data": {**DOCUMENT["data"], **changes}})


def error(code, message="No.", status=None, headers=None) -> HttpResponse:
    return reply({"code": code, "message": message, "trace_id": "t"}, status or CODES.get(code, 400), headers)


# Success and error share the key `code`


@pytest.mark.parametrize("code", CODES)
def test_an_error_s_code_is_no_success_whatever_the_status(code):
    try:
        outcome = adapter.parse_success(sent(), error(code, status=200))
    except (ValueError, msgspec.MsgspecError):
        return
    assert not isinstance(outcome, Applied | Pending)


@pytest.mark.parametrize("code", [*CODES, "partial", "Success", "SUCCESS", ""])
def test_data_under_another_code_than_success_is_never_a_refusal(code):
    response = reply({"code": code, "message": "", "data": DOCUMENT["data"]})

    assert isinstance(adapter.parse_success(sent(), response), Unknown)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 503])
def test_a_code_of_success_does_not_turn_an_error_status(status):
    outcome = adapter.parse_error(sent(), reply(DOCUMENT, status))

    assert not isinstance(outcome, Applied | Pending)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_2xx_with_the_code_success_is_a_success(status):
    assert isinstance(adapter.parse_success(sent(), reply(DOCUMENT, status)), Applied)


def test_a_code_that_no_page_names_proves_what_the_status_proves():
    assert adapter.parse_error(sent(), error("ehr_down", status=401)) == Blocked(code="credentials")
    assert adapter.parse_error(sent(), error("ehr_down", status=404)) == Blocked(code="config")
    assert isinstance(adapter.parse_error(sent(), error("ehr_down", status=503)), Unknown)


def test_a_404_without_the_vendor_s_envelope_blocks_and_does_not_refuse():
    assert adapter.parse_error(sent(), HttpResponse(status=404, body=b"<h1>404</h1>")) == Blocked(code="config")


def test_the_wait_is_told_as_it_came():
    for given in ("12", "Wed, 21 Oct 2026 07:28:00 GMT"):
        outcome = adapter.parse_error(sent(), error("rate_limit_exceeded", headers={"retry-after": given}))

        assert isinstance(outcome, NotApplied)
        assert outcome.retry_after == given


def test_without_the_header_no_wait_is_made_up():
    outcome = adapter.parse_error(sent(), error("rate_limit_exceeded"))

    assert isinstance(outcome, NotApplied)
    assert outcome.retry_after is None


def test_a_missing_parameter_leads_back_to_our_name():
    outcome = adapter.parse_error(sent(), error("bad_request", "'noteId' is required"))

    assert adapter.ours("create_task", outcome.field) == "encounter_note_id"


# The task


@pytest.mark.parametrize(
    "stamp", ["2026-03-20 18:35:10.209452+00", "2026-03-23 03:15:47.285+00", "2026-03-23 03:15:47+00", "soon", None, 7]
)
def test_no_form_of_timestamp_loses_a_task(stamp):
    outcome = adapter.parse_success(sent(), success(createdAt=stamp, updatedAt=stamp))

    assert outcome.ids == {"id": DOCUMENT["data"]["id"]}


def test_notes_that_come_back_shorter_are_no_failure():
    assert isinstance(adapter.parse_success(sent(), success(notes="Rev")), Applied)


@pytest.mark.parametrize("state", ["pending", "syncing", "failed", "SYNCED", "", None])
def test_only_the_exact_word_synced_says_that_it_is_in_the_ehr(state):
    assert isinstance(adapter.parse_success(sent(), success(syncStatus=state)), Pending)


@pytest.mark.parametrize("status", ["completed", "done", "cancelled", "NOT_STARTED"])
def test_a_status_that_no_page_names_is_not_guessed(status):
    outcome = adapter.parse_success(sent(), success(status=status))

    assert (outcome.work, outcome.work_raw) == ("other", status)


@pytest.mark.parametrize("providers", [None, []])
def test_a_task_without_assigned_providers_is_still_a_task(providers):
    assert isinstance(adapter.parse_success(sent(), success(assignedProviders=providers)), Applied)


# Requests


def test_every_call_names_the_key_and_the_organization():
    assert adapter.headers(LINK) == {"Authorization": "Bearer max_prd_ak_1", "X-Organization-Id": "0b1c"}


def test_one_assignee_is_sent_as_a_list():
    assert adapter.build_request(sent(), LINK).json["assigneeIds"] == ["prv_d4e5f6a7b8c94d0e1f2a3b4c5d6e7f8a"]


def test_only_what_the_page_names_is_sent():
    assert list(adapter.build_request(sent(), LINK).json) == ["noteId", "providerId", "notes", "assigneeIds"]


def test_all_four_fields_are_required_the_note_included():
    needs = {spot.wire: spot.need for spot in adapter.operation("create_task").places.values() if spot.wire}

    assert needs == dict.fromkeys(("noteId", "providerId", "notes", "assigneeIds"), "required")


# Lookups


def test_a_known_task_is_asked_for_itself():
    assert adapter.build_lookup(sent(id="tsk_1"), LINK, 1).url == "https://api.maxcare.ai/v4/tasks/tsk_1"


def test_an_unknown_task_is_looked_for_on_its_note():
    url = urlsplit(adapter.build_lookup(sent(), LINK, 2).url)
    query = parse_qs(url.query)

    assert url.path == "/v4/tasks"
    assert query["noteId"] == ["nte_3cc73cb69c59403ca9108af6c5693b25"]
    assert query["page"] == ["2"]
    assert int(query["pageSize"][0]) <= 100


def test_the_search_is_not_narrowed_by_what_people_edit():
    query = parse_qs(urlsplit(adapter.build_lookup(sent(), LINK, 1).url).query)

    assert not {"status", "providerId", "notes"} & set(query)


def test_an_error_s_envelope_is_no_empty_list():
    for document in (
        {"code": "not_found", "message": "No.", "data": {"tasks": [], "pagination": {"page": 1, "totalPages": 1}}},
        {"code": "success", "data": {"tasks": []}},
        {"code": "success", "data": None},
        {"code": "success"},
    ):
        with pytest.raises((ValueError, msgspec.MsgspecError)):
            adapter.parse_lookup(sent(), reply(document))


def test_there_are_no_webhooks():
    assert adapter.pushes == "nothing"
    assert list(adapter.parse_webhook({}, b"{}")) == []
