"""What our own adapters keep beyond the conformance kit, which they all pass (test_conformance.py)."""

import json

import pytest
from samples import replay

from adapters import discover
from adapters.base import Applied, Blocked, HttpResponse, NotApplied, Pending, Refused, Sighting, by_status
from gateway.conformance import bodies, canaries
from gateway.rules.verdict import of_answer

ADAPTERS = discover()
OPERATIONS = [(adapter, operation) for adapter in ADAPTERS.values() for operation in adapter.operations]
WORDS = {"status", "syncStatus", "priority", "type", "ehrType", "object", "delivery_status"}

every_adapter = pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=lambda it: it.name)
every_operation = pytest.mark.parametrize(("adapter", "operation"), OPERATIONS, ids=lambda it: it.name)


def unheard(document):
    return {key: "brand-new" if key in WORDS else told for key, told in document.items()}


@every_operation
def test_a_request_goes_to_the_path_of_its_table_and_holds_nothing_else(adapter, operation):
    request = adapter.build_request(canaries.command(operation, *operation.places), canaries.link(adapter))

    assert request.url == canaries.ORIGIN + operation.path
    assert set(request.json) == {spot.wire.split(".")[0] for spot in operation.places.values() if spot.wire}


@every_operation
def test_the_vendor_s_name_leads_back_to_ours(adapter, operation):
    for path, spot in operation.places.items():
        if spot.wire:
            assert adapter.ours(operation.name, spot.wire) == path


@every_operation
def test_garbage_with_an_error_status_gets_the_very_code_of_the_status(adapter, operation):
    for body in bodies.UNREADABLE.values():
        for status in (302, 307, 400, 401, 404, 408, 409, 422, 429, 500):
            response = HttpResponse(status=status, headers={"retry-after": "7"}, body=body)

            outcome, expected = adapter.parse_error(canaries.command(operation), response), by_status(response)

            assert (type(outcome), outcome.code) == (type(expected), expected.code), status


@every_adapter
def test_words_that_no_page_names_lose_no_creation_and_are_other_work(adapter):
    for sample in replay.samples(adapter.name).created:
        body = bodies.encoded(bodies.altered(json.loads(sample.response.body), unheard))

        outcome = of_answer(adapter, sample.command, HttpResponse(status=200, body=body), doubt=False)

        assert isinstance(outcome, Applied | Pending), sample.name
        assert outcome.ids == sample.outcome["ids"]
        assert getattr(outcome, "work", None) in {None, "other"}


@every_adapter
def test_a_webhook_of_an_unknown_type_means_nothing(adapter):
    kinds = {"type", "event_type", "event"}
    for sample in replay.samples(adapter.name).webhooks:
        changed = bodies.altered(
            json.loads(sample.webhook.body),
            lambda part: {key: "brand.new" if key in kinds else told for key, told in part.items()},
        )

        assert {sighting.says for sighting in adapter.parse_webhook({}, bodies.encoded(changed))} <= {"other"}


def test_a_value_that_holds_patient_text_does_not_show_it():
    patient, secret = canaries.PATIENT, canaries.SECRET
    for value in (
        Sighting(says="created", values={"description": patient}, reason=patient, ids={"id": patient}),
        Refused(code="refused", message=patient),
        Blocked(code="credentials", message=patient),
        NotApplied(code="http-429", retry_after="7"),
        HttpResponse(status=200, headers={"set-cookie": secret}, body=patient.encode()),
    ):
        assert not canaries.leaks(value)
