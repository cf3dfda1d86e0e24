"""What every adapter owes the gateway, whichever vendor it speaks to."""

import contextlib
import copy
import json
import re

import msgspec
import pytest
from samples import replay

from adapters import discover
from adapters.base import (
    Applied,
    BadSignature,
    Blocked,
    HttpResponse,
    Link,
    NotApplied,
    Page,
    Pending,
    Refused,
    Secret,
    Sent,
    Sighting,
    Unknown,
    by_status,
)
from schemas.command import CANONICAL, LISTS
from schemas.outcome import Outcome

ADAPTERS = discover()
OPERATIONS = [(adapter, operation) for adapter in ADAPTERS.values() for operation in adapter.operations]
PLACES = [
    (adapter, operation, path, spot.wire)
    for adapter, operation in OPERATIONS
    for path, spot in operation.places.items()
    if spot.wire is not None
]
SECRET, PATIENT = "CANARY-secret", "CANARY-patient"

every_adapter = pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=lambda it: it.name)
every_operation = pytest.mark.parametrize(("adapter", "operation"), OPERATIONS, ids=lambda it: it.name)
every_table = pytest.mark.parametrize(
    "operation",
    [operation for _, operation in OPERATIONS],
    ids=[f"{adapter.name}-{operation.name}" for adapter, operation in OPERATIONS],
)
every_place = pytest.mark.parametrize(
    ("adapter", "operation", "path", "wire"), PLACES, ids=lambda it: getattr(it, "name", it)
)

WRONG = {"success": "yes", "code": 1, "data": [], "detail": 0, "message": [], "webhook_events": {}, "pagination": 3}
NOTHING = ("id", "task_id", "task_note_id", "claim_id", "job_id", "success", "code", "data", "detail", "message")
GARBAGE = {
    "empty": b"",
    "blank": b" \r\n",
    "HTML": b"<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>",
    "null": b"null",
    "true": b"true",
    "a number": b"42",
    "text": b'"ok"',
    "an empty list": b"[]",
    "a list of objects": b'[{"id": "1"}]',
    "an empty object": b"{}",
    "wrong types": json.dumps(WRONG).encode(),
    "only nulls": json.dumps(dict.fromkeys(NOTHING)).encode(),
    "success without ids": b'{"success": true, "message": "ok", "code": "success", "data": {}}',
    "empty ids": b'{"success": true, "code": "success", "id": "", "task_id": "", "data": {"id": "", "job_id": ""}}',
    "truncated": b'{"success": true, "task_id": "abc", "code": "success", "id": "abc", "data": {"id": "abc',
    "two documents": b'{"success": true, "task_id": "1"}{"success": true, "task_id": "2"}',
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"data":' * 100_000 + b"{}" + b"}" * 100_000,
    "deep under a known key": b'{"success":true,"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "not UTF-8": b'{"success": true, "task_id": "\xff\xfe", "id": "\xff\xfe", "job_id": "\xff"}',
    "UTF-16": '{"success": true, "task_id": "1", "id": "1"}'.encode("utf-16"),
    "NUL": b"\x00" * 64,
    "not a number": b'{"success": true, "id": NaN, "task_id": NaN}',
    "a megabyte": b"x" * 1_048_576,
}
every_garbage = pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE)


def recognisable(path):
    """A JSON-ready value of the field that cannot come from anywhere else."""
    if path in LISTS:
        return [f"one-{path}", f"two-{path}"]
    return {
        "due_at": "2031-02-03T04:05:06+00:00",
        "priority": "urgent",
        "status": "in_progress",
    }.get(path, f"the-{path}")


def sent(operation, *paths, ids=None, ref="tsk_contract"):
    required = [path for path, spot in operation.places.items() if spot.need == "required"]
    values = {path: recognisable(path) for path in [*required, *paths]}
    return Sent(ref=ref, operation=operation.name, values=values, at=replay.AT, ids=ids or {})


def credentials(struct):
    """The Struct with a canary in each field that has no default."""
    fields = [field for field in msgspec.structs.fields(struct) if field.required]
    return struct(**{
        field.name: Secret(f"{SECRET}-{field.name}") if field.type is Secret else f"{SECRET}-{field.name}"
        for field in fields
    })  # fmt: skip


def link_of(adapter):
    return Link(
        base_url="https://vendor.test",
        account=credentials(adapter.account),
        connection=credentials(adapter.connection),
        token=Secret(f"{SECRET}-token"),
    )


def read(adapter, command, response):
    """What the gateway makes of an answer: an exception on a 2xx reads as unknown."""
    if not 200 <= response.status < 300:
        return adapter.parse_error(command, response)
    try:
        return adapter.parse_success(command, response)
    except Exception:  # noqa: BLE001 - whatever it is, the gateway reads it so
        return Unknown(code="unreadable")


def answers(adapter, *types):
    """The adapter's sampled answers of these outcome types."""
    cases = [case for case in replay.cases(adapter.name) if case.sample.outcome is not None]
    return [case for case in cases if case.sample.outcome["type"] in types]


def created(adapter):
    """The sampled answers that prove a creation or a receipt."""
    return answers(adapter, "applied", "pending")


def lookups(adapter):
    return replay.cases(adapter.name, "lookup.*")


def webhooks(adapter):
    return replay.cases(adapter.name, "webhook.*")


def at(body, wire):
    for part in wire.split("."):
        body = body[part]
    return body


# The tables


@every_adapter
def test_an_adapter_is_found_under_its_own_name(adapter):
    assert ADAPTERS[adapter.name] is adapter
    assert re.fullmatch(r"[a-z][a-z0-9_]*", adapter.name)
    assert re.fullmatch(r"https://[^/]+", adapter.base_url)
    assert adapter.docs.startswith("https://")


@every_adapter
def test_no_operation_is_declared_twice(adapter):
    names = [operation.name for operation in adapter.operations]

    assert names
    assert len(names) == len(set(names))


@every_table
def test_every_key_of_the_table_is_canonical(operation):
    canonical = set(CANONICAL[operation.name])

    assert set(operation.places) <= canonical
    assert set(operation.one_per) <= set(operation.places)


@every_table
def test_a_folded_field_has_a_text_to_join(operation):
    folded = [path for path, spot in operation.places.items() if spot.wire is None]

    assert not folded or operation.places[operation.text].wire is not None


@every_table
def test_no_two_fields_go_to_one_place(operation):
    wires = [spot.wire for spot in operation.places.values() if spot.wire is not None]

    assert len(wires) == len(set(wires))


@every_table
def test_only_lists_are_cut(operation):
    assert {path for path, spot in operation.places.items() if spot.most is not None} <= LISTS


@every_table
def test_a_folded_field_is_never_required(operation):
    assert all(spot.need == "optional" for spot in operation.places.values() if spot.wire is None)


# The requests


@every_place
def test_every_place_reaches_the_wire(adapter, operation, path, wire):
    request = adapter.build_request(sent(operation, path), link_of(adapter))

    arrived, given = at(request.json or request.form, wire), recognisable(path)
    if operation.places[path].most == 1:
        assert arrived == given[0]
    elif path in LISTS:
        assert arrived[: len(given)] == given[: operation.places[path].most]
    else:
        assert arrived == given


@every_place
def test_the_vendor_s_name_leads_back_to_ours(adapter, operation, path, wire):
    assert adapter.ours(operation.name, wire) == path


@every_operation
def test_the_required_places_alone_build(adapter, operation):
    request = adapter.build_request(sent(operation), link_of(adapter))

    wires = {spot.wire.split(".")[0] for spot in operation.places.values() if spot.need == "required"}
    known = {spot.wire.split(".")[0] for spot in operation.places.values() if spot.wire is not None}
    assert wires <= set(request.json or request.form) <= known


@every_operation
def test_a_field_that_is_not_given_is_not_sent(adapter, operation):
    body = json.dumps(adapter.build_request(sent(operation), link_of(adapter)).json)

    absent = [path for path, spot in operation.places.items() if spot.need != "required"]
    assert "null" not in body
    assert not [path for path in absent if f"-{path}" in body]


@every_operation
def test_building_twice_gives_equal_requests_and_changes_nothing(adapter, operation):
    command, link = sent(operation, *operation.places), link_of(adapter)
    before = copy.deepcopy(command.values)

    once, again = (adapter.build_request(command, link) for _ in range(2))

    assert once == again
    assert msgspec.json.encode(once) == msgspec.json.encode(again)
    assert command.values == before


@every_operation
def test_a_request_goes_to_the_connection_s_origin(adapter, operation):
    request = adapter.build_request(sent(operation), link_of(adapter))

    assert request.url == "https://vendor.test" + operation.path
    assert (request.json is None) != (request.form is None)


@every_operation
def test_the_gateway_owns_the_content_type(adapter, operation):
    headers = adapter.build_request(sent(operation), link_of(adapter)).headers

    assert "content-type" not in {name.lower() for name in headers}
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in headers)


@every_adapter
def test_every_credential_reaches_the_wire(adapter):
    link = link_of(adapter)
    request = adapter.build_request(sent(adapter.operations[0]), link)

    told = json.dumps(dict(request.headers)) + request.url
    assert [name for name in canaries(link) if name not in told] == []


def canaries(link):
    required = (
        *msgspec.structs.fields(type(link.account)),
        *msgspec.structs.fields(type(link.connection)),
    )
    return [f"{SECRET}-{field.name}" for field in required if field.required]


# The lookups


@every_operation
@pytest.mark.parametrize("ids", [{}, {"job_id": "j1"}, {"id": "i1"}, {"id": "i1", "emr_id": "e1", "job_id": "j1"}])
def test_a_lookup_reads_and_never_writes(adapter, operation, ids):
    request = adapter.build_lookup(sent(operation, ids=ids), link_of(adapter), 1)

    if request is not None:
        assert (request.method, request.json, request.form) == ("GET", None, None)
        assert request.url.startswith("https://vendor.test/")


@every_operation
@pytest.mark.parametrize("key", ["id", "job_id", "emr_id"])
def test_an_id_cannot_leave_its_place_in_a_lookup_s_url(adapter, operation, key):
    link = link_of(adapter)
    honest = adapter.build_lookup(sent(operation, ids={key: "abc"}), link, 1)
    hostile = adapter.build_lookup(sent(operation, ids={key: "a/../b?c=d&e#f g"}), link, 1)

    if honest is not None:
        for mark in "/?&#=":
            assert hostile.url.count(mark) == honest.url.count(mark)
        assert " " not in hostile.url


@every_adapter
@every_garbage
def test_no_garbage_in_a_lookup_proves_that_something_does_not_exist(adapter, body):
    for operation in adapter.operations:
        for ids in ({}, {"id": "1", "job_id": "1"}):
            with contextlib.suppress(Exception):
                page = adapter.parse_lookup(sent(operation, ids=ids), HttpResponse(status=200, body=body))
                assert page == Page(sightings=page.sightings)
                assert not list(page.sightings)


@every_adapter
def test_no_beginning_of_a_lookup_s_answer_proves_anything(adapter):
    for case in lookups(adapter):
        for beginning in replay.prefixes(case.sample.response.body):
            with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is, the gateway reads it as unreadable
                adapter.parse_lookup(case.sent, HttpResponse(status=200, body=beginning))


# The answers


@every_adapter
@every_garbage
def test_no_garbage_with_a_2xx_is_taken_for_an_answer(adapter, body):
    for operation in adapter.operations:
        for status in (200, 201, 202, 204, 206, 299):
            outcome = read(adapter, sent(operation), HttpResponse(status=status, body=body))

            assert isinstance(outcome, Unknown), status


@every_adapter
@every_garbage
def test_garbage_with_any_other_status_proves_what_the_status_proves(adapter, body):
    small = body if len(body) < 5_000 else body[:2_000]
    for operation in adapter.operations:
        for status in (*range(100, 200), *range(300, 600), 600, 999):
            response = HttpResponse(status=status, headers={"retry-after": "7"}, body=small)

            outcome, expected = adapter.parse_error(sent(operation), response), by_status(response)

            assert (type(outcome), outcome.code) == (type(expected), expected.code), status


@every_adapter
@every_garbage
def test_no_exception_leaves_the_reading_of_an_error(adapter, body):
    for operation in adapter.operations:
        for status in (301, 400, 401, 403, 404, 408, 409, 422, 429, 500, 503):
            outcome = adapter.parse_error(sent(operation), HttpResponse(status=status, body=body))

            assert isinstance(outcome, Outcome)


@every_adapter
def test_an_error_status_never_creates(adapter):
    for case in created(adapter):
        for status in (302, 400, 401, 404, 409, 422, 429, 500, 502, 504):
            response = HttpResponse(status=status, body=case.response.body)

            assert not isinstance(adapter.parse_error(case.sent, response), Applied | Pending)


@every_adapter
def test_a_server_s_error_proves_nothing_whatever_its_body_says(adapter):
    for case in answers(adapter, "refused", "not_applied", "applied", "pending", "unknown"):
        for status in (500, 502, 503, 504, 520, 599):
            response = HttpResponse(status=status, body=case.response.body)

            assert isinstance(adapter.parse_error(case.sent, response), Unknown), case.name


@every_adapter
def test_an_error_s_body_with_a_2xx_never_creates(adapter):
    for case in answers(adapter, "refused", "blocked", "not_applied", "unknown"):
        response = HttpResponse(status=200, body=case.response.body)

        assert not isinstance(read(adapter, case.sent, response), Applied | Pending), case.name


@every_adapter
def test_no_beginning_of_an_answer_proves_anything(adapter):
    for case in created(adapter):
        for beginning in replay.prefixes(case.sample.response.body):
            response = HttpResponse(status=200, body=beginning)

            assert isinstance(read(adapter, case.sent, response), Unknown), (case.name, beginning[-20:])


@every_adapter
@pytest.mark.parametrize("wrong", [None, True, 1.5, [], {}, "", ["x"], {"x": 1}], ids=repr)
def test_a_value_of_the_wrong_type_never_makes_a_creation_a_refusal(adapter, wrong):
    for case in created(adapter):
        document = json.loads(case.sample.response.body)
        for key in document:
            body = json.dumps({**document, key: wrong}).encode()
            outcome = read(adapter, case.sent, HttpResponse(status=200, body=body))

            assert isinstance(outcome, Applied | Pending | Unknown), (case.name, key)


@every_adapter
def test_fields_that_the_vendor_adds_change_nothing(adapter):
    def grown(document):
        return {**document, "brandNew": {"deep": [1, {"id": "x"}]}, "also_new": None}

    for case in [case for case in replay.cases(adapter.name) if case.sample.outcome is not None]:
        body = json.dumps(replay.altered(json.loads(case.sample.response.body), grown)).encode()
        changed = msgspec.structs.replace(case.response, body=body)

        assert read(adapter, case.sent, changed) == read(adapter, case.sent, case.response), case.name


ENUMS = {"status", "syncStatus", "priority", "type", "ehrType", "object", "delivery_status"}


def novel(document):
    return {key: "brand-new" if key in ENUMS else value for key, value in document.items()}


@every_adapter
def test_a_value_that_no_page_names_loses_no_creation(adapter):
    for case in created(adapter):
        body = json.dumps(replay.altered(json.loads(case.sample.response.body), novel)).encode()
        outcome = read(adapter, case.sent, HttpResponse(status=200, body=body))

        assert isinstance(outcome, Applied | Pending), case.name
        assert outcome.ids == case.sample.outcome["ids"]
        assert getattr(outcome, "work", None) in {None, "other"}


@every_adapter
def test_a_status_that_no_page_names_loses_no_listed_task(adapter):
    def unnamed(document):
        return {key: "brand-new" if key in ENUMS - {"type"} else value for key, value in document.items()}

    for case in lookups(adapter):
        body = json.dumps(replay.altered(json.loads(case.sample.response.body), unnamed)).encode()
        page = adapter.parse_lookup(case.sent, HttpResponse(status=200, body=body))

        assert [sighting.ids for sighting in page.sightings] == [
            told.get("ids", {}) for told in case.sample.lookup.sightings
        ]


@every_adapter
@pytest.mark.parametrize("form", [4711, "4711"], ids=["number", "string"])
def test_an_id_is_a_string_whether_it_came_as_a_number_or_not(adapter, form):
    for case in created(adapter):
        ids = set(case.sample.outcome["ids"].values())

        def numbered(document, ids=ids):
            named = {key for key in document if key.endswith("id")}
            return {key: form if key in named and str(told) in ids else told for key, told in document.items()}

        body = json.dumps(replay.altered(json.loads(case.sample.response.body), numbered)).encode()
        outcome = read(adapter, case.sent, HttpResponse(status=200, body=body))

        assert outcome.ids == dict.fromkeys(case.sample.outcome["ids"], "4711"), case.name


@every_adapter
def test_the_samples_show_each_operation_succeed_and_fail(adapter):
    for operation in adapter.operations:
        for cases in (created(adapter), answers(adapter, "refused")):
            assert operation.name in {case.sample.operation for case in cases}


# The webhooks


signing = pytest.mark.parametrize(
    "adapter", [adapter for adapter in ADAPTERS.values() if adapter.pushes == "signed"], ids=lambda it: it.name
)


@signing
def test_a_signing_vendor_has_a_sample_of_a_signed_webhook(adapter):
    assert webhooks(adapter)


@signing
def test_a_bad_signature_raises(adapter):
    case = webhooks(adapter)[0]
    hook, secret = case.sample.webhook, replay.secret(case)
    (name, value) = next(iter(hook.headers.items()))
    body = hook.body.encode()

    for bad in ("", " ", "0", value[:-1], value + "0", value[::-1], value[:-64] + "g" * 64, value[:-64] + "0" * 64):
        with pytest.raises(BadSignature):
            adapter.verify_webhook({name: bad}, body, [secret], replay.AT)
    with pytest.raises(BadSignature):
        adapter.verify_webhook({}, body, [secret], replay.AT)
    with pytest.raises(BadSignature):
        adapter.verify_webhook(hook.headers, body, [Secret("another")], replay.AT)
    with pytest.raises(BadSignature):
        adapter.verify_webhook(hook.headers, b"", [secret], replay.AT)


@signing
def test_every_digit_of_a_signature_counts(adapter):
    case = webhooks(adapter)[0]
    ((name, value),) = case.sample.webhook.headers.items()

    for digit in range(len(value) - 64, len(value)):
        forged = value[:digit] + ("1" if value[digit] == "0" else "0") + value[digit + 1 :]
        with pytest.raises(BadSignature):
            adapter.verify_webhook({name: forged}, case.sample.webhook.body.encode(), [replay.secret(case)], replay.AT)


@signing
def test_without_a_secret_nothing_is_proved(adapter):
    hook = webhooks(adapter)[0].sample.webhook

    with pytest.raises(BadSignature):
        adapter.verify_webhook(hook.headers, hook.body.encode(), [], replay.AT)


@signing
@pytest.mark.parametrize("text", ["é" * 64, "\uff10" * 64, "\x00" * 64, "a" * 1_000_000], ids=ascii)
def test_a_signature_in_any_alphabet_is_only_a_bad_one(adapter, text):
    case = webhooks(adapter)[0]
    name = next(iter(case.sample.webhook.headers))

    with pytest.raises(BadSignature):
        adapter.verify_webhook({name: text}, b"{}", [replay.secret(case)], replay.AT)


@signing
@every_garbage
def test_garbage_is_no_signed_webhook(adapter, body):
    case = webhooks(adapter)[0]

    with pytest.raises(BadSignature):
        adapter.verify_webhook(case.sample.webhook.headers, body, [replay.secret(case)], replay.AT)


@every_adapter
@every_garbage
def test_garbage_in_a_webhook_tells_of_no_delivery(adapter, body):
    with contextlib.suppress(Exception):
        for sighting in adapter.parse_webhook({}, body):
            assert sighting.says == "other"
            assert not sighting.ids


@every_adapter
def test_a_webhook_read_twice_says_the_same(adapter):
    for case in webhooks(adapter):
        hook = case.sample.webhook
        once, again = (list(adapter.parse_webhook(hook.headers, hook.body.encode())) for _ in range(2))

        assert once == again


@every_adapter
def test_the_order_of_a_webhook_s_keys_does_not_matter(adapter):
    for case in webhooks(adapter):
        hook = case.sample.webhook
        turned = replay.altered(json.loads(hook.body), lambda part: dict(reversed(part.items())))

        seen = adapter.parse_webhook(hook.headers, json.dumps(turned).encode())

        assert [replay.shown(sighting) for sighting in seen] == list(case.sample.sightings)


@every_adapter
def test_a_webhook_of_an_unknown_type_is_read_and_means_nothing(adapter):
    for case in webhooks(adapter):
        body = json.dumps(replay.altered(json.loads(case.sample.webhook.body), unheard)).encode()

        assert {sighting.says for sighting in adapter.parse_webhook({}, body)} <= {"other"}


def unheard(document):
    return {key: "brand.new" if key in {"type", "event_type", "event"} else told for key, told in document.items()}


@every_adapter
def test_fields_that_the_vendor_adds_to_a_webhook_change_nothing(adapter):
    for case in webhooks(adapter):
        body = json.loads(case.sample.webhook.body)
        grown = replay.altered(body, lambda part: {**part, "brandNew": [{"id": "x"}], "also_new": None})

        seen = adapter.parse_webhook({}, json.dumps(grown).encode())

        assert [replay.shown(sighting) for sighting in seen] == list(case.sample.sightings)


# What must not leak


def leaks(value):
    return [canary for canary in (SECRET, PATIENT) for text in (repr(value), str(value), f"{value}") if canary in text]


@every_operation
def test_nothing_that_is_built_shows_a_secret_or_a_patient(adapter, operation):
    link = link_of(adapter)
    values = {path: [PATIENT] if path in LISTS else PATIENT for path in operation.places}
    command = Sent(ref="tsk_1", operation=operation.name, values=values, at=replay.AT, ids={"id": PATIENT})
    request = adapter.build_request(command, link)

    assert PATIENT in json.dumps(request.json or request.form)
    for value in (link, link.account, link.connection, command, request, adapter.build_lookup(command, link, 1)):
        assert not leaks(value)


def marked(document):
    keep = {*ENUMS, "event_type", "code"}
    return {
        key: f"{PATIENT} {told}" if isinstance(told, str) and key not in keep else told
        for key, told in document.items()
    }


@every_adapter
def test_nothing_that_is_read_shows_a_patient(adapter):
    for case in answers(adapter, "refused", "blocked", "unknown", "not_applied"):
        body = json.dumps(replay.altered(json.loads(case.sample.response.body), marked)).encode()
        response = msgspec.structs.replace(case.response, body=body)

        assert not leaks(response)
        assert not leaks(read(adapter, case.sent, response))
    for case in lookups(adapter):
        body = json.dumps(replay.altered(json.loads(case.sample.response.body), marked)).encode()
        page = adapter.parse_lookup(case.sent, HttpResponse(status=200, body=body))

        assert not leaks(page)
        assert not [leak for sighting in page.sightings for leak in leaks(sighting)]
    for case in webhooks(adapter):
        body = json.dumps(replay.altered(json.loads(case.sample.webhook.body), marked)).encode()

        assert not [leak for sighting in adapter.parse_webhook({}, body) for leak in leaks(sighting)]


@every_adapter
def test_no_error_quotes_what_it_could_not_read(adapter):
    command = sent(adapter.operations[0])
    for body in (
        f'"{PATIENT}"',
        f'{{"{PATIENT}": "{PATIENT}"',
        json.dumps(dict.fromkeys([*NOTHING, "type"], PATIENT)),
        json.dumps({key: [PATIENT] for key in (*NOTHING, "type", "pagination", "webhook_events")}),
    ):
        response = HttpResponse(status=200, body=body.encode())
        for read_it in (
            lambda response=response: adapter.parse_success(command, response),
            lambda response=response: adapter.parse_error(command, response),
            lambda response=response: adapter.parse_lookup(command, response),
            lambda body=body: adapter.parse_webhook({}, body.encode()),
        ):
            try:
                read_it()
            except Exception as error:  # noqa: BLE001 - any of them may reach a log
                assert not leaks(error)  # noqa: PT017 - that it raises at all is not owed


def test_a_value_that_holds_patient_text_does_not_show_it():
    for value in (
        Sighting(says="created", values={"description": PATIENT}, reason=PATIENT, ids={"id": PATIENT}),
        Refused(code="refused", message=PATIENT),
        Blocked(code="credentials", message=PATIENT),
        NotApplied(code="http-429", retry_after="7"),
        HttpResponse(status=200, headers={"set-cookie": SECRET}, body=PATIENT.encode()),
    ):
        assert not leaks(value)
