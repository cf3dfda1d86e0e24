"""The samples of our own adapters, and the vendor pages that they were written from.

What a sample is, and what a replay of it must give, stands in `gateway/conformance/samples.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from gateway.conformance.samples import Samples, read_samples

HERE = Path(__file__).parent


def samples(adapter: str) -> Samples:
    """An adapter's samples."""
    return read_samples(HERE / adapter)


def named(name: str) -> Any:
    """The sample of a name, "cobalt/create_task.example"."""
    adapter = name.partition("/")[0]
    return next(sample for sample in samples(adapter).all if sample.name == f"samples/{name}.json")


def pages() -> dict[str, list[str]]:
    """Every JSON document that the five vendor pages print, by page, each exactly as printed."""
    return msgspec.json.decode((HERE / "pages.json").read_bytes(), type=dict[str, list[str]])
