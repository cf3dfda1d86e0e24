"""BENCHMARKS.md: a section of each measurement that was made, in their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench import machine

SECTIONS = ("compare", "fanout", "webhooks", "stream", "recovery", "start", "clinics", "stored", "soak")
HEAD = """# Benchmarks

Written by `make bench` (and `make soak`); each section is a file of `tests/bench/`, and can be made anew alone. Ratios
count; absolute figures are one machine's.

"""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown, its first column words and the others figures."""
    lines = [list(head), ["---", *["---:"] * (len(head) - 1)], *map(list, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write(name: str, title: str, text: str) -> None:
    """Keep a section, and write the page of all that were kept."""
    sections = machine.KEPT / "sections"
    sections.mkdir(parents=True, exist_ok=True)
    (sections / name).write_text(f"## {title}\n\n{text.strip()}\n")
    kept = [sections / each for each in SECTIONS if (sections / each).exists()]
    (machine.ROOT / "BENCHMARKS.md").write_text(HEAD + "\n".join(section.read_text() for section in kept))
    machine.told(f"\n{text.strip()}\n")
