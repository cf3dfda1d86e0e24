"""The vendor of docs/adding-a-vendor.md, put together from the guide's own blocks."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TODAY = date(2026, 11, 22)
"""The day on which its samples were written."""
TEXT = (ROOT / "docs/adding-a-vendor.md").read_text()


def blocks(language: str) -> list[str]:
    """The guide's code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """Every file that the guide builds, by its path: the adapter of all Python blocks, and each sample."""
    parts = [block if block.startswith("    ") else f"\n{block}" for block in blocks("python")]
    samples = re.findall(r"^`(vendors/samples/\S+)`\n\n```json\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return {"vendors/northwind.py": "\n".join(parts).lstrip("\n"), **dict(samples)}


def write(into: Path, changed: dict[str, str | None] | None = None) -> Path:
    """The files, some of them changed or (None) left out; the adapter's path."""
    for path, text in {**files(), **(changed or {})}.items():
        if text is not None:
            (into / path).parent.mkdir(parents=True, exist_ok=True)
            (into / path).write_text(text)
    return into / "vendors/northwind.py"
