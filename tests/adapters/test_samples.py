"""Our samples hold what the vendors' pages print; that they replay is the conformance kit's."""

import json
import re
from itertools import pairwise

import msgspec
import pytest
from samples import replay

from adapters import discover

SAMPLES = [sample for name in discover() for sample in replay.samples(name).all]
PRINTED = [(page, body) for page, bodies in replay.pages().items() for body in bodies]


@pytest.mark.parametrize(("page", "body"), PRINTED, ids=lambda part: re.sub(r"\s+", "", part)[:60])
def test_every_document_that_a_page_prints_is_in_a_sample(page, body):
    told = [msgspec.to_builtins(sample) for sample in SAMPLES if sample.source == page]

    texts = {(sample.get("response") or sample.get("webhook"))["body"] for sample in told}
    requests = {json.dumps(sample["request"]["body"]) for sample in told if sample.get("request")}

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
        json.dumps({
            key: told
            for key, told in msgspec.to_builtins(sample).items()
            if key not in {"about", "source", "date", "name"}
        })
        for sample in SAMPLES
    )  # fmt: skip

    assert all(one != other for one, other in pairwise(exchanges))
