"""The guide to adding a vendor names everything there is. What it shows is run by test_snippets.py."""

from __future__ import annotations

from typing import get_args

import pytest
from conformance import guide

from gateway.flows.receive import KEPT_HEADERS
from schemas.command import CANONICAL
from schemas.outcome import Outcome, Says


@pytest.mark.parametrize(
    "names",
    [
        [path for paths in CANONICAL.values() for path in paths],
        [outcome.__name__ for outcome in get_args(Outcome)],
        get_args(Says),
    ],
    ids=["fields", "outcomes", "what a sighting says"],
)
def test_the_guide_names_every_word_an_author_may_use(names):
    assert [name for name in names if f"`{name}`" not in guide.TEXT and f"`{name}(" not in guide.TEXT] == []


def test_the_guide_names_every_header_that_a_webhook_keeps():
    assert [name for name in KEPT_HEADERS if name not in guide.TEXT] == []


def test_every_block_of_json_is_a_sample():
    assert len(guide.files()) == 1 + len(guide.blocks("json"))
