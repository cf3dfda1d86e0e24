"""Each sample replays: the request byte for byte, the answer, the sightings, the signature."""

import json
import re
from itertools import pairwise

import msgspec
import pytest
from samples import replay
from samples.replay import Case

from adapters import discover
from adapters.base import BadSignature, Secret

ADAPTERS = discover()
CASES = replay.cases()


def of(part):
    """The cases that have `part`, one test each."""
    having = [case for case in CASES if getattr(case.sample, part) is not None]
    return pytest.mark.parametrize("case", having, ids=lambda case: case.name)


@of("request")
def test_the_request_is_the_page_s_byte_for_byte(case: Case):
    adapter, told = ADAPTERS[case.adapter], case.sample.request

    built = adapter.build_request(case.sent, replay.link(adapter, case.sample.link))

    assert (built.method, built.url, dict(built.headers)) == (told.method, told.url, dict(told.headers))
    assert msgspec.json.encode(built.json) == msgspec.json.encode(told.body)
    assert built.form is None


@of("outcome")
def test_the_answer_is_read_as_the_page_means_it(case: Case):
    adapter, response = ADAPTERS[case.adapter], case.response
    parse = adapter.parse_success if 200 <= response.status < 300 else adapter.parse_error

    outcome = replay.shown(parse(case.sent, response))

    if "message" not in case.sample.outcome:
        outcome.pop("message", None)
    assert outcome == case.sample.outcome


@of("lookup")
def test_what_is_listed_is_seen(case: Case):
    told = case.sample.lookup

    page = ADAPTERS[case.adapter].parse_lookup(case.sent, case.response)

    assert [replay.shown(sighting) for sighting in page.sightings] == list(told.sightings)
    assert (page.more, page.complete) == (told.more, told.complete)


@of("lookup")
def test_every_sample_of_a_lookup_can_be_asked_for(case: Case):
    adapter = ADAPTERS[case.adapter]
    link = replay.link(adapter, case.sample.link)

    request = adapter.build_lookup(case.sent, link, case.sample.page)

    assert request is not None
    assert request.method == "GET"
    assert request.json is None
    assert request.url.startswith(link.base_url + "/")
    assert request.headers == adapter.headers(link)


@of("webhook")
def test_the_webhook_says_what_the_page_means(case: Case):
    hook = case.sample.webhook

    sightings = ADAPTERS[case.adapter].parse_webhook(hook.headers, hook.body.encode())

    assert [replay.shown(sighting) for sighting in sightings] == list(case.sample.sightings)


@of("webhook")
def test_the_signature_proves_the_body(case: Case):
    hook = case.sample.webhook

    ADAPTERS[case.adapter].verify_webhook(hook.headers, hook.body.encode(), [replay.secret(case)], replay.AT)


@of("webhook")
def test_during_a_rotation_either_secret_proves_the_body(case: Case):
    hook, other = case.sample.webhook, Secret("whsec_another")

    for secrets in ([other, replay.secret(case)], [replay.secret(case), other]):
        ADAPTERS[case.adapter].verify_webhook(hook.headers, hook.body.encode(), secrets, replay.AT)


@of("webhook")
def test_the_signature_does_not_prove_a_body_with_one_byte_changed(case: Case):
    hook, adapter = case.sample.webhook, ADAPTERS[case.adapter]
    body = hook.body.encode()

    for at in range(len(body)):
        forged = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        with pytest.raises(BadSignature):
            adapter.verify_webhook(hook.headers, forged, [replay.secret(case)], replay.AT)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_sample_tells_where_and_when_it_is_from(case: Case):
    sample = case.sample

    assert sample.source in replay.pages() or sample.source.startswith("https://")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", sample.date)
    assert sample.about
    assert [sample.outcome, sample.lookup, sample.webhook].count(None) == 2
    assert (sample.operation is None) == (sample.webhook is not None)


PRINTED = [(page, body) for page, bodies in replay.pages().items() for body in bodies]


@pytest.mark.parametrize(("page", "body"), PRINTED, ids=lambda part: re.sub(r"\s+", "", part)[:60])
def test_every_document_that_a_page_prints_is_in_a_sample(page, body):
    samples = [case.sample for case in CASES if case.sample.source == page]

    texts = {sample.response.body for sample in samples if sample.response}
    texts |= {sample.webhook.body for sample in samples if sample.webhook}
    requests = {json.dumps(sample.request.body) for sample in samples if sample.request}

    assert body in texts or json.dumps(json.loads(body)) in requests


def test_the_pages_are_five_and_none_is_empty():
    pages = replay.pages()

    assert {page: len(bodies) for page, bodies in pages.items()} == {
        "cobalt-create-task": 8,
        "cobalt-create-task-note": 8,
        "cobalt-create-claim": 9,
        "task-api-create-task": 2,
        "maxcare-create-task": 2,
    }


def test_no_two_samples_are_the_same():
    exchanges = sorted(
        json.dumps(msgspec.to_builtins(msgspec.structs.replace(case.sample, about="", source="", date="")))
        for case in CASES
    )

    assert all(one != other for one, other in pairwise(exchanges))
