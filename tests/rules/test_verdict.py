"""What an answer proves, status by status, and what no answer proves."""

import json

import pytest
from rules.records import NOW, attempt, record, result

from adapters import discover
from adapters.base import Adapter, HttpResponse, Operation, Place, Sent, by_status
from gateway.rules.attempts import settle
from gateway.rules.verdict import of_answer, without_answer
from schemas.outcome import Applied, Blocked, NotApplied, Pending, Refused, Unknown

CREATE = Operation(
    name="create_task",
    path="/tasks",
    places={
        "description": Place("text", "required"),
        "title": Place("subject"),
        "patient.mrn": Place("patient.record_number"),
    },
)
SENT = Sent(ref="tsk_1", operation="create_task", values={"description": "Call"}, at=NOW)


class Acme(Adapter):
    """A vendor that answers {"ok": ..., "id": ..., "why": ..., "field": ...} and raises over anything else."""

    name = "acme"
    docs = "https://acme.example"
    base_url = "https://acme.example"
    operations = (CREATE,)

    def headers(self, link):
        raise NotImplementedError

    def parse_success(self, sent, response):  # noqa: ARG002 - the interface's
        said = json.loads(response.body)
        if said["ok"] == "later":
            return Pending(ids={"job_id": said["id"]})
        return Applied(ids={"id": said["id"]}) if said["ok"] else self.refusal(said)

    def parse_error(self, sent, response):  # noqa: ARG002 - the interface's
        return self.refusal(json.loads(response.body)) if response.body else by_status(response)

    def refusal(self, said):
        return Refused(code=said["why"], field=said.get("field"))


def answer(status, said=None, body=None, **headers):
    raw = body if body is not None else b"" if said is None else json.dumps(said).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status=status, headers=named, body=raw)


def verdict(response, *, doubt=False):
    return of_answer(Acme(), SENT, response, doubt=doubt)


def test_a_code_that_is_the_vendor_s_text_is_not_kept_as_one():
    assert verdict(answer(400, {"ok": False, "why": "Ms. Okafor is unknown"})) == Refused(code="unnamed")


# Without an answer


@pytest.mark.parametrize("fault", ["dns", "connect-refused", "tls", "read-timeout", "deadline", "cancelled"])
def test_whether_a_byte_may_have_left_decides_and_not_the_fault(fault):
    assert without_answer(begun=False, fault=fault) == NotApplied(code=fault)
    assert without_answer(begun=True, fault=fault) == Unknown(code=fault)


# By status, when the vendor's own envelope is not recognised

# fmt: off
STATUSES = {
    **dict.fromkeys((400, 411, 413, 414, 415, 422, 431), Refused),
    **dict.fromkeys((401, 402, 403), Blocked),
    **dict.fromkeys((307, 308, 404, 405), Blocked),
    **dict.fromkeys((421, 425, 429), NotApplied),
    409: Refused,
    **dict.fromkeys((100, 101, 103, 199, 300, 301, 302, 303, 304, 305, 306, 399, 406, 407, 408, 410, 412, 416, 417, 418,
                     423, 424, 426, 428, 451, 499, 500, 501, 502, 503, 504, 507, 520, 521, 522, 524, 599, 600, 999),
                    Unknown),
}
# fmt: on
every_status = pytest.mark.parametrize(("status", "kind"), STATUSES.items())


@every_status
def test_a_status_alone_proves_what_the_table_says(status, kind):
    assert type(verdict(answer(status))) is kind


@every_status
def test_an_error_that_breaks_the_adapter_proves_what_its_status_does(status, kind):
    for body in (b"<html>Bad Gateway</html>", b"\xff", b"[]", b"null", b'{"why"'):
        assert verdict(answer(status, body=body)) == verdict(answer(status))
        assert type(verdict(answer(status, body=body))) is kind


@pytest.mark.parametrize(
    ("status", "code"), [(401, "credentials"), (403, "credentials"), (404, "config"), (308, "config")]
)
def test_a_block_says_who_must_mend_what(status, code):
    assert verdict(answer(status)).code == code


def test_a_rate_limit_brings_its_retry_after_along():
    assert verdict(answer(429, retry_after="17")) == NotApplied(code="http-429", retry_after="17")


# A 2xx


def test_a_success_that_the_adapter_reads_is_what_it_says():
    assert verdict(answer(200, {"ok": True, "id": "1"})) == Applied(ids={"id": "1"})
    assert verdict(answer(202, {"ok": "later", "id": "7"})) == Pending(ids={"job_id": "7"})


def test_a_documented_refusal_within_a_2xx_is_a_refusal():
    assert verdict(answer(200, {"ok": False, "why": "no"})) == Refused(code="no")


@pytest.mark.parametrize("said", [{"ok": True, "id": ""}, {"ok": "later", "id": ""}])
def test_a_success_without_an_id_is_unknown(said):
    assert verdict(answer(200, said)) == Unknown(code="no-id")


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>ok</html>", b'{"ok": true, "id": "1', b"\xff\xfe", b"null", b"[]", b"{}", b"[" * 100_000],
    ids=["empty", "HTML", "truncated", "not UTF-8", "null", "a list", "an object", "deep"],
)
@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_a_2xx_that_cannot_be_read_is_unknown_and_never_a_failure(status, body):
    assert verdict(answer(status, body=body)) == Unknown(code="unreadable")


@pytest.mark.parametrize("said", [None, "applied", {"id": "1"}])
def test_what_is_no_outcome_proves_what_an_exception_would(said):
    class Careless(Acme):
        def parse_success(self, *_):
            return said

        parse_error = parse_success

    def told(status):
        return of_answer(Careless(), SENT, answer(status), doubt=False)

    assert told(200) == Unknown(code="unreadable")
    assert told(503) == Unknown(code="http-503")
    assert told(422) == Refused(code="http-422")


# Encoded bodies: none is asked for


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, identity", ""])
def test_an_encoded_answer_is_not_read(encoding):
    readable = {"ok": True, "id": "1", "why": "no"}

    assert verdict(answer(200, readable, content_encoding=encoding)) == Unknown(code="unreadable")
    assert verdict(answer(502, readable, content_encoding=encoding)) == Unknown(code="http-502")
    assert verdict(answer(400, readable, content_encoding=encoding)) == Refused(code="http-400")


def test_identity_is_no_encoding():
    assert verdict(answer(200, {"ok": True, "id": "1"}, content_encoding="identity")) == Applied(ids={"id": "1"})


# Doubt: an earlier attempt may have been applied

# fmt: off
DOUBTED = {
    "a conflict": answer(409),
    "a conflict in the vendor's words": answer(409, {"why": "exists"}),
    "a duplicate": answer(400, {"why": "duplicate"}),
    "a duplicate within a 2xx": answer(200, {"ok": False, "why": "duplicate"}),
}
UNDOUBTED = {
    "another refusal": answer(400, {"why": "no"}),
    "a success": answer(200, {"ok": True, "id": "1"}),
    "a rate limit": answer(429),
    "a block": answer(401),
}
# fmt: on


@pytest.mark.parametrize("response", DOUBTED.values(), ids=DOUBTED)
def test_a_duplicate_may_be_our_own_when_an_earlier_attempt_is_in_doubt(response):
    assert type(verdict(response)) is Refused
    assert verdict(response, doubt=True) == Unknown(code="probably-ours")


@pytest.mark.parametrize("response", UNDOUBTED.values(), ids=UNDOUBTED)
def test_a_doubt_changes_nothing_else(response):
    assert verdict(response, doubt=True) == verdict(response)


# The field at fault


@pytest.mark.parametrize(
    ("wire", "ours"),
    [
        ("subject", "title"),
        ("text", "description"),
        ("patient.record_number", "patient.mrn"),
        ("zip", None),
        ("title", None),
        (None, None),
    ],
)
def test_a_refused_field_keeps_its_name_and_goes_by_ours_where_it_has_a_place(wire, ours):
    proved = verdict(answer(400, {"why": "missing-field", "field": wire}))

    assert proved == Refused(code="missing-field", field=wire, ours=ours)


# fmt: off
REFUSED = {
    "Cobalt": (
        "cobalt", {"success": False, "message": "Missing required field: subject"}, "subject", "title", "/title"),
    "Cobalt's patient": (
        "cobalt", {"success": False, "message": "Missing required field: patient_mrn"}, "patient_mrn", "patient.mrn",
        "/patient/mrn"),
    "the task API": (
        "task_api", {"detail": [{"loc": ["body", "deadline"], "msg": "Field required", "type": "missing"}]},
        "deadline", "due_at", "/due_at"),
    "the task API's patient": (
        "task_api", {"detail": {"type": "x", "code": "y", "message": "No such patient", "param": "patient_id"}},
        "patient_id", "patient.id", "/patient/ids/task_api"),
    "MaxCare": (
        "maxcare", {"code": "bad_request", "message": "'noteId' is required"}, "noteId", "encounter_note_id",
        "/encounter_note_id"),
    "none of ours": ("maxcare", {"code": "bad_request", "message": "'color' is required"}, "color", None, None),
    "one that we call otherwise": (
        "maxcare", {"code": "bad_request", "message": "'title' is required"}, "title", None, None),
}
# fmt: on


@pytest.mark.parametrize(("adapter", "said", "theirs", "field", "pointer"), REFUSED.values(), ids=REFUSED)
def test_a_vendor_s_refusal_points_into_the_body_as_posted(adapter, said, theirs, field, pointer):
    before = record("sending", adapter=adapter)
    proved = of_answer(discover()[adapter], SENT, answer(400, said), doubt=False)

    [error] = settle(before, attempt(), result(proved, 400)).record.content.problem.errors

    assert (error.field, error.pointer, error.source) == (field, pointer, f"vendor: {adapter} ({theirs})")


def test_a_refused_field_within_a_2xx_goes_by_our_name_too():
    assert verdict(answer(200, {"ok": False, "why": "no", "field": "subject"})).ours == "title"


def test_an_adapter_has_no_say_in_what_our_name_is():
    class Presumptuous(Acme):
        def refusal(self, said):
            return Refused(code=said["why"], field=said["field"], ours="description")

    proved = of_answer(Presumptuous(), SENT, answer(400, {"why": "no", "field": "zip"}), doubt=False)

    assert proved == Refused(code="no", field="zip")
