"""What is peculiar to Cobalt and stands in no sample."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from samples import replay

from adapters.base import BadSignature, HttpResponse, Link, Pending, Place, Refused, Secret, Sent, Unknown
from adapters.cobalt import Account, Connection, adapter
from gateway.conformance.replay import shown
from gateway.conformance.samples import AT

SECRET = Secret("whsec_cobalt")
LINK = Link(
    base_url="https://api.usecobalt.com",
    account=Account(client_id=Secret("ci"), client_secret=Secret("cs")),
    connection=Connection(access_token=Secret("at")),
)
EVENT = json.loads(replay.named("cobalt/webhook.task-created.compact").body)


def sign(text: str | bytes) -> str:
    return hmac.new(b"whsec_cobalt", text.encode() if isinstance(text, str) else text, hashlib.sha256).hexdigest()


def verify(body: str | bytes, signature: str) -> None:
    raw = body.encode() if isinstance(body, str) else body
    adapter.verify_webhook({"cobalt-verification": signature}, raw, [SECRET], AT)


def sent(operation="create_task", **ids) -> Sent:
    values = {
        "create_task": {"description": "Call back", "patient.mrn": "1", "title": "Call"},
        "add_note": {"emr_task_id": "e1", "text": "Called"},
        "create_claim": {"appointment_id": "a1"},
    }[operation]
    at = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
    return Sent(ref="tsk_1", operation=operation, values=values, at=at, ids=ids)


def reply(document, status=200) -> HttpResponse:
    return HttpResponse(status=status, body=json.dumps(document).encode())


def seen(event):
    (sighting,) = adapter.parse_webhook({}, json.dumps(event).encode())
    return shown(sighting)


# The signature


@pytest.mark.parametrize(
    ("delivered", "signed"),
    [
        ('{"a": 1, "b": [1, 2]}', '{"a":1,"b":[1,2]}'),
        ('{\n  "b": 1,\n  "a": 2\n}', '{"b":1,"a":2}'),
        ('{"a":"Jos\\u00e9 \\u2014 \\ud83d\\ude00"}', '{"a":"José — 😀"}'),
        ('{"a":1.0,"b":-2.0,"c":1.5,"d":1e2,"e":0.1}', '{"a":1,"b":-2,"c":1.5,"d":100,"e":0.1}'),
        ('{"a":"x\\/y"}', '{"a":"x/y"}'),
        ('{"a":"\\u0041\\u000a\\u0009\\u001F\\u2028"}', '{"a":"A\\n\\t\\u001f\u2028"}'),
        ('{"a":true,"b":null,"c":{},"d":[ ]}', '{"a":true,"b":null,"c":{},"d":[]}'),
    ],
    ids=["spaces", "key order kept", "non-ASCII unescaped", "1.0 is 1", "slash", "escapes", "constants"],
)
def test_the_signature_may_stand_over_what_javascript_would_write(delivered, signed):
    verify(signed, sign(signed))
    verify(delivered, sign(delivered))
    verify(delivered, sign(signed))


def test_the_bytes_as_they_came_are_tried_first():
    for body in (b'{"a": 1.0, "a": 2}', b"not JSON", b"", b"\xff\xfe", b"[" * 100_000):
        verify(body, sign(body))


def test_what_javascript_would_write_is_no_loophole():
    for forged in ('{"a":1,"b":2}', '{"a":"1"}', '{"a":1.5}', '{"A":1}'):
        with pytest.raises(BadSignature):
            verify(forged, sign('{"a":1}'))


def test_keys_in_another_order_are_another_body():
    with pytest.raises(BadSignature):
        verify('{"b": 1, "a": 2}', sign('{"a":2,"b":1}'))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: text + "0",
        lambda text: text[:32],
        lambda text: "sha256=" + text,
        lambda text: "0x" + text[2:],
        lambda text: text[:-1] + "g",
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text + "," + text,
        lambda _: "",
        lambda _: "é" * 64,
    ],
    ids=["short", "long", "half", "prefix", "0x", "not hex", "newline", "space", "two", "empty", "not ASCII"],
)
def test_a_signature_of_another_form_is_rejected(change):
    verify("{}", sign("{}"))

    with pytest.raises(BadSignature):
        verify("{}", change(sign("{}")))


def test_the_header_s_other_neighbours_are_not_needed_and_not_believed():
    body = b"{}"
    headers = {"cobalt-verification": sign(body), "webhook-timestamp": "1999-01-01T00:00:00Z", "webhook-attempt": "x"}

    adapter.verify_webhook(headers, body, [SECRET], AT)


# Events


@pytest.mark.parametrize(
    "created",
    ["2026-05-22T10:30:00-7:00", "2026-05-22T10:30:00.123-07:00", "yesterday", "", None, 1764000000, 17.5, [], {}],
    ids=repr,
)
def test_a_bad_timestamp_loses_no_event(created):
    assert seen({**EVENT, "created": created}) == seen(EVENT)


def test_an_event_without_a_timestamp_is_not_lost():
    assert seen({key: told for key, told in EVENT.items() if key != "created"}) == seen(EVENT)


def test_the_body_s_id_counts_and_not_the_header_s():
    (sighting,) = adapter.parse_webhook({"webhook-id": "evt_other"}, json.dumps(EVENT).encode())

    assert sighting.event_id == EVENT["id"]


def test_an_event_s_job_may_have_its_older_name():
    older = {"job_execution_id" if key == "job_id" else key: told for key, told in EVENT.items()}

    assert seen(older) == seen(EVENT)


def test_an_event_without_the_emr_s_id_still_tells_of_the_creation():
    data = {"task_id": "t1"}

    assert seen({**EVENT, "data": data})["ids"] == {"id": "t1", "job_id": "12345"}


@pytest.mark.parametrize("kind", ["task.updated", "task.deleted", "task", "task.", ".created", "note.created", ""])
def test_only_created_and_failed_of_our_three_kinds_mean_something(kind):
    assert seen({**EVENT, "type": kind})["says"] == "other"


def test_the_reasons_descriptions_are_told_when_there_is_no_failure_reason():
    reasons = [{"code": "a", "description": "One."}, {"code": "b"}, "odd", {"code": "c", "description": "Two."}]
    told = seen({**EVENT, "type": "task.failed", "data": {"task_id": "t1", "reasons": reasons}})["reason"]

    assert "One." in told
    assert "Two." in told


# Answers


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_2xx_with_success_is_a_receipt(status):
    outcome = adapter.parse_success(sent(), reply({"success": True, "task_id": "t1", "job_id": 7}, status))

    assert outcome == Pending(ids={"id": "t1", "job_id": "7"})


def test_a_job_id_alone_is_enough_to_follow():
    outcome = adapter.parse_success(sent(), reply({"success": True, "message": "", "job_id": 7}))

    assert outcome == Pending(ids={"job_id": "7"})


def test_a_receipt_without_any_id_is_unknown():
    assert isinstance(adapter.parse_success(sent(), reply({"success": True, "message": "Queued."})), Unknown)


def test_a_refusal_that_carries_an_id_proves_nothing():
    contradiction = reply({"success": False, "message": "Timed out.", "task_id": "t1", "job_id": 7})

    assert isinstance(adapter.parse_success(sent(), contradiction), Unknown)


def test_success_false_without_a_message_is_not_the_documented_envelope():
    assert isinstance(adapter.parse_success(sent(), reply({"success": False})), Unknown)


def test_each_operation_reads_its_own_record_s_id():
    ids = {"task_id": "t", "task_note_id": "n", "claim_id": "c", "emr_task_id": "e"}
    for operation, own in (("create_task", "t"), ("add_note", "n"), ("create_claim", "c")):
        outcome = adapter.parse_success(sent(operation), reply({"success": True, **ids, "job_id": 1}))

        assert outcome.ids["id"] == own


def test_both_wordings_of_a_missing_field_are_read_for_every_operation():
    for operation in ("create_task", "add_note", "create_claim"):
        for message in ("Missing required field: subject", "'subject' is required."):
            outcome = adapter.parse_error(sent(operation), reply({"success": False, "message": message}, 400))

            assert outcome == Refused(code="missing-field", message=message, field="subject")


def test_a_missing_field_leads_back_to_our_name():
    outcome = adapter.parse_error(
        sent(), reply({"success": False, "message": "Missing required field: phone_call_type_id"}, 400)
    )

    assert adapter.ours("create_task", outcome.field) == "phone_call_type_id"


def test_a_message_that_only_mentions_a_known_one_is_not_it():
    message = "Cannot say whether: Missing required field: description"

    outcome = adapter.parse_error(sent(), reply({"success": False, "message": message}, 400))

    assert outcome == Refused(code="refused", message=message)


# Requests


def test_the_header_names_keep_their_underscores_and_lower_case():
    assert adapter.headers(LINK) == {"client_id": "ci", "client_secret": "cs", "access_token": "at"}


def test_a_note_carries_exactly_its_two_fields():
    body = adapter.build_request(sent("add_note"), LINK).json

    assert list(body) == ["emr_task_id", "note"]


def test_only_one_assignee_is_sent_and_as_text():
    command = sent()
    several = Sent(
        ref="tsk_1", operation="create_task", values={**command.values, "assignees": ["u1", "u2"]}, at=command.at
    )

    assert adapter.build_request(several, LINK).json["assignee_user_id"] == "u1"
    assert adapter.operation("create_task").places["assignees"] == Place("assignee_user_id", "varies", most=1)


def test_what_every_emr_requires_and_what_some_do_is_as_the_pages_say():
    needs = {
        operation.name: {spot.wire: spot.need for spot in operation.places.values() if spot.wire}
        for operation in adapter.operations
    }

    assert needs == {
        "create_task": {
            "description": "required",
            "patient_mrn": "required",
            "subject": "varies",
            "assignee_user_id": "varies",
            "phone_call_type_id": "varies",
            "notify_list": "optional",
        },
        "add_note": {"emr_task_id": "required", "note": "required"},
        "create_claim": {"appointment_id": "required"},
    }


def test_claims_are_of_one_emr_and_one_per_appointment():
    claims = adapter.operation("create_claim")

    assert claims.emrs == ("eclinicalworks",)
    assert claims.one_per == ("appointment_id",)


# Lookups


def test_a_known_job_is_asked_for_by_its_id():
    url = adapter.build_lookup(sent(job_id="12345", id="t1"), LINK, 1).url

    assert url.startswith("https://api.usecobalt.com/v1/webhook-events?")
    assert "job_id=12345" in url
    assert "event_type" not in url


@pytest.mark.parametrize(
    ("operation", "kind"), [("create_task", "task"), ("add_note", "task_note"), ("create_claim", "claim")]
)
def test_without_a_job_the_successes_of_the_kind_are_asked_for(operation, kind):
    url = adapter.build_lookup(sent(operation), LINK, 3).url

    assert f"event_type={kind}.created" in url
    assert "page=3" in url
    assert "page_size=100" in url


def test_the_search_begins_on_or_before_the_day_it_was_sent_in_any_timezone():
    url = adapter.build_lookup(sent(), LINK, 1).url

    assert "start_date=2026-02-28" in url


def test_an_empty_list_never_proves_that_nothing_was_created():
    page = adapter.parse_lookup(sent(), reply({"success": True, "webhook_events": []}))

    assert not page.sightings
    assert not page.complete
